"""Octets to a Mail, whatever the octets."""

import base64
import hashlib
import random
import time
from datetime import UTC, datetime

import pytest

from mailbot.codec import from_json, to_json
from mailbot.mailtext.authenticity import Trust
from mailbot.message import Mail
from mailbot.steps.parse import parse

TRUST = Trust(
    trust_internal=True, internal_domains=("example.no",), own_addresses=("support@example.no",)
)


def mail(body: bytes | str, *headers: str, sender: str = "Kari <kari@kunde.example>") -> Mail:
    head = [f"From: {sender}", "To: support@example.no", "Subject: Hei", *headers]
    content = body.encode() if isinstance(body, str) else body
    return parse("\r\n".join(head).encode() + b"\r\n\r\n" + content, TRUST)


def with_from(*lines: bytes) -> Mail:
    return parse(b"\r\n".join([*lines, b"Subject: x", b"", b"hei"]), TRUST)


# --- the ordinary ----------------------------------------------------------------------------


def test_every_field_of_an_ordinary_mail():
    found = mail(
        "Hei, kan dere slette meg?\r\n",
        "Cc: Per <per@kunde.example>, ola@kunde.example",
        "Reply-To: annen@kunde.example",
        "Message-ID: <a1@kunde.example>",
        "In-Reply-To: <b2@example.no>",
        "References: <b1@example.no> <b2@example.no>",
        "Date: Mon, 23 Nov 2026 10:00:00 +0100",
        "Content-Type: text/plain; charset=utf-8",
    )
    assert found.sender is not None
    assert (found.sender.address, found.sender.name) == ("kari@kunde.example", "Kari")
    assert [address.address for address in found.cc] == ["per@kunde.example", "ola@kunde.example"]
    assert found.reply_to[0].address == "annen@kunde.example"
    assert found.message_id == "a1@kunde.example"
    assert found.known_ids == ("b1@example.no", "b2@example.no")
    assert found.date == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert found.new_text == "Hei, kan dere slette meg?"
    assert found.notes == ()


def test_the_value_survives_json():
    found = mail("Hei\n> sitat", "Date: Mon, 23 Nov 2026 10:00:00 +0100")
    assert from_json(Mail, to_json(found)) == found


def test_received_is_when_our_own_server_took_it():
    found = mail(
        "hei",
        "Received: from mx (10.0.0.1) by x.prod.outlook.com; Mon, 23 Nov 2026 10:00:09 +0000",
        "Received: from evil (1.2.3.4) by y.mail.protection.outlook.com;"
        " Mon, 23 Nov 2026 10:00:05 +0000",
        "Received: from z by y.mail.protection.outlook.com; Mon, 23 Nov 2020 10:00:00 +0000",
    )
    assert found.received is None or found.received.year == 2026


# --- charsets and encodings ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("utf-8", "blåbær".encode(), "blåbær"),
        ("iso-8859-1", "blåbær".encode("latin-1"), "blåbær"),
        ("iso-8859-1", b"\x93bl\xe5\x94 \x80", "“blå” €"),
        ("us-ascii", "blåbær".encode("latin-1"), "blåbær"),
        ("utf-8", "blåbær".encode("latin-1"), "blåbær"),
        ("x-unknown", "blåbær".encode(), "blåbær"),
        ("unicode_escape", b"\\u0041", "\\u0041"),
        ("utf-7", b"+AGE-", "+AGE-"),
        ("zlib", b"hei", "hei"),
        ("utf-16le", "blå".encode("utf-16le"), "blå"),
        ("iso-2022-jp", "日本".encode("iso-2022-jp"), "日本"),
        ("", "日本".encode("iso-2022-jp"), "日本"),
        ("utf-8", "한국".encode("iso-2022-kr"), "한국"),
        ("hz-gb-2312", "汉字".encode("hz"), "汉字"),
        ("unknown-8bit", "blåbær".encode("latin-1"), "blåbær"),
        ("iso-8859-1", "blåbær på øy".encode(), "blåbær på øy"),  # mislabelled
        ("windows-1252", "blåbær på øy".encode(), "blåbær på øy"),
        ("iso-8859-1", "Ã¥".encode("latin-1"), "Ã¥"),  # by chance
        ("utf-8", b"\xef\xbb\xbfbl\xc3\xa5", "blå"),
        ("iso-8859-1", b"\xef\xbb\xbfbl\xc3\xa5", "blå"),
        ("utf-8", "blåbær".encode("utf-16"), "blåbær"),
        ("", "slett meg nå".encode("utf-16-le"), "slett meg nå"),
        ("us-ascii", "slett meg nå".encode("utf-16-be"), "slett meg nå"),
        ("utf-16", "blå".encode("utf-16"), "blå"),
        ("utf-16be", "blå".encode("utf-16"), "blå"),
        ("utf-8", "blå".encode("utf-32"), "blå"),
        ("cp037", b"hei", "hei"),
        ("idna", b"xn--a", "xn--a"),
        ("rot13", b"hei", "hei"),
    ],
)
def test_charsets(charset, octets, text):
    assert mail(octets, f"Content-Type: text/plain; charset={charset}").new_text == text


