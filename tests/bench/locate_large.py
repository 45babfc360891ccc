"""What a search costs on a large PostgreSQL, against SQL written by hand that finds the same rows.

    python -m tests.bench.locate_large [--rows 5000000]

Two fifths of the rows are people with unindexed numbers and notes (one pass for all keys), the
others letters by an indexed address, text messages by an indexed number and orders by their owner.
Search and reference run in turn on the same server; the least of five each counts. The first search
reads the schema and passes over all tables, the second looks for odd values, the third knows them.
"""

import argparse
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from mailbot.commands_locate import written
from mailbot.datamap import DataMap
from mailbot.sources import AllSources
from tests.estate.build import opened
from tests.estate.small import person
from tests.servers.postgres import fresh_database, postgres

# The reference: what a careful person would write who knows the indexes and the odd spellings.
BY_HAND = {
    "folk": """
        SELECT * FROM folk WHERE lower(trim(epost)) = 'p77@privat.no'
        OR regexp_replace(tlf, '\\D', '', 'g') LIKE '%40000077'
        OR navn ILIKE '%ola%' AND navn ILIKE '%nordmannsen%'
        OR notat ILIKE '%p77@privat.no%' OR regexp_replace(notat, '\\D', '', 'g') LIKE '%40000077%'
        """,
    "brev": """
        SELECT * FROM brev WHERE lower(epost) IN
            ('p77@privat.no', ' p77@privat.no', 'p77@privat.no ')
        """,
    "kvittering": """
        SELECT * FROM kvittering WHERE epost IN ('p77@privat.no', 'P77@privat.no', 'P77@Privat.no',
            'P77@PRIVAT.NO', ' p77@privat.no', 'p77@privat.no ')
        """,
    "sms": "SELECT * FROM sms WHERE nummer IN (40000077, 4740000077)",
    "ordre": """
        SELECT o.* FROM ordre o JOIN folk f ON f.id = o.folk WHERE lower(f.epost) = 'p77@privat.no'
        """,
}
FILL = """
CREATE TABLE folk (id bigint PRIMARY KEY, navn text, epost text, tlf text, notat text);
INSERT INTO folk SELECT n,
    CASE n WHEN 77 THEN 'Ola Nordmannsen' ELSE
        'Ola ' || translate(n::text, '0123456789', 'abdefghijk') || 'sen' END,
    'P' || n || '@Privat.no',
    '+47 4' || lpad(n::text, 7, '0'), 'Ringte om ordre ' || md5(n::text) || ' og ville ha svar.'
    FROM generate_series(1, {rows} * 4 / 10) AS n;
CREATE INDEX ON folk (lower(epost));
CREATE TABLE brev (id bigint PRIMARY KEY, epost text, dato date);
INSERT INTO brev SELECT n, CASE n % 3 WHEN 0 THEN 'P' ELSE 'p' END || n || '@privat.no',
    '2026-01-01'
    FROM generate_series(1, {rows} / 10) AS n;
INSERT INTO brev SELECT 90000000 + n, 'MANGE@privat.no', '2026-01-01'
    FROM generate_series(1, 100000) AS n;
INSERT INTO brev SELECT 80000000 + n, CASE WHEN n > 10 THEN 'Tusen' ELSE 'Ti' END || '@privat.no',
    '2026-01-01' FROM generate_series(1, 1010) AS n;
CREATE INDEX ON brev (lower(epost));
CREATE TABLE kvittering (id bigint PRIMARY KEY, epost text, dato date);
INSERT INTO kvittering SELECT n, CASE n % 3 WHEN 0 THEN 'P' ELSE 'p' END || n || '@privat.no',
    '2026-01-01' FROM generate_series(1, {rows} * 2 / 10) AS n;
CREATE INDEX ON kvittering (epost);
CREATE TABLE sms (id bigint PRIMARY KEY, nummer bigint);
INSERT INTO sms SELECT n, 4740000000 + n FROM generate_series(1, {rows} / 10) AS n;
CREATE INDEX ON sms (nummer);
CREATE TABLE ordre (id bigint PRIMARY KEY, folk bigint, vare text);
INSERT INTO ordre SELECT n, n % ({rows} * 4 / 10), 'Kopp'
    FROM generate_series(1, {rows} * 2 / 10) AS n;
CREATE INDEX ON ordre (folk);
VACUUM ANALYZE
"""  # fmt: skip
FOLK = {
    "name": "folk", "is": "person", "read": {"notat": "text"},
    "identify": {"email": ["epost"], "phone": ["tlf"], "name": ["navn"]},
}  # fmt: skip
INDEXED = [
    {"name": "brev", "identify": {"email": ["epost"]}},
    {"name": "kvittering", "identify": {"email": ["epost"]}},
    {"name": "sms", "identify": {"phone": ["nummer"]}},
    {"name": "ordre", "join": [{"columns": ["folk"], "table": "folk", "to": ["id"]}]},
]


