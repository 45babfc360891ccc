"""Replies as people's mail programs really write them, in the six languages."""

import html
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

QUESTION = "\n".join(
    (
        "Svar GODKJENN: sletter 4, beholder 2 fakturaer til 31.12.2031.",
        "",
        "1. Slett kunde 17 i kunder",
        "2. Slett ordre 101 i ordrer",
        "3. Behold faktura 2026-44: bokføringsloven § 13",
        "",
        "Svar ett av disse: GODKJENN, AVVIS: grunn, BEHOLD 3 og 5: grunn, UTSETT: grunn, ENDRE:",
    )
)
ME = "Kari Leder"
BOT = "support@example.no"
LABELS = {
    "nb": ("Fra", "Sendt", "Til", "Emne"),
    "nn": ("Frå", "Sendt", "Til", "Emne"),
    "en": ("From", "Sent", "To", "Subject"),
    "sv": ("Från", "Skickat", "Till", "Ämne"),
    "da": ("Fra", "Sendt", "Til", "Emne"),
    "de": ("Von", "Gesendet", "An", "Betreff"),
}
DATES = {
    "nb": "mandag 23. november 2026 09:12",
    "nn": "måndag 23. november 2026 09:12",
    "en": "Monday, November 23, 2026 9:12 AM",
    "sv": "den 23 november 2026 09:12",
    "da": "23. november 2026 09:12",
    "de": "Montag, 23. November 2026 09:12",
}
GMAIL = {
    "nb": "man. 23. nov. 2026 kl. 09:12 skrev mailbot <support@example.no>:",
    "nn": "mån. 23. nov. 2026 kl. 09:12 skreiv mailbot <support@example.no>:",
    "en": "On Mon, Nov 23, 2026 at 9:12 AM mailbot <support@example.no> wrote:",
    "sv": "Den mån 23 nov. 2026 kl 09:12 skrev mailbot <support@example.no>:",
    "da": "Den man. 23. nov. 2026 kl. 09.12 skrev mailbot <support@example.no>:",
    "de": "Am Mo., 23. Nov. 2026 um 09:12 Uhr schrieb mailbot <support@example.no>:",
}
APPLE = {
    "nb": "23. nov. 2026 kl. 09:12 skrev mailbot <support@example.no>:",
    "nn": "23. nov. 2026 kl. 09:12 skreiv mailbot <support@example.no>:",
    "en": "On 23 Nov 2026, at 09:12, mailbot <support@example.no> wrote:",
    "sv": "23 nov. 2026 kl. 09:12 skrev mailbot <support@example.no>:",
    "da": "Den 23. nov. 2026 kl. 09.12 skrev mailbot <support@example.no>:",
    "de": "Am 23.11.2026 um 09:12 schrieb mailbot <support@example.no>:",
}
THUNDERBIRD = {
    "nb": "Den 23.11.2026 09:12, skrev mailbot:",
    "nn": "Den 23.11.2026 09:12, skreiv mailbot:",
    "en": "On 23/11/2026 09:12, mailbot wrote:",
    "sv": "Den 2026-11-23 kl. 09:12, skrev mailbot:",
    "da": "Den 23.11.2026 kl. 09.12 skrev mailbot:",
    "de": "Am 23.11.26 um 09:12 schrieb mailbot:",
}
PHONE = {
    "nb": "Sendt fra min iPhone",
    "nn": "Sendt frå min iPhone",
    "en": "Sent from my iPhone",
    "sv": "Skickat från min iPhone",
    "da": "Sendt fra min iPhone",
    "de": "Von meinem iPhone gesendet",
}
OUTLOOK_APP = {
    "nb": "Få Outlook for iOS",
    "nn": "Hent Outlook for iOS",
    "en": "Get Outlook for iOS",
    "sv": "Hämta Outlook för iOS",
    "da": "Hent Outlook til iOS",
    "de": "Outlook für iOS herunterladen",
}


def outlook_desktop(text: str, language: str) -> bytes:
    """Word's HTML: tight paragraphs, and header lines under a rule."""
    block = _header_lines(language)
    plain = f"{text}\n\n{block}\n\n{QUESTION}\n"
    head = "<br>".join(f"<b>{_e(k)}:</b> {_e(v)}" for k, v in _fields(language))
    rich = (
        '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style><!--\n'
        "p.MsoNormal {margin:0cm; font-size:11.0pt;}\n--></style>"
        '<!--[if gte mso 9]><xml><o:shapedefaults v:ext="edit"/></xml><![endif]--></head>'
        '<body lang=NO-BOK link="#0563C1" style="word-wrap:break-word"><div class=WordSection1>'
        + "".join(f"<p class=MsoNormal>{_e(line) or '<o:p>&nbsp;</o:p>'}</p>" for line in _l(text))
        + "<p class=MsoNormal><o:p>&nbsp;</o:p></p><div><div style='border:none;border-top:solid "
        "#E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal>"
        f"{head}<o:p></o:p></p></div></div>{_quoted_html()}</div></body></html>"
    )
    return _mail(plain, rich, language)


