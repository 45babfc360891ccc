"""winmail.dat: what Outlook packs up is read, and no damage harms."""

import base64
import hashlib
import random
import struct

from mailbot.mailtext.authenticity import Trust
from mailbot.mailtext.tnef import read_tnef
from mailbot.message import Mail
from mailbot.steps.parse import parse


def attribute(level: int, kind: int, data: bytes) -> bytes:
    checksum = struct.pack("<H", sum(data) & 0xFFFF)
    return struct.pack("<BLL", level, kind, len(data)) + data + checksum


def text(tag: int, value: bytes) -> bytes:
    padded = value + b"\0" * (-len(value) % 4)
    return struct.pack("<LLL", tag, 1, len(value)) + padded


def properties(*each: bytes) -> bytes:
    return struct.pack("<L", len(each)) + b"".join(each)


NAMED = struct.pack("<L16sLL", 0x8001_0003, b"g" * 16, 0, 7) + struct.pack("<L", 5)
WORDED = struct.pack("<L16sLL", 0x8002_000B, b"g" * 16, 1, 6) + b"a\0b\0\0\0\0\0" + b"\1\0\0\0"
MANY = struct.pack("<LLLL", 0x6001_1003, 2, 1, 2)
BODY = text(0x1000_001F, "Slett meg, på ære".encode("utf-16-le") + b"\0\0")
FILE = properties(text(0x3707_001F, "..\\krav på innsyn.pdf".encode("utf-16-le")))
PACKED = (
    b"\x78\x9f\x3e\x22\x01\x00"
    + attribute(1, 0x00069007, struct.pack("<LL", 1252, 0))
    + attribute(1, 0x00069003, properties(NAMED, WORDED, MANY, BODY))
    + attribute(2, 0x00069002, b"x" * 14)
    + attribute(2, 0x00018010, b"KRAV~1.PDF\0")
    + attribute(2, 0x0006800F, b"innhold")
    + attribute(2, 0x00069005, FILE)
)


def mail(packed: bytes, kind: str = "application/ms-tnef", text: str = "") -> Mail:
    raw = (
        "From: a@b.no\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        f"{text}\r\n--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        f"{base64.b64encode(packed).decode()}\r\n--b--\r\n"
    )
    return parse(raw.encode(), Trust())


def test_text_and_files_are_read():
    found = mail(PACKED)
    assert found.new_text == "Slett meg, på ære"
    outer, inner = found.attachments
    assert (inner.name, inner.size) == ("krav på innsyn.pdf", 7)
    assert inner.sha256 == hashlib.sha256(b"innhold").hexdigest()
    assert "tnef" in found.notes
    assert outer.media_type == "application/ms-tnef"


def test_it_is_known_by_its_name_too():
    found = mail(PACKED, 'application/octet-stream; name="WINMAIL.DAT"')
    assert found.new_text == "Slett meg, på ære"


def test_the_mails_own_text_comes_first():
    assert mail(PACKED, text="Hei fra Outlook").new_text == "Hei fra Outlook"


def test_old_bodies_and_html():
    head = b"\x78\x9f\x3e\x22\x01\x00"
    assert read_tnef(head + attribute(1, 0x0002800C, b"Sl\xe5 opp\0")).plain == "Slå opp"
    html = properties(text(0x1013_0102, b"<p>Slett <b>meg</b></p>"))
    assert mail(head + attribute(1, 0x00069003, html)).new_text == "Slett meg"


def test_damage_raises_nothing():
    dice = random.Random(7)
    for _ in range(2000):
        damaged = bytearray(PACKED)
        for _ in range(dice.randint(1, 6)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        read_tnef(bytes(damaged[: dice.randint(0, len(damaged))]))
    read_tnef(PACKED[:6] + attribute(1, 0x00069003, b"\xff" * 100_000))
    many = struct.pack("<LL", 0x6001_1003, 0xFFFFFFFF)
    assert read_tnef(PACKED[:6] + attribute(1, 0x00069003, properties(many) * 999)).plain == ""