def datamap(*tables: dict[str, object]) -> DataMap:
    """A map of some of the tables."""
    database = {"name": "crm", "read_url": "x", "statement_timeout_s": 600, "table": tables}
    return DataMap.model_validate({"database": [database]})


def main() -> None:
    """Print the measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--measure", nargs=2, metavar=("URL", "EMAIL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure)
        return
    with postgres() as server:
        url = fresh_database(server)
        fill(url, options.rows)
        whole = opened(datamap(FOLK, *INDEXED), {"crm": url})
        compare("all tables", url, whole, list(BY_HAND), options.times)
        indexed = opened(datamap(*INDEXED[:3]), {"crm": url})
        compare("indexed columns alone", url, indexed, ["brev", "kvittering", "sms"], options.times)
        memory(url)
        further_tables(url)
        others_are_not_delayed(server, url)


def fill(url: str, rows: int) -> None:
    """Make the tables."""
    begun = time.monotonic()
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in FILL.format(rows=rows).split(";\n"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
    print(f"{rows:,} rows made in {time.monotonic() - begun:.0f} s")


def compare(title: str, url: str, sources: AllSources, tables: list[str], times: int) -> None:
    """The search's time over that of the SQL by hand."""
    engine = sa.create_engine(url)
    hand: list[float] = []
    ours: list[float] = []
    for _ in range(times):
        by_hand: set[tuple[str, object]] = set()
        with timed(hand), engine.connect() as connection:
            for table in tables:
                rows = connection.exec_driver_sql(BY_HAND[table].replace("%", "%%")).all()
                by_hand |= {(table, row.id) for row in rows}
        with timed(ours):
            result = sources.find(
                person(email="p77@privat.no", phone="40000077", name="Ola Nordmannsen")
            )
    engine.dispose()
    same = {(f.table, f.key["id"]) for f in result.findings} == by_hand
    print(
        f"{title}: by hand {min(hand):.3f} s, search {min(ours):.3f} s (the first {ours[0]:.3f}),"
        f" ratio {min(ours) / min(hand):.2f}, same {len(by_hand)} rows: {'yes' if same else 'NO'}"
    )


def measure(url: str, email: str) -> None:
    """Search for one address, write all findings out as `mailbot locate --json` does, and print how
    much memory this process came to use."""
    sources = opened(datamap(*INDEXED[:3]), {"crm": url})
    begun = time.monotonic()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        result = sources.find(person(email=email))
        for line in written(result):
            print(line, file=nowhere)
    spent = round(1000 * (time.monotonic() - begun))
    print(len(result.findings), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, spent)


def memory(url: str) -> None:
    """What a finding costs in memory: processes that find few and many."""
    told = []
    for email in ("ti@privat.no", "tusen@privat.no", "mange@privat.no"):
        command = [sys.executable, "-m", "tests.bench.locate_large", "--measure", url, email]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        told.append(tuple(int(part) for part in done.stdout.split()))
    for count, most, spent in told:
        print(f"memory: {count:,} findings, {most} MB at most, {spent / 1000:.1f} s")
    (few, small, _), *_, (many, large, _) = told
    print(f"memory: {(large - small) * 1024 * 1024 / max(many - few, 1):.0f} bytes a finding")


