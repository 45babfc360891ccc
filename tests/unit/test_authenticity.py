"""Whose word counts: our own server's topmost results, and nobody else's."""

import pytest

from mailbot.mailtext.authenticity import Trust, read_results, verdict
from mailbot.mailtext.headers import read_headers
from mailbot.message import Verdict

EXO = Trust(
    trusted_hosts=("*.protection.outlook.com",),
    trust_internal=True,
    internal_domains=("example.no",),
)
MX = Trust(authserv_id="mx.example.no", trusted_hosts=("mx.example.no", "imap.example.no"))

PASS = (
    "Authentication-Results: spf=pass (sender IP is 203.0.113.9) smtp.mailfrom=kunde.example;"
    " dkim=pass (signature was verified) header.d=kunde.example;dmarc=pass action=none"
    " header.from=kunde.example;compauth=pass reason=100"
)
HTTPS = (
    "Received: from AM9PR01MB1.eurprd01.prod.outlook.com (2603:10a6:20b:1::1) by"
    " DB8PR01MB2.eurprd01.prod.outlook.com with HTTPS; Mon, 23 Nov 2026 09:00:04 +0000"
)
INNER = (
    "Received: from DU2PR04CA0001.eurprd04.prod.outlook.com (2603:10a6:10:3b::6) by"
    " AM9PR01MB1.eurprd01.prod.outlook.com (2603:10a6:20b:1::1) with Microsoft SMTP Server"
    " (version=TLS1_2) id 15.20.1; Mon, 23 Nov 2026 09:00:03 +0000"
)
FRONT = (
    "Received: from DU6PEPF0000A7DF.eurprd02.prod.outlook.com (2603:10a6:10:3b:cafe::1) by"
    " DU2PR04CA0001.outlook.office365.com (2603:10a6:10:3b::6) with Microsoft SMTP Server id"
    " 15.20.2; Mon, 23 Nov 2026 09:00:02 +0000"
)
EDGE = (
    "Received: from mail.kunde.example (203.0.113.9) by"
    " DU6PEPF0000A7DF.mail.protection.outlook.com (10.167.8.40) with Microsoft SMTP Server id"
    " 15.20.3; Mon, 23 Nov 2026 09:00:01 +0000"
)
TENANT = EDGE.replace(
    "mail.kunde.example (203.0.113.9)", "EUR05.outbound.protection.outlook.com (40.107.1.2)"
)
INTERNAL = "X-MS-Exchange-Organization-AuthAs: Internal"
MAPI = (
    "Received: from VI1PR01MB3.eurprd01.prod.outlook.com ([fe80::1]) by"
    " VI1PR01MB3.eurprd01.prod.outlook.com ([fe80::1%4]) with mapi id 15.20; Mon, 23 Nov 2026"
    " 09:00:00 +0000"
)


def judge(trust: Trust, domain: str, *lines: str):
    raw = "\r\n".join([*lines, "Subject: x", "", "hei"]).encode()
    found = verdict(read_headers(raw, 0, len(raw))[0], domain, trust)
    return found.verdict, found.reason


@pytest.mark.parametrize(
    "lines",
    [
        (HTTPS, INNER, FRONT, PASS, EDGE),
        (PASS, EDGE),
        (HTTPS, PASS, EDGE),
        (HTTPS, INNER, FRONT, PASS, TENANT),
        (PASS, "Received: from mail.customer.no by x.mail.protection.outlook.com; x"),
        (HTTPS, INNER, FRONT, PASS, "Received-SPF: Pass", EDGE, PASS.replace("pass", "fail")),
    ],
)
def test_results_of_exchange_online_above_the_border_count(lines):
    assert judge(EXO, "kunde.example", *lines) == (Verdict.PASS, "dmarc-pass")


