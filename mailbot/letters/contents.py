"""What an access package holds, as values: shared by the collector and the page layout."""

import json
from dataclasses import dataclass
from datetime import date

from mailbot.letters.clean import one_line
from mailbot.letters.templates import Words
from mailbot.record import Typed, Value


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: its source, to whom it was disclosed, its values as columns name them."""

    title: str  # of a mail; "" elsewhere
    source: str
    recipients: tuple[tuple[str, str], ...]
    values: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Section:
    """The records of one table."""

    system: str
    table: str
    name: str  # as the system itself calls the table
    categories: tuple[str, ...]
    labels: dict[str, str]  # column -> readable category
    entries: tuple[Entry, ...]
    mail: bool = False  # its columns are parts of a mail


@dataclass(frozen=True, slots=True)
class Package:
    """All that the files are made of."""

    case: str
    language: str
    made: date
    organisation: str
    sections: tuple[Section, ...]
    masked: int  # places where other persons were masked


def shown_value(value: Value, words: Words) -> str:
    """A value as the PDF shows it."""
    match value:
        case None | "":
            return words("package", "empty")
        case bool():
            return words("package", "yes" if value else "no")
        case Typed(type="json", text=text) if names := _file_names(text):
            return ", ".join(names)
        case Typed(type="bytes", text=text):
            return words("package", "binary", count=len(text) // 2)
        case Typed(type="datetime", text=text):
            return text.replace("T", " ", 1)
        case Typed(text=text):
            return text
    return str(value)


def _file_names(text: str) -> tuple[str, ...]:
    """The names in a list of attachments; () for any other JSON."""
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        return ()
    names = [item.get("name") for item in listed]
    return tuple(one_line(name, 120) for name in names if isinstance(name, str) and name)
