"""Octets to a Mail: every field of it, from any octets at all, within bounds.

Whatever a mail does to a reader (nesting, lying about its charset, two senders), the answer is a
Mail; what could not be read is named in its notes. A mail that defeats even that comes back with
the note "unparsable" and no sender, and a person looks at it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from mailbot.mailtext.addresses import domain_of, read_addresses, sole_sender
from mailbot.mailtext.authenticity import Trust, border_of, verdict
from mailbot.mailtext.automatic import EFFECT, nature_of
from mailbot.mailtext.bodies import Bodies, carried_mail, is_tnef, read_attachments, read_bodies
from mailbot.mailtext.dates import header_date
from mailbot.mailtext.forwarded import forwarded_inline
from mailbot.mailtext.headers import Headers, decode_words, message_ids, one_line
from mailbot.mailtext.lines import joined
from mailbot.mailtext.mime import Budget, Part, read_mime
from mailbot.mailtext.quotes import Split, split
from mailbot.mailtext.same import differ_beyond
from mailbot.mailtext.vocabulary import REPLY_SUBJECT
from mailbot.message import Automatic, Forwarded, Mail

__all__ = ["Trust", "parse"]

UNPARSABLE = "unparsable"
T = TypeVar("T")
# What hostile octets can bring about in code that was written with care; not MemoryError, which
# the reader process turns into a mail set aside.
_FAULTS = (ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError)


def parse(raw: bytes, trust: Trust) -> Mail:
    """A mail from its octets. Never raises for what the octets are."""
    budget = Budget()
    root = _guarded(lambda: read_mime(raw, budget), None, budget)
    if root is None:
        return Mail(notes=(UNPARSABLE,))
    return _read(root, trust, budget)


def _guarded(read: Callable[[], T], otherwise: T, budget: Budget) -> T:
    """One piece of the mail; if it defeats us, the rest is still read and the mail says so."""
    try:
        return read()
    except _FAULTS:
        budget.note(UNPARSABLE)
        return otherwise


def _read(root: Part, trust: Trust, budget: Budget) -> Mail:
    headers = root.headers
    nothing = Bodies((), (), False, False)
    bodies = _guarded(lambda: read_bodies(root, budget), nothing, budget)
    subject = one_line(decode_words(headers.first("subject")))[:2000]
    mail = _with_headers(Mail(subject=subject), headers, trust, budget)
    mail = _guarded(lambda: _with_text(mail, bodies), mail, budget)
    mail = _guarded(lambda: _with_nature(mail, root, trust), mail, budget)
    forwarded = _guarded(lambda: _forwarded(root, bodies, mail), None, budget)
    mail = replace(
        mail,
        forwarded=forwarded,
        attachments=_guarded(lambda: read_attachments(root), (), budget),
    )
    mail = _with_orphans(mail, headers)
    notes = (*budget.notes, *mail.notes, *_kinds(root))
    if UNPARSABLE in notes:
        mail = replace(mail, sender=None)
    return replace(mail, notes=tuple(dict.fromkeys(notes)))


def _with_headers(mail: Mail, headers: Headers, trust: Trust, budget: Budget) -> Mail:
    sender = _guarded(lambda: sole_sender(headers), None, budget)
    domain = domain_of(sender.address) if sender else ""
    border = _guarded(lambda: border_of(headers, trust), None, budget)
    ids = message_ids(headers.first("message-id"))
    effect = headers.first(EFFECT).strip()
    return replace(
        mail,
        message_id=ids[0] if ids else "",
        sender=sender,
        reply_to=_guarded(lambda: read_addresses(headers.all("reply-to")), (), budget),
        to=_guarded(lambda: read_addresses(headers.all("to")), (), budget),
        cc=_guarded(lambda: read_addresses(headers.all("cc")), (), budget),
        date=header_date(headers.first("date")),
        received=border.at if border else None,
        in_reply_to=message_ids(" ".join(headers.all("in-reply-to"))),
        references=message_ids(" ".join(headers.all("references"))),
        authentication=_guarded(
            lambda: verdict(headers, domain, trust, border), mail.authentication, budget
        ),
        effect=effect if len(effect) <= 200 and effect.isprintable() else "",
    )


def _with_text(mail: Mail, bodies: Bodies) -> Mail:
    """HTML knows its quotes better than plain text does: its split is taken where both exist."""
    rich = split(bodies.rich)
    plain = split(bodies.plain) if bodies.differ else rich
    chosen = rich if rich.new.strip() or not plain.new.strip() else plain
    alternatives: tuple[str, ...] = ()
    if bodies.differ and _say_other_things(plain, rich):
        alternatives = (plain.new, rich.new)
    return replace(
        mail,
        new_text=chosen.new,
        quoted_text=chosen.quoted,
        signature=chosen.signature,
        text=chosen.text,
        alternatives=alternatives,
        html_only=bodies.html_only,
        notes=_text_notes(chosen, plain),
    )


def _say_other_things(plain: Split, rich: Split) -> bool:
    """Whether the parts disagree, aside from a signature that one of them does not mark."""
    return differ_beyond(plain.new, rich.new, rich.signature) and differ_beyond(
        rich.new, plain.new, plain.signature
    )


def _text_notes(chosen: Split, plain: Split) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*chosen.notes, *plain.notes)))


def _with_nature(mail: Mail, root: Part, trust: Trust) -> Mail:
    nature = nature_of(root, mail.sender, mail.text, mail.new_text, trust.own_addresses)
    mail = replace(
        mail,
        automatic=nature.kind,
        automatic_reason=nature.reason,
        notes=(*mail.notes, *nature.notes),
    )
    report = nature.report
    if report is None:
        return mail
    about = (f"failed-effect:{effect}" for effect in report.effects)
    failed = nature.kind is Automatic.BOUNCE
    return replace(
        mail,
        failed_message_ids=report.message_ids if failed else (),
        failed_recipients=report.recipients if failed else (),
        notes=(*mail.notes, *(about if failed else ()), f"report:{report.kind}"),
    )


def _forwarded(root: Part, bodies: Bodies, mail: Mail) -> Forwarded | None:
    if mail.automatic in (Automatic.BOUNCE, Automatic.REPORT):
        return None  # what a report carries is our own mail, coming back
    inner = carried_mail(root)
    if inner is not None:
        lines = read_bodies(inner, Budget()).rich
        return Forwarded(
            sender=sole_sender(inner.headers),
            date=header_date(inner.headers.first("date")),
            subject=one_line(decode_words(inner.headers.first("subject")))[:2000],
            text=joined(line.text for line in lines),
        )
    return forwarded_inline(bodies.rich or bodies.plain, mail.subject)


def _with_orphans(mail: Mail, headers: Headers) -> Mail:
    """A first mail that looks like nothing but a quote or a signature: its words are the sender's.

    So nothing that a person wrote is lost; the note keeps it from ever being taken as a decision.
    """
    answers = headers.has("in-reply-to", "references") or REPLY_SUBJECT.match(mail.subject)
    if mail.new_text.strip() or mail.forwarded is not None or answers or not mail.text.strip():
        return mail
    return replace(mail, new_text=mail.text, notes=(*mail.notes, "quote-only"))


def _kinds(root: Part) -> tuple[str, ...]:
    """Bodies that only another program can open."""
    found: dict[str, None] = {}
    for part in root.walk():
        if is_tnef(part):
            found["tnef"] = None
        elif part.kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
            signed = part.params.get("smime-type").lower() == "signed-data"
            found["smime-opaque" if signed else "encrypted"] = None
        elif part.kind == "multipart/encrypted":
            found["encrypted"] = None
    return tuple(found)
