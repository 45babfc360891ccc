"""The loop on real servers: customer → support → approval mail → staff reply → rows → answer."""

import json
import re
import time

import pytest

from tests.live.firm import (
    FREMMED,
    KARI,
    KUNDE,
    OLA,
    PER,
    SUPPORT,
    Firm,
    MailServers,
    firm,
    text_of,
    wait_for,
)

ERASE = "Hei, kan dere slette alt dere har lagret om meg?\n\nHilsen Kunde Kundesen"
ACCESS = "Hello,\n\nplease send me a copy of all personal data you hold about me.\n\nOla Nordmann"
GOAL = 2.0  # seconds, each way, with IDLE on loopback


def _erasure_asked(made: Firm, approver: str = PER) -> object:
    made.write(KUNDE, "Sletting", ERASE)
    return wait_for(lambda: made.questions(approver))[-1]


def test_erasure_in_bokmaal_and_access_in_english(tmp_path, servers: MailServers, database: str):
    with firm(tmp_path, servers, database, bounce_hours=0) as made:
        ordinary = [_ordinary(made, number) for number in range(3)]
        began = time.monotonic()
        question = _erasure_asked(made)
        to_question = time.monotonic() - began
        assert made.rows("SELECT count(*) FROM orders WHERE contact_id = 1") == [(2,)]
        began = time.monotonic()
        made.reply(question, "Godkjent", PER)
        (answer,) = wait_for(lambda: made.mails(KUNDE))
        to_answer = time.monotonic() - began
        print(
            f"\nerasure: mail → question {to_question:.2f} s, approval → answer {to_answer:.2f} s"
        )
        assert "slettet" in text_of(answer)
        assert made.rows("SELECT id FROM orders ORDER BY id") == [(3,), (4,)]
        assert made.rows("SELECT id FROM notes") == [(2,)]
        assert made.rows("SELECT count(*) FROM invoices") == [(2,)]
        assert made.rows("SELECT epost, mobil, adresse FROM contacts WHERE id = 1") == [
            (None, None, None)
        ]
        assert made.rows("SELECT count(*) FROM contacts WHERE id IN (2, 3) AND epost <> ''") == [
            (2,)
        ]

        began = time.monotonic()
        made.write(OLA, "My data", ACCESS)
        question = wait_for(lambda: made.questions()[1:])[-1]
        to_question_2 = time.monotonic() - began
        began = time.monotonic()
        made.reply(question, "Approved, thanks", PER)
        (answer,) = wait_for(lambda: made.mails(OLA))
        to_answer_2 = time.monotonic() - began
        print(
            f"access: mail → question {to_question_2:.2f} s, approval → answer {to_answer_2:.2f} s"
        )
        package = b"".join(
            part.get_content().encode()
            if isinstance(part.get_content(), str)
            else part.get_content()
            for part in answer.iter_attachments()
        )
        assert b"Storgata 2" in package
        assert b"Storgata 1" not in package
        assert max(to_question, to_answer, to_question_2, to_answer_2) < 3 * GOAL

        wait_for(lambda: made.states() == ["closed", "closed"])
        verified = made.run_command("ledger", "verify")
        assert verified.returncode == 0, verified.stderr
        assert made.stop() == 0
        _marked_only(made, ordinary)
        _nobody_in_the_log(made)


def _ordinary(made: Firm, number: int) -> str:
    mail = made.write(
        OLA,
        f"Spørsmål {number}",
        f"Hei, hvordan sletter jeg et prosjekt i appen? Jeg får feil nummer {number}.",
    )
    return str(mail["Message-ID"])


def _marked_only(made: Firm, ordinary: list[str]) -> None:
    """People's mail is as it was: unread, unmarked, unmoved."""
    with made.servers.dovecot.login(SUPPORT) as imap:
        imap.select("INBOX", readonly=True)
        for message_id in ordinary:
            _, found = imap.search(None, "HEADER", "Message-ID", message_id.strip("<>"))
            (number,) = found[0].split()
            _, flags = imap.fetch(number, "(FLAGS)")
            assert b"Seen" not in flags[0]
            assert b"Personvern" not in flags[0]
        _, marked = imap.search(None, "KEYWORD", "Personvern")
        assert len(marked[0].split()) == 2


def _nobody_in_the_log(made: Firm) -> None:
    log = made.log.lower()
    for personal in ("kundesen", "nordmann", "kunde.test", "ekstern.test", "storgata", "90000012"):
        assert personal not in log, personal
    for line in made.log.splitlines():
        json.loads(line)


@pytest.mark.parametrize("naming", [True, False], ids=["named-in-the-answer", "not-named"])
def test_a_server_that_replaces_every_message_id(
    tmp_path, servers: MailServers, database: str, naming: bool
):
    smtp = servers.replacing_smtp(naming=naming)
    with firm(tmp_path, servers, database, smtp_port=smtp.port) as made:
        question = _erasure_asked(made)
        wait_for(lambda: "own-mail" in made.log)  # the witness tells the id that it really got
        made.reply(question, "Godkjent", PER)
        wait_for(lambda: made.mails(KUNDE))
        assert made.rows("SELECT count(*) FROM orders WHERE contact_id = 1") == [(0,)]


