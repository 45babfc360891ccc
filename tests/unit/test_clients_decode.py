"""Any bytes give some words, in bounded time; ordinary mail gives the right ones."""

import time
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailbot.clients import decode

_PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: text/html; charset=utf-8\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%C3; filename*1*=%A6\r\n",
        b"Subject: =?utf-8?b?w6Y=?= =?x?q?=zz?=\r\n",
        b'From: =?utf-8?q?a=40b?= <x@y>, ((((, "\r\n',
        b"\r\n",
        b"\n",
        b"\r",
        b"--b\r\n",
        b"--b--\r\n",
        b"<script>",
        b"&#xFFFFFFFF;",
        b"=C3=A6=",
        b"w6bDuMOl=",
        b"\xff\xfe\0",
        b" \t",
    ]
)


@settings(max_examples=300, deadline=2_000)
@given(st.lists(st.one_of(_PIECES, st.binary(max_size=40)), max_size=40))
def test_any_bytes_can_be_read(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    content = decode.read(raw)
    content.head.addresses("from", "to")
    content.head.text("subject")
    content.body.encode("utf-8", "surrogatepass")
    assert decode.read(raw) == content


@pytest.mark.parametrize(
    "raw",
    [
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(3_000)
        ),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 200_000,
        b"Content-Type: text/html\r\n\r\n" + b"<script>" * 200_000,
        b"Content-Type: text/html\r\n\r\n" + b"<!--" * 200_000,
        b"Content-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
        b"Content-Type: text/html\r\n\r\n" + b"&" * 1_000_000,
        b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-" * 200_000,
        b"Content-Type: a" + b';"' * 100_000 + b"\r\n\r\n",
        b"X: y\r\n" * 100_000,
        b"X:" + b"\r\n " * 300_000,
        b"From: " + b"(" * 100_000 + b"\r\n\r\n",
        b"From: " + b'"' * 100_001 + b"\r\n\r\n",
        b"From: " + b"a@b," * 100_000 + b"\r\n\r\n",
        b"From: " + b"<" * 100_000 + b"\r\n\r\n",
        b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\n",
        b"Subject: " + b"=?" * 100_000 + b"\r\n\r\n",
        b"\r\n" + b"x" * 20_000_000,
    ],
    ids=range(17),
)
def test_bombs_are_bounded(raw: bytes) -> None:
    started = time.process_time()
    content = decode.read(raw)
    content.head.addresses("from")
    content.head.text("subject")
    assert time.process_time() - started < 2
    assert len(content.words) <= decode.MOST_TEXT * 2 + decode.MOST_HEADER_OCTETS


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252"])
@pytest.mark.parametrize("cte", ["base64", "quoted-printable"])
def test_text_in_every_encoding(charset: str, cte: str) -> None:
    made = EmailMessage(policy=SMTP)
    made["Subject"] = "Påminnelse om fødselsdagen, som er lang nok til å måtte deles i to"
    made["From"] = '"Æsøy, Kåre" <k@x.test>'
    made.set_content("Blåbær på øya\r\n", charset=charset, cte=cte)
    made.add_alternative("<p>Blåbær<br>på&nbsp;&oslash;ya</p>", subtype="html")
    made.add_attachment(b"\0\1", maintype="image", subtype="png", filename="bilde på.png")
    content = decode.read(made.as_bytes())
    assert content.body == "Blåbær på øya"
    assert content.head.text("subject") == made["Subject"]
    assert content.head.addresses("from")[0].name == "Æsøy, Kåre"
    assert [file.name for file in content.attachments] == ["bilde på.png"]
    assert "bilde på.png" in content.words
    assert not content.truncated


def test_an_attached_mail_is_read_too() -> None:
    inner = EmailMessage(policy=SMTP)
    inner["From"] = "kunde@kunde.test"
    inner.set_content("innerst inne")
    outer = EmailMessage(policy=SMTP)
    outer["From"] = "kari@firma.test"
    outer.set_content("se vedlegg")
    outer.add_attachment(inner)
    content = decode.read(outer.as_bytes())
    assert "innerst inne" in content.words
    assert [one.address for one in content.head.addresses("from")] == ["kari@firma.test"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("=?utf-8?q?p=C3=A5?= =?utf-8?q?_deg?=", "på deg"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A5?=", "å"),
        ("=?iso-8859-1?q?bl=E5?= =?utf-8?b?YsOmcg==?=", "blåbær"),
        ("vanlig =?utf-8?q?og_=C3=A5?= slutt", "vanlig og å slutt"),
        ("=?utf-8*nb?q?=C3=A5?=", "å"),
        ("=?finnes-ikke?q?=C3=A5?=", "å"),
        ("=?utf-8?q?åpen?=", "åpen"),
        ("=?utf-8?q?", "=?utf-8?q?"),
        ("=?utf-8?b??=", ""),
    ],
)
def test_encoded_words(written: str, read: str) -> None:
    assert decode.decode_words(written) == read


def test_the_digest_covers_text_beyond_what_is_kept() -> None:
    long = b"\r\n" + b"a" * (decode.MOST_TEXT + 10)
    assert decode.read(long).truncated
    assert decode.read(long).body_sha256 != decode.read(long + b"b").body_sha256
