"""Did a machine write this? What kind, and by which evidence (RFC 3834, RFC 3464, RFC 2369).

A person's request must not be dropped because a web form or a list gateway carried it. So a header
that such carriers set as well ("auto-generated", List-Id, X-Auto-Response-Suppress) is not enough
by itself; it only earns the note "no-auto-reply".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailbot.mailtext.addresses import read_addresses
from mailbot.mailtext.bodies import find_calendar
from mailbot.mailtext.bounces import Report, read_report
from mailbot.mailtext.headers import Headers, decode_words, one_line
from mailbot.mailtext.mime import Part
from mailbot.message import Address, Automatic

EFFECT = "x-mailbot-effect"
_REPORTS = {
    "failed": Automatic.BOUNCE,
    "delayed": Automatic.REPORT,
    "delivered": Automatic.REPORT,
    "read": Automatic.REPORT,
    "feedback": Automatic.REPORT,
}
_ABSENCE_TITLE = (
    r"automatisk svar|automatisk e-?post|automatisk melding|automatisk besked|autosvar"
    r"|fraværende|fraværs?(?:melding|svar|besked|assistent)?|fråværs?(?:melding)?|ikke til stede"
    r"|ikkje til stades"
    r"|utenfor kontoret|ute av kontoret|ferie(?:melding|svar)?|på ferie|bortreist|automatiskt svar"
    r"|frånvaro\w*|frånvarande|semester|ej på kontoret|tjänstledig|automatic reply|auto(?:matic)?"
    r"[ -]?(?:reply|response|responder|answer)|automated (?:reply|response)"
    r"|out[ -]of[ -](?:the )?office"
    r"|ooo|on (?:vacation|leave|holiday)|vacation(?: reply| response)?|away from (?:the "
    r"|my )?(?:office|desk)"
    r"|i am away|abwesenheits\w*|abwesend|abwesenheit|automatische antwort|außer haus|urlaub"
    r"|réponse automatique"
    r"|absence(?: du bureau)?|absent(?: du bureau)?|respuesta autom[aá]tica"
    r"|fuera de (?:la )?oficina|ausente"
    r"|automatisch antwoord|afwezig(?:heid\w*)?|niet aanwezig|odpowiedź automatyczna"
    r"|automatyczna odpowiedź"
    r"|poza biurem|nieobecn\w*|automaattinen vastaus|poissa\w*|automaattivastaus"
    r"|risposta automatica"
    r"|fuori (?:sede|ufficio)|assente|resposta automática|fora do escritório|auto"
)
_TITLE_WITH_COLON = re.compile(rf"\s*\[?(?:{_ABSENCE_TITLE})\]?\s*[:：]", re.I)
_TITLE_ALONE = re.compile(rf"\s*\W?(?:{_ABSENCE_TITLE})\b", re.I)
_ABSENCE_TEXT = re.compile(
    r"out of (?:the )?office|on (?:annual |parental |sick )?(?:leave|vacation|holiday)"
    r"|(?:limited|no) access to (?:my )?e-?mail|will (?:be back|return|respond)|back in the office"
    r"|(?:er|på|har|tar|avvikler) (?:på )?(?:ferie|permisjon|reise|kurs|avspasering)"
    r"|ute av kontoret"
    r"|ikke (?:til stede|tilgjengelig|på kontoret)|ikkje (?:til stades|på kontoret|tilgjengeleg)"
    r"|tilbake (?:på kontoret|igjen|den|\d)|tilbake på (?:jobb|kontoret)|er bortreist"
    r"|begrenset tilgang"
    r"|attende (?:på kontoret|den|\d)|(?:har|på) semester|åter (?:på kontoret|den|\d)"
    r"|inte på kontoret"
    r"|tillbaka (?:på kontoret|den|\d)|föräldraledig|tjänsteresa|tilbage (?:på kontoret|den|\d"
    r"|igen)"
    r"|på barsel|på orlov|holder ferie|(?:nicht|derzeit nicht|zur zeit nicht) (?:im büro|im haus"
    r"|erreichbar)"
    r"|außer haus|im urlaub|wieder (?:im büro|erreichbar|für sie da|da)|en congés?|absent"
    r"|de vacaciones"
    r"|fuera de la oficina|niet aanwezig|met vakantie|na urlopie|poza biurem|lomalla|in ferie"
    r"|fuori ufficio"
    r"|dette er (?:et )?(?:en )?auto(?:matisk|generer)|this is an auto(?:mat|-|gener)\w*"
    r"|do not reply to this"
    r"|ikke svar på denne|svara inte på detta|nicht auf diese|automatisch (?:erstellt|generiert"
    r"|erzeugt)"
    r"|(?:we have|we've) received your (?:e-?mail|message|request|enquiry|inquiry|ticket)"
    r"|(?:mottatt|registrert|motteke) (?:din|di|ditt|henvendelsen|e-posten)"
    r"|har tagit emot (?:ditt|din)"
    r"|har modtaget din|ihre (?:anfrage|nachricht|e-mail) (?:ist|wurde|erhalten|haben wir)",
    re.I,
)
_SHORT_TITLE = re.compile(
    r"\s*\[?(?:auto|ferie|semester|urlaub|på ferie|absent|absence|ooo)\]?\s*:", re.I
)
_RECEIPT_TITLE = re.compile(
    r"vi har (?:mottatt|motteke|registrert) (?:din|di|ditt|henvendelse)"
    r"|din henvendelse er (?:mottatt|registrert)"
    r"|takk for (?:din |di )?(?:henvendelse|e-post|melding)|we(?: have|'ve) received your"
    r"|your (?:request|ticket"
    r"|message|enquiry|inquiry) (?:has been|was|is) received|thank you for (?:contacting"
    r"|your (?:e-?mail|message"
    r"|enquiry|inquiry))|vi har (?:tagit emot|mottagit)|tack för (?:ditt|din)"
    r"|vi har modtaget din|tak for din"
    r"|eingangsbestätigung|ihre anfrage|wir haben ihre|\[?ticket (?:received|created|#)"
    r"|request received",
    re.I,
)
_ROBOT = re.compile(
    r"(?:^|[<\s\"])(?:no[._-]?reply|do[._-]?not[._-]?reply|ikke[._-]?svar|noreply\w*|autoreply"
    r"|auto-?responder"
    r"|autosvar|svara[._-]?ej|ingen[._-]?svar|bounce\w*|notifications?|robot"
    r"|auto-confirm)[\w.+-]*@",
    re.I,
)
_REPLY_HEADERS = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-auto-reply-from",
    "x-autoreply-domain", "x-mail-autoreply", "x-vacation", "x-ooo", "x-autoresponse",
)  # fmt: skip
_CAMPAIGN_HEADERS = (
    "feedback-id", "x-campaign", "x-campaignid", "x-campaign-id", "x-csa-complaints", "x-mc-user",
    "x-mailgun-tag", "x-sg-eid", "x-report-abuse", "x-mailchimp-campaign", "x-mandrill-user",
    "x-job", "x-list-unsubscribe", "x-cid", "x-newsletter", "list-unsubscribe-post",
    "x-abuse-reports-to", "x-emarsys-identify", "x-accounttype", "x-rocket-mail", "x-mautic",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Nature:
    """What wrote a mail, the evidence, the report that it holds, if any, and notes for others."""

    kind: Automatic
    reason: str
    report: Report | None = None
    notes: tuple[str, ...] = ()


def nature_of(
    root: Part, sender: Address | None, text: str, new_text: str, own_addresses: Sequence[str]
) -> Nature:
    """Classify a mail. `text`: all its visible text; `new_text`: without quotes, since people
    quote machines when they answer them."""
    headers = root.headers
    own = {address.casefold() for address in own_addresses}
    if headers.has(EFFECT) and sender is not None and sender.address.casefold() in own:
        return Nature(Automatic.OWN, "effect-header")
    report = read_report(root, text)
    if report is not None:
        return Nature(_REPORTS[report.kind], report.reason, report, ("no-auto-reply",))
    reply = _auto_reply(headers, new_text)
    if reply:
        return Nature(Automatic.AUTO_REPLY, reply, None, ("no-auto-reply",))
    if find_calendar(root) is not None:
        return Nature(Automatic.CALENDAR, "calendar-method", None, ("no-auto-reply",))
    if "calendarmessage" in headers.first("content-class").lower():
        return Nature(Automatic.CALENDAR, "content-class", None, ("no-auto-reply",))
    bulk = _bulk(headers, own)
    if bulk:
        return Nature(Automatic.LIST, bulk, None, ("no-auto-reply",))
    return Nature(Automatic.NO, "", None, ("no-auto-reply",) if _wants_no_reply(headers) else ())


def _auto_reply(headers: Headers, text: str) -> str:
    """The evidence that this answers a mail without a person, or ""."""
    submitted = headers.first("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()
    if submitted.startswith("auto-replied"):
        return "auto-submitted"
    if headers.first("precedence").strip().lower() in ("auto_reply", "auto-reply", "autoreply"):
        return "precedence"
    if headers.first("preference").strip().lower() in ("auto_reply", "auto-reply"):
        return "preference"
    for name in _REPLY_HEADERS:
        if headers.has(name) and headers.first(name).strip().lower() not in ("no", "false", "0"):
            return name
    names = headers.first("x-post-messageclass") + headers.first("delivered-to")
    if "autoresponder" in names.lower():
        return "autoresponder"
    if headers.first("x-autogenerated").strip().lower() == "reply":
        return "x-autogenerated"
    subject = one_line(decode_words(headers.first("subject")))[:300]
    machine = _machine_signs(headers)
    answers = headers.has("in-reply-to", "references")
    if _TITLE_WITH_COLON.match(subject):
        sure = machine or answers or not _short_title(subject) or _says_absent(text)
        return "subject" if sure else ""
    if _TITLE_ALONE.match(subject):
        if _says_absent(text):
            return "subject-and-text"
        if machine:
            return "subject-and-headers"
    if machine and answers and _says_absent(text):
        return "headers-and-text"
    if _RECEIPT_TITLE.search(subject) and (machine or (_is_robot(headers) and _says_absent(text))):
        return "receipt"
    return ""


def _says_absent(text: str) -> bool:
    return _ABSENCE_TEXT.search(text[:4000]) is not None


def _short_title(subject: str) -> bool:
    """`Auto: …` and the like are also what people write about cars, holidays and leave."""
    return _SHORT_TITLE.match(subject) is not None


def _machine_signs(headers: Headers) -> bool:
    """Headers that machines set, and some carriers of people's mail too."""
    suppress = headers.first("x-auto-response-suppress").lower()
    return (
        headers.first("auto-submitted").strip().lower().startswith("auto-")
        or "all" in suppress
        or "oof" in suppress
        or "autoreply" in suppress
        or headers.first("precedence").strip().lower() in ("bulk", "junk")
        or headers.first("return-path").strip() == "<>"
        or headers.has("x-fc-machinegenerated", "x-autogenerated", "x-loop")
    )


