"""Reports about mail that was sent: did it fail, for whom, and which mail was it?

RFC 3464 says how servers should report, and half of them do. The rest write prose, recognised
here by who writes it (a mailer daemon, an empty return path) together with what it says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailbot.mailtext.headers import Headers, decode_words, message_ids, one_line, read_headers
from mailbot.mailtext.mime import Part

_MAX_LISTED = 200
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}[A-Za-z0-9]")
_DAEMON = re.compile(
    r"mailer-daemon|mailerdaemon|mail.?delivery.?(?:sub)?system|mail.?deliver.?system|postmaster"
    r"|post_master|mail administrator|system administrator|mdaemon|microsoftexchange[0-9a-f]{10,}"
    r"|mail-daemon|double-bounce|content-filter|mmsc ndr|bounces?@|delivery-(?:system|status)",
    re.I,
)
_FAILED_SUBJECT = re.compile(
    r"undeliver|returned (?:to sender|mail)|returned e-?mail|(?:mail|message|delivery"
    r"|e-?mail).{0,20}"
    r"(?:fail|failed|failure|error|could not|not delivered|blocked|rejected)|fail(?:ure|ed) notice"
    r"|failure (?:notice|delivery)|delivery (?:status )?notification:? ?(?:\(?fail|error"
    r"|delivery has)"
    r"|delivery (?:status|report|problem)|could not be delivered|non.?delivery|was not delivered"
    r"|rejected mail|mail system error|unzustellbar|nicht zugestellt|zustellung fehlgeschlagen"
    r"|fehler bei (?:der )?zustellung|ikke leveres|ikke levert|kan ikkje leverast|ikkje levert"
    r"|kunne ikke leveres|leveringsfeil|levering mislyktes|mislykket levering|kan inte levereras"
    r"|kunde inte levereras|olevererbar|gick inte att leverera|ej levererat|kunne ikke afleveres"
    r"|mislykkedes|ikke afleveret|non remis|échec de la remise|non distribu|no se puede entregar"
    r"|no entregado|onbestelbaar|niet bezorgd|niedostarczal|nie dostarczon|impossibile recapitare"
    r"|mancato recapito|não entregue|ei voitu toimittaa|toimitus epäonnistui|blocked by our"
    r"|недоставлен|не доставлен|error sending your mail|there was an error|loop alert",
    re.I,
)
_DELAY_SUBJECT = re.compile(
    r"\bdelay(?:ed)?\b|warning: could not send|will continue trying|still (?:trying|being retried)"
    r"|forsinket|forsinka|försenad|verzögert|retardé|retrasad|vertraagd|message delayed",
    re.I,
)
_FAILED_TEXT = re.compile(
    r"\b5\d\d[ -]\d\.\d+\.\d+|\b5\.\d{1,3}\.\d{1,3}\b|\b55[0-4][ -]|user unknown|unknown user"
    r"|no such user|mailbox (?:unavailable|full|not found)|does not exist|undeliverable"
    r"|not be delivered"
    r"|unable to deliver|delivery (?:has )?failed|permanent (?:fatal )?error|host unknown"
    r"|could not be (?:delivered|sent)|not delivered|returned to (?:you|sender)|recipient.{0,30}"
    r"(?:rejected|unknown|not found)|ikke leveres|kunne ikke levere|kan inte levereras|unzustellbar"
    r"|nicht zugestellt|was not (?:delivered|sent)|did not reach|have failed|cannot send message",
    re.I,
)
_LIST_REFUSAL = re.compile(
    r"not (?:a )?(?:member|subscrib|allowed to post|authori[sz]ed to)|loop alert"
    r"|(?:post|message|posting).{0,30}(?:rejected|was refused|not distributed|non-members?)"
    r"|automatically rejected|has been rejected",
    re.I,
)
_TRANSCRIPT = re.compile(
    r"^\s*(?:rcpt to|mail from|remote-mta|diagnostic-code|final-recipient)\s*:|^<<< 5\d\d",
    re.I | re.M,
)
_ORIGINAL_BELOW = re.compile(
    r"original message|message headers|copy of (?:the|your) message|below this line"
    r"|your message (?:follows|was)|returned message|included below|---+ ?(?:message|undelivered)"
    r"|opprinnelig melding|diagnos",
    re.I,
)
_EMBEDDED_ID = re.compile(r"^[> \t]*Message-ID:[ \t]*\r?\n?[> \t]*<([^<>\s]{1,998})>", re.I | re.M)
_EMBEDDED_EFFECT = re.compile(r"^[> \t]*X-Mailbot-Effect:[ \t]*([\w.:-]{1,200})", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says. kind: failed | delayed | delivered | read | feedback."""

    kind: str
    reason: str
    recipients: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()