def test_transfer_encodings_and_their_damage():
    qp = "Content-Transfer-Encoding: quoted-printable"
    b64 = "Content-Transfer-Encoding: base64"
    utf8 = "Content-Type: text/plain; charset=utf-8"
    assert mail("bl=C3=A5=\r\nb=C3=A6r =ZZ =", qp, utf8).new_text == "blåbær =ZZ"
    assert mail(base64.b64encode("blå".encode()), b64, utf8).new_text == "blå"
    assert mail(b"Y m z !! D p Q", b64, utf8).new_text == "blå"


def test_encoded_words_whole_and_broken():
    found = mail(
        "hei",
        "X: y",
        sender="=?utf-8?q?K=C3=A5re_?= =?utf-8?b?w4VzZQ==?= <kare@kunde.example>",
    )
    assert found.sender is not None
    assert found.sender.name == "Kåre Åse"
    words = b"=?utf-8?b?w4U=?=\r\n =?utf-8?q?_=C3?=\r\n =?utf-8?q?=A5?="
    split = parse(b"Subject: " + words + b"\r\n\r\n", TRUST)
    assert split.subject == "Å å"
    broken = parse(b"Subject: =?utf-8?q?a\r\n\r\n", TRUST)
    assert broken.subject == "=?utf-8?q?a"


def test_flowed_text_is_joined():
    found = mail(
        "Dette er en lang \r\nlinje.\r\n> sitert \r\n> tekst\r\n",
        "Content-Type: text/plain; format=flowed",
    )
    assert found.new_text == "Dette er en lang linje."
    assert found.quoted_text == "sitert tekst"


def test_invisible_characters_are_dropped():
    assert mail("sl\u200bett\u00ad meg\x00").new_text == "slett meg"


