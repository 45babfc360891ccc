"""Two systems, rows that come and go, servers that are away: what is told and done, once."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailbot.case import State
from mailbot.demo_scene import reply
from mailbot.errors import Transient
from mailbot.flow import Flow
from mailbot.move import Move
from mailbot.ports import Sources
from mailbot.record import NotSearched, SearchResult
from mailbot.steps.verify import PATIENCE, verify
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, World, letter, world

SHOP = """
[[database]]
name = "shop"
title = { nb = "Nettbutikk" }
read_url = "sqlite:///demo/shop.db"
write_url = "sqlite:///demo/shop.db"
[[database.table]]
name = "brukere"
title = { nb = "Brukere" }
is = "person"
identify = { customer_no = ["kundenr"] }
[[database.table]]
name = "handlekurver"
title = { nb = "Handlekurver" }
"""


class Two(World):
    """The stage with a web shop beside the register: it knows people by customer number alone."""

    @property
    def shop_file(self) -> Path:
        return self.stage.register.with_name("shop.db")

    def shop(self, *statements: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.shop_file) as db:
            found = [row for one in statements for row in db.execute(one).fetchall()]
        db.close()
        return found


def with_map(folder: Path, more: str, old: str = "", new: str = "") -> Callable[[str], str]:
    """Extends the data map that the stage has laid out, when it hands over mailbot.toml."""

    def edit(text: str) -> str:
        path = folder / "config" / "datamap.toml"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new) + more, encoding="utf-8")
        return text

    return edit


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with world(tmp_path, with_map(tmp_path, SHOP)) as made:
        made.__class__ = Two
        assert isinstance(made, Two)
        made.shop(
            "CREATE TABLE brukere (id INTEGER PRIMARY KEY, kundenr TEXT, kallenavn TEXT)",
            "CREATE TABLE handlekurver (id INTEGER PRIMARY KEY,"
            " bruker INTEGER REFERENCES brukere (id), vare TEXT)",
            "INSERT INTO brukere VALUES (1, 'K-100231', 'ingo'), (2, 'K-100232', 'martin')",
            "INSERT INTO handlekurver VALUES (1, 1, 'hammer'), (2, 2, 'spiker')",
        )
        made.sql("DELETE FROM fakturaer WHERE kontakt_id = 1")  # nothing of hers must be kept
        yield made


def approve(two: World) -> None:
    """Kari's approval arrives and is read; nothing is done yet."""
    question = two.question()
    two.stage.deliver(reply(question, KARI, "Kari Leder", "Godkjent", two.clock.now()))
    for mailbox in two.daemon.mailboxes.values():
        two.daemon.fetch(mailbox)
    two.daemon.read_new()
    assert two.only_matter().state is State.APPROVED


def flow(two: World) -> Flow:
    return two.daemon.flow


def applied(two: World) -> list[tuple[str, str]]:
    """System and status of each effect in a business system, oldest first."""
    return [
        (str(effect.payload["system"]), effect.status)
        for effect in two.parts.store.effects(two.only_matter().id)
        if effect.kind == "apply"
    ]


def test_one_system_done_and_another_changed(two: Two):
    """What is done is told though the plan was made anew; what only its keys led to is not lost."""
    two.write(INGRID, "Sletting", ERASE)
    two.shop("UPDATE brukere SET kallenavn = 'inga' WHERE id = 1")
    two.reply(two.question(), "Godkjent")
    assert applied(two) == [("crm", "done"), ("shop", "failed")]
    assert two.rows("kontakter", "id = 1") == []
    assert len(two.shop("SELECT * FROM brukere")) == 2
    assert two.only_matter().state is State.ASKED
    assert two.sent(INGRID) == []
    assert "Brukere" in letter(two.question())

    two.reply(two.question(), "Godkjent")
    assert two.shop("SELECT id FROM brukere") == [(2,)]
    assert two.shop("SELECT id FROM handlekurver") == [(2,)]
    assert two.only_matter().state is State.ANSWERED
    assert applied(two)[2:] == [("shop", "done")]
    (answer,) = two.sent(INGRID)
    for told in ("rdrer", "rukere", "andlekurver", "ontakter"):
        assert told in letter(answer)


