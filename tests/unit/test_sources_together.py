"""All systems as one: keys travel, and a dead or hanging system is named and waited for by none."""

import threading
import time
from datetime import date

import pytest

from mailbot.case import Key, Label
from mailbot.datamap import DataMap, Manual
from mailbot.errors import Permanent, Transient
from mailbot.plan import Do
from mailbot.record import Certainty, Finding, SearchResult
from mailbot.sources import AllSources, ManualSource
from mailbot.sources.matching import Rules, Wanted
from mailbot.sources.searching import search
from tests.estate.small import person, rows, sources

MAP = """
[[database]]
name = "a"
read_url = "sqlite://"
[[database.table]]
name = "folk"
is = "person"
identify = { email = ["epost", "epost2"], phone = ["tlf"], name = ["navn"] }
[[database]]
name = "b"
read_url = "sqlite://"
[[database.table]]
name = "brev"
identify = { email = ["epost"], phone = ["tlf"] }
join = [{ columns = ["folk"], table = "a:folk", to = ["id"] }]
[[manual]]
name = "paper"
title = { nb = "Papirarkiv", en = "Paper archive" }
task = { nb = "Let i permene.", en = "Look in the binders." }
rights = ["access"]
"""
A = """CREATE TABLE folk (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT, epost2 TEXT, tlf TEXT);
INSERT INTO folk VALUES (1, 'Ola Li', 'ola@x.no', 'ola@jobb.no', '90012345');"""
B = """CREATE TABLE brev (id INTEGER PRIMARY KEY, folk TEXT, epost TEXT, tlf TEXT);
INSERT INTO brev VALUES (1, '1', NULL, NULL), (2, NULL, 'OLA@jobb.no', NULL),
    (3, '2', NULL, NULL), (4, NULL, NULL, '90 01 23 45');"""


class Elsewhere:
    """A system that is no database: knows one mail by one address, and teaches another one."""

    def __init__(self, name: str, knows: str, teaches: str = "") -> None:
        self.name, self.knows, self.teaches = name, knows, teaches
        self.asked = 0

    def check(self):
        return ()

    def find(self, subject):
        self.asked += 1
        if self.knows not in subject.values("email"):
            return SearchResult(searched=(self.name,))
        mail = Finding(
            system=self.name, table="inbox", key={"id": 1}, certainty=Certainty.CERTAIN,
            reason="from", trail="inbox",
        )  # fmt: skip
        learnt = (Key(kind="email", value=self.teaches, origin="record"),) if self.teaches else ()
        return SearchResult(findings=(mail,), searched=(self.name,), learnt=learnt)

    def actions(self, right, findings):
        return ()

    def apply(self, actions, key):
        raise Permanent("nothing to do")


class Broken(Elsewhere):
    def find(self, subject):
        raise Transient("broken: cannot be reached")


class Faulty(Elsewhere):
    def find(self, subject):
        raise KeyError("ola@x.no")


class Hanging(Elsewhere):
    def __init__(self, name: str) -> None:
        super().__init__(name, "")
        self.freed = threading.Event()

    def find(self, subject):
        self.freed.wait(30)
        return SearchResult(searched=(self.name,))


def with_more(world: AllSources, *more: Elsewhere) -> AllSources:
    return AllSources([*world.sources, *more], world.datamap, world.today, patience_s=0.5)


def test_keys_and_references_cross_from_one_database_to_the_other(tmp_path):
    found = sources(tmp_path, MAP, a=A, b=B).find(person(email="ola@x.no"))
    assert rows(found) == {("folk", 1), ("brev", 1), ("brev", 2), ("brev", 4)}
    trail = next(f.trail for f in found.findings if f.key == {"id": 1} and f.table == "brev")
    assert trail == "folk.id = 1 ← b:brev.folk"
    assert [(part.system, part.why) for part in found.not_searched] == [
        ("Papirarkiv", "manual task for staff")
    ]


def test_keys_cross_to_other_systems_and_back(tmp_path):
    mail = Elsewhere("mail", "ola@jobb.no", teaches="ola@gammel.no")
    old = Elsewhere("old", "ola@gammel.no")
    crm = A + "INSERT INTO folk VALUES (2, 'Ola Li', 'OLA@gammel.no', NULL, NULL);"
    world = with_more(sources(tmp_path, MAP, a=crm, b=B), mail, old)
    found = world.find(person(email="ola@x.no"))
    assert rows(found) == {
        ("folk", 1), ("folk", 2), ("inbox", 1), ("brev", 1), ("brev", 2), ("brev", 3), ("brev", 4),
    }  # fmt: skip
    assert {f.system for f in found.findings} == {"a", "b", "mail", "old"}
    assert max(mail.asked, old.asked) <= 4


def test_a_dead_system_is_named_and_nothing_else_is_lost(tmp_path):
    world = sources(tmp_path, MAP, a=A, b=B)
    (tmp_path / "b.db").unlink()
    found = with_more(world, Broken("mail", ""), Faulty("odd", "")).find(person(email="ola@x.no"))
    assert rows(found) == {("folk", 1)}
    why = {part.system: part.why for part in found.not_searched}
    assert "cannot be opened" in why["b"]
    assert why["mail"] == "broken: cannot be reached"
    assert why["odd"] == "unexpected KeyError"
    assert found.searched == ("a",)


def test_a_hanging_system_is_left_behind(tmp_path):
    hanging = Hanging("mail")
    world = with_more(sources(tmp_path, MAP, a=A, b=B), hanging)
    begun = time.monotonic()
    found = world.find(person(email="ola@x.no"))
    hanging.freed.set()
    assert time.monotonic() - begun < 5
    assert ("brev", 1) in rows(found)
    assert ("mail", "did not answer in time") in [(p.system, p.why) for p in found.not_searched]


class Stuck:
    """A database that never answers."""

    name, patience_s = "stuck", 0.3

    def __init__(self) -> None:
        self.freed = threading.Event()

    def open(self):
        self.freed.wait(30)
        raise Transient("too late")

    def run(self, query, rules):
        raise AssertionError("never opened")


def test_a_hanging_database_delays_no_other(tmp_path):
    world = sources(tmp_path, MAP, a=A, b=B)
    stuck = Stuck()
    found = search(
        [*world.sources[:2], stuck], Rules(world.datamap), Wanted(emails=frozenset({"ola@x.no"}))
    )
    stuck.freed.set()
    assert found.searched == ("a", "b")
    assert [(p.system, p.why) for p in found.not_searched] == [("stuck", "did not answer in time")]
    assert len(found.judge.certain) >= 3


def test_a_number_is_not_certain_while_a_system_that_may_know_better_is_silent(tmp_path):
    world = sources(tmp_path, MAP, a=A, b=B)
    (tmp_path / "a.db").unlink()
    found = world.find(person(phone="90012345"))
    assert rows(found) == set()
    assert rows(found, Certainty.POSSIBLE) == {("brev", 4)}


def test_unknown_systems_are_told():
    with pytest.raises(Permanent):
        AllSources([], DataMap(), lambda: date(2026, 1, 1)).get("crm")


def test_a_manual_system_is_a_task():
    paper = ManualSource(
        Manual(name="paper", title={"nb": "Papir"}, task={"nb": "Let."}, rights=("access",))
    )
    (task,) = paper.actions(Label.ACCESS, ())
    assert (task.do, task.title, task.reason) == (Do.MANUAL, "Papir", "Let.")
    assert paper.actions(Label.ERASURE, ()) == ()
    with pytest.raises(Permanent):
        paper.apply([task], b"")
