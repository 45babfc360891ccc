"""How much of each person the search finds, what it finds wrongly, and what it costs.

    python -m tests.bench.locate [--rows 200000]

Recall and wrong rows on the generated estate, on SQLite and PostgreSQL. Then one large table on
PostgreSQL against the SQL below, written by hand to find the same rows in one pass, in this run.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from mailbot.datamap import DataMap
from mailbot.record import Certainty
from tests.estate.build import estate, opened
from tests.estate.small import person
from tests.servers.postgres import fresh_database, postgres

# The reference. What a careful person would write: case, space and separators do not matter, and
# the text column is read once for all keys.
BY_HAND = """
SELECT * FROM folk WHERE lower(trim(epost)) = 'p77@privat.no' OR regexp_replace(tlf, '\\D', '', 'g')
    LIKE '%40000077' OR notat ILIKE '%p77@privat.no%'
    OR regexp_replace(notat, '\\D', '', 'g') LIKE '%40000077%'
"""
FILL = """
CREATE TABLE folk (id bigint PRIMARY KEY, navn text, epost text, tlf text, notat text);
INSERT INTO folk SELECT n,
    'Ola ' || translate(n::text, '0123456789', 'abdefghijk') || 'sen', 'P' || n || '@Privat.no',
    '+47 4' || lpad(n::text, 7, '0'), 'Ringte om ordre ' || md5(n::text) || ' og ville ha svar.'
    FROM generate_series(1, {rows}) AS n;
ANALYZE folk;
"""
MAP = {
    "database": [{
        "name": "crm", "read_url": "x", "statement_timeout_s": 600,
        "table": [{
            "name": "folk", "is": "person", "read": {"notat": "text"},
            "identify": {"email": ["epost"], "phone": ["tlf"], "name": ["navn"]},
        }],
    }]
}  # fmt: skip


def main() -> None:
    """Print the measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        accuracy("sqlite", _files(Path(folder)))
    with postgres() as url:
        accuracy("postgresql", lambda: fresh_database(url))
        cost(fresh_database(url), options.rows)


def _files(folder: Path) -> Callable[[], str]:
    numbers: Iterator[int] = iter(range(1_000_000))

    def new() -> str:
        path = folder / f"{next(numbers)}.db"
        path.touch()
        return f"sqlite:///{path}"

    return new


def accuracy(engine: str, new_url: Callable[[], str]) -> None:
    """Recall of certain rows, wrong rows, and people for whom both are perfect."""
    planted, sources = estate(new_url, crowd=45)
    found = wrong = expected = perfect = 0
    begun = time.monotonic()
    for one in planted.people.values():
        result = sources.find(person(email=one.email, name=one.name))
        certain = {
            (f.system, f.table, tuple(sorted(f.key.items())))
            for f in result.findings
            if f.certainty is Certainty.CERTAIN
        }
        found += len(certain & one.certain)
        wrong += len(certain - one.certain)
        expected += len(one.certain)
        perfect += certain == one.certain
    people = len(planted.people)
    each = (time.monotonic() - begun) / people
    print(
        f"{engine}: recall {found / expected:.4f} ({found}/{expected}), wrong rows {wrong},"
        f" people without fault {perfect}/{people}, {each * 1000:.0f} ms a person"
    )


def cost(url: str, rows: int) -> None:
    """The search's time over that of the SQL by hand, the least of three each, in turn."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in FILL.format(rows=rows).split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    sources = opened(DataMap.model_validate(MAP), {"crm": url})
    hand: list[float] = []
    ours: list[float] = []
    for _ in range(3):
        with _timed(hand), engine.connect() as connection:
            by_hand = connection.exec_driver_sql(BY_HAND.replace("%", "%%")).all()
        with _timed(ours):
            result = sources.find(person(email="p77@privat.no", phone="40000077"))
    same = {f.key["id"] for f in result.findings} == {row.id for row in by_hand}
    print(
        f"{rows} rows: by hand {min(hand):.2f} s, search {min(ours):.2f} s,"
        f" ratio {min(ours) / min(hand):.2f}, same rows: {'yes' if same else 'NO'}"
    )


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    begun = time.monotonic()
    yield
    into.append(time.monotonic() - begun)


if __name__ == "__main__":
    main()