def test_a_system_that_refuses_stops_the_case_which_says_what_was_done_and_goes_on(two: Two):
    two.write(INGRID, "Sletting", ERASE)
    two.shop("CREATE TRIGGER nei BEFORE DELETE ON brukere BEGIN SELECT RAISE(ABORT, 'nei'); END")
    two.reply(two.question(), "Godkjent")
    assert two.only_matter().state is State.NEEDS_HUMAN
    told = letter(two.sent(KARI)[-1])
    assert "Done: crm (" in told
    assert "Not done: shop (2)" in told
    assert two.sent(INGRID) == []
    assert len(two.shop("SELECT * FROM handlekurver")) == 2
    two.shop("DROP TRIGGER nei")
    flow(two).retry(two.only_matter())
    two.once()
    assert two.only_matter().state is State.ANSWERED
    assert applied(two) == [("crm", "done"), ("shop", "done")]
    assert len(two.sent(INGRID)) == 1


def test_what_comes_to_light_afterwards_is_asked_and_told_together(two: Two):
    two.write(INGRID, "Sletting", ERASE)
    approve(two)
    matter = flow(two).advance(two.only_matter())
    assert matter.state is State.EXECUTED
    two.shop("INSERT INTO brukere VALUES (3, 'k 100231', 'ingrid')")
    two.once()
    assert two.only_matter().state is State.ASKED
    two.reply(two.question(), "Godkjent")
    assert two.only_matter().state is State.ANSWERED
    assert two.shop("SELECT id FROM brukere") == [(2,)]
    (answer,) = two.sent(INGRID)
    assert "rdrer" in letter(answer)
    assert "rukere" in letter(answer)


def test_a_system_that_is_away_is_waited_for_and_nothing_is_doubled(two: Two):
    two.write(INGRID, "Sletting", ERASE)
    away = two.shop_file.with_suffix(".away")
    two.shop_file.rename(away)
    approve(two)
    for _ in range(3):
        two.once()
        two.clock.pass_time(minutes=20)
    away.rename(two.shop_file)
    two.once()
    two.clock.pass_time(minutes=20)
    two.once()
    if two.only_matter().state is State.NEEDS_HUMAN:
        two.daemon.flow.retry(two.only_matter())
        two.once()
    assert two.only_matter().state is State.ANSWERED
    assert applied(two) == [("crm", "done"), ("shop", "done")]
    assert len(two.sent(INGRID)) == 1


def test_what_cannot_be_searched_proves_nothing(two: Two):
    two.write(INGRID, "Sletting", ERASE)
    approve(two)
    matter = flow(two).advance(two.only_matter())
    two.shop("ALTER TABLE brukere RENAME TO folk")  # one table of a system that else answers
    with pytest.raises(Transient):
        flow(two).advance(matter)
    for _ in range(20):
        two.once()
        two.clock.pass_time(minutes=20)
    assert (two.only_matter().state, two.only_matter().note) == (
        State.NEEDS_HUMAN,
        "could-not-verify",
    )
    assert two.sent(INGRID) == []
    two.shop("ALTER TABLE folk RENAME TO brukere")
    flow(two).retry(two.only_matter())
    two.once()
    assert two.only_matter().state is State.ANSWERED


class Withdrawn:
    """The sources, of which one part may not be read any more: a grant was taken away."""

    def __init__(self, sources: Sources, system: str) -> None:
        self.names, self.get = sources.names, sources.get
        self._sources, self._part = (
            sources,
            NotSearched(system=system, why="contacts: no grant", refused=True),
        )

    def find(self, *about: object, **options: object) -> SearchResult:
        found = self._sources.find(*about, **options)
        return found + SearchResult(not_searched=(self._part,))