def test_a_colleague_without_authentication_results(tmp_path, servers: MailServers, database: str):
    with firm(tmp_path, servers, database, approver=KARI) as made:
        question = _erasure_asked(made, KARI)
        made.reply(question, "Godkjent", KARI, submit=True)
        wait_for(lambda: made.mails(KUNDE))
        assert made.rows("SELECT count(*) FROM orders WHERE contact_id = 1") == [(0,)]


def test_replies_that_change_nothing(tmp_path, servers: MailServers, database: str):
    with firm(tmp_path, servers, database) as made:
        question = _erasure_asked(made)
        wrong = re.sub(r"mailbot:\w{8}", "mailbot:aaaaaaaa", str(question["Subject"]))
        made.reply(question, "GODKJENN", FREMMED)
        made.reply(question, "GODKJENN", KUNDE)
        made.reply(question, "GODKJENN", PER, envelope="spoof@ekstern.test")
        made.reply(question, "GODKJENN", PER, Subject=f"SV: {wrong}")
        made.reply(question, "Jeg er bortreist. GODKJENN", PER, Auto_Submitted="auto-replied")
        made.reply(question, "ja, men vent med ordrene", PER)
        wanted = [
            "not-an-approver",
            "data-subject",
            "not-authentic",
            "unknown-token",
            "automatic-auto-reply",
            "unclear",
        ]
        wait_for(lambda: all(any(w in done for done in made.settled()) for w in wanted))
        found = made.ignored()
        assert len(found) == len(wanted)
        assert [any(reason.startswith(want) for reason in found) for want in wanted] == [True] * 6
        _nothing_happened(made)

        made.reply(question, "ENDRE:\nHei. Vi har slettet alt.\n\nHilsen oss", PER)
        newer = wait_for(lambda: made.questions()[1:])[-1]
        made.reply(question, "GODKJENN", PER)
        wait_for(lambda: "older-plan-version" in made.settled())
        assert "older-plan-version" in made.ignored()
        _nothing_happened(made)

        made.reply(newer, "GODKJENN", PER)
        wait_for(lambda: made.mails(KUNDE))
        made.reply(newer, "GODKJENN", PER)
        wait_for(lambda: "used-token" in made.settled())
        assert "used-token" in made.ignored()
        assert len(made.mails(KUNDE)) == 1
        assert made.mails(FREMMED) == []
        assert made.run_command("ledger", "verify").returncode == 0


def _nothing_happened(made: Firm) -> None:
    assert made.rows("SELECT count(*) FROM orders WHERE contact_id = 1") == [(2,)]
    assert made.mails(KUNDE) == []
    assert made.states() == ["asked"]


def test_a_row_that_changed_is_not_touched_and_asked_anew(
    tmp_path, servers: MailServers, database: str
):
    with firm(tmp_path, servers, database) as made:
        question = _erasure_asked(made)
        made.sql("UPDATE orders SET vare = 'Ny lisens' WHERE id = 1")
        made.reply(question, "Godkjent", PER)
        newer = wait_for(lambda: made.questions()[1:])[-1]
        _nothing_happened(made)
        assert len(made.rows("SELECT id FROM orders WHERE vare = 'Ny lisens'")) == 1
        made.reply(newer, "Godkjent", PER)
        wait_for(lambda: made.mails(KUNDE))
        assert made.rows("SELECT count(*) FROM orders WHERE contact_id = 1") == [(0,)]


@pytest.mark.parametrize("count", [50])
def test_ordinary_mail_keeps_its_flags_and_folder(
    tmp_path, servers: MailServers, database: str, count: int
):
    with firm(tmp_path, servers, database) as made:
        ordinary = [_ordinary(made, number) for number in range(count)]
        wait_for(lambda: made.log.count('"ordinary-mail"') == count, seconds=40)
        assert made.stop() == 0
        with made.servers.dovecot.login(SUPPORT) as imap:
            imap.select("INBOX", readonly=True)
            _, found = imap.search(None, "ALL")
            assert len(found[0].split()) == len(ordinary) == count
            _, unseen = imap.search(None, "UNSEEN", "UNFLAGGED", "UNANSWERED")
            assert len(unseen[0].split()) == count
            _, marked = imap.search(None, "KEYWORD", "Personvern")
            assert marked[0].split() == []
        assert made.mails(PER) == []


def test_the_store_may_be_postgresql(tmp_path, servers: MailServers, database: str):
    from tests.servers.postgres import fresh_database

    store = fresh_database(database)
    with firm(tmp_path, servers, database, store_url=store) as made:
        question = _erasure_asked(made)
        made.reply(question, "Godkjent", PER)
        wait_for(lambda: made.mails(KUNDE))
        assert made.run_command("ledger", "verify").returncode == 0