def _is_robot(headers: Headers) -> bool:
    return _ROBOT.search(headers.first("from")[:500]) is not None


def _bulk(headers: Headers, own: set[str]) -> str:
    """The evidence for a newsletter, or "". Discussion lists and group addresses carry people."""
    if headers.has("list-post") or headers.has("in-reply-to", "references"):
        return ""
    precedence = headers.first("precedence").strip().lower()
    campaign = headers.has(*_CAMPAIGN_HEADERS)
    leave = headers.has("list-unsubscribe")
    if leave and (campaign or precedence in ("bulk", "junk")):
        addressed = read_addresses(headers.all("to") + headers.all("cc"))
        group = headers.has("x-google-group-id", "x-ms-exchange-group", "x-mailman-version")
        if group and any(each.address.casefold() in own for each in addressed):
            return ""  # our own address is a group: its members' gateway marks customers' mail
        return "list-unsubscribe"
    if precedence in ("bulk", "junk") and headers.has("list-id") and campaign:
        return "precedence"
    return ""


def _wants_no_reply(headers: Headers) -> bool:
    """Whether an answer without a person would be wrong, though a person may have written."""
    return (
        _machine_signs(headers)
        or headers.has("list-id", "list-unsubscribe", "list-post")
        or headers.first("precedence").strip().lower() == "list"
        or _is_robot(headers)
    )
