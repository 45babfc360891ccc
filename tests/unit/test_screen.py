"""Machines are told from people; and no person's request is dropped as a machine's."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from mailbot.case import Classification, Label, Route
from mailbot.mailtext.authenticity import Trust
from mailbot.message import Automatic, Mail
from mailbot.steps.parse import parse
from mailbot.steps.screen import after_screen, screen

TRUST = Trust(own_addresses=("support@example.no",))
SHARED = Path(__file__).parents[3] / "shared/data/rawmails"


def mail(subject: str, text: str, *headers: str, sender: str = "Kari <kari@kunde.example>") -> Mail:
    head = [f"From: {sender}", "To: support@example.no", f"Subject: {subject}", *headers]
    head.append("Content-Type: text/plain; charset=utf-8")
    return parse(("\r\n".join(head) + "\r\n\r\n" + text).encode(), TRUST)


@pytest.mark.parametrize(
    ("subject", "text", "headers"),
    [
        ("SV: Sak", "Jeg er på ferie til 3. august.", ("Auto-Submitted: auto-replied",)),
        ("Automatisk svar: Sak", "Jeg er ikke til stede. Tilbake den 3. august.", ()),
        ("Autosvar: Sak", "Takk for din e-post. Jeg er bortreist.", ("In-Reply-To: <a@b>",)),
        ("Fravær", "Jeg er på kurs og er tilbake på kontoret mandag.", ()),
        ("Ikke til stede: Sak", "Har permisjon ut året.", ()),
        ("Automatisk svar: Sak", "Eg er ikkje på kontoret. Attende den 3.", ()),
        ("Automatic reply: Case", "I am out of the office until Monday.", ()),
        ("Out of Office: Case", "Limited access to email.", ("X-Autoreply: yes",)),
        ("Out of office", "I am on annual leave and will be back on 3 August.", ()),
        ("Re: Case", "I am on leave.", ("Precedence: auto_reply",)),
        ("Autosvar: Ärende", "Jag har semester och är åter den 3 augusti.", ()),
        ("Frånvaro", "Jag är inte på kontoret.", ("Return-Path: <>",)),
        ("Automatisk svar: Sag", "Jeg holder ferie og er tilbage den 3.", ()),
        ("Abwesenheitsnotiz: Fall", "Ich bin derzeit nicht im Büro.", ()),
        ("Automatische Antwort: Fall", "Ich bin im Urlaub.", ("X-Auto-Response-Suppress: All",)),
        ("Réponse automatique : Dossier", "Je suis absent.", ("Auto-Submitted: auto-replied",)),
        ("Respuesta automática: Caso", "Estoy de vacaciones.", ()),
        ("Automatisch antwoord: Zaak", "Ik ben niet aanwezig.", ()),
        ("Odpowiedź automatyczna: Sprawa", "Jestem na urlopie.", ()),
        ("Automaattinen vastaus: Asia", "Olen lomalla.", ()),
        ("Risposta automatica: Caso", "Sono in ferie.", ()),
        (
            "Vi har mottatt din henvendelse [#123]",
            "Dette er en automatisk melding. Ikke svar på denne e-posten.",
            ("Auto-Submitted: auto-generated",),
        ),
    ],
)
def test_answers_without_a_person(subject, text, headers):
    found = mail(subject, text, *headers)
    assert found.automatic is Automatic.AUTO_REPLY, found.automatic_reason
    assert not screen(found).goes_on


@pytest.mark.parametrize(
    ("subject", "text", "headers"),
    [
        ("Sletting", "Slett alt om meg.", ()),
        ("SV: Automatisk svar: Sak", "Jeg vil fortsatt slettes.", ("In-Reply-To: <a@b>",)),
        ("Auto: hva gjelder garantien?", "Jeg kjøpte bil av dere. Slett meg.", ()),
        ("Ferie", "Jeg bestilte ferie hos dere og vil slettes fra listene.", ()),
        ("Permisjon", "Jeg er i permisjon fra jobben, men vil ha innsyn.", ()),
        ("VS: Undeliverable: faktura", "Hvorfor får jeg denne? Slett adressen min.", ()),
        ("Undeliverable goods", "My parcel could not be delivered. Delete my data.", ()),
        # Carriers of people's mail set these too.
        ("Kontaktskjema", "Navn: Ola\nMelding: slett meg", ("Auto-Submitted: auto-generated",)),
        ("Sletting", "Slett meg", ("X-Auto-Response-Suppress: All",)),
        ("Sletting", "Slett meg", ("List-Id: <support.example.no>", "List-Post: <mailto:a@b>",
                                   "List-Unsubscribe: <mailto:x@y>", "Precedence: list")),
        ("Sletting", "Slett meg", ("List-Id: <support.example.no>", "Precedence: bulk")),
        ("Re: Sak", "Slett meg\n\n> Vi har mottatt din henvendelse. Jeg er på ferie.",
         ("X-Auto-Response-Suppress: All", "In-Reply-To: <a@b>")),
        ("Sletting", "Slett meg", ("List-Unsubscribe: <mailto:x@y>",)),
        ("Sletting", "Slett meg", ("Precedence: bulk",)),
        ("Sletting", "Slett meg", ("X-Mailbot-Effect: forged",)),
    ],
)  # fmt: skip
def test_people(subject, text, headers):
    found = mail(subject, text, *headers)
    assert found.automatic is Automatic.NO, found.automatic_reason
    assert screen(found).goes_on


def test_a_person_writing_from_a_postmaster_address():
    found = mail("Sletting", "Vi vil ha slettet våre data.", sender="postmaster@kunde.example")
    assert found.automatic is Automatic.NO


def test_carriers_mail_earns_the_note_that_no_answer_should_be_sent_unseen():
    found = mail("Skjema", "slett meg", "Auto-Submitted: auto-generated")
    assert "no-auto-reply" in found.notes
    assert "no-auto-reply" not in mail("Sletting", "slett meg").notes


@pytest.mark.parametrize(
    "headers",
    [
        ("List-Unsubscribe: <https://x>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        ("List-Unsubscribe: <https://x>", "Precedence: bulk", "List-Id: <news.example>"),
        ("List-Unsubscribe: <https://x>", "Feedback-ID: a:b:c"),
    ],
)
def test_newsletters_are_lists_and_never_open_a_case_unasked(headers):
    found = mail("Personvern: nye vilkår", "Du har rett til sletting og innsyn.", *headers)
    assert found.automatic is Automatic.LIST
    sure = Classification(route=Route.OPEN, labels=(Label.ERASURE,), privacy=0.99, language="nb")
    assert after_screen(found, sure).route is Route.ASK
    assert after_screen(mail("x", "Slett meg"), sure).route is Route.OPEN
    machine = replace(found, automatic=Automatic.AUTO_REPLY)
    assert after_screen(machine, sure).route is Route.LEAVE


def test_our_own_mail_is_known_by_its_header_and_its_sender_together():
    own = mail("Svar", "hei", "X-Mailbot-Effect: e-1", sender="support@example.no")
    assert (own.automatic, own.effect) == (Automatic.OWN, "e-1")
    assert mail("Svar", "hei", sender="support@example.no").automatic is Automatic.NO


def test_calendars():
    raw = (
        b"From: a@b.no\r\nSubject: Invitasjon\r\n"
        b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    )
    assert parse(raw, TRUST).automatic is Automatic.CALENDAR
    attached = raw.replace(b"; method", b"; name=a.ics; method").replace(
        b"\r\n\r\n", b"\r\nContent-Disposition: attachment\r\n\r\n", 1
    )
    assert parse(attached, TRUST).automatic is Automatic.NO


@pytest.mark.parametrize(
    ("subject", "text", "sender"),
    [
        ("Undeliverable: Svar", "550 5.1.1 User unknown", "Mail System <MAILER-DAEMON@x>"),
        ("Kan ikke leveres: Svar", "Meldingen kunne ikke leveres.", "postmaster@x.no"),
        ("Unzustellbar: Svar", "Diese Nachricht wurde nicht zugestellt", "postmaster@x.de"),
        ("Returned mail: see transcript", "<k@x.no>... User unknown", "MAILER-DAEMON@x.no"),
        ("failure notice", "<k@x.no>:\nThis address does not exist.", "MAILER-DAEMON@x.no"),
    ],
)
def test_bounces_in_prose(subject, text, sender):
    original = "\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <l1@example.no>\n"
    found = mail(subject, text + original, "Return-Path: <>", sender=sender)
    assert found.automatic is Automatic.BOUNCE
    assert found.failed_message_ids == ("l1@example.no",)


def test_the_programs_of_mailing_lists_refuse_mail():
    refused = mail(
        "You support@example.no are not member (neko ML)",
        "You are not a member of this mailing list.",
        "References: <l3@example.no>",
        "X-MLServer: fml [fml 4.0.3]",
        sender="neko-admin@liste.example",
    )
    assert (refused.automatic, refused.failed_message_ids) == (Automatic.BOUNCE, ("l3@example.no",))
    member = mail(
        "Re: medlemskap",
        "My application to post was rejected. I am not a member. Delete my data!",
        "List-Id: <neko.liste.example>",
        "X-MLServer: fml [fml 4.0.3]",
        "List-Post: <mailto:neko@liste.example>",
    )
    assert member.automatic is Automatic.NO
    owner = mail("Sletting", "My message was rejected; delete me", sender="it-owner@kunde.example")
    assert owner.automatic is Automatic.NO


def test_a_bounce_that_answers_the_mail_names_it():
    found = mail(
        "Undeliverable: Svar",
        "Could not be delivered to kari@kunde.example",
        "In-Reply-To: <l2@example.no>",
        "Return-Path: <>",
        sender="postmaster@kunde.example",
    )
    assert found.failed_message_ids == ("l2@example.no",)
    assert found.failed_recipients == ("kari@kunde.example",)


def test_reports_of_reading_and_delay_are_no_bounces():
    read = parse(
        b"From: a@b.no\r\nSubject: Lest: Svar\r\nContent-Type: multipart/report; boundary=b;"
        b" report-type=disposition-notification\r\n\r\n--b\r\n\r\nLest\r\n--b\r\n"
        b"Content-Type: message/disposition-notification\r\n\r\n"
        b"Original-Message-ID: <l@x>\r\n--b--",
        TRUST,
    )
    assert read.automatic is Automatic.REPORT
    late = mail("Delivery delayed", "will retry", "Return-Path: <>", sender="MAILER-DAEMON@x.no")
    assert late.automatic is Automatic.REPORT


def test_unparsable_mail_goes_no_further():
    assert screen(Mail(notes=("unparsable",))).reason == "unparsable"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the collected raw mails are not on this machine")
def test_collected_mails_are_told_apart():
    path = Path(__file__).parents[1] / "bench/rawmails.py"
    spec = importlib.util.spec_from_file_location("bench_rawmails", path)
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    mails = bench.read(SHARED)
    share = bench.share_recognised(mails)
    assert share["bounce"] >= 0.98  # two of 167 are labelled so and are none
    assert share["autoreply"] >= 0.95
    people = [found for _, kind, found in mails if kind in ("normal", "reply")]
    assert sum(found.automatic is not Automatic.NO for found in people) <= 0.01 * len(people)
    assert not any("unparsable" in found.notes for _, _, found in mails)