def test_a_mail_without_any_received_counts_only_with_results_alone_on_top():
    assert judge(EXO, "kunde.example", PASS) == (Verdict.PASS, "dmarc-pass")
    assert judge(EXO, "kunde.example", "Return-Path: <a@b.no>", PASS)[0] is Verdict.PASS
    assert judge(EXO, "kunde.example", "X: y", PASS) == (Verdict.NONE, "no-received")
    assert judge(EXO, "kunde.example", PASS, PASS) == (Verdict.NONE, "no-received")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "no-trusted-header"),
        ((HTTPS, INNER, FRONT, EDGE, PASS), "below-foreign-received"),
        # Everything below the border is the sender's, whatever it calls itself.
        ((HTTPS, EDGE, HTTPS, PASS, EDGE), "below-foreign-received"),
        ((TENANT, HTTPS, INNER, FRONT, PASS, EDGE), "below-foreign-received"),
        # A peer that merely calls itself ours, from an address that is not.
        (
            (
                "Received: from x.mail.protection.outlook.com (198.51.100.7) by"
                " DU6.mail.protection.outlook.com (10.1.1.1) with Microsoft SMTP Server; x",
                PASS,
                EDGE,
            ),
            "below-foreign-received",
        ),
        (("Received: from a.example (1.2.3.4) by evil.example; x", PASS), "below-foreign-received"),
        ((PASS, "Received: from a.example (1.2.3.4) by evil.example; x"), "no-own-received"),
        ((PASS.replace(": spf", ": mx.evil.example; spf"), EDGE), "foreign-authserv-id"),
        ((PASS.replace("kunde.example;compauth", "annen.example;compauth"), EDGE),
         "header-from-mismatch"),
        ((PASS.replace("dmarc=pass", "dmarc=bestguesspass"), EDGE), "dmarc-bestguess"),
        ((PASS.replace("dmarc=pass", "dmarc=none"), EDGE), "dmarc-none"),
        ((PASS.replace("dmarc=pass", "dmarc=temperror"), EDGE), "dmarc-error"),
        ((PASS.replace("dmarc=pass action=none header.from=kunde.example;", ""), EDGE), "no-dmarc"),
        ((PASS.replace("kunde.example; dkim", "kunde.example(.evil.example; dkim"), EDGE),
         "unreadable-results"),
        ((PASS + "\r\n ;dmarc=pass header.from=kunde.example", EDGE), "ambiguous-results"),
        ((PASS.replace("Results:", "Results-Original:"), EDGE), "no-trusted-header"),
        (("ARC-" + PASS, EDGE), "no-trusted-header"),
    ],
)  # fmt: skip
def test_what_is_not_our_servers_word_says_nothing(lines, reason):
    assert judge(EXO, "kunde.example", *lines) == (Verdict.NONE, reason)


def test_failures_are_failures():
    assert judge(EXO, "kunde.example", HTTPS, PASS.replace("dmarc=pass", "dmarc=fail"), EDGE) == (
        Verdict.FAIL,
        "dmarc-fail",
    )
    spoofed = PASS.replace("compauth=pass reason=100", "compauth=fail reason=001")
    assert judge(EXO, "kunde.example", spoofed, EDGE) == (Verdict.FAIL, "compauth-fail")
    twice = PASS.replace("dmarc=pass", "dmarc=fail") + ";dmarc=pass header.from=kunde.example"
    assert judge(EXO, "kunde.example", twice, EDGE)[0] is Verdict.FAIL


def test_an_unknown_sender_has_no_verdict():
    assert judge(EXO, "", PASS, EDGE) == (Verdict.NONE, "unknown-sender")


def test_domains_are_compared_as_names():
    upper = PASS.replace("header.from=kunde.example", "header.from=Kunde.Example")
    assert judge(EXO, "kunde.example", upper, EDGE)[0] is Verdict.PASS
    puny = PASS.replace("header.from=kunde.example", "header.from=xn--blbr-roah.example")
    assert judge(EXO, "blåbær.example", puny, EDGE)[0] is Verdict.PASS
    below = PASS.replace("header.from=kunde.example", "header.from=sub.kunde.example")
    assert judge(EXO, "kunde.example", below, EDGE)[1] == "header-from-mismatch"


# --- a server with an id of its own ----------------------------------------------------------

OWN = (
    "Authentication-Results: mx.example.no; dmarc=pass (p=none dis=none) header.from=kunde.example;"
    " spf=pass smtp.mailfrom=prvs=123abc=kari@kunde.example"
)
LMTP = "Received: from mx.example.no by imap.example.no with LMTP id 1; x"
POSTFIX = (
    "Received: from mail.kunde.example (mail.kunde.example [203.0.113.9]) by mx.example.no"
    " (Postfix) with ESMTPS id 2 for <support@example.no>; Mon, 23 Nov 2026 10:00:00 +0100 (CET)"
)