# --- who it is from --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (b"kari@kunde.example", "kari@kunde.example"),
        (b"<kari@kunde.example>", "kari@kunde.example"),
        (b"Kari Hansen <Kari@KUNDE.example>", "Kari@kunde.example"),
        (b'"Hansen, Kari" <kari@kunde.example>', "kari@kunde.example"),
        (b"kari@kunde.example (Kari Hansen)", "kari@kunde.example"),
        (b'"kari@kunde.example" <kari@kunde.example>', "kari@kunde.example"),
        ("Kåre <kåre@blåbær.example>".encode(), "kåre@xn--blbr-roah.example"),
        ("Kari Hansen (Innkjøp) <kari@kunde.example>".encode(), "kari@kunde.example"),
        (b"[Ekstern] Kari <kari@kunde.example>", "kari@kunde.example"),
        (b"kari+liste@kunde.example", "kari+liste@kunde.example"),
    ],
)
def test_plain_senders(value, address):
    found = with_from(b"From: " + value)
    assert found.sender is not None
    assert found.sender.address == address


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b"From:",),
        (b"From: <>",),
        (b"From: a@x.no", b"From: b@y.no"),
        (b"From: a@x.no", b"from: a@x.no"),
        (b"From: a@x.no", b"From : b@y.no"),
        (b" From: a@x.no", b"From: b@y.no"),
        (b"From: a@x.no", b"From\x00: b@y.no"),
        (b"From: a@x.no, b@y.no",),
        (b"From: <a@x.no><b@y.no>",),
        (b"From: a@x.no <b@y.no>",),
        (b"From: <a@x.no> b@y.no",),
        (b"From: <a@x.no>, <b@y.no>",),
        (b"From: group: a@x.no;",),
        (b"From: a@x.no\x00@y.no",),
        (b"From: <a@x.no\x00>",),
        (b"From: a(kommentar)@x.no",),
        (b"From: <a@x.no(b@y.no)>",),
        (b"From: a@x.no (b@y.no)",),
        (b"From: (a@x.no) <b@y.no>",),
        (b'From: "a@x.no" <b@y.no>',),
        (b"From: =?utf-8?q?a=40x=2Eno?= <b@y.no>",),
        ("From: a＠x.no <b@y.no>".encode(),),
        (b"From: =?utf-8?b?YUB4Lm5v?=@y.no",),
        (b"From: =?utf-8?b?PGFAeC5ubz4=?=",),
        (b'From: "a b"@x.no',),
        (b'From: "a@x.no,"@y.no',),
        (b"From: <@x.no,@y.no:b@z.no>",),
        (b"From: a@b@x.no",),
        (b"From: a@[10.0.0.1]",),
        (b"From: a\\@x.no <b@y.no",),
        (b"From: Kari <kari@x.no",),
        (b"From: a@x.no\rFrom: b@y.no",),
        (b"From: a@x.no;b@y.no",),
        (b"From: a@-x.no",),
        (b"From : a@x.no",),
        (b"From\t: a@x.no",),
        (b"X: y", b"From : a@x.no"),
        (b"From:", b" ", b" a@x.no"),
        (b"From: a@x.no", b"\t"),
        (b"From: =?utf-8?q?Kari=00?= <a@x.no>",),
        (b"From: =?utf-8?q?Kari=E2=80=AE?= <a@x.no>",),
        (b"From: a%y.no@x.no",),
        (b"From: y.no!a@x.no",),
        (b"From: a@x.no.",),
        ("From: a@ｘ.no".encode(),),
        ("From: a@\u0435xample.no".encode(),),  # Cyrillic е
        (b"From: a@xn--xample-2of.no",),
        ("From: k\u0430ri@x.no".encode(),),
        (b"From: a@xn--\xff.no",),
        (b"From: ,a@x.no",),
        (b"From: a@x.no,",),
        (b"From: (c)a@x.no",),
        (b"From: <a@x.no>\x0b",),
        ("From: \ufeffa@x.no".encode(),),
        (b"From: a..b@x.no",),
    ],
)
def test_a_sender_that_two_readers_might_read_differently_is_unknown(lines):
    assert with_from(*lines).sender is None


# --- attachments -----------------------------------------------------------------------------

MIXED = b"""Content-Type: multipart/mixed; boundary="b"\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
\r
Se vedlegg\r
--b\r
Content-Type: application/pdf\r
Content-Disposition: attachment; filename*0*=utf-8''..%2F..%2Fkrav%20; filename*1*=p%C3%A5.pdf\r
Content-Transfer-Encoding: base64\r
\r
SGVp\r
--b\r
Content-Type: image/png; name="=?utf-8?q?bl=C3=A5.png?="\r
Content-ID: <logo>\r
Content-Transfer-Encoding: base64\r
\r
SGVp\r
--b--\r
"""


def test_attachments_by_name_size_and_digest():
    found = parse(b"From: a@b.no\r\nMIME-Version: 1.0\r\n" + MIXED, TRUST)
    pdf, logo = found.attachments
    assert (pdf.name, pdf.media_type, pdf.size) == ("krav på.pdf", "application/pdf", 3)
    assert pdf.sha256 == hashlib.sha256(b"Hei").hexdigest()
    assert (logo.name, logo.inline, pdf.inline) == ("blå.png", True, False)
    assert found.new_text == "Se vedlegg"


def test_a_text_file_is_an_attachment_and_text_in_place_is_text():
    found = parse(
        b"From: a@b.no\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nhei\r\n--b\r\nContent-Type: text/plain; name=liste.txt\r\n"
        b"Content-Disposition: attachment\r\n\r\nfil\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nmer\r\n--b--",
        TRUST,
    )
    assert found.new_text == "hei\n\nmer"
    assert [attached.name for attached in found.attachments] == ["liste.txt"]


# --- hidden and differing parts --------------------------------------------------------------


