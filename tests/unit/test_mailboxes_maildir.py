"""A Maildir under many hands: other programs rename, flag and delete while mailbot reads."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot.clients.microsoft import SignIns
from mailbot.config import Mailbox as Section
from mailbot.config import Maildir, Secrets
from mailbot.errors import Permanent
from mailbot.mailboxes import Surroundings, open_mailbox, open_outbox
from mailbot.mailboxes.maildir import MaildirMailbox
from mailbot.mailboxes.maildir_folders import make_maildir
from mailbot.message import Address, Outgoing
from mailbot.ports import MailQuery, MailRef

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_maildir(tmp_path / "box")
    return tmp_path / "box"


def opened(root: Path) -> MaildirMailbox:
    return MaildirMailbox(name="support", address="support@firma.test", path=root)


def put(root: Path, name: str, text: str = "hei", part: str = "new") -> None:
    (root / part / name).write_bytes(f"Subject: {name}\r\n\r\n{text}\r\n".encode())


def fetch(box: MaildirMailbox, cursor: str | None) -> tuple[list[MailRef], str]:
    refs: list[MailRef] = []
    for batch, after in box.fetch("inbox", cursor, LONG_AGO):
        refs += [mail.ref for mail in batch]
        cursor = after
    return refs, cursor or ""


def test_once_and_only_once_while_others_rename(root: Path) -> None:
    stop = threading.Event()

    def colleague() -> None:
        letters = "SRF"
        turn = 0
        while not stop.is_set():
            turn += 1
            for part in ("new", "cur"):
                for name in os.listdir(root / part):
                    unique = name.partition(":")[0]
                    flags = "".join(sorted(letters[: turn % 4]))
                    (root / part / name).rename(root / "cur" / f"{unique}:2,{flags}")

    thread = threading.Thread(target=colleague)
    thread.start()
    box, cursor, seen = opened(root), None, []
    try:
        for number in range(150):
            put(root, f"{number}.host")
            refs, cursor = fetch(box, cursor)
            seen += [ref.id for ref in refs]
    finally:
        stop.set()
        thread.join()
    refs, cursor = fetch(box, cursor)
    seen += [ref.id for ref in refs]
    assert sorted(seen) == sorted(f"{number}.host" for number in range(150))
    assert all(box.raw(MailRef(mailbox="support", folder="inbox", id=one)) for one in seen)


def test_a_cursor_forgets_what_is_long_gone(root: Path) -> None:
    for number in range(3_000):
        put(root, f"{number}.host", part="cur")
    box = opened(root)
    refs, cursor = fetch(box, None)
    assert len(refs) == 3_000
    for number in range(2_900):
        (root / "cur" / f"{number}.host").unlink()
    put(root, "ny.host")
    refs, smaller = fetch(box, cursor)
    assert [ref.id for ref in refs] == ["ny.host"]
    assert len(smaller) < len(cursor) / 10
    assert fetch(box, smaller)[0] == []


def test_links_and_other_things_are_no_mail(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("Subject: hemmelig\n\nx")
    (root / "new" / "link.host").symlink_to(secret)
    (root / "new" / "folder.host").mkdir()
    os.mkfifo(root / "new" / "pipe.host")
    put(root, ".hidden")
    put(root, "mail.host")
    box = opened(root)
    assert [ref.id for ref in fetch(box, None)[0]] == ["mail.host"]
    assert list(box.search(MailQuery(phrases=("hemmelig",)))) == []
    assert box.raw(MailRef(mailbox="support", folder="inbox", id="link.host")) is None


def test_a_missing_maildir_is_named(tmp_path: Path) -> None:
    box = opened(tmp_path / "ingenting")
    with pytest.raises(Permanent, match=r"mailbox\.maildir\.path"):
        box.check()


def test_kinds_are_opened_from_the_configuration(root: Path, tmp_path: Path) -> None:
    class Noon:
        def now(self) -> datetime:
            return datetime(2026, 11, 22, 12, tzinfo=UTC)

    section = Section(
        name="support",
        address="support@firma.test",
        kind="maildir",
        maildir=Maildir(path="box", outbox="out"),
    )

    def never(reference: str) -> str:
        raise AssertionError("a Maildir needs no secret")

    put(root, "mail.host")
    around = Surroundings(
        secret=never,
        sign_ins=SignIns(Secrets({}, tmp_path)),
        state=tmp_path,
        folder=tmp_path,
        clock=Noon(),
    )
    box = open_mailbox(section, around)
    assert box.address == "support@firma.test"
    assert len(list(box.fetch("inbox", None, LONG_AGO))) == 1
    outbox = open_outbox(section, box, around)
    mail = Outgoing(
        effect="e1",
        message_id="m1@firma.test",
        sender=Address(address="support@firma.test"),
        to=(Address(address="kunde@kunde.test"),),
        subject="Svar",
        text="Hei",
    )
    outbox.send(mail, lambda: None)
    assert len(list((tmp_path / "out" / "new").iterdir())) == 1
    for kind in ("imap", "graph", "ews"):
        with pytest.raises(Permanent, match=rf"\[mailbox\.{kind}\]"):
            open_mailbox(section.model_copy(update={"kind": kind}), around)
