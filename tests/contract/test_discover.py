"""`mailbot discover` on every engine: what it proposes is sound, safe, and finds the people."""

import os
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mailbot.datamap import DataMap
from mailbot.sources.discovery.merging import merged
from mailbot.sources.discovery.proposal import Proposal
from tests.bench.discover import (
    Score,
    columns_of,
    datamap_of,
    marks_score,
    of_world,
    proposed,
    rows_score,
)
from tests.estate.build import opened, write
from tests.estate.columns import estate_marks
from tests.estate.foreign import World, legacy, saas
from tests.estate.people import Estate
from tests.estate.small import person, rows
from tests.estate.tables import CRM, SHOP
from tests.servers.databases import NewUrl

Estates = tuple[Estate, dict[str, str], Proposal]


@pytest.fixture(scope="module")
def estate(new_url: NewUrl) -> Estates:
    planted = Estate(crowd=12)
    urls = {"crm": new_url(), "shop": new_url()}
    write(urls["crm"], CRM, planted.rows["crm"])
    write(urls["shop"], SHOP, planted.rows["shop"])
    return planted, urls, proposed(urls)


def some(people: Iterable[Any], url: str) -> list[Any]:
    """Everybody on SQLite and in `make soak`; on servers every third: what they are found by is
    the same map, and that each engine finds by a map is another contract's (test_sql_source)."""
    everybody = bool(os.environ.get("MAILBOT_SOAK")) or url.startswith("sqlite")
    return list(people)[:: 1 if everybody else 3]


def good(*scores: Score) -> bool:
    """At least 95 % of what is there, and of what was found."""
    return all(min(score.precision, score.recall) >= 0.95 for score in scores)


def test_the_estates_columns_are_recognised(estate: Estates) -> None:
    identity, personal, odd = marks_score(estate[2], estate_marks())
    assert good(identity, personal), odd


def test_the_proposed_map_alone_finds_the_people_and_nobody_else(estate: Estates) -> None:
    planted, urls, proposal = estate
    people = some(planted.people.values(), urls["crm"])
    score, odd = rows_score(datamap_of(proposal, urls), urls, people, set())
    assert score.found == score.right, odd
    assert score.recall >= 0.95, odd


def test_the_proposed_map_fits_the_schema(estate: Estates) -> None:
    _, urls, proposal = estate
    sources = opened(datamap_of(proposal, urls), urls)
    for name in urls:
        sources.get(name).check()  # raises ConfigError with every mismatch


@pytest.mark.parametrize(("make", "region"), [(saas, "GB"), (legacy, "NO")])
def test_databases_of_another_hand(
    new_url: NewUrl, make: Callable[[int], World], region: str
) -> None:
    world = make(12)
    urls = {world.system: new_url()}
    write(urls[world.system], world.metadata, world.rows)
    proposal = proposed(urls, region)
    identity, personal, odd = marks_score(proposal, of_world(world))
    assert good(identity, personal), odd
    opened(datamap_of(proposal, urls), urls).get(world.system).check()
    people = some(world.people, urls[world.system])
    score, lost = rows_score(datamap_of(proposal, urls), urls, people, world.open_to_doubt)
    assert score.found == score.right, lost
    assert score.recall >= 0.95, lost


def made(new_url: NewUrl, script: str) -> tuple[str, Proposal]:
    """A database made by SQL, and what is proposed for it."""
    url = new_url()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in filter(str.strip, script.split(";\n")):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return url, proposed({"db": url})


def entries(proposal: Proposal) -> dict[str, dict[str, object]]:
    """The proposed entries by table."""
    return {block.table.label: block.document() for block in proposal.blocks["db"]}


def test_an_empty_database_and_empty_tables(new_url: NewUrl) -> None:
    assert made(new_url, "")[1].blocks == {"db": []}
    script = """CREATE TABLE kunde (id integer PRIMARY KEY, navn varchar(80), epost varchar(80));
        CREATE TABLE ordre (id integer PRIMARY KEY, kunde_id integer, merknad varchar(200))"""
    found = entries(made(new_url, script)[1])
    assert found["kunde"]["is"] == "person"
    assert found["kunde"]["identify"] == {"email": ["epost"], "name": ["navn"]}
    assert found["ordre"]["join"] == [{"columns": ["kunde_id"], "table": "kunde", "to": ["id"]}]


def test_what_somebody_else_wrote_or_referred_is_not_theirs(new_url: NewUrl) -> None:
    script = """CREATE TABLE users (id integer PRIMARY KEY, email varchar(80), name varchar(80));
        CREATE TABLE orders (id integer PRIMARY KEY, user_id integer REFERENCES users(id),
            referred_by integer REFERENCES users(id), approved_by integer REFERENCES users(id));
        INSERT INTO users VALUES (1, 'ann@a.example', 'Ann Lee'), (2, 'bob@b.example', 'Bob Ray');
        INSERT INTO orders VALUES (1, 1, 2, 2), (2, 2, 1, 1)"""
    url, proposal = made(new_url, script)
    joins = entries(proposal)["orders"]["join"]
    assert isinstance(joins, list)
    assert {tuple(join["columns"]): join["as"] for join in joins} == {
        ("referred_by",): "none",
        ("approved_by",): "none",
    }
    ann = opened(datamap_of(proposal, {"db": url}), {"db": url})
    found = rows(ann.find(person(email="ann@a.example", name="Ann Lee")))
    assert found == {("users", 1), ("orders", 1)}


def test_hostile_names_and_values_do_no_harm(new_url: NewUrl) -> None:
    meta = sa.MetaData()
    names = ("e post", "a.b", "navn[0]", "x` y", "tlf\\")
    sa.Table(
        't"; DROP TABLE x--', meta, sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String(80)) for name in names),
    )  # fmt: skip
    values = ("o'k@a.example", "'); --", '[[[{{{"', "%_\\", "\u202e+47 91234567")
    url = new_url()
    write(url, meta, {'t"; DROP TABLE x--': [{"id": 1, **dict(zip(names, values, strict=True))}]})
    proposal = proposed({"db": url})
    text = merged("", proposal, DataMap(), [("db", "sqlite:///x.db")])
    (table,) = DataMap.model_validate(tomllib.loads(text)).database[0].table
    assert table.name == 't"; DROP TABLE x--'
    assert table.identify["email"] == ("e post",)
    opened(datamap_of(proposal, {"db": url}), {"db": url}).get("db").check()


def test_nothing_that_was_sampled_is_shown(
    estate: Estates, capsys: pytest.CaptureFixture[str]
) -> None:
    planted, urls, proposal = estate
    text = merged("", proposal, DataMap(), [(name, "sqlite:///x.db") for name in urls])
    shown = text + repr(proposal) + "".join(proposal.todo) + capsys.readouterr().out
    for one in planted.people.values():
        assert one.email not in shown
        assert one.name not in shown
        assert one.phone not in shown


def test_the_sample_is_read_on_a_connection_that_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "missing.db"
    with pytest.raises(Exception, match="cannot be opened"):
        proposed({"db": f"sqlite:///{path}"})
    assert not path.exists()


def test_identity_columns_are_counted_by_column(estate: Estates) -> None:
    identity, _ = columns_of(estate[2])
    assert identity["crm.kontakter"] >= {"fornavn", "etternavn"}
    assert identity["crm.skjemasvar"] == {"svar"}
