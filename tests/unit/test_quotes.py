"""New text apart from quote, signature, banner and notice; and what was forwarded."""

from datetime import UTC, datetime

import pytest

from mailbot.mailtext.authenticity import Trust
from mailbot.message import Mail
from mailbot.steps.parse import parse
from tests.replies import clients

REQUEST = "Hei,\n\njeg vil ha slettet alt dere har om meg.\nHaster litt."
LANGUAGES = list(clients.LABELS)
each_client = pytest.mark.parametrize(
    "client", list(clients.CLIENTS.values()), ids=lambda client: client.__name__
)


def plain(text: str, subject: str = "Re: sak", *headers: str) -> Mail:
    head = ["From: Kari <kari@kunde.example>", f"Subject: {subject}", *headers]
    head.append("Content-Type: text/plain; charset=utf-8")
    return parse(("\r\n".join(head) + "\r\n\r\n" + text).encode(), Trust())


def rich(html: str, subject: str = "Re: sak") -> Mail:
    head = f"From: a@b.no\r\nSubject: {subject}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    return parse((head + html).encode(), Trust())


@pytest.mark.parametrize("language", LANGUAGES)
@each_client
def test_the_answer_is_told_from_the_quote(client, language):
    found = parse(client(REQUEST, language), Trust())
    assert found.new_text == REQUEST
    assert "Slett ordre 101" in found.quoted_text
    assert "Slett ordre 101" in found.text
    assert found.alternatives == ()
    assert "interleaved" not in found.notes


@pytest.mark.parametrize("language", LANGUAGES)
@each_client
def test_what_a_telephone_adds_is_signature(client, language):
    found = parse(client("Kort svar", language), Trust())
    assert found.new_text == "Kort svar"
    if client is clients.apple_mail:
        assert clients.PHONE[language] in found.signature


def test_bottom_and_inline_answers():
    below = parse(clients.thunderbird_below(REQUEST, "nb"), Trust())
    assert below.new_text == REQUEST
    assert "below-quote" in below.notes
    inline = plain("Den 23.11.2026 09:12, skrev A:\n> Ett?\nJa.\n> To?\nNei.\n")
    assert inline.new_text == "Ja.\n\nNei."
    assert "interleaved" in inline.notes


@pytest.mark.parametrize(
    "line",
    [
        "Le lun. 23 nov. 2026 à 09:12, Kari <k@x.fr> a écrit :",
        "El lun, 23 nov 2026 a las 9:12, Kari (<k@x.es>) escribió:",
        "Op ma 23 nov 2026 om 09:12 schreef Kari <k@x.nl>:",
        "pon., 23 lis 2026 o 09:12 Kari <k@x.pl> napisał(a):",
        "ma 23. marrask. 2026 klo 9.12 Kari (k@x.fi) kirjoitti:",
        "Il giorno lun 23 nov 2026 alle ore 09:12 Kari <k@x.it> ha scritto:",
        '23.11.2026, 09:12, "Kari" <k@x.no>:',
        "-----Opprinnelig melding-----",
        "-------- Ursprüngliche Nachricht --------",
        "---- On Mon, 23 Nov 2026 09:12:00 +0100 k@x.no wrote ----",
    ],
)
def test_announcements_of_a_quote_without_marks(line):
    assert plain(f"Nytt\n\n{line}\n\nGammelt\nog mer").new_text == "Nytt"


def test_an_attribution_broken_over_lines():
    text = "Nytt\n\nOn Mon, Nov 23, 2026 at 9:12 AM Kari Hansen\n<kari@x.no>\nwrote:\n\n> Gammelt\n"
    assert plain(text).new_text == "Nytt"
    gmail = "Nytt\n\ntir. 18. apr. 2017 kl. 13:09 skrev Test <test@example.com\n>:\n\n> Gammelt\n"
    assert plain(gmail).new_text == "Nytt"


