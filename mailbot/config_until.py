"""The words of `keep.until`: until when a record is kept.

    until  =  moment { "+" N ("years" | "months" | "days") }
    moment =  COLUMN  |  year_end(COLUMN)  |  kept(TABLE, …)

TABLE is a table of the same database, or DATABASE:TABLE. The singular of a unit is allowed.
"""

import re
from dataclasses import dataclass

_COLUMN = r"[^\W\d][\w$#-]*"
_TABLE = rf"(?:[A-Za-z0-9_-]+:)?{_COLUMN}(?:\.{_COLUMN})?"
_UNTIL = re.compile(
    rf"\s*(?:(?:year_end\(\s*(?P<year>{_COLUMN})\s*\))"
    rf"|kept\(\s*(?P<tables>{_TABLE}(?:\s*,\s*{_TABLE})*)\s*\)"
    rf"|(?P<column>{_COLUMN}))"
    r"(?P<spans>(?:\s*\+\s*\d{1,4}\s*(?:years?|months?|days?))*)\s*"
)
_SPAN = re.compile(r"(\d+)\s*(year|month|day)")
LONGEST_YEARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """A parsed `keep.until`: one of column, year_end and kept; then (N, "year"|"month"|"day")."""

    column: str = ""
    year_end: str = ""
    kept: tuple[str, ...] = ()
    spans: tuple[tuple[int, str], ...] = ()


def parse_until(text: str) -> Until:
    """Read `keep.until`. Raises ValueError with what was expected."""
    found = _UNTIL.fullmatch(text[:1000])
    if found is None:
        raise ValueError("write COLUMN, year_end(COLUMN) or kept(TABLE, …), then + N years")
    tables = tuple(table.strip() for table in (found["tables"] or "").split(",") if table.strip())
    spans = tuple((int(number), unit) for number, unit in _SPAN.findall(found["spans"]))
    if sum(number / {"year": 1, "month": 12, "day": 365}[unit] for number, unit in spans) > (
        LONGEST_YEARS
    ):
        raise ValueError(f"write at most {LONGEST_YEARS} years")
    return Until(
        column=found["column"] or "", year_end=found["year"] or "", kept=tables, spans=spans
    )