def test_a_grant_that_is_withdrawn_meanwhile_leaves_nothing_proven(two: Two):
    two.write(INGRID, "Sletting", ERASE)
    approve(two)
    ctx = flow(two).context(flow(two).advance(two.only_matter()))
    tools = replace(flow(two).tools, sources=Withdrawn(flow(two).tools.sources, "mail"))
    assert "mail" in ctx.result.searched
    with pytest.raises(Transient):
        verify(ctx, tools)
    last = replace(ctx, matter=replace(ctx.matter, attempts=PATIENCE))
    outcome = verify(last, tools)
    assert isinstance(outcome, Move)
    assert (outcome.to, outcome.reason) == (State.NEEDS_HUMAN, "could-not-verify")
    known = replace(
        ctx.result, not_searched=(NotSearched(system="mail", why="contacts: no grant"),)
    )
    assert verify(replace(ctx, result=known), tools).to is State.VERIFIED  # told of before


def test_a_row_that_is_there_again_under_its_key_reopens_the_matter(two: Two):
    (order,) = two.rows("ordrer", "id = 11")
    two.write(INGRID, "Sletting", ERASE)
    approve(two)
    matter = flow(two).advance(two.only_matter())
    assert two.rows("ordrer", "id = 11") == []
    two.sql("INSERT INTO ordrer VALUES (" + ", ".join(repr(cell) for cell in order) + ")")
    assert flow(two).advance(matter).note == "records-remain"


def test_a_server_that_starts_anew_does_not_shorten_the_plan(two: Two):
    away = two.shop_file.with_suffix(".away")
    two.shop_file.rename(away)
    two.write(INGRID, "Sletting", ERASE)
    assert two.questions() == []
    away.rename(two.shop_file)
    two.clock.pass_time(minutes=1)
    two.once()
    assert "Brukere" in letter(two.question())


def test_a_server_that_stays_away_is_named_and_the_rest_is_asked(two: Two):
    two.shop_file.rename(two.shop_file.with_suffix(".away"))
    two.write(INGRID, "Sletting", ERASE)
    for _ in range(5):
        two.clock.pass_time(minutes=20)
        two.once()
    assert "Nettbutikk" in letter(two.question())
    assert "Brukere" not in letter(two.question())


def test_a_child_that_staff_keep_keeps_its_parent(two: Two):
    two.write(INGRID, "Sletting", ERASE)
    question = letter(two.question())
    (number,) = (
        line.strip().partition(".")[0].partition(" ")[0]
        for line in question.splitlines()
        if "ndlekurver" in line and line.strip()[:1].isdigit()
    )
    two.reply(two.question(), f"BEHOLD {number}: reklamasjonssak pågår")
    for _ in range(3):
        if two.only_matter().state is not State.ASKED:
            break
        two.reply(two.question(), "Godkjent")
    assert two.only_matter().state is State.ANSWERED
    assert two.shop("SELECT id, bruker FROM handlekurver") == [(1, 1), (2, 2)]
    assert "reklamasjonssak" in letter(two.sent(INGRID)[-1])


def test_mail_deleted_into_the_bin_is_deleted_once(tmp_path: Path):
    """The data map may leave the last step to the server's own rule for the bin."""
    soft = with_map(tmp_path, "", 'erase     = "purge"', 'erase     = "soft-delete"')
    with world(tmp_path, soft) as small:
        small.write(INGRID, "Byggeplan", "Hei, kan dere ringe meg om Byggeplan?")
        small.write(INGRID, "Sletting", ERASE)
        small.reply(small.question(), "Godkjent")
        assert small.only_matter().state is State.ANSWERED
        bin_ = small.stage.inbox / ".Trash"
        assert len([*(bin_ / "cur").iterdir(), *(bin_ / "new").iterdir()]) == 1


def test_looking_on_changes_nothing_and_comes_to_an_end(tmp_path: Path):
    def shadow(text: str) -> str:
        return text.replace('mode = "live"', 'mode = "shadow"').replace(
            'shadow_to = ""', f'shadow_to = "{KARI}"'
        )

    with world(tmp_path, shadow) as small:
        assert small.stage.settings.mode == "shadow"
        small.write(INGRID, "Sletting", ERASE)
        small.reply(small.question(), "Godkjent")
        assert small.only_matter().state is State.ANSWERED
        assert len(small.rows("kontakter")) == 4
        assert small.sent(INGRID) == []
        assert len(small.questions()) == 1
