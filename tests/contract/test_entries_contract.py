"""Contacts and appointments, over Graph and over EWS: read whole, judged, deleted as approved."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from mailbot.case import Key, Label, Subject
from mailbot.datamap import Exchange, KeyPattern, Own
from mailbot.errors import NotAllowed, Stale
from mailbot.plan import Action, Correction, Do
from mailbot.ports import EntryKind, HoldsEntries
from mailbot.record import Finding, SearchResult, fingerprint
from mailbot.sources.exchange import ExchangeSource
from tests.contract.entry_worlds import Card, EntryWorld, Meeting, open_world
from tests.contract.test_mailbox_contract import mail
from tests.servers import ews
from tests.servers.ews import Ews
from tests.servers.graph import Graph

KEY = b"k" * 32
_users = itertools.count()
KARI, PER = "kari.nordmann@kunde.test", "per@kunde.test"


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with Graph() as running:
        yield running
        assert running.contract.violations == []


@pytest.fixture(scope="module")
def exchange_server() -> Iterator[Ews]:
    if why := ews.missing():
        pytest.skip(why)
    with Ews() as running:
        yield running


@pytest.fixture(params=["graph", "ews"])
def world(request: pytest.FixtureRequest) -> EntryWorld:
    server = "graph" if request.param == "graph" else "exchange_server"
    return open_world(request.getfixturevalue(server), f"entries{next(_users)}@firma.test")


def source(world: EntryWorld, **changes: object) -> ExchangeSource:
    box = world.open()
    part = Exchange(
        name="mail",
        account="support",
        mailboxes=(box.address,),
        search=("mail", "contacts", "calendar"),
    )
    own = Own(domains=("firma.test",), phones=("+472200000*",))
    keys = {"customer_no": KeyPattern(pattern=r"K-?\d{5,7}", ignore=" -")}
    return ExchangeSource(part.model_copy(update=changes), box, own, keys)


def subject(**keys: str) -> Subject:
    return Subject(
        keys=tuple(Key(kind=kind, value=value, origin="header") for kind, value in keys.items())
    )


SHE = subject(email=KARI, name="Kari Nordmann", phone="+47 913 45 678", customer_no="K-12345")


def verdicts(result: SearchResult) -> dict[str, str]:
    return {
        str(one.row.get("notes") or one.row.get("subject")): f"{one.certainty}: {one.reason}"
        for one in result.findings
    }


def erasing(part: ExchangeSource, found: Sequence[Finding]) -> list[Action]:
    return [
        replace(action, number=number, fingerprint=fingerprint(KEY, action.before))
        for number, action in enumerate(part.actions(Label.ERASURE, found), 1)
    ]


# --- the port -----------------------------------------------------------------------------------


def test_every_contact_of_every_folder_comes_once_and_whole(world: EntryWorld) -> None:
    names = {f"Kontakt {number}" for number in range(130)}
    for number, name in enumerate(sorted(names)):
        world.contact(Card(name=name), ("", "Kunder", "Kunder/Gamle")[number % 3])
    whole = Card(name="Kåre Æsøy", emails=(KARI, PER), mobile="913 45 678", company="Ås & Sønn",
                 notes="linje 1\nlinje 2", street="Storgata 1")  # fmt: skip
    key = world.contact(whole, "Kunder")
    box = world.open()
    found = list(box.entries("contact"))
    assert sorted(str(one.columns["name"]) for one in found) == sorted({*names, "Kåre Æsøy"})
    assert len({one.id for one in found}) == len(found)
    entry = next(one for one in found if one.id == key)
    assert dict(entry.columns) == {
        "name": "Kåre Æsøy", "given_name": "Kåre", "surname": "Æsøy", "company": "Ås & Sønn",
        "emails": f"{KARI}; {PER}", "phones": "913 45 678", "addresses": "Storgata 1",
        "notes": "linje 1\nlinje 2",
    }  # fmt: skip
    assert entry.folder.endswith("Kunder")
    again = box.entry("contact", key)
    assert again is not None
    assert again.columns == entry.columns


def test_appointments_and_series_come_once(world: EntryWorld) -> None:
    world.meeting(Meeting(subject="Befaring", attendees=(("Kari", KARI), ("Per", PER)), text="x"))
    series = world.meeting(Meeting(subject="Daglig", daily=True))
    box = world.open()
    found = {str(one.columns["subject"]): one for one in box.entries("appointment")}
    assert set(found) == {"Befaring", "Daglig"}
    columns = found["Befaring"].columns
    assert columns["attendees"] == f"Kari <{KARI}>; Per <{PER}>"
    assert str(columns["start"]).startswith("2026-11-02T09:00:00")
    assert columns["text"] == "x"
    assert "recurrence" not in columns
    assert found["Daglig"].columns["recurrence"]
    again = box.entry("appointment", series)
    assert again is not None
    assert again.columns == found["Daglig"].columns


@pytest.mark.parametrize("purge", [True, False])
@pytest.mark.parametrize("kind", ["contact", "appointment"])
def test_deleting_takes_one_and_twice_is_harmless(
    world: EntryWorld, kind: EntryKind, purge: bool
) -> None:
    keys = [world.contact(Card(name=str(n))) for n in range(2)]
    events = [world.meeting(Meeting(subject=str(n))) for n in range(2)]
    box = world.open()
    key = (keys if kind == "contact" else events)[0]
    for _twice in range(2):
        box.delete_entry(kind, key, purge)
        assert box.entry(kind, key) is None
        assert world.count() == ((1, 2) if kind == "contact" else (2, 1))
    for odd in ("", "../messages/x", "AAMk'x", "A" * 40, "x" * 2000):
        assert box.entry(kind, odd) is None
        box.delete_entry(kind, odd, purge)
    assert sum(world.count()) == 3
    assert len(list(box.entries(kind))) == 1


def test_what_may_not_be_read_is_refused_with_a_remedy(world: EntryWorld) -> None:
    world.contact(Card(name="Kari"))
    world.deny("contacts")
    with pytest.raises(NotAllowed) as refused:
        list(world.open().entries("contact"))
    assert "Contacts.Read" in str(refused.value) or "ApplicationImpersonation" in str(refused.value)


# --- whose they are -----------------------------------------------------------------------------


def test_whose_contact_it_is(world: EntryWorld) -> None:
    k, n = "Kari Nordmann", "913 45 678"
    for card in (
        Card(notes="hennes", name=k, emails=(KARI.title(),)),
        Card(notes="hennes, etternavn først", name="Nordmann, Kari", emails=(KARI, PER)),
        Card(notes="bare adressen", emails=(KARI,)),
        Card(notes="fornavn alene", name="Kari", emails=(KARI,)),
        Card(notes="uten navn, to adresser", emails=(KARI, PER)),
        Card(notes="annet navn", name="Per Hansen", emails=(KARI,)),
        Card(notes="firma", name="Kunde AS", company="Kunde AS", emails=(PER, KARI)),
        Card(notes="firma alene", name="Kunde AS", company="Kunde AS", emails=(KARI,)),
        Card(notes="merkelapp", name="X Y", emails=("kari.nordmann+a@kunde.test",)),
        Card(notes="navn og telefon", name=k, mobile=n),
        Card(notes="telefon uten navn", mobile=n),
        Card(notes="telefon gitt videre", name="Ola Berg", mobile=n),
        Card(notes="navnesøster", name=k, emails=("annen@x.test",)),
        Card(notes="kollega", name=k, emails=("kari@firma.test", KARI)),
        Card(notes="bare kollega", name="Ola Berg", emails=("ola@firma.test",)),
        Card(notes=f"nevnt {KARI}", name="Per Hansen", emails=(PER,)),
        Card(notes="kunde K-12345", name="Per Hansen", emails=(PER,)),
        Card(notes="fremmed", name="Per Hansen", emails=("kari.nordmann@kunde.test.no",)),
    ):  # fmt: skip
        world.contact(card, "Kunder")
    assert verdicts(source(world).find(SHE)) == {
        "hennes": "certain: contact with the person's address",
        "hennes, etternavn først": "certain: contact with the person's address",
        "bare adressen": "certain: contact with the person's address",
        "fornavn alene": "certain: contact with the person's address",
        "uten navn, to adresser": "possible: contact with the person's address and other "
        "addresses, without their name",
        "annet navn": "possible: contact with the person's address under another name",
        "firma": "possible: contact with the person's address and other addresses, without their "
        "name",
        "firma alene": "possible: contact of a company with the person's address",
        "merkelapp": "possible: address with another tag",
        "navn og telefon": "certain: contact with the person's name and phone",
        "telefon uten navn": "possible: contact with the person's phone, without a name",
        "navnesøster": "possible: contact with the person's name",
        "kollega": "possible: contact that bears an address of the organisation too",
        f"nevnt {KARI}": "possible: e-mail address in text",
        "kunde K-12345": "possible: customer number in text",
    }


def test_shared_addresses_need_the_name(world: EntryWorld) -> None:
    for card in (
        Card(notes="med navn", name="Kari Nordmann", emails=("post@kunde.test",)),
        Card(notes="uten navn", emails=("post@kunde.test",)),
        Card(notes="annet navn", name="Per Hansen", emails=("post@kunde.test",)),
    ):
        world.contact(card)
    found = verdicts(source(world).find(subject(email="post@kunde.test", name="Kari Nordmann")))
    assert {name: verdict[:7] for name, verdict in found.items()} == {
        "med navn": "certain",
        "uten navn": "possibl",
    }


def test_whose_appointment_it_is(world: EntryWorld) -> None:
    k, p = ("Kari Nordmann", KARI), ("Per Hansen", PER)
    for meeting in (
        Meeting(subject="med henne", attendees=(k,)),
        Meeting(subject="med henne og kollega", attendees=(k, ("Ola", "ola@firma.test"))),
        Meeting(subject="hun kalte inn", organizer=k),
        Meeting(subject="med flere", attendees=(k, p)),
        Meeting(subject="flere i teksten", attendees=(k,), text=f"ta med {PER}"),
        Meeting(subject="notat om henne", text=f"ring {KARI}"),
        Meeting(subject="navn og telefon", text="Kari Nordmann, 913 45 678"),
        Meeting(subject="to om telefonen", text="Kari Nordmann 913 45 678, Per 922 33 444"),
        Meeting(subject="bare navnet Kari Nordmann"),
        Meeting(subject="andres", attendees=(p,), text="Kari Nordmann 913 45 678"),
        Meeting(subject="fremmed", attendees=(p,)),
    ):
        world.meeting(meeting)
    part = source(world)
    found = part.find(SHE)
    assert verdicts(found) == {
        "med henne": "certain: appointment with the person alone",
        "med henne og kollega": "certain: appointment with the person alone",
        "hun kalte inn": "certain: appointment with the person alone",
        "med flere": "possible: appointment of several people",
        "flere i teksten": "possible: appointment of several people",
        "notat om henne": "certain: shows the person's address and nobody else's",
        "navn og telefon": "certain: shows the person's name and phone and nobody's address",
        "to om telefonen": "possible: phone number in text",
        "bare navnet Kari Nordmann": "possible: name in text",
        "andres": "possible: phone number in text",
    }
    does = {action.title[11:]: action.do for action in part.actions(Label.ERASURE, found.findings)}
    assert does == {
        "med henne": Do.MANUAL,
        "med henne og kollega": Do.MANUAL,
        "hun kalte inn": Do.MANUAL,
        "notat om henne": Do.DELETE,
        "navn og telefon": Do.DELETE,
    }


def test_a_second_address_on_a_contact_is_searched_in_turn(world: EntryWorld) -> None:
    """Only where it spells the person's name: a spouse's is often noted on the same contact."""
    second = "kari.nordmann@privat.test"
    world.contact(Card(notes="kort", name="Kari Nordmann", emails=(KARI, second, PER)))
    world.contact(Card(notes="gammelt kort", emails=(second,)))
    world.contact(Card(notes="ektefelle", name="Per Hansen", emails=(PER,)))
    for sender in (second, PER):
        world.deliver(mail(f"fra {sender}", sender=sender))
    found = source(world).find(SHE)
    assert {key.value for key in found.learnt} == {second}
    shown = {str(one.row.get("notes") or one.row.get("subject")) for one in found.findings}
    assert shown == {"kort", "gammelt kort", f"fra {second}"}
    assert {one.certainty for one in found.findings} == {"certain"}


def test_keys_of_an_attacker_find_nothing_extra(world: EntryWorld) -> None:
    world.contact(Card(notes="fremmed", name="Per Hansen", emails=(PER,), mobile="922 33 444"))
    world.meeting(Meeting(subject="fremmed", attendees=(("Per Hansen", PER),)))
    for odd in ("' or 1 eq 1 --", "%", "*", "a" * 10_000, "\\", "\x00", "\u202e", ") OR (", "_"):
        found = source(world).find(subject(email=f"{odd}@x.test", name=odd, phone=odd))
        assert found.findings == ()


# --- what is done -------------------------------------------------------------------------------


def test_exactly_the_approved_entries_are_deleted(world: EntryWorld) -> None:
    world.contact(Card(notes="a", name="Kari Nordmann", emails=(KARI,)), "Kunder")
    world.contact(Card(notes="b", name="Per Hansen", emails=(PER,)), "Kunder")
    world.meeting(Meeting(subject="notat", text=KARI))
    world.meeting(Meeting(subject="møte", attendees=(("Kari Nordmann", KARI),)))
    part = source(world)
    found = part.find(SHE).findings
    assert {a.do for a in part.actions(Label.ACCESS, found)} == {Do.DISCLOSE}
    actions = erasing(part, found)
    outcomes = {one.number: one.outcome for one in part.apply(actions, KEY)}
    assert sorted(outcomes.values()) == ["already", "done", "done"]  # the meeting is a task
    assert world.count() == (1, 1)
    assert {one.outcome for one in part.apply(actions, KEY)} == {"already"}
    assert [one.title[11:] for one in part.find(SHE).findings] == ["møte"]


def test_a_wrong_value_on_a_contact_is_a_task(world: EntryWorld) -> None:
    world.contact(Card(notes="a", name="Kari Nordmann", emails=(KARI,), street="Storgata 1"))
    world.contact(Card(notes="b", name="Kari Nordmann", emails=(KARI,)))
    part = source(world)
    found = part.find(SHE).findings
    moved = Correction(what="address", old="storgata 1", new="Lillegata 2")
    (task,) = part.actions(Label.RECTIFICATION, found, [moved])
    assert (task.do, task.before["notes"]) == (Do.MANUAL, "a")
    assert list(part.actions(Label.RECTIFICATION, found)) == []


def test_a_changed_entry_stops_everything(world: EntryWorld) -> None:
    world.contact(Card(notes="a", name="Kari Nordmann", emails=(KARI,)))
    key = world.contact(Card(notes="b", name="Kari Nordmann", emails=(KARI,)))
    part = source(world)
    actions = erasing(part, part.find(SHE).findings)
    world.rename(key, "Kari N. Nordmann")
    with pytest.raises(Stale):
        part.apply(actions, KEY)
    assert world.count() == (2, 0)


def test_a_contact_moved_meanwhile_is_deleted_where_it_is(world: EntryWorld) -> None:
    key = world.contact(Card(notes="a", name="Kari Nordmann", emails=(KARI,)))
    part = source(world)
    actions = erasing(part, part.find(SHE).findings)
    world.move(key, "Arkiv")
    assert [one.outcome for one in part.apply(actions, KEY)] == ["done"]
    assert world.count() == (0, 0)


def test_a_server_that_stumbles_is_a_failure_to_try_again(world: EntryWorld) -> None:
    world.contact(Card(notes="kort", name="Kari Nordmann", emails=(KARI,)))
    world.meeting(Meeting(subject="notat", text=KARI))
    part = source(world, search=("contacts", "calendar"))
    world.stumble()
    found = part.find(SHE)
    (told,) = [one for one in found.not_searched if one.failed]
    assert told.why.startswith("contacts of mailbox")
    assert set(verdicts(found)) == {"notat"}
    assert set(verdicts(part.find(SHE))) == {"kort", "notat"}


@pytest.mark.parametrize("what", ["contacts", "calendar"])
def test_what_may_not_be_read_is_not_searched_and_the_rest_is(world: EntryWorld, what: str) -> None:
    world.contact(Card(notes="kort", name="Kari Nordmann", emails=(KARI,)))
    world.meeting(Meeting(subject="notat", text=KARI))
    world.deny(what)
    part = source(world)
    found = part.find(SHE)
    assert set(verdicts(found)) == {"notat" if what == "contacts" else "kort"}
    (told,) = [one for one in found.not_searched if one.why.startswith(f"{what} of mailbox")]
    assert told.refused
    assert not told.failed
    assert found.searched == ("mail",)
    assert any(line.startswith(f"mail: {what} are not searched") for line in part.check())


def test_only_what_the_data_map_names_is_searched(world: EntryWorld) -> None:
    world.contact(Card(notes="kort", name="Kari Nordmann", emails=(KARI,)))
    world.meeting(Meeting(subject="notat", text=KARI))
    assert isinstance(world.open(), HoldsEntries)
    assert source(world, search=("mail",)).find(SHE).findings == ()
    assert set(verdicts(source(world, search=("contacts",)).find(SHE))) == {"kort"}
    assert set(verdicts(source(world, search=("calendar",)).find(SHE))) == {"notat"}
