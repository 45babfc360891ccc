"""Mails made to exhaust their reader: each is read in time, and whole where that is possible."""

import base64
import time

import pytest

from mailbot.mailtext.authenticity import Trust
from mailbot.steps.parse import parse
from mailbot.steps.screen import screen

TRUST = Trust(authserv_id="mx.x.no", trusted_hosts=("*.x.no",), own_addresses=("support@x.no",))
FROM = b"From: a@b.no\r\n"
# Two seconds on a machine of its own; tests share theirs. A quadratic reading takes minutes.
SECONDS = 8.0


def _html(body: bytes) -> bytes:
    return FROM + b"Content-Type: text/html\r\n\r\n" + body


def _many_parts(part: bytes, count: int, kind: bytes = b"mixed") -> bytes:
    head = FROM + b"Content-Type: multipart/" + kind + b"; boundary=b\r\n\r\n"
    return head + (b"--b\r\n" + part + b"\r\n") * count + b"--b--"


BOMBS = {
    "fifty megabytes of text": FROM + b"\r\n" + b"Hei, dette er en lang linje.\r\n" * 1_700_000,
    "fifty megabytes in one line": FROM + b"\r\n" + b"x" * 50_000_000,
    "fifty megabytes attached": FROM
    + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(b"x" * 37_000_000),
    "a header of ten megabytes": FROM + b"X-Y: " + b"z" * 10_000_000 + b"\r\n\r\nhei",
    "a subject of a megabyte": FROM
    + b"Subject: " + b"=?utf-8?q?" + b"=C3" * 300_000 + b"?=\r\n\r\n",
    "subjects without number": FROM + b"Subject: =?utf-8?b?YQ==?= x\r\n" * 100_000 + b"\r\nhei",
    "a hundred thousand hops": FROM
    + b"Received: from mx.x.no (10.0.0.1) by mx.x.no; Mon, 23 Nov 2026 10:00:00 +0100\r\n" * 100_000
    + b"\r\nhei",
    "results without number": FROM
    + b"Authentication-Results: mx.x.no; dmarc=pass header.from=b.no\r\n" * 100_000
    + b"\r\nhei",
    "results that go on": FROM
    + b"Authentication-Results: mx.x.no" + b"; a=b c=d" * 7000 + b"\r\n\r\n",
    "comments in a sender": b"From: a@b.no " + b"(" * 10_000 + b")" * 10_000 + b"\r\n\r\nhei",
    "comments in recipients": FROM + b"To: " + b"(" * 30_000 + b"a@b.no\r\n\r\nhei",
    "quotes in recipients": FROM + b"To: " + b'"\\' * 30_000 + b"\r\n\r\nhei",
    "groups of groups": FROM + b"To: " + b"a:" * 30_000 + b"\r\n\r\nhei",
    "references": FROM + b"References: " + b"<a@b> " * 200_000 + b"\r\n\r\nhei",
    "half references": FROM + b"References: " + b"<" * 60_000 + b"\r\n\r\nhei",
    "encoded words of many charsets": FROM
    + b"Subject: " + b"=?iso-2022-jp?b?GyRC?= =?utf-8?q?a?= " * 2000 + b"\r\n\r\n",
    "half encoded words": FROM + b"Subject: " + b"=?a?q?" * 12_000 + b"\r\n\r\n",
    "parameters in pieces": FROM
    + b"Content-Type: text/plain"
    + b"".join(b"; charset*%d*=%%41" % n for n in range(5000)) + b"\r\n\r\nhei",
    "a boundary in every line": _many_parts(b"--b-\r\n--bb", 100_000),
    "a boundary that is everywhere": FROM
    + b'Content-Type: multipart/mixed; boundary="-"\r\n\r\n' + b"-" * 5_000_000,
    "boundaries within boundaries": FROM
    + b"".join(
        b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n--%s\r\n' % (b"b" * n, b"b" * n)
        for n in range(1, 60)
    )
    + b"--" + b"b" * 200_000,
    "fifty pages": _many_parts(b"Content-Type: text/html\r\n\r\n" + b"<p>hei</p>" * 20_000, 50),
    "alternatives": _many_parts(b"Content-Type: text/html\r\n\r\n<p>x", 5000, b"alternative"),
    "related": _many_parts(b"Content-Type: image/png\r\n\r\nx", 5000, b"related"),
    "mails within mails, each with text": b"".join(
        FROM + b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n\r\nhei\r\n--b%d\r\n"
        b"Content-Type: message/rfc822\r\n\r\n" % (n, n, n)
        for n in range(500)
    ),
    "encoded mails within mails": FROM
    + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.b64encode(
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode(FROM + b"\r\nhei" * 1_000_000)
    ),
    "padding": FROM + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"Yg==" * 500_000,
    "soft line ends": FROM
    + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r\n" * 2_000_000,
    "flowed": FROM + b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"> a \r\n" * 200_000,
    "flowed marks": FROM + b"Content-Type: text/plain; format=flowed\r\n\r\n" + b">" * 500_000,
    "uuencode": FROM
    + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n" + b"`\r\n" * 1_000_000,
    "status groups": FROM
    + b"Content-Type: message/delivery-status\r\n\r\n" + b"Action: failed\r\n\r\n" * 100_000,
    "a bounce of addresses": b"From: MAILER-DAEMON@x\r\nReturn-Path: <>\r\n"
    b"Subject: Undeliverable\r\n\r\n" + b"a@b.no 550 " * 200_000,
    "entities": _html(b"&amp;" * 400_000),
    "numbered entities": _html(b"&#" + b"9" * 1_000_000 + b";"),
    "attributes of a tag": _html(b"<p " + b"a=b " * 400_000 + b">hei"),
    "a style of a megabyte": _html(b"<p style='" + b"color:red;" * 100_000 + b"'>hei"),
    "quotes within quotes": _html(b"<blockquote>" * 100_000 + b"hei"),
    "tables": _html(b"<table><tr><td>" * 60_000 + b"hei"),
    "comments": _html(b"<!--" * 300_000),
    "conditional comments": _html(b"<body>" + b"<!--[if mso]>" * 100_000 + b"hei"),
    "invisible signs": FROM + b"\r\n" + "\u200b\u00ad".encode() * 1_000_000,
    "letters with many marks": FROM + b"\r\na" + "\u0301".encode() * 2_000_000,
    "empty lines": FROM + b"\r\n" + b"\r\n" * 3_000_000,
    "attributions": FROM + b"\r\n" + b"man. 23. nov. 2026 skrev a <a@b.no>:\r\n" * 30_000,
    "header blocks": FROM
    + b"\r\n" + b"Fra: a@b.no\r\nSendt: i dag\r\nTil: b\r\nEmne: c\r\n" * 20_000,
    "rules": FROM + b"\r\n" + b"_" * 2_000_000,
}  # fmt: skip


@pytest.mark.parametrize("name", list(BOMBS))
def test_it_is_read_in_time(name):
    start = time.process_time()
    found = parse(BOMBS[name], TRUST)
    screen(found)
    assert time.process_time() - start < SECONDS
    assert "unparsable" not in found.notes
    assert len(found.text) <= 2_000_000
