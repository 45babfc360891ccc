"""A one-time code to the address on record, where the mail itself proves nothing (DESIGN § 7)."""

import hashlib
import hmac
from datetime import timedelta

from mailbot.case import Label, State, Subject
from mailbot.config import Settings
from mailbot.letters import write_identity_code
from mailbot.message import Automatic, Mail, Verdict
from mailbot.move import Act, Context, Move, Outcome, Tools
from mailbot.steps import outgoing

CODES_MOST = 2  # per matter: mailbot must not become somebody's way of flooding a stranger
PATIENCE = timedelta(days=7)  # GDPR art. 12(6) knows no period; then staff answer without identity
_STOP = frozenset({Label.OBJECTION, Label.CONSENT_WITHDRAWAL})
_DIGITS = 10
_CODES_IN_A_MAIL = 5
_SENT = "code-sent"
_GIVEN_UP = "code-given-up"


def wants_code(ctx: Context, settings: Settings, on_record: bool, proven: bool) -> bool:
    """Whether identity must and may be settled by a code to the address on record.

    Never after DMARC failed (that mail is treated as a stranger's), never to an address that no
    record holds, never more than twice.
    """
    if not settings.send_without_approval.identity_code or not on_record:
        return False
    if ctx.subject.verdict is Verdict.FAIL or ctx.matter.right in _STOP:
        return False
    if _GIVEN_UP in ctx.matter.flags or ctx.matter.flags.count(_SENT) >= CODES_MOST:
        return False
    if any(key.origin == "code" for key in ctx.subject.keys):
        return False
    return not proven or ctx.matter.right.value in settings.identity.code_for


def hashed(code: str, case_key: bytes) -> str:
    """What is kept of a code."""
    return hmac.new(case_key, b"code\0" + code.encode(), hashlib.sha256).hexdigest()


def send_code(ctx: Context, tools: Tools) -> Outcome:
    """Send the fixed text with a code; the matter waits for it to come back."""
    assert ctx.mail is not None
    assert ctx.mail.sender is not None  # propose has checked
    # 33 bits, and only two codes a matter that each expire in a week: not to be guessed by mail.
    code = f"{int.from_bytes(tools.random(16), 'big') % 10**_DIGITS:0{_DIGITS}d}"
    draft = write_identity_code(
        code, ctx.case.number, ctx.case.language, tools.settings.organisation, tools.templates
    )
    effect = outgoing.to_subject(
        ctx,
        tools.settings,
        f"code{ctx.matter.flags.count(_SENT)}",
        (ctx.mail.sender.address,),
        draft.subject,
        draft.text,
    )
    return Act(
        effects=(effect,),
        documents={f"{ctx.matter.id}/code": hashed(code, ctx.case_key)},
        then=lambda done: Move(
            to=State.WAITING_FOR_IDENTITY,
            reason="code-to-address-on-record",
            changes={"flags": (*ctx.matter.flags, _SENT)},
            due=ctx.now + PATIENCE,
        ),
    )


def give_up(ctx: Context, tools: Tools) -> Outcome:
    """No code came back in time: go on as with an unknown sender."""
    return Move(
        to=State.LOCATED,
        reason="no-code-came-back",
        changes={"flags": (*ctx.matter.flags, _GIVEN_UP)},
    )


def brings_code(mail: Mail, kept: object, case_key: bytes) -> bool:
    """Whether a mail brings the code back. A machine's reply that quotes it proves nothing."""
    if mail.automatic is not Automatic.NO or not isinstance(kept, str):
        return False
    words = f"{mail.new_text} {mail.quoted_text}".split()
    digits = ("".join(sign for sign in word if sign.isdigit()) for word in words[:5000])
    codes = list(dict.fromkeys(code for code in digits if len(code) == _DIGITS))
    # A mail full of numbers is a guess, not an answer.
    return len(codes) <= _CODES_IN_A_MAIL and any(
        hmac.compare_digest(hashed(code, case_key), kept) for code in codes
    )


def proven_subject(subject: Subject, address: str) -> Subject:
    """The subject with the address that brought the code back marked as proven."""
    keys = tuple(
        key
        if not (key.kind == "email" and key.value.casefold() == address.casefold())
        else type(key)(kind="email", value=key.value, origin="code", verified=True)
        for key in subject.keys
    )
    return Subject(
        keys=keys,
        verdict=subject.verdict,
        verdict_reason="code",
        language=subject.language,
    )
