"""A grant that is taken away between acting and verifying: nothing is called proven, a person is
asked, and nobody is told anything until it was looked again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailbot.case import State
from tests.servers import mariadb as mariadb_server
from tests.servers import postgres as postgres_server
from tests.stories.register import METADATA, Register, build, laid_out
from tests.stories.test_attacks_data import approve, flow
from tests.stories.world import letter, world

KARI_VIK = "kari.vik@fjord.example"
READERS = "leser"


class Firm(Register):
    """The register, read by a user who may read what is granted, table by table."""

    reader: str

    def grant(self, table: str) -> None:
        self.run(f"GRANT SELECT ON {table} TO {self.reader}")

    def revoke(self, table: str) -> None:
        self.run(f"REVOKE SELECT ON {table} FROM {self.reader}")


def _postgresql(url: str) -> tuple[str, str, tuple[str, ...]]:
    name = f"{READERS}_{sa.make_url(url).database}"
    reading = sa.make_url(url).set(username=name).render_as_string(hide_password=False)
    return reading, name, (f"CREATE ROLE {name} LOGIN", f"GRANT USAGE ON SCHEMA public TO {name}")


def _mariadb(url: str) -> tuple[str, str, tuple[str, ...]]:
    name = f"{READERS}_{sa.make_url(url).database}"
    reading = sa.make_url(url).set(username=name).render_as_string(hide_password=False)
    return reading, f"{name}@'127.0.0.1'", (
        f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'pw'",
    )  # fmt: skip


@pytest.fixture(params=["postgresql", "mariadb"])
def firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    server: str = request.getfixturevalue(request.param)
    fresh: Callable[[str], str] = {
        "postgresql": postgres_server.fresh_database, "mariadb": mariadb_server.fresh_database
    }[request.param]  # fmt: skip
    url = fresh(server)
    build(url)
    reading, name, statements = {"postgresql": _postgresql, "mariadb": _mariadb}[request.param](url)
    engine = sa.create_engine(url)
    with engine.begin() as db:
        for one in (
            *statements,
            *(f"GRANT SELECT ON {table} TO {name}" for table in METADATA.tables),
        ):
            db.exec_driver_sql(one)

    def edit(text: str) -> str:
        laid_out(tmp_path, url)(text)
        datamap = tmp_path / "config" / "datamap.toml"
        bare = sa.make_url(url)._replace(password=None).render_as_string()
        own = sa.make_url(reading)._replace(password=None).render_as_string()
        kept = datamap.read_text().replace(f'read_url = "{bare}"', f'read_url = "{own}"')
        assert own in kept
        datamap.write_text(kept)
        return text

    with world(tmp_path, edit) as made:
        made.__class__ = Firm
        assert isinstance(made, Firm)
        made.engine, made.reader = engine, name
        yield made
        engine.dispose()


@pytest.mark.parametrize("table", ["nyhetsbrev", "kontakter", "ordrelinjer"])
def test_what_may_no_longer_be_read_is_not_called_erased(firm: Firm, table: str) -> None:
    firm.write(KARI_VIK, "Sletting", "Slett alt dere har lagret om meg.\n\nKari Vik")
    assert firm.only_matter().state is State.ASKED
    approve(firm)
    acted = flow(firm).advance(firm.only_matter())
    assert acted.state is State.EXECUTED
    firm.revoke(table)
    for _ in range(14):
        firm.once()
        firm.clock.pass_time(minutes=20)
    stopped = firm.only_matter()
    assert (stopped.state, stopped.note) == (State.NEEDS_HUMAN, "could-not-verify")
    assert firm.sent(KARI_VIK) == []
    assert "ikke kontrollert" in letter(firm.stopped())
    firm.grant(table)
    flow(firm).retry(stopped)
    firm.once()
    assert firm.only_matter().state is State.ANSWERED
    assert "slettet" in letter(firm.sent(KARI_VIK)[-1])
    assert firm.parts.store.verify_ledger().ok