def rich(body: str, plain: str | None = None) -> Mail:
    part = f"Content-Type: text/html; charset=utf-8\r\n\r\n{body}"
    if plain is None:
        return parse(f"From: a@b.no\r\n{part}".encode(), TRUST)
    return parse(
        (
            "From: a@b.no\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\n\r\n{plain}\r\n--b\r\n{part}\r\n--b--"
        ).encode(),
        TRUST,
    )


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none">skjult</div>',
        '<div style="DISPLAY : none !important">skjult</div>',
        '<span style="visibility:hidden">skjult</span>',
        '<span style="font-size:0px">skjult</span>',
        '<span style="font:0/0 a">skjult</span>',
        '<font color="#FFFFFF">skjult</font>',
        "<font color=white>skjult</font>",
        '<p style="color:rgb(254, 255, 254)">skjult</p>',
        '<p style="color:black;background:#000">skjult</p>',
        '<table bgcolor="#123456"><tr><td><font color="#123457">skjult</font></td></tr></table>',
        "<div hidden>skjult</div>",
        '<div style="opacity:0">skjult</div>',
        '<div style="max-height:0;overflow:hidden">skjult</div>',
        '<div style="text-indent:-9999px">skjult</div>',
        '<div style="position:absolute;left:-5000px">skjult</div>',
        "<style>.x{display:none}</style><div class='y x'>skjult</div>",
        "<style>#x{color:#fff}</style><div id=x>skjult</div>",
        "<body><!-- skjult ord --></body>",
        '<div style="display:none"><div style="display:block">skjult</div></div>',
    ],
)
def test_what_no_reader_sees_is_not_text(hidden):
    found = rich(f"<html><body><p>Synlig</p>{hidden}<p>Slutt</p></body></html>")
    assert found.text.split() == ["Synlig", "Slutt"]
    assert "hidden-text" in found.notes


@pytest.mark.parametrize(
    "shown",
    [
        '<td style="font-size:0"><span style="font-size:14px">vises</span></td>',
        '<div style="background:#000"><span style="color:#fff">vises</span></div>',
        '<table background="bilde.png"><tr><td style="color:#fff">vises</td></tr></table>',
        '<div style="visibility:hidden"><p style="visibility:visible">vises</p></div>',
        "<style>@media print{.x{display:none}}</style><div class=x>vises</div>",
        '<b x"y>vises</b>',
        "3 < 4 vises",
        '<a title="a > b">vises</a>',
    ],
)
def test_what_a_reader_sees_is_text(shown):
    found = rich(f"<body><p>Før</p>{shown}</body>")
    assert "vises" in found.text
    assert "hidden-words" not in found.notes


def test_parts_that_say_the_same_are_no_alternatives():
    assert rich("<p>Hei, <b>alle</b>&nbsp;sammen!</p>", "Hei, *alle* sammen!").alternatives == ()
    differing = rich("<p>Ja</p>", "Nei")
    assert differing.alternatives == ("Nei", "Ja")
    assert rich("<p>Ja?</p>", "Ja").alternatives


def test_html_only_is_told():
    assert rich("<p>Hei</p>").html_only
    assert not rich("<p>Hei</p>", "Hei").html_only


# --- bounces, forwards -----------------------------------------------------------------------

BOUNCE = b"""Return-Path: <>\r
From: MAILER-DAEMON@mx.example\r
Subject: Undelivered Mail Returned to Sender\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
\r
I am sorry.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example\r
\r
Final-Recipient: rfc822; kari@kunde.example\r
Action: failed\r
Status: 5.1.1\r
--b\r
Content-Type: %s\r
\r
Message-ID: <letter-1@example.no>\r
X-Mailbot-Effect: effect-77\r
Subject: Svar\r
\r
Hei\r
--b--\r
"""


@pytest.mark.parametrize("kind", [b"message/rfc822", b"text/rfc822-headers"])
def test_a_bounce_names_the_mail_that_failed(kind):
    found = parse(BOUNCE % kind, TRUST)
    assert found.automatic.value == "bounce"
    assert found.failed_recipients == ("kari@kunde.example",)
    assert found.failed_message_ids == ("letter-1@example.no",)
    assert "failed-effect:effect-77" in found.notes
    assert found.forwarded is None


def test_a_delay_is_no_failure():
    raw = BOUNCE % b"message/rfc822"
    found = parse(raw.replace(b"Action: failed", b"Action: delayed"), TRUST)
    assert found.automatic.value == "report"
    assert found.failed_message_ids == ()


def test_an_attached_mail_is_a_forward_with_an_unverified_sender():
    found = parse(
        b"From: ansatt@example.no\r\nSubject: VS: krav\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nKan du ta denne?\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
        b"From: Ola <ola@kunde.example>\r\nSubject: krav\r\n"
        b"Date: Mon, 23 Nov 2026 10:00:00 +0100\r\n\r\nSlett meg\r\n--b--",
        TRUST,
    )
    assert found.new_text == "Kan du ta denne?"
    assert found.forwarded is not None
    assert found.forwarded.sender is not None
    assert found.forwarded.sender.address == "ola@kunde.example"
    assert found.forwarded.subject == "krav"
    assert found.forwarded.text == "Slett meg"
    assert [attached.name for attached in found.attachments] == ["krav.eml"]