def further_tables(url: str) -> None:
    """What each further small table of the map adds to a search."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for number in range(40):
            connection.exec_driver_sql(
                f"CREATE TABLE liten{number} AS SELECT n AS id, 'a' || n || '@b.no' AS epost"
                " FROM generate_series(1, 1000) AS n"
            )
    engine.dispose()
    spent = []
    for count in (0, 40):
        more = [{"name": f"liten{n}", "identify": {"email": ["epost"]}} for n in range(count)]
        sources = opened(datamap(*INDEXED[:3], *more), {"crm": url})
        seconds: list[float] = []
        for _ in range(4):  # the first reads the schema
            with timed(seconds):
                sources.find(person(email="p77@privat.no"))
        spent.append(min(seconds))
    print(f"each further table of 1,000 rows: {(spent[1] - spent[0]) / 40 * 1000:.1f} ms")


def others_are_not_delayed(server: str, url: str) -> None:
    """Beside a database that is dead, one whose answers stop in the middle of a query, and one in
    which somebody holds a lock."""
    alone = opened(datamap(*INDEXED[:3]), {"crm": url})
    quiet = min(alone.find(person(email="p77@privat.no")).seconds["crm"] for _ in range(5))
    locked = fresh_database(server)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = gone.getsockname()[1]
    with Silence(make_url(url)) as silence, holding_a_lock(locked) as lock:
        good = datamap(*INDEXED[:3]).database[0]
        urls = {
            "dead": f"postgresql+psycopg://x@127.0.0.1:{dead}/x",
            "hangs": silence.url,
            "locked": locked,
        }
        bad = [good.model_copy(update={"name": name, "statement_timeout_s": 2}) for name in urls]
        sources = opened(DataMap(database=(good, *bad)), {"crm": url, **urls})
        for _ in range(3):
            sources.find(person(email="p77@privat.no"))
        lock()
        silence.begin()
        begun = time.monotonic()
        result = sources.find(person(email="p77@privat.no"))
        whole = time.monotonic() - begun
    print(
        f"alone {quiet:.3f} s; beside a dead, a hanging and a locked database"
        f" {result.seconds['crm']:.3f} s (the answer after {whole:.1f} s: 2 for a statement, 15 of"
        " grace)"
    )
    print(f"searched: {', '.join(result.searched)}")
    for part in result.not_searched:
        if part.failed:
            print(f"not searched: {part.system}: {part.why}")


@contextmanager
def holding_a_lock(url: str) -> Iterator[Callable[[], object]]:
    """Another session that takes, when told, a lock that reading must wait for."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for name in ("brev", "kvittering", "sms"):
            connection.exec_driver_sql(
                f"CREATE TABLE {name} (id bigint PRIMARY KEY, epost text, nummer bigint)"
            )
    with engine.connect() as connection:
        yield lambda: connection.exec_driver_sql("LOCK TABLE brev IN ACCESS EXCLUSIVE MODE")
    engine.dispose()


class Silence:
    """Stands between a client and a server; once begun, a query goes out and nothing comes back."""

    def __init__(self, server: sa.URL) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.server = (server.host, server.port)
        self.url = server.set(port=self.listener.getsockname()[1]).render_as_string(False)
        self.silent = threading.Event()
        self.begun = False

    def __enter__(self) -> "Silence":
        """Forward."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """No more connections."""
        self.listener.close()

    def begin(self) -> None:
        """From the next query for rows on."""
        self.begun = True

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                server = socket.create_connection(self.server)
                for one, other, asks in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._forward, args=(one, other, asks), daemon=True
                    ).start()

    def _forward(self, one: socket.socket, other: socket.socket, asks: bool) -> None:
        with suppress(OSError):
            while octets := one.recv(65536):
                if asks and self.begun and b"FROM brev" in octets:
                    self.silent.set()
                if not asks and self.silent.is_set():
                    continue  # the answer is read, and lost
                other.sendall(octets)
            other.shutdown(socket.SHUT_WR)


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    """Note how long the block took."""
    begun = time.monotonic()
    yield
    into.append(time.monotonic() - begun)


if __name__ == "__main__":
    main()