def read_report(root: Part, text: str) -> Report | None:
    """The report that a mail is, or None. `text`: its visible text."""
    found = _from_structure(root) or _from_prose(root, text)
    if found is None:
        return None
    kind, reason = found
    recipients = _recipients(root)
    if not recipients and kind in ("failed", "delayed"):
        recipients = tuple(dict.fromkeys(_ADDRESS.findall(_above_original(text))))[:_MAX_LISTED]
    ids, effects = _originals(root, text)
    return Report(kind, reason, recipients, ids, effects)


def _from_structure(root: Part) -> tuple[str, str] | None:
    """A multipart/report, or the machine-readable part that makes one (RFC 6522)."""
    for part in root.walk():
        if part is not root and part.kind == "message/rfc822":
            break  # what the returned mail holds says nothing about this one
        if part.kind in ("message/disposition-notification",):
            return "read", "disposition-notification"
        if part.kind == "message/feedback-report":
            return "feedback", "feedback-report"
        if part.kind in ("message/delivery-status", "message/global-delivery-status"):
            return _delivery_kind(part), "delivery-status"
    if root.kind == "multipart/report":
        told = root.params.get("report-type").lower()
        if told == "disposition-notification":
            return "read", "disposition-notification"
        if told == "feedback-report":
            return "feedback", "feedback-report"
        subject = one_line(decode_words(root.headers.first("subject")))
        return ("delayed" if _DELAY_SUBJECT.search(subject) else "failed"), "multipart-report"
    return None


def _delivery_kind(part: Part) -> str:
    actions = [group.first("action").strip().lower() for group in _groups(part)]
    told = [action.split()[0].strip(";,") for action in actions if action]
    if not told or "failed" in told or "failure" in told:
        return "failed"
    if "delayed" in told:
        return "delayed"
    status = [group.first("status").strip() for group in _groups(part)]
    return "failed" if any(each.startswith("5.") for each in status) else "delivered"


def _groups(part: Part) -> Iterator[Headers]:
    """The field groups of a delivery status, one per message and recipient (RFC 3464 § 2.1)."""
    octets = part.decoded()[:500_000].replace(b"\r\n", b"\n")
    for block in re.split(rb"\n[ \t]*\n", octets)[:500]:
        if block.strip():
            yield read_headers(block.lstrip(b"\n"), 0, len(block))[0]


def _from_prose(root: Part, text: str) -> tuple[str, str] | None:
    """Three kinds of evidence: who writes, the subject, the text. Two must agree, one of them who.

    People do write from postmaster addresses, and forward bounces: neither is a bounce.
    """
    headers = root.headers
    subject = one_line(decode_words(headers.first("subject")))[:500]
    senders = " ".join(headers.all("from"))[:1000]
    if headers.has("x-failed-recipients"):
        return "failed", "x-failed-recipients"
    if _is_list_manager(headers) and _LIST_REFUSAL.search(f"{subject}\n{text[:2000]}"):
        return "failed", "list-manager"
    null_path = any(value.strip() in ("<>", "") for value in headers.all("return-path"))
    daemon = _DAEMON.search(decode_words(senders)) is not None or not senders.strip(' <>"')
    machine = (
        headers.first("auto-submitted").lower().startswith(("auto-replied", "auto-generated"))
        or headers.has("x-mailer-daemon")
        or "mailer-daemon" in headers.first("return-path").lower()
    )
    if not (daemon or null_path):
        robot = re.search(r"no-?reply|admin@|sysadmin|-(?:admin|request)@", senders, re.I)
        if not robot:
            return None
        titled = _FAILED_SUBJECT.search(subject) is not None or _carries_original(root)
        if not (titled and _FAILED_TEXT.search(text[:20_000])):
            return None
        return "failed", "robot-with-failure"
    if _DELAY_SUBJECT.search(subject):
        return "delayed", "delay-notice"
    says = _FAILED_TEXT.search(text[:20_000]) is not None
    titled = _FAILED_SUBJECT.search(subject) is not None
    machine = machine or _TRANSCRIPT.search(text[:20_000]) is not None
    returns = _EMBEDDED_ID.search(text[:200_000]) is not None or _carries_original(root)
    if titled or (says and (machine or returns or (daemon and null_path))):
        return "failed", "mailer-daemon" if daemon else "null-return-path"
    if daemon and says and not headers.has("in-reply-to", "references"):
        return "failed", "mailer-daemon"
    return None


