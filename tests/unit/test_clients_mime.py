"""An outgoing mail is read by others as it was meant, whatever was put into it."""

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailbot.clients import decode
from mailbot.clients.mime import ascii_address, build
from mailbot.errors import Permanent
from mailbot.message import Address, Outgoing, OutgoingFile

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_HEADERS = [
    "from", "to", "subject", "date", "message-id", "in-reply-to", "references",
    "x-mailbot-effect", "x-auto-response-suppress", "mime-version", "content-type",
    "content-transfer-encoding",
]  # fmt: skip


def outgoing(**changes: object) -> Outgoing:
    values: dict[str, object] = {
        "effect": "e1",
        "message_id": "m1@firma.test",
        "sender": Address(address="support@firma.test"),
        "to": (Address(address="kunde@kunde.test"),),
        "subject": "Svar",
        "text": "Hei",
        **changes,
    }
    return Outgoing(**values)  # type: ignore[arg-type] # each test gives fields of their own


@settings(max_examples=200, deadline=2_000)
@given(
    subject=st.text(max_size=300),
    name=st.text(max_size=100),
    text=st.text(max_size=500),
    filename=st.text(max_size=60),
    parent=st.text(max_size=60),
    references=st.lists(st.text(max_size=400), max_size=30),
    media_type=st.text(max_size=30),
)
def test_nothing_put_in_becomes_a_header(
    subject: str,
    name: str,
    text: str,
    filename: str,
    parent: str,
    references: list[str],
    media_type: str,
) -> None:
    file = OutgoingFile(name=filename, media_type=media_type, content=b"\0x", plain_sha256="")
    text = text.encode("utf-8", "replace").decode()
    mail = outgoing(
        subject=subject,
        to=(Address(address="kunde@kunde.test", name=name),),
        text=text,
        in_reply_to=parent,
        references=tuple(references),
        files=(file,),
    )
    raw = build(mail, NOW)
    assert raw == build(mail, NOW)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    head = decode.head(raw)
    assert [one for one, _ in head.fields if one not in _HEADERS] == []
    assert [one.address for one in head.addresses("to")] == ["kunde@kunde.test"]
    content = decode.read(raw)
    assert [part.size for part in content.attachments] == [2]
    assert content.body.split() == text.split()


@pytest.mark.parametrize(
    "subject", ["Svar på æøå " * 20, "x" * 2_000, "=?utf-8?q?hei?=", "日本語" * 50]
)
def test_subjects_survive(subject: str) -> None:
    raw = build(outgoing(subject=subject), NOW)
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert " ".join(str(parsed["Subject"]).split()) == subject.strip()


def test_a_long_message_id_stays_whole() -> None:
    """Folding it as an encoded word, as some libraries do, would break the thread."""
    long = "x" * 300 + "@kunde.test"
    raw = build(outgoing(in_reply_to=long, references=("a@b", long)), NOW)
    assert f"In-Reply-To: <{long}>\r\n".encode() in raw
    assert f"References: <a@b>\r\n <{long}>\r\n".encode() in raw


def test_addresses_beyond_ascii() -> None:
    assert ascii_address("kåre@bjørn.no") == "kåre@xn--bjrn-hra.no"
    with pytest.raises(Permanent):
        ascii_address("a@b@c")
    with pytest.raises(Permanent):
        ascii_address("a@" + "ø" * 400)
