"""A mailing list as campaigns have it: a CSV file of any delimiter, encoding and header.

Every cell is looked at, whatever its column is called: an address that is hidden in a comment is
one that might be written to as well. Nothing of a list is logged or kept.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailbot import identifiers
from mailbot.errors import ConfigError, Problem

_DELIMITERS = (";", ",", "\t", "|")
_LOOKED_AT = 50  # rows by which the delimiter is told
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# A number is only looked for in a column that is called so, or a cell that is nothing else.
_PHONES = ("tlf", "telefon", "mobil", "phone", "tel", "handy", "gsm", "cell", "sms", "nummer")

# channel, values as they are compared → those on the suppression list, and since when
Suppressed = Callable[[str, Iterable[str]], Mapping[str, datetime]]


@dataclass(frozen=True, slots=True)
class MailingList:
    """The rows of a file. `numbers`: the line on which each row begins."""

    rows: Sequence[Sequence[str]]
    numbers: Sequence[int]
    delimiter: str
    encoding: str
    header: Sequence[str]  # () where the first row is an entry already


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that must not be written to. No address is repeated: `line` and `column` tell it."""

    line: int
    column: str
    channel: str
    since: datetime


def read_list(data: bytes, where: str) -> MailingList:
    """Read a file. Raises ConfigError if it is no table of text."""
    text, encoding = _decoded(data, where)
    delimiter = _delimiter(text)
    rows: list[list[str]] = []
    numbers: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                numbers.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        problem = f"line {reader.line_num + 1} is not CSV ({error})"
        raise ConfigError([Problem(where, problem, "save it as CSV again")]) from None
    first = rows[0] if rows else []
    entry = any(identifiers.find_emails(cell) or _phone(cell, "") for cell in first)
    header = () if entry else tuple(cell.strip() for cell in first)
    return MailingList(rows, numbers, delimiter, encoding, header)


def check_list(listed: MailingList, suppressed: Suppressed, region: str) -> tuple[Hit, ...]:
    """The rows with an address or a number that is on the suppression list."""
    wanted: dict[str, dict[str, list[tuple[int, int]]]] = {"email": {}, "phone": {}}
    for place, row in enumerate(listed.rows):
        if listed.header and place == 0:
            continue
        for column, cell in enumerate(row):
            for channel, value in _values(cell, _name(listed, column), region):
                wanted[channel].setdefault(value, []).append((place, column))
    hits = [
        Hit(listed.numbers[place], _name(listed, column) or str(column + 1), channel, since)
        for channel, values in wanted.items()
        for value, since in suppressed(channel, values).items()
        for place, column in values[value]
    ]
    return tuple(sorted(hits, key=lambda hit: (hit.line, hit.column, hit.channel)))


def without(listed: MailingList, hits: Iterable[Hit]) -> bytes:
    """The list without the rows that were hit, in the file's own delimiter and encoding."""
    gone = {hit.line for hit in hits}
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=listed.delimiter, lineterminator="\r\n")
    for number, row in zip(listed.numbers, listed.rows, strict=True):
        if number not in gone:
            writer.writerow(row)
    return out.getvalue().encode(listed.encoding)


def _values(cell: str, column: str, region: str) -> list[tuple[str, str]]:
    found = [("email", address) for address in identifiers.find_emails(cell)]
    # "ola@firma" and odd signs: as an address field would be read.
    alone = identifiers.email(cell) if "@" in cell else None
    found += [("email", alone)] if alone else []
    named = any(word in column.casefold() for word in _PHONES)
    numbers = list(identifiers.find_phones(cell, region)) if named else []
    number = _phone(cell, region)
    numbers += [number] if number else []
    return list(dict.fromkeys([*found, *(("phone", each) for each in numbers)]))


def _phone(cell: str, region: str) -> str | None:
    if sum(sign.isdigit() for sign in cell) < 7 or any(sign.isalpha() for sign in cell):
        return None
    return identifiers.phone(cell, region or "NO")


def _name(listed: MailingList, column: int) -> str:
    return listed.header[column] if column < len(listed.header) else ""


def _decoded(data: bytes, where: str) -> tuple[str, str]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError:
                break
    if b"\0" in data:
        raise ConfigError([Problem(where, "is no text file", "export the list as CSV")])
    for encoding in ("utf-8", "cp1252", "latin-1"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 reads any bytes")


def _delimiter(text: str) -> str:
    """The sign that cuts the first rows into the same number of cells, more than one."""
    named = text[:20].lstrip("\ufeff").lower()
    if named.startswith("sep=") and named[4:5] in _DELIMITERS:
        return named[4]  # as Excel writes and honours it

    def evenness(sign: str) -> tuple[int, int]:
        lines = text.splitlines(keepends=True)[:_LOOKED_AT]
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=sign) if row]
        except csv.Error:
            return 0, 0
        first = widths[0] if widths else 1
        return (sum(width == first for width in widths), first) if first > 1 else (0, 0)

    best = max(_DELIMITERS, key=evenness)
    return best if evenness(best) > (0, 0) else ","
