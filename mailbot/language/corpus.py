"""The corpus: labelled sentences and short mails in `corpus/*.tsv`, the truth the model is fit to."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from mailbot.case import Label
from mailbot.errors import Permanent

TOPICS = (
    "purposes",
    "legal_basis",
    "source",
    "recipients",
    "storage",
    "security",
    "cookies",
    "contact",
)
_LABELS = frozenset(label.value for label in Label)
_PLAIN = "-plain-"  # in a file's name
_SUFFIXES = {"objection": ("marketing",), "info": ("automated", *TOPICS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One labelled text. `origin`: the file it stands in (another file is another hand)."""

    labels: frozenset[Label]
    marketing: bool
    automated: bool
    topics: frozenset[str]
    subject: str
    text: str
    language: str
    origin: str

    @property
    def privacy(self) -> bool:
        """Whether it asks for anything under GDPR."""
        return Label.NOT_PRIVACY not in self.labels

    @property
    def plain(self) -> bool:
        """Whether it is of a file of plain mail, with hard cases no more often than a mailbox has
        them: on such mail the routes are chosen."""
        return _PLAIN in self.origin


def corpus_folder() -> Traversable:
    """Where the corpus ships."""
    return files("mailbot.language").joinpath("corpus")


def corpus_files(folder: Traversable | None = None) -> list[tuple[str, bytes]]:
    """Names and contents of the corpus files, in order of name."""
    place = corpus_folder() if folder is None else folder
    found = [item for item in place.iterdir() if item.name.endswith(".tsv")]
    return [(item.name, item.read_bytes()) for item in sorted(found, key=lambda item: item.name)]


def read_corpus(folder: Traversable | None = None) -> list[Example]:
    """Every example. Raises Permanent naming file and line where one cannot be read."""
    examples: list[Example] = []
    for name, content in corpus_files(folder):
        examples.extend(_read_file(name, content.decode("utf-8")))
    return examples


def _read_file(name: str, text: str) -> Iterator[Example]:
    language = name.removesuffix(".tsv").split("-")[0]
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            yield read_line(line, language, name)
        except ValueError as error:
            raise Permanent(f"corpus file {name}, line {number}: {error}") from error


def read_line(line: str, language: str, origin: str) -> Example:
    """One line `labels<TAB>text`. Raises ValueError saying what is wrong with it."""
    labels_text, tab, body = line.rstrip("\r").partition("\t")
    if not tab or not body.strip():
        raise ValueError("expected labels, a tab and a text")
    labels: set[Label] = set()
    details: set[str] = set()
    for item in labels_text.split(","):
        name, _, suffix = item.strip().partition(":")
        if name not in _LABELS or (suffix and suffix not in _SUFFIXES.get(name, ())):
            raise ValueError("unknown label")
        labels.add(Label(name))
        if suffix:
            details.add(suffix)
    if Label.NOT_PRIVACY in labels and len(labels) > 1:
        raise ValueError("not_privacy beside a right")
    subject, bars, rest = body.partition(" || ")
    if not bars:
        subject, rest = "", body
    return Example(
        labels=frozenset(labels),
        marketing="marketing" in details,
        automated="automated" in details,
        topics=frozenset(details & set(TOPICS)),
        subject=subject.replace("\\n", " ").strip(),
        text=rest.replace("\\n", "\n").strip(),
        language=language,
        origin=origin,
    )