# --- hostile ---------------------------------------------------------------------------------


def test_missing_and_broken_structure():
    assert parse(b"", TRUST).sender is None
    assert parse(b"\x00\xff\xfe", TRUST).notes
    assert mail("hei", "Content-Type: multipart/mixed").new_text == "hei"
    assert mail("hei", "Content-Type: multipart/mixed; boundary=x").new_text == "hei"
    unclosed = mail("--x\r\n\r\nhei", "Content-Type: multipart/mixed; boundary=x")
    assert unclosed.new_text == "hei"
    assert mail("hei", "Content-Type: tull").new_text == "hei"
    assert mail("hei", "ikke et felt").new_text.endswith("hei")
    mac = parse(b"From: a@b.no\rSubject: x\r\rhei\rhopp", TRUST)
    assert mac.new_text == "hei\nhopp"


def test_a_mail_without_a_blank_line_loses_no_text():
    found = parse(b"From: a@b.no\r\nSubject: x\r\nSlett alt om meg, takk", TRUST)
    assert "Slett alt om meg" in found.new_text
    assert "bad-header" in found.notes


BOMBS = {
    "headers": b"X: y\r\n" * 100_000 + b"\r\nhei",
    "folds": b"Subject: x\r\n" + b" y\r\n" * 200_000 + b"\r\n",
    "nested": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i)
        for i in range(3000)
    ),
    "rfc822": b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nhei\r\n" * 200_000,
    "divs": b"Content-Type: text/html\r\n\r\n" + b"<div>" * 200_000,
    "less": b"Content-Type: text/html\r\n\r\n" + b"<" * 500_000,
    "styles": b"Content-Type: text/html\r\n\r\n" + b"<style>" * 200_000,
    "attributes": b"Content-Type: text/html\r\n\r\n<a " + b"a='b\"" * 200_000,
    "quotes": b"\r\n" + b"> " * 500_000,
    "sign-offs": b"\r\n" + b"Mvh\r\n" * 100_000,
    "dashes": b"\r\n" + (b"-" * 380 + b"\r\n") * 3000,
    "words": b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\n",
    "comments": b"Authentication-Results: " + b"(" * 60_000 + b"\r\n\r\n",
    "addresses": b"To: " + b"a@b.no, " * 100_000 + b"\r\n\r\n",
    "params": b"Content-Type: text/plain; " + b"a*0=x;" * 50_000 + b"\r\n\r\n",
    "text": b"\r\n" + b"hei " * 3_000_000,
}


@pytest.mark.parametrize("name", list(BOMBS))
def test_bombs_are_bounded(name):
    start = time.process_time()
    found = parse(b"From: a@b.no\r\n" + BOMBS[name], TRUST)
    # Ample for a loaded machine; a quadratic reading takes minutes.
    assert time.process_time() - start < 15
    assert len(found.text) <= 1_100_000


def test_too_much_text_is_cut_and_said():
    found = mail("hei " * 500_000)
    assert "truncated" in found.notes
    assert len(found.text) <= 1_000_000


def test_mangled_mails_never_raise():
    seeds = [
        b"From: Kari <kari@x.no>\r\n"
        b"Received: from a (b [1.2.3.4]) by c; Mon, 1 Jan 2026 0:0:0 +0000\r\n"
        b"Authentication-Results: x; dmarc=pass\r\n" + MIXED,
        BOUNCE % b"message/rfc822",
        b"From: a@b.no\r\nContent-Type: text/html\r\n\r\n"
        b"<p style='color:#fff'>a<blockquote>&#xD800;",
    ]
    chance = random.Random(20261122)
    signs = [b"\r\n", b"\x00", b'"', b"(", b"=?", b"--b", b"<", b";"]
    for _ in range(600):
        raw = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(raw))
            match chance.randrange(4):
                case 0:
                    raw[at] = chance.randrange(256)
                case 1:
                    del raw[at : at + chance.randrange(30)]
                case 2:
                    raw[at:at] = raw[: chance.randrange(60)]
                case _:
                    raw[at:at] = chance.choice(signs)
            raw = raw or bytearray(b"x")
        found = parse(bytes(raw), TRUST)
        assert from_json(Mail, to_json(found)) == found