@pytest.mark.parametrize(
    "text",
    [
        "I mars skrev dere dette til meg:\nVi sletter innen en måned.\nDet har ikke skjedd.",
        "Fra: i dag\nvil jeg ikke ha reklame",
        "From: Ola\nSubject: Kontaktskjema\n\nMessage Body:\nSlett meg, takk",
        "Navn: Ola\nE-post: ola@x.no\nEmne: Sletting\nMelding: Slett meg",
        "Jeg får ikke ofte e-post fra dere, men nå vil jeg slettes.",
        "Jeg kommer fra utenfor Norge og vil ha innsyn.",
        "Kjære dere\n----\nSlett meg\n----\nOg svar raskt",
        "Best would be to delete everything you have about me right now, please.",
        "Hilsen fra fjellet er fint, men jeg vil slettes fra registeret deres nå i dag.",
        "Sent from the shop was a letter that had my old address on it.",
        "On Monday I wrote to you:\nnobody answered me at all",
        "Denne e-posten er sendt fra Ola. Slett meg fra listene.",
    ],
)
def test_a_persons_own_words_are_kept(text):
    assert plain(text, "Hei").new_text == text


def test_a_signature_is_set_apart_and_an_afterthought_is_not():
    signed = plain("Slett meg\n\nMed vennlig hilsen\nOla Nordmann\nTlf. 900 00 000")
    assert signed.new_text == "Slett meg"
    assert signed.signature.startswith("Med vennlig hilsen\nOla Nordmann")
    for mark in ("PS: slett også mor", "NB! svar i dag"):
        assert mark in plain(f"Slett meg\n\nMvh\nOla\n\n{mark}").new_text
    sentence = "Jeg vil også ha en kopi av alle opplysninger dere har om meg før dere sletter dem."
    assert sentence in plain(f"Slett meg\n\nMvh\nOla\n\n{sentence}").new_text


@pytest.mark.parametrize(
    "sign_off",
    [
        "Mvh", "Med vennlig hilsen", "Venleg helsing", "Kind regards,", "Med vänlig hälsning",
        "Venlig hilsen", "Mit freundlichen Grüßen", "Viele Grüße", "Cordialement", "Best,",
    ],
)  # fmt: skip
def test_sign_offs(sign_off):
    found = plain(f"Slett meg\n\n{sign_off}\nOla Nordmann\n")
    assert (found.new_text, found.signature) == ("Slett meg", f"{sign_off}\nOla Nordmann")


DISCLAIMER = (
    "This e-mail and any attachments are confidential and intended solely for the addressee. "
    "If you have received it in error, please delete it and notify the sender."
)
NORSK = (
    "Denne e-posten kan inneholde konfidensiell informasjon og er kun ment for tiltenkt mottaker. "
    "Hvis du har mottatt den ved en feil, vennligst slett den og varsle avsender."
)


@pytest.mark.parametrize("notice", [DISCLAIMER, NORSK])
def test_notices_are_nobodys_words(notice):
    assert (
        plain(f"Jeg lurer på åpningstidene.\n\n{notice}").new_text == "Jeg lurer på åpningstidene."
    )
    below = plain(f"Svar\n\nOn 23 Nov 2026, at 09:12, K <k@x.no> wrote:\n\n> hei\n\n{notice}")
    assert below.new_text == "Svar"
    assert below.notes == ()


@pytest.mark.parametrize(
    "banner",
    [
        "CAUTION: This email originated from outside of the organization. Do not click links.",
        "EKSTERN E-POST: Denne e-posten kommer fra en avsender utenfor organisasjonen.",
        "[EXTERNAL]",
        "Du får ikke ofte e-post fra ola@x.no. Finn ut hvorfor dette er viktig",
        "You don't often get email from ola@x.no. Learn why this is important",
        "Du får inte ofta e-post från ola@x.se. Läs om varför det här är viktigt",
        "VORSICHT\nDiese E-Mail stammt von außerhalb der Organisation.",
    ],
)
def test_banners_are_nobodys_words(banner):
    assert plain(f"{banner}\n\nSlett meg", "Hei").new_text == "Slett meg"


# --- HTML ------------------------------------------------------------------------------------


def test_structure_is_believed_before_words():
    found = rich("<div>Nytt</div><blockquote>Gammelt</blockquote><div>Nytt igjen</div>")
    assert (found.new_text, found.quoted_text) == ("Nytt\n\nNytt igjen", "Gammelt")
    assert rich('<p>Nytt</p><div id="x_divRplyFwdMsg"></div><p>Gammelt</p>').new_text == "Nytt"
    cited = (
        '<p>Nytt</p><div class="moz-cite-prefix">Den i går skrev A:</div><blockquote>x</blockquote>'
    )
    assert rich(cited).new_text == "Nytt"
    signed = rich('<p>Nytt</p><div id="Signature"><p>Ola</p><p>Daglig leder</p></div>')
    assert (signed.new_text, signed.signature.split("\n")[-1]) == ("Nytt", "Daglig leder")


