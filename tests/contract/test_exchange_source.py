"""Mail as a source of records, over a Maildir and over IMAP: whose mail it is, and what is done."""

import itertools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from mailbot.case import Key, Label, Subject
from mailbot.datamap import Exchange, KeyPattern, Own, PersonalMailbox
from mailbot.errors import Permanent, Stale
from mailbot.mailboxes.imap import ImapMailbox
from mailbot.plan import Action, Do
from mailbot.ports import Mailbox
from mailbot.record import Certainty, Finding, SearchResult, fingerprint
from mailbot.sources.exchange import ExchangeSource
from tests.contract.test_mailbox_contract import mail
from tests.contract.worlds import ImapWorld, MaildirWorld, World
from tests.servers import dovecot
from tests.servers.dovecot import Dovecot

KEY = b"k" * 32
OWN = Own(domains=("firma.test",), phones=("+472200000*",))
_users = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    if why := dovecot.missing():
        pytest.skip(why)
    with Dovecot({f"post{number}@firma.test": "pw" for number in range(100)}) as running:
        yield running


@pytest.fixture(params=["maildir", "imap"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "maildir":
        return MaildirWorld(tmp_path)
    return ImapWorld(request.getfixturevalue("server"), f"post{next(_users)}@firma.test")


@pytest.fixture
def box(world: World) -> Iterator[Mailbox]:
    opened = world.open()
    yield opened
    opened.close()


def source(box: Mailbox, **changes: object) -> ExchangeSource:
    part = Exchange(
        name="mail",
        account="support",
        mailboxes=(box.address,),
        search=("mail", "contacts", "calendar"),
    )
    keys = {"customer_no": KeyPattern(pattern=r"K-?\d{5,7}", ignore=" -")}
    return ExchangeSource(part.model_copy(update=changes), box, OWN, keys)


def subject(**keys: str | Sequence[str]) -> Subject:
    return Subject(
        keys=tuple(
            Key(kind=kind, value=value, origin="header")
            for kind, values in keys.items()
            for value in ([values] if isinstance(values, str) else values)
        )
    )


KARI = subject(email="kari.nordmann@kunde.test", name="Kari Nordmann", phone="+47 913 45 678")


def by_title(result: SearchResult) -> dict[str, tuple[str, str]]:
    return {
        finding.title.partition(" ")[2]: (finding.certainty.value, finding.reason)
        for finding in result.findings
    }


def erasing(found: Sequence[Finding], box: Mailbox) -> list[Action]:
    actions = source(box).actions(Label.ERASURE, found)
    return [
        replace(action, number=number, fingerprint=fingerprint(KEY, action.before))
        for number, action in enumerate(actions, 1)
    ]


def test_whose_mail_it_is(world: World, box: Mailbox) -> None:
    me = "Kari Nordmann <Kari.Nordmann@Kunde.test>"
    us = box.address
    for raw in (
        mail("skrev", sender=me, to=us),
        mail("fikk", sender=us, to=me),
        mail("fikk i kopi", sender=us, to="per@kunde.test", Cc=me),
        mail("en annen skrev", sender="per@kunde.test", to=us, Cc=me),
        mail("skjema", sender="web@firma.test", to=us, Reply_To=me),
        mail("skjema i tekst", sender="web@firma.test", to=us, text="Fra kari.nordmann@kunde.test"),
        mail(
            "to kunder i tekst",
            sender="web@firma.test",
            to=us,
            text="kari.nordmann@kunde.test og per@kunde.test",
        ),
        mail("nevnt av annen", sender="per@kunde.test", to=us, text="Kari Nordmann vet det"),
        mail("telefon", sender="per@kunde.test", to=us, text="ring 91 34 56 78 i dag"),
        mail("notat", sender=us, to=us, text="Kari Nordmann, tlf. 913 45 678, ringte"),
        mail("merkelapp", sender="kari.nordmann+test@kunde.test", to=us),
        mail("fremmed", sender="per@kunde.test", to=us, text="uten noe"),
        mail("navneliknende", sender="kari.nordmann@kunde.test.no", to=us),
        mail("vår egen", sender=us, to=me, X_Mailbot_Effect="abc"),
    ):
        world.deliver(raw)
    result = source(box).find(KARI)
    assert by_title(result) == {
        "skrev": ("certain", "sent by the person"),
        "fikk": ("certain", "sent by us to the person"),
        "fikk i kopi": ("certain", "sent by us to the person"),
        "en annen skrev": ("possible", "somebody else wrote it to the person"),
        "skjema": ("certain", "sent by the person"),
        "skjema i tekst": ("certain", "shows the person's address and nobody else's"),
        "to kunder i tekst": ("possible", "e-mail address in text"),
        "nevnt av annen": ("possible", "name in text"),
        "telefon": ("possible", "phone number in text"),
        "notat": ("certain", "shows the person's name and phone and nobody's address"),
        "merkelapp": ("possible", "address with another tag"),
        "navneliknende": ("possible", "name in text"),
    }
    assert result.searched == ("mail",)
    assert all(finding.message_id for finding in result.findings)


def test_staffs_replies_to_our_questions_are_the_case_file(world: World, box: Mailbox) -> None:
    question = (
        b"From: support@firma.test\r\nTo: leder@firma.test\r\nSubject: spm\r\n"
        b"Message-ID: <changed@server.test>\r\nX-Mailbot-Effect: e1\r\n\r\n"
        b"kari.nordmann@kunde.test vil slettes\r\n"
    )
    reply = mail(
        "Sv: spm",
        sender="leder@ekstern.test",
        to=box.address,
        text="GODKJENN\r\n> kari.nordmann@kunde.test vil slettes",
        In_Reply_To="<changed@server.test>",
    )
    customers = mail(
        "Sv: svar", sender="kari.nordmann@kunde.test", References="<x@y> <changed@server.test>"
    )
    for raw in (question, reply, customers):
        world.deliver(raw)
    assert set(by_title(source(box).find(KARI))) == {"Sv: svar"}


def test_shared_addresses_need_the_name(world: World, box: Mailbox) -> None:
    world.deliver(mail("uten navn", sender="post@kunde.test", text="hei"))
    world.deliver(mail("med navn", sender="post@kunde.test", text="Hilsen Kari Nordmann"))
    world.deliver(mail("navn i from", sender="Kari Nordmann <post@kunde.test>", text="hei"))
    result = source(box).find(subject(email="post@kunde.test", name="Kari Nordmann"))
    assert {title: certainty for title, (certainty, _) in by_title(result).items()} == {
        "uten navn": "possible",
        "med navn": "certain",
        "navn i from": "certain",
    }


def test_namesakes_and_numbers_are_only_possible(world: World, box: Mailbox) -> None:
    world.deliver(mail("navnebror", sender="annen@x.test", text="Hilsen Nordmann, Kari"))
    world.deliver(mail("kundenummer", sender="annen@x.test", text="gjelder k 12345 igjen"))
    world.deliver(mail("annet nummer", sender="annen@x.test", text="gjelder K-123456"))
    result = source(box).find(subject(name="Kari Nordmann", customer_no="K-12345"))
    assert all(finding.certainty is Certainty.POSSIBLE for finding in result.findings)
    assert "annet nummer" not in by_title(result)


def test_the_organisation_is_never_the_person(world: World, box: Mailbox) -> None:
    world.deliver(mail("intern", sender="ola@firma.test", to=box.address))
    ours = subject(email=(box.address, "ola@firma.test"), phone="22 00 00 01", name="Ola")
    result = source(box).find(ours)
    assert result.findings == ()
    assert result.searched == ()
    assert "no key" in result.not_searched[0].why


def test_what_is_not_searched_is_said(world: World, box: Mailbox) -> None:
    owner = PersonalMailbox(address="ola@firma.test")
    part = source(box, mailboxes=(box.address, "salg@firma.test"), personal=(owner,))
    why = [one.why for one in part.find(KARI).not_searched]
    assert all(one.system == "mail" for one in part.find(KARI).not_searched)
    for told in ("salg@firma.test", "ola@firma.test: manual task", "contacts", "calendar"):
        assert sum(told in one for one in why) == 1
    elsewhere = source(box, mailboxes=("salg@firma.test",)).find(KARI)
    assert elsewhere.searched == ()
    assert any("salg@firma.test" in one.why for one in elsewhere.not_searched)
    assert any("salg@firma.test" in line for line in part.check())


@pytest.fixture
def second(
    world: World, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[World, Mailbox]]:
    """Another mailbox on the same kind of server."""
    if isinstance(world, MaildirWorld):
        (tmp_path / "second").mkdir()
        other: World = MaildirWorld(tmp_path / "second")
    else:
        other = ImapWorld(request.getfixturevalue("server"), f"post{next(_users)}@firma.test")
    opened = other.open()
    opened.name, opened.address = "second", "salg@firma.test"
    yield other, opened
    opened.close()


def several(box: Mailbox, other: Mailbox | None, **changes: object) -> ExchangeSource:
    part = Exchange(name="mail", account="support", mailboxes=(box.address, "salg@firma.test"))
    reach = {"salg@firma.test": other, "ola@firma.test": other}
    return ExchangeSource(
        part.model_copy(update=changes), box, OWN, {}, reach.get, lambda: date(2026, 11, 22)
    )


def test_several_shared_mailboxes_are_searched_and_acted_on(
    world: World, box: Mailbox, second: tuple[World, Mailbox]
) -> None:
    other_world, other = second
    world.deliver(mail("her", sender="kari.nordmann@kunde.test"))
    other_world.deliver(mail("der", sender="kari.nordmann@kunde.test"))
    other_world.deliver(mail("fremmed", sender="per@kunde.test"))
    part = several(box, other)
    found = part.find(KARI)
    assert set(by_title(found)) == {"her", "der"}
    assert {f.trail.partition(":")[0] for f in found.findings} == {box.address, "salg@firma.test"}
    actions = [
        replace(action, number=number, fingerprint=fingerprint(KEY, action.before))
        for number, action in enumerate(part.actions(Label.ERASURE, found.findings), 1)
    ]
    assert [one.outcome for one in part.apply(actions, KEY)] == ["done", "done"]
    assert world.mails() == []
    assert len(other_world.mails()) == 1
    with pytest.raises(Permanent, match="no longer reached"):
        several(box, None).apply(actions, KEY)


def test_one_mailbox_that_fails_hides_nothing_of_the_others(
    world: World, box: Mailbox, second: tuple[World, Mailbox]
) -> None:
    other_world, other = second
    world.deliver(mail("her", sender="kari.nordmann@kunde.test"))
    if isinstance(other_world, MaildirWorld):
        shutil.rmtree(other_world.root)
    else:
        assert isinstance(other, ImapMailbox)
        other.close()
        other = ImapMailbox(
            name="second", address="salg@firma.test", host="localhost", port=1, security="tls",
            user="x", password=lambda: "x", timeout=2.0,
        )  # fmt: skip
    result = several(box, other).find(KARI)
    assert set(by_title(result)) == {"her"}
    assert any(part.failed and "salg@firma.test" in part.why for part in result.not_searched)


@pytest.mark.parametrize(
    ("basis", "noticed", "searched"),
    [
        ("daglig drift", "2026-11-01", True),
        ("daglig drift", "2026-11-22", True),
        ("daglig drift", "2026-11-23", False),  # told only tomorrow
        ("", "2026-11-01", False),
        ("daglig drift", "", False),
    ],
)
def test_an_employees_own_mailbox(
    world: World,
    box: Mailbox,
    second: tuple[World, Mailbox],
    basis: str,
    noticed: str,
    searched: bool,
) -> None:
    other_world, other = second
    other_world.deliver(mail("hos ola", sender="kari.nordmann@kunde.test"))
    owner = PersonalMailbox(address="ola@firma.test", basis=basis, noticed=noticed)
    part = several(box, other, mailboxes=(box.address,), personal=(owner,))
    result = part.find(KARI)
    assert ("hos ola" in by_title(result)) is searched
    told = any("ola@firma.test: manual task" in one.why for one in result.not_searched)
    assert told is not searched
    for right in (Label.ACCESS, Label.ERASURE):
        tasks = [a for a in part.actions(right, ()) if a.do is Do.MANUAL]
        assert [task.title for task in tasks] == ([] if searched else ["ola@firma.test"])


def test_rights_make_actions_of_certain_mail_alone(world: World, box: Mailbox) -> None:
    world.deliver(mail("skrev", sender="kari.nordmann@kunde.test"))
    world.deliver(mail("fikk", sender=box.address, to="kari.nordmann@kunde.test"))
    world.deliver(mail("nevnt", sender="per@kunde.test", text="Kari Nordmann"))
    part = source(box)
    found = part.find(KARI).findings
    assert [a.do for a in part.actions(Label.ERASURE, found)] == [Do.DELETE, Do.DELETE]
    assert [a.do for a in part.actions(Label.ACCESS, found)] == [Do.DISCLOSE, Do.DISCLOSE]
    assert len(part.actions(Label.PORTABILITY, found)) == 1
    assert [a.do for a in part.actions(Label.RESTRICTION, found)] == [Do.MANUAL]
    for right in (Label.OBJECTION, Label.RECTIFICATION, Label.INFO):
        assert list(part.actions(right, found)) == []


def test_exactly_the_approved_mails_are_deleted(world: World, box: Mailbox) -> None:
    for number in range(3):
        world.deliver(mail(f"min {number}", sender="kari.nordmann@kunde.test"))
        world.deliver(mail(f"andres {number}", sender="per@kunde.test"))
    part = source(box)
    actions = erasing(part.find(KARI).findings, box)
    world.read_all()  # flags are no part of what was approved
    receipts = part.apply(actions[:2], KEY)
    assert [receipt.outcome for receipt in receipts] == ["done", "done"]
    assert len(world.mails()) == 4
    assert [one.outcome for one in part.apply(actions, KEY)] == ["already", "already", "done"]
    assert part.find(KARI).findings == ()
    assert len(world.mails()) == 3


def test_a_mail_moved_meanwhile_is_deleted_where_it_is(world: World, box: Mailbox) -> None:
    world.make_folder("Kunder")
    world.deliver(mail("flyttes", sender="kari.nordmann@kunde.test"))
    part = source(box)
    actions = erasing(part.find(KARI).findings, box)
    world.move_first("INBOX", "Kunder")
    assert [one.outcome for one in part.apply(actions, KEY)] == ["done"]
    assert world.mails("Kunder") == []


def test_a_changed_mail_stops_everything(world: World, box: Mailbox) -> None:
    for number in range(2):
        world.deliver(mail(f"min {number}", sender="kari.nordmann@kunde.test"))
    part = source(box)
    first, second = erasing(part.find(KARI).findings, box)
    with pytest.raises(Stale):
        part.apply([first, replace(second, fingerprint="0" * 64)], KEY)
    with pytest.raises(Stale):
        part.apply([first, second], b"another key" * 3)
    assert len(world.mails()) == 2
    with pytest.raises(Permanent):
        part.apply([first, replace(second, do=Do.BLANK)], KEY)
    assert len(world.mails()) == 2


def test_soft_deletion_goes_to_the_bin(world: World, box: Mailbox) -> None:
    world.deliver(mail("bort", sender="kari.nordmann@kunde.test"))
    part = source(box, erase="soft-delete")
    actions = erasing(part.find(KARI).findings, box)
    assert [one.outcome for one in part.apply(actions, KEY)] == ["done"]
    assert world.mails() == []
    assert len(part.find(KARI).findings) == 1  # still there, and said to be


def test_a_row_is_what_a_person_reads(world: World, box: Mailbox) -> None:
    text = "Hei på deg. " * 5_000
    world.deliver(mail("Påminnelse", sender="Kåre <kari.nordmann@kunde.test>", text=text))
    (finding,) = source(box).find(KARI).findings
    assert finding.row["from"] == "Kåre <kari.nordmann@kunde.test>"
    assert finding.row["subject"] == "Påminnelse"
    assert len(str(finding.row["text"])) == 20_000
    assert finding.title.endswith(" Påminnelse")
    assert finding.table.lower() == "inbox"
    columns = {column for names in finding.personal.values() for column in names}
    assert columns <= set(finding.row)


def test_the_fingerprint_survives_another_encoding() -> None:
    """Exchange writes a mail's MIME anew each time; what a person reads stays the same."""
    from mailbot.clients import decode
    from mailbot.sources.exchange_rows import row

    def written(body: bytes, encoding: bytes) -> bytes:
        return (
            b"From: a@b.test\r\nSubject: =?utf-8?q?P=C3=A5?=\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
            + encoding
            + b"\r\n\r\n"
            + body
        )

    plain = row(decode.read(written("på deg\r\n".encode(), b"8bit")))
    quoted = row(decode.read(written(b"p=C3=A5 deg", b"quoted-printable")))
    changed = row(decode.read(written(b"p=C3=A5 meg", b"quoted-printable")))
    assert fingerprint(KEY, plain) == fingerprint(KEY, quoted)
    assert fingerprint(KEY, plain) != fingerprint(KEY, changed)