def _is_list_manager(headers: Headers) -> bool:
    """Whether the program that runs a mailing list answers, not one of its members."""
    if headers.has("list-post", "x-mailman-original-to"):
        return False
    administers = headers.has(
        "x-list-administrivia", "x-mlserver", "x-ezmlm", "x-majordomo-version"
    )
    machine = headers.first("auto-submitted").lower().startswith("auto-")
    owner = re.search(r"-(?:bounces|owner|request)@", headers.first("from")[:1000]) is not None
    return administers or (owner and machine)


def _carries_original(root: Part) -> bool:
    return any(
        part.kind in ("message/rfc822", "text/rfc822-headers", "message/global")
        for part in root.walk()
        if part is not root
    )


def _recipients(root: Part) -> tuple[str, ...]:
    """Who did not get it: of the recipients reported, those that failed (or all, if none is)."""
    found: dict[str, None] = {}
    for value in root.headers.all("x-failed-recipients"):
        found.update(dict.fromkeys(_ADDRESS.findall(value[:5000])))
    for part in root.walk():
        if part.kind not in ("message/delivery-status", "message/global-delivery-status"):
            continue
        for group in _groups(part):
            action = group.first("action").strip().lower()
            if action and not action.startswith(("fail", "delay")):
                continue
            for name in ("original-recipient", "final-recipient"):
                address = _ADDRESS.search(group.first(name).partition(";")[2] or group.first(name))
                if address:
                    found[address.group()] = None
    return tuple(found)[:_MAX_LISTED]


def _above_original(text: str) -> str:
    head = text[:5000]
    match = _ORIGINAL_BELOW.search(head, 40)
    return head[: match.start()] if match else head[:2000]


def _originals(root: Part, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Message-IDs and effect ids of the mail that the report is about."""
    ids: dict[str, None] = {}
    effects: dict[str, None] = {}
    for headers in _returned_headers(root):
        ids.update(dict.fromkeys(message_ids(headers.first("message-id"))))
        ids.update(dict.fromkeys(message_ids(headers.first("x-microsoft-original-message-id"))))
        effect = headers.first("x-mailbot-effect").strip()
        if re.fullmatch(r"[\w.:-]{1,200}", effect):
            effects[effect] = None
    for part in root.walk():
        if part.kind == "message/disposition-notification":
            for group in _groups(part):
                ids.update(dict.fromkeys(message_ids(group.first("original-message-id"))))
    ids.update(dict.fromkeys(_EMBEDDED_ID.findall(text[:200_000])[:_MAX_LISTED]))
    effects.update(dict.fromkeys(_EMBEDDED_EFFECT.findall(text[:200_000])[:_MAX_LISTED]))
    if not ids:
        # Exchange and Gmail answer the mail that failed, as a person would.
        for name in ("in-reply-to", "references"):
            ids.update(dict.fromkeys(message_ids(root.headers.first(name))))
    return tuple(ids)[:_MAX_LISTED], tuple(effects)[:_MAX_LISTED]


def _returned_headers(root: Part) -> Iterator[Headers]:
    for part in root.walk():
        if part.kind in ("message/rfc822", "message/global") and part.children:
            yield part.children[0].headers
        elif part.kind in ("text/rfc822-headers", "message/rfc822-headers"):
            octets = part.decoded()[:500_000].lstrip(b"\r\n")
            yield read_headers(octets, 0, len(octets))[0]
