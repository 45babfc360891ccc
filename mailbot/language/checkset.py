"""The mails by which every change of what was learnt is judged before it is used.

The development set, which no model was ever fitted to, and the corpus itself.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from mailbot.case import Label
from mailbot.language.corpus import Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A mail and what it asks for."""

    subject: str
    text: str
    labels: frozenset[Label]

    @property
    def privacy(self) -> bool:
        """Whether it is privacy mail."""
        return Label.NOT_PRIVACY not in self.labels


def check_folder() -> Traversable:
    """Where the development set ships: beside the package in a checkout, inside it in a wheel."""
    beside = Path(__file__).parents[2] / "tests" / "language"
    inside = files("mailbot").joinpath("_check")
    return inside if inside.is_dir() else beside


def development_set() -> Iterator[Checked]:
    """The mails of the development set; nothing where it was left out of an installation."""
    folder = check_folder()
    if not folder.is_dir():
        return
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.startswith("dev-") and file.name.endswith(".jsonl"):
            for line in file.read_text(encoding="utf-8").splitlines():
                if line.strip():
                    item = json.loads(line)
                    yield Checked(
                        subject=str(item.get("subject") or ""),
                        text=str(item.get("body") or ""),
                        labels=frozenset(Label(label) for label in item["labels"]),
                    )


def of_corpus(examples: list[Example]) -> Iterator[Checked]:
    """The corpus as check mails."""
    for example in examples:
        yield Checked(subject=example.subject, text=example.text, labels=example.labels)
