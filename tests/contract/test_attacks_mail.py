"""Hostile and moving mail as a record: what is approved goes, and no mail stops a case."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailbot.case import Key, Label, Subject
from mailbot.codec import from_json, to_json
from mailbot.datamap import Exchange, Own
from mailbot.errors import Transient
from mailbot.plan import Action
from mailbot.ports import Mailbox, MailRef
from mailbot.record import SearchResult, canonical, fingerprint
from mailbot.sources.exchange import ExchangeSource
from tests.contract.test_mailbox_contract import mail
from tests.contract.worlds import MaildirWorld

KEY = b"k" * 32
KARI = Subject(keys=(Key(kind="email", value="kari@kunde.test", origin="header", verified=True),))


@pytest.fixture
def world(tmp_path: Path) -> MaildirWorld:
    return MaildirWorld(tmp_path)


@pytest.fixture
def box(world: MaildirWorld) -> Iterator[Mailbox]:
    opened = world.open()
    yield opened
    opened.close()


def source(box: Mailbox, **changes: object) -> ExchangeSource:
    part = Exchange(name="mail", account="support", mailboxes=(box.address,))
    return ExchangeSource(part.model_copy(update=changes), box, Own(domains=("firma.test",)))


def planned(opened: ExchangeSource) -> list[Action]:
    actions = opened.actions(Label.ERASURE, opened.find(KARI).findings)
    return [
        replace(action, number=number, fingerprint=fingerprint(KEY, action.before))
        for number, action in enumerate(actions, 1)
    ]


def test_half_characters_do_not_stop_a_case(world: MaildirWorld, box: Mailbox) -> None:
    half = b"From: %s\r\nTo: support@firma.test\r\nSubject: =?utf-7?Q?+2AA-?= hei\r\n"
    half += b'Content-Type: text/plain; charset="utf-7"; name="=?utf-7?Q?+2AA-?="\r\n\r\n'
    half += b"kari@kunde.test +2AA-\r\n"
    world.deliver(half % b"kari@kunde.test")
    world.deliver(half % b"=?utf-7?Q?+2AA-?= <evil@kunde.test>")
    result = source(box).find(KARI)
    assert len(result.findings) == 2
    written = canonical(to_json(result)).decode()
    assert from_json(SearchResult, to_json(result)) == result
    assert "hei" in written
    (action,) = planned(source(box))
    assert [r.outcome for r in source(box).apply([action], KEY)] == ["done"]
    assert len(world.mails()) == 1


def test_names_like_paths_are_names(world: MaildirWorld, box: Mailbox) -> None:
    raw = mail("Hei", sender="kari@kunde.test")
    raw = raw.replace(b"Content-Type: text/plain", b'Content-Type: text/plain; name="../../x"')
    world.deliver(raw)
    (action,) = planned(source(box))
    for folder, name in (("../..", "x"), ("inbox", "../../../etc/passwd"), ("/", ".."), ("", "")):
        ref = MailRef(mailbox="support", folder=folder, id=name)
        assert box.raw(ref) is None
        box.delete(ref, purge=True)
    assert [r.outcome for r in source(box).apply([action], KEY)] == ["done"]


class Moving:
    """A mailbox in which a colleague moves the mail between the check and the deletion."""

    def __init__(self, inner: Mailbox, world: MaildirWorld) -> None:
        self._inner, self._world, self._looks = inner, world, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def raw(self, ref: MailRef) -> bytes | None:
        self._looks += 1
        if self._looks == 2:
            self._world.move_first("INBOX", "Junk")
        return self._inner.raw(ref)


def test_a_mail_that_moves_away_is_never_receipted_as_deleted(
    world: MaildirWorld, box: Mailbox
) -> None:
    world.deliver(mail("Hei", sender="kari@kunde.test"))
    actions = planned(source(box))
    moving = source(Moving(box, world))  # type: ignore[arg-type] # the port, by delegation
    with pytest.raises(Transient):
        moving.apply(actions, KEY)
    assert len(world.mails("Junk")) == 1
    assert [r.outcome for r in moving.apply(actions, KEY)] == ["done"]
    assert world.mails("Junk") == []