def test_paragraphs_and_line_breaks():
    assert rich("<p>En</p><p>To<br>tre</p><div>fire</div><div>fem</div>").new_text == (
        "En\n\nTo\ntre\nfire\nfem"
    )
    assert rich("<p class=MsoNormal>En</p><p class=MsoNormal>To</p>").new_text == "En\nTo"
    assert rich("<pre>a\n  b</pre>").new_text == "a\n  b"


def test_an_indented_paragraph_is_no_quote():
    indented = '<blockquote style="margin:0 0 0 40px;border:none;padding:0">Slett</blockquote>'
    assert rich(f"<p>Hei</p>{indented}").new_text.split() == ["Hei", "Slett"]


def test_a_first_mail_of_nothing_but_quote_is_kept_and_noted():
    found = rich("<blockquote>Slett meg</blockquote>", "Sletting")
    assert found.new_text == "Slett meg"
    assert "quote-only" in found.notes


# --- forwarded -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "delimiter", "labels", "date"),
    [
        ("VS: krav", "", ("Fra", "Sendt", "Til", "Emne"), "mandag 23. november 2026 09:12"),
        ("VB: krav", "", ("Från", "Skickat", "Till", "Ämne"), "den 23 november 2026 09:12"),
        ("WG: krav", "", ("Von", "Gesendet", "An", "Betreff"), "Montag, 23. November 2026 09:12"),
        ("FW: krav", "", ("From", "Sent", "To", "Subject"), "Monday, November 23, 2026 9:12 AM"),
        ("VS: krav", "", ("Frå", "Sendt", "Til", "Emne"), "måndag 23. november 2026 kl. 09:12"),
        (
            "Fwd: krav",
            "---------- Forwarded message ---------",
            ("Fra", "Date", "To", "Subject"),
            "man. 23. nov. 2026 kl. 09:12",
        ),
        (
            "Fwd: krav",
            "-------- Videresendt melding --------",
            ("Fra", "Dato", "Til", "Emne"),
            "Mon, 23 Nov 2026 09:12:00 +0100",
        ),
        (
            "Fwd: krav",
            "Start på videresendt melding:",
            ("Fra", "Dato", "Til", "Emne"),
            "23. november 2026 kl. 09:12:00 CET",
        ),
    ],
)
def test_forwards_within_the_text(subject, delimiter, labels, date):
    who, when, to, about = labels
    text = (
        f"Kan noen ta denne?\n\n{delimiter}\n{who}: Ola Nordmann <ola@kunde.example>\n"
        f"{when}: {date}\n{to}: post@example.no\n{about}: krav om sletting\n\n\n"
        "Hei,\n\nslett alt om meg.\n\nOla"
    )
    found = plain(text, subject)
    assert found.new_text == "Kan noen ta denne?"
    inner = found.forwarded
    assert inner is not None
    assert inner.sender is not None
    assert inner.sender.address == "ola@kunde.example"
    assert inner.subject == "krav om sletting"
    assert inner.date == datetime(2026, 11, 23, 8, 12, tzinfo=UTC)
    assert inner.text == "Hei,\n\nslett alt om meg.\n\nOla"


def test_a_gmail_forward_in_html():
    found = rich(
        '<div dir="ltr">Se under<br><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        "---------- Forwarded message ---------<br>Fra: <strong>Ola</strong> "
        '<span dir="auto">&lt;<a href="mailto:ola@x.no">ola@x.no</a>&gt;</span><br>'
        "Date: man. 23. nov. 2026 kl. 09:12<br>Subject: krav<br>To: &lt;post@example.no&gt;<br>"
        "</div><br><br><div>Slett meg</div></div></div>",
        "Fwd: krav",
    )
    assert found.new_text == "Se under"
    assert found.forwarded is not None
    assert found.forwarded.sender is not None
    assert found.forwarded.sender.address == "ola@x.no"
    assert found.forwarded.text == "Slett meg"


def test_a_reply_is_no_forward():
    assert parse(clients.outlook_web("Svar", "nb"), Trust()).forwarded is None
