"""Whose word is a mail, how surely, and of which case may it be a part? (DESIGN § 5, § 7)

The rule of it all: what one person proved never carries the words of another. A mail joins a case
only with the standing that the case has: a forged mail never joins the case of the real person,
and the real person's mail never lends its proof to a case that a forger opened.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from mailbot.case import Subject
from mailbot.config import Settings
from mailbot.mailtext.same import essence
from mailbot.message import Address, Authentication, Mail, Verdict
from mailbot.ports import KnownMessage

PASSED_ON = "passed-on-by-staff"
# Known to those alone to whom our mail went: their ids are an HMAC and nobody can guess them.
_OUR_LETTERS = frozenset({"letter", "code"})
_THANKS = frozenset("takk tack tak thanks thank thx danke dank merci gracias".split())
_BUT = frozenset(
    "men but aber ikke ikkje inte icke not nicht kein don didn never aldri please vennligst gjerne"
    " bitte kan can könnt slett delete send wait vent".split()
)


def is_own_address(address: str, settings: Settings) -> bool:
    """Whether this is the address of a mailbox that mailbot itself watches and sends from."""
    return address.casefold() in {part.address.casefold() for part in settings.mailbox}


def is_staff(address: str, settings: Settings) -> bool:
    """Whether an address is one of the organisation's, or an approver's."""
    own = {domain.lower() for domain in settings.datamap.own.domains}
    own |= {domain.lower() for domain in settings.authenticity.internal_domains}
    approvers = {approver.address.casefold() for approver in settings.approver}
    return address.rpartition("@")[2].lower() in own or address.casefold() in approvers


def spoken(mail: Mail, settings: Settings) -> Mail:
    """The mail as the word of who is concerned.

    A request that a member of staff passes on is its writer's: whoever forwards it must neither
    be answered nor have their own records erased. Its sender is unverified by nature. Who cannot
    be made out is nobody (a person then looks); a stranger who forwards speaks for themselves.
    """
    inner = mail.forwarded
    if inner is None or mail.sender is None or not is_staff(mail.sender.address, settings):
        return mail
    if mail.authentication.verdict is not Verdict.PASS:
        return mail
    sender = inner.sender if inner.sender and inner.sender.address else None
    if sender is not None and is_staff(sender.address, settings):
        sender = None
    return replace(
        mail,
        sender=sender,
        authentication=Authentication(verdict=Verdict.NONE, reason=PASSED_ON),
        subject=inner.subject or mail.subject,
        new_text=inner.text,
        alternatives=(),
        signature="",
        reply_to=(),
        in_reply_to=(),
        references=(),
        notes=(*mail.notes, PASSED_ON),
    )


def filed_under(sender: Address | None, verdict: Verdict) -> str | None:
    """The name by which an open case is found again: the address together with its standing."""
    if sender is None:
        return None
    return sender.address if verdict is Verdict.PASS else f"{verdict.value} {sender.address}"


def proven_by_code(subject: Subject) -> bool:
    """Whether the person of a case brought back a code."""
    return any(key.origin == "code" for key in subject.keys)


def is_subject(mail: Mail, subject: Subject) -> bool:
    """Whether the sender is the person of a case: by address, never by what a mail mentions."""
    addresses = {
        key.value.casefold()
        for key in subject.keys
        if key.kind == "email" and key.origin in ("header", "code")
    }
    return mail.sender is not None and mail.sender.address.casefold() in addresses


def of_same_standing(
    mail: Mail, latest: Mail | None, subject: Subject, messages: Sequence[KnownMessage]
) -> bool:
    """Whether a mail is as trustworthy as the case, and the case as the mail.

    A code proved one mail only; another without proof of its own joins if it answers what we
    sent to the address on record.
    """
    verdict = mail.authentication.verdict
    if proven_by_code(subject):
        if verdict is Verdict.PASS:
            return True
        answers = any(message.kind in _OUR_LETTERS for message in messages)
        return verdict is Verdict.NONE and answers
    return verdict is (latest.authentication.verdict if latest else Verdict.NONE)


def is_same_mail(mail: Mail, earlier: Sequence[Mail]) -> bool:
    """Whether a mail came before by another way (two folders, two recipients of ours)."""
    return bool(mail.message_id) and any(
        other.message_id == mail.message_id
        and other.subject == mail.subject
        and essence(other.new_text) == essence(mail.new_text)
        for other in earlier
    )


def only_thanks(mail: Mail) -> bool:
    """Whether a mail is a word of thanks and no more: short, no question, no reservation."""
    words = re.findall(r"[^\W\d_]+", mail.new_text[:400].casefold())
    return (
        len(words) <= 12
        and len(mail.new_text) <= 200
        and not _THANKS.isdisjoint(words)
        and _BUT.isdisjoint(words)
        and not re.search(r"[?\d]", mail.new_text)
        and not mail.attachments
    )


def answers_by_hand(mail: Mail, subject: Subject) -> bool:
    """Whether a mail is addressed to the person of a case."""
    people = {key.value.casefold() for key in subject.keys if key.kind == "email"}
    return any(each.address.casefold() in people for each in (*mail.to, *mail.cc))


def from_a_colleague(mail: Mail, settings: Settings) -> bool:
    """Whether one of the organisation wrote, as far as stopping a case needs it to be sure.

    The copy in Sent Items bears no verdict at all: our own address need only not be forged.
    """
    if mail.sender is None or mail.authentication.verdict is Verdict.FAIL:
        return False
    if is_own_address(mail.sender.address, settings):
        return True
    authentic = mail.authentication.verdict is Verdict.PASS
    return authentic and is_staff(mail.sender.address, settings)