def outlook_web(text: str, language: str) -> bytes:
    """Outlook on the web: appendonsend, a rule, divRplyFwdMsg."""
    plain = f"{text}\n\n{'_' * 32}\n{_header_lines(language)}\n\n{QUESTION}\n"
    body = "".join(
        f'<div class="elementToProof" style="font-family: Aptos; font-size: 12pt;">'
        f"{_e(line) or '<br>'}</div>"
        for line in _l(text)
    )
    rich = f"<html><body dir=ltr>{body}{_reply_block(language)}</body></html>"
    return _mail(plain, rich, language)


def outlook_mobile(text: str, language: str) -> bytes:
    """Outlook for iOS, with its advertisement."""
    app = OUTLOOK_APP[language]
    plain = f"{text}\n\n{app}<https://aka.ms/o0ukef>\n{'_' * 32}\n{_header_lines(language)}\n\n"
    body = "".join(f'<div dir="auto">{_e(line) or "<br>"}</div>' for line in _l(text))
    rich = (
        f"<html><body>{body}<div><br></div>"
        f'<div id="ms-outlook-mobile-signature" dir="auto"><a href="https://aka.ms/o0ukef">'
        f"{_e(app)}</a></div>{_reply_block(language)}</body></html>"
    )
    return _mail(plain + QUESTION + "\n", rich, language)


def gmail(text: str, language: str) -> bytes:
    """Gmail: everything quoted inside div.gmail_quote."""
    line = GMAIL[language]
    cut = line.rfind(" ", 0, 60)
    plain = f"{text}\n\n{line[:cut]}\n{line[cut + 1 :]}\n\n{_marked(QUESTION)}\n"
    body = "".join(f"<div>{_e(each) or '<br>'}</div>" for each in _l(text))
    rich = (
        f'<div dir="ltr">{body}</div><br><div class="gmail_quote gmail_quote_container">'
        f'<div dir="ltr" class="gmail_attr">{_e(line)}<br></div>'
        '<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid '
        f'rgb(204,204,204);padding-left:1ex">{_quoted_html()}</blockquote></div>'
    )
    return _mail(plain, rich, language)


def apple_mail(text: str, language: str) -> bytes:
    """Mail on an iPhone: its footer, then the quote in blockquote type=cite."""
    plain = f"{text}\n\n{PHONE[language]}\n\n> {APPLE[language]}\n> \n{_marked(QUESTION)}\n"
    body = "".join(f"<div>{_e(each) or '<br>'}</div>" for each in _l(text))
    rich = (
        '<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"></head>'
        f'<body dir="auto">{body}<div><br></div><div dir="ltr">{_e(PHONE[language])}</div>'
        f'<div dir="ltr"><br><blockquote type="cite">{_e(APPLE[language])}<br><br></blockquote>'
        f'</div><blockquote type="cite"><div dir="ltr">{_quoted_html()}</div></blockquote>'
        "</body></html>"
    )
    return _mail(plain, rich, language)


def thunderbird(text: str, language: str) -> bytes:
    """Thunderbird in plain text, answer on top."""
    return _mail(f"{text}\n\n{THUNDERBIRD[language]}\n{_marked(QUESTION)}\n", "", language)


def thunderbird_below(text: str, language: str) -> bytes:
    """Thunderbird as it comes: the answer below the quote."""
    return _mail(f"{THUNDERBIRD[language]}\n{_marked(QUESTION)}\n\n{text}\n", "", language)


Client = Callable[[str, str], bytes]
CLIENTS: dict[str, Client] = {
    "outlook_desktop": outlook_desktop,
    "outlook_web": outlook_web,
    "outlook_mobile": outlook_mobile,
    "gmail": gmail,
    "apple_mail": apple_mail,
    "thunderbird": thunderbird,
}


def _mail(plain: str, rich: str, language: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"{ME} <kari.leder@example.no>"
    mail["To"] = BOT
    mail["Subject"] = "SV: Godkjenning: sletting, sak 2026-0007 [mb-AbCdEfGhIjKlMnOpQrStUv]"
    mail["Message-ID"] = "<reply-1@example.no>"
    mail["In-Reply-To"] = "<question-1@example.no>"
    mail["References"] = "<question-1@example.no>"
    mail["Date"] = "Mon, 23 Nov 2026 10:00:00 +0100"
    mail["Content-Language"] = language
    mail.set_content(plain)
    if rich:
        mail.add_alternative(rich, subtype="html")
    return mail.as_bytes()


def _fields(language: str) -> list[tuple[str, str]]:
    names = LABELS[language]
    values = ("mailbot <support@example.no>", DATES[language], f"{ME} <kari.leder@example.no>",
              "Godkjenning: sletting, sak 2026-0007")  # fmt: skip
    return list(zip(names, values, strict=True))


def _header_lines(language: str) -> str:
    return "\n".join(f"{name}: {value}" for name, value in _fields(language))


def _reply_block(language: str) -> str:
    head = "<br>".join(f"<b>{_e(k)}:</b> {_e(v)}" for k, v in _fields(language))
    return (
        '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">'
        '<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" color="#000000">'
        f"{head}</font><div>&nbsp;</div></div><div>{_quoted_html()}</div>"
    )


def _quoted_html() -> str:
    return "".join(f"<p>{_e(line) or '&nbsp;'}</p>" for line in _l(QUESTION))


def _marked(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in _l(text))


def _e(text: str) -> str:
    return html.escape(text, quote=False)


def _l(text: str) -> list[str]:
    return text.split("\n")