@pytest.mark.parametrize(
    "lines",
    [
        (OWN, POSTFIX),
        (LMTP, OWN, POSTFIX),
        ("Received: from mx.example.no by backend7.local with LMTP id 1; x", OWN, POSTFIX),
        ("Received: from localhost (localhost [127.0.0.1]) by mx.example.no; x", OWN, POSTFIX),
        ("Received: from x (mx.example.no [198.51.100.1]) by imap.example.no; x", OWN, POSTFIX),
    ],
)
def test_results_with_our_own_id_count(lines):
    assert judge(MX, "kunde.example", *lines) == (Verdict.PASS, "dmarc-pass")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((PASS, POSTFIX), "no-authserv-id"),
        ((OWN.replace("mx.example.no", "mx.evil.example"), POSTFIX), "foreign-authserv-id"),
        ((OWN.replace("mx.example.no", "mx.evil.example"), OWN, POSTFIX), "foreign-authserv-id"),
        ((POSTFIX, OWN), "below-foreign-received"),
        # Postfix notes the name that it looked up in parentheses: HELO in front is a claim.
        (
            (
                "Received: from mx.example.no (unknown [198.51.100.7]) by imap.example.no; x",
                OWN,
                POSTFIX,
            ),
            "below-foreign-received",
        ),
        (
            (
                "Received: from mx.example.no (evil.example [198.51.100.7]) by imap.example.no; x",
                OWN,
                POSTFIX,
            ),
            "below-foreign-received",
        ),
        (
            ("Received: from [198.51.100.7] (helo=mx.example.no) by imap.example.no; x", OWN),
            "below-foreign-received",
        ),
    ],
)
def test_other_ids_and_places_do_not_count(lines, reason):
    assert judge(MX, "kunde.example", *lines) == (Verdict.NONE, reason)


# --- inside the organisation -----------------------------------------------------------------


def test_mail_that_never_left_the_organisation():
    expected = (Verdict.PASS, "internal")
    assert judge(EXO, "example.no", HTTPS, INNER, MAPI, "From: a@example.no", INTERNAL) == expected
    unsigned = "Authentication-Results: dkim=none (not signed) header.d=none;dmarc=none action=none"
    assert judge(EXO, "example.no", HTTPS, MAPI, unsigned, INTERNAL) == expected


@pytest.mark.parametrize(
    "lines",
    [
        (EDGE, INTERNAL),
        (HTTPS, INNER, FRONT, EDGE, INTERNAL),
        (HTTPS, MAPI, INTERNAL, INTERNAL),
        (HTTPS, MAPI, INTERNAL.replace("Internal", "Anonymous")),
        (HTTPS, MAPI, INTERNAL, "Authentication-Results: spf=fail; dmarc=fail"),
        (HTTPS, MAPI),
        # A web form on one of our own machines writes what its visitor wants.
        ("Received: from localhost (localhost [127.0.0.1]) by x.prod.outlook.com; x", INTERNAL),
    ],
)
def test_what_calls_itself_internal_and_is_not(lines):
    assert judge(EXO, "example.no", *lines)[0] is not Verdict.PASS


def test_internal_must_be_trusted_and_the_domain_ours():
    distrustful = Trust(internal_domains=("example.no",))
    assert judge(distrustful, "example.no", HTTPS, MAPI, INTERNAL)[0] is Verdict.NONE
    assert judge(EXO, "annen.example", HTTPS, MAPI, INTERNAL)[0] is Verdict.NONE


# --- the parser ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "",
        "spf=pass smtp.mailfrom=a(b; dmarc=pass header.from=x",
        'spf=pass smtp.mailfrom="a; dmarc=pass',
        "spf=pass) dmarc=pass",
        "dmarc=pass header.from",
        "dmarc pass",
        "a b c; dmarc=pass",
        "dmarc=pass\rheader.from=x",
        "dmarc=pass header.from=a\x00b",
    ],
)
def test_results_that_break_the_rules_are_not_read(value):
    assert read_results(value) is None


def test_comments_quotes_and_odd_values():
    found = read_results(
        'mx.example.no 1; (a (nested) ; comment) dmarc=pass (x;y) header.from="a.no";'
        " spf=none smtp.mailfrom=; dkim=pass header.b=abc= header.i=@a.no"
    )
    assert found is not None
    assert found.authserv_id == "mx.example.no"
    assert found.outcomes("dmarc") == ("pass",)
    assert found.properties("dmarc", "header.from") == ("a.no",)
    quoted = read_results('mx; spf=pass smtp.mailfrom="a; dmarc=pass header.from=b.no"@c.no')
    assert quoted is not None
    assert quoted.outcomes("dmarc") == ()
