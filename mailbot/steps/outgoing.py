"""Mails that mailbot sends, written down as effects: their ids, their headers, their recipients."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from mailbot.codec import to_json
from mailbot.config import Approver, Settings
from mailbot.message import Address, Mail, Outgoing, OutgoingFile
from mailbot.move import Context
from mailbot.plan import Letter
from mailbot.ports import Effect, Token

_THREAD_MOST = 20
TOKEN_OCTETS = 20  # 160 bits, more than the 128 that DESIGN § 9 fixes; 32 base32 characters


def effect_id(case_key: bytes, *parts: object) -> str:
    """The name of an effect: the same after a crash, and nobody can guess it."""
    text = "\0".join(str(part) for part in parts)
    return hmac.new(case_key, text.encode(), hashlib.sha256).hexdigest()[:40]


def new_token(octets: bytes) -> str:
    """A token as it stands in a subject: base32, lower case, no padding."""
    return base64.b32encode(octets).decode().rstrip("=").lower()


def token_hash(token: str) -> str:
    """What the store keeps of a token."""
    return hashlib.sha256(b"mailbot-token\0" + token.lower().encode()).hexdigest()


def mailbox_address(settings: Settings, name: str) -> str:
    """The address of a [[mailbox]]."""
    return next(mailbox.address for mailbox in settings.mailbox if mailbox.name == name)


def approval_mailbox(settings: Settings) -> str:
    """The [[mailbox]] that approval mails leave from."""
    return settings.approval.mailbox or settings.mailbox[0].name


def to_approver(
    ctx: Context,
    settings: Settings,
    approver: Approver,
    kind: str,
    distinct: object,
    subject: str,
    text: str,
    html: str,
) -> Effect:
    """A question or notice to one approver. `distinct`: for what is sent twice on purpose."""
    identity = effect_id(
        ctx.case_key, ctx.matter.id, ctx.matter.plan_version, kind, approver.address, distinct
    )
    mailbox = approval_mailbox(settings)
    sender = mailbox_address(settings, mailbox)
    address = approver.address
    if settings.mode == "shadow" and settings.approval.shadow_to:
        address = settings.approval.shadow_to
    mail = Outgoing(
        effect=identity,
        message_id=f"{identity}@{sender.rpartition('@')[2]}",
        sender=Address(address=sender, name="mailbot"),
        to=(Address(address=address, name=approver.name),),
        subject=subject,
        text=text,
        html=html,
        # No X-Auto-Response-Suppress: an approver's out-of-office is worth knowing.
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "DR, RN, NRN"},
    )
    return Effect(
        id=identity,
        case_id=ctx.case.id,
        matter_id=ctx.matter.id,
        kind=kind,
        plan_version=ctx.matter.plan_version,
        payload={"outbox": mailbox, "mail": to_json(mail)},
    )


def to_subject(
    ctx: Context,
    settings: Settings,
    kind: str,
    recipients: tuple[str, ...],
    subject: str,
    text: str,
    files: tuple[OutgoingFile, ...] = (),
    more: Mapping[str, str] | None = None,
) -> Effect:
    """A letter to the data subject, in the thread of their own mail. `more`: further headers."""
    identity = effect_id(ctx.case_key, ctx.matter.id, ctx.matter.plan_version, kind)
    sender = mailbox_address(settings, ctx.case.mailbox)
    request: Mail | None = ctx.mail
    thread = (*request.references, request.message_id) if request and request.message_id else ()
    # The sender chose them: a thread needs its first and its latest (RFC 5322 § 3.6.4), no flood.
    thread = thread if len(thread) <= _THREAD_MOST else (thread[0], *thread[1 - _THREAD_MOST :])
    mail = Outgoing(
        effect=identity,
        message_id=f"{identity}@{sender.rpartition('@')[2]}",
        sender=Address(address=sender, name=settings.organisation.name),
        to=tuple(Address(address=recipient) for recipient in recipients),
        subject=subject,
        text=text,
        in_reply_to=thread[-1] if thread else "",
        references=thread,
        files=files,
        headers={"X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply", **(more or {})},
    )
    return Effect(
        id=identity,
        case_id=ctx.case.id,
        matter_id=ctx.matter.id,
        kind=kind,
        plan_version=ctx.matter.plan_version,
        payload={"outbox": ctx.case.mailbox, "mail": to_json(mail)},
    )


def to_recipient(ctx: Context, settings: Settings, number: str, letter: Letter) -> Effect:
    """A notice to somebody who had got the person's data (art. 19). A thread of its own: the
    person's mail is none of theirs."""
    identity = effect_id(ctx.case_key, ctx.matter.id, ctx.matter.plan_version, "recipient", number)
    sender = mailbox_address(settings, ctx.case.mailbox)
    mail = Outgoing(
        effect=identity,
        message_id=f"{identity}@{sender.rpartition('@')[2]}",
        sender=Address(address=sender, name=settings.organisation.name),
        to=tuple(Address(address=recipient) for recipient in letter.recipients),
        subject=letter.subject,
        text=letter.text,
        headers={"X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply"},
    )
    return Effect(
        id=identity,
        case_id=ctx.case.id,
        matter_id=ctx.matter.id,
        kind="recipient",
        plan_version=ctx.matter.plan_version,
        payload={"outbox": ctx.case.mailbox, "mail": to_json(mail)},
    )


def issue(ctx: Context, approver: Approver, version: int, octets: bytes) -> tuple[str, str, Token]:
    """A fresh token: itself (for the subject line), its hash, and what it stands for."""
    token = new_token(octets)
    stands_for = Token(
        case_id=ctx.case.id,
        matter_id=ctx.matter.id,
        plan_version=version,
        approver=approver.address,
        state="live",
    )
    return token, token_hash(token), stands_for
