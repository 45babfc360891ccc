"""Mails as hypothesis makes them: MIME trees that may be sound, and are then damaged."""

import base64
import quopri

from hypothesis import strategies as st

_TEXTS = st.text(max_size=300)
_WORDS = st.sampled_from(
    [
        "Slett meg", "Godkjent", "Automatisk svar", "Undeliverable", "> sitert", "-- ", "From: ",
        "man. 23. nov. 2026 skrev Kari <k@x.no>:", "________________", "Fra: a@b.no\nEmne: x\n",
        "550 5.1.1 User unknown", "\u202e", "\u200b", "\ufeff", "\x00", "\x1b$B", "+AGE-", "~{",
        "<div style=display:none>x</div>", "<!--[if mso]>x<![endif]-->", "<style>p{color:#fff}",
        "<blockquote>", "<p hidden>", "</", "&#x110000;", "&#55555;", "\ud800",
    ]
)  # fmt: skip
_CHARSETS = st.sampled_from(
    [
        "utf-8", "iso-8859-1", "windows-1252", "utf-7", "utf-16", "utf-16le", "utf-32", "hz",
        "hz-gb-2312", "iso-2022-jp", "iso-2022-kr", "gb18030", "big5", "koi8-r", "cp037", "idna",
        "punycode", "unicode_escape", "zlib", "rot13", "unknown-8bit", "x-unknown", "", "\"", "ø",
        "utf-8\x00", "a" * 500,
    ]
)  # fmt: skip
_NAMES = st.sampled_from(
    [
        "From", "FROM", "Fr om", "From ", "Sender", "To", "Cc", "Reply-To", "Subject", "Date",
        "Message-ID", "In-Reply-To", "References", "Received", "Authentication-Results",
        "Auto-Submitted", "Return-Path", "X-Failed-Recipients", "List-Id", "Precedence",
        "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID",
        "X-Mailbot-Effect", "X-MS-Exchange-Organization-AuthAs", "MIME-Version", "", "\x00", "Æ",
    ]
)  # fmt: skip
_VALUES = st.one_of(
    _TEXTS,
    st.sampled_from(
        [
            "a@b.no", "A <a@b.no>", "<a@b.no>, <c@d.no>", "a@b.no (" + "(" * 200, '"a" <a@b.no',
            "<@x.no:a@b.no>", "gruppe: a@b.no;", "=?utf-8?b?YUBiLm5v?=", "=?utf-8?q?" + "=" * 99,
            "=?x?y?z?=", "=?utf-8?b?====?=", "Mon, 23 Nov 2026 10:00:00 +0100", "Mon, 99 Xyz 1",
            "Thu, 01 Jan 1970 00:00:00 +99999999999999999999", "<1@x> <2@x>", "<" * 500,
            "mx.firma.test; dmarc=pass header.from=b.no", "spf=pass; dmarc=pass (((",
            "auto-replied",
            "from a (1.2.3.4) by mx.firma.test; Mon, 23 Nov 2026 10:00:00 +0100", "multipart/mixed",
            "from [::::] by ((((", 'text/plain; charset="', "multipart/mixed; boundary=" + "b" * 90,
            "text/plain; charset*0*=x'y; charset*1=z; charset*99999999999=q", "message/rfc822",
            "attachment; filename*=utf-8''%00%ff", "base64", "quoted-printable",
            "x-uuencode", "7bit",
        ]
    ),
)  # fmt: skip


@st.composite
def _field(draw: st.DrawFn) -> bytes:
    name, value = draw(_NAMES), draw(_VALUES)
    end = draw(st.sampled_from(["\r\n", "\n", "\r\n ", "\r", "\n\t\n"]))
    return f"{name}:{value}".encode("utf-8", "replace") + end.encode()


@st.composite
def _leaf(draw: st.DrawFn) -> bytes:
    charset = draw(_CHARSETS)
    text = "\n".join(draw(st.lists(st.one_of(_TEXTS, _WORDS), max_size=6)))
    octets = draw(st.one_of(st.just(text.encode("utf-8", "replace")), st.binary(max_size=300)))
    kind = draw(
        st.sampled_from(
            [
                "text/plain", "text/html", "text/calendar; method=REQUEST", "application/pdf",
                "message/delivery-status", "message/disposition-notification",
                "text/rfc822-headers",
                "application/ms-tnef", "image/png", "text/plain; format=flowed; delsp=yes", "x",
            ]
        )
    )  # fmt: skip
    encoding = draw(st.sampled_from(["7bit", "base64", "quoted-printable", "x-uuencode", "8bit"]))
    if encoding == "base64":
        octets = base64.encodebytes(octets)
    elif encoding == "quoted-printable":
        octets = quopri.encodestring(octets)
    head = f"Content-Type: {kind}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n"
    more = b"".join(draw(st.lists(_field(), max_size=2)))
    return head.encode("utf-8", "replace") + more + b"\n" + octets


@st.composite
def _multipart(draw: st.DrawFn, children: st.SearchStrategy[bytes]) -> bytes:
    kind = draw(
        st.sampled_from(["mixed", "alternative", "related", "report", "digest", "signed", "x"])
    )
    mark = draw(st.sampled_from([b"b", b"bb", b"=_x", b"b b", b"'()+_,-./:=?"]))
    parts = draw(st.lists(children, max_size=4))
    body = b"".join(b"--" + mark + b"\n" + part + b"\n" for part in parts)
    close = draw(st.sampled_from([b"--" + mark + b"--\n", b"", b"--" + mark + b"-\n"]))
    head = b"Content-Type: multipart/" + kind.encode() + b'; boundary="' + mark + b'"\n\n'
    return head + body + close


def _embedded(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return children.map(lambda inner: b"Content-Type: message/rfc822\n\n" + inner)


_TREES = st.recursive(
    _leaf(), lambda inner: st.one_of(_multipart(inner), _embedded(inner)), max_leaves=8
)


@st.composite
def mails(draw: st.DrawFn) -> bytes:
    """A mail: fields, a tree, and perhaps some damage."""
    raw = b"".join(draw(st.lists(_field(), max_size=12))) + draw(_TREES)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw)))
        match draw(st.sampled_from(["cut", "insert", "double", "drop"])):
            case "cut":
                raw = raw[:at]
            case "insert":
                raw = raw[:at] + draw(st.binary(max_size=8)) + raw[at:]
            case "double":
                raw = raw[:at] + raw[max(0, at - 200) : at] * draw(st.integers(1, 20)) + raw[at:]
            case "drop":
                raw = raw[:at] + raw[at + draw(st.integers(1, 50)) :]
    return raw
