"""A one-time code to the address on record, where the mail itself proves nothing (DESIGN § 7)."""

import hashlib
import hmac
import re
from datetime import timedelta
from enum import StrEnum

from mailbot.case import Label, State, Subject
from mailbot.config import Settings
from mailbot.letters import write_identity_code
from mailbot.message import Automatic, Mail, Verdict
from mailbot.move import Act, Context, Move, Outcome, Tools
from mailbot.steps import outgoing

CODES_MOST = 2  # per case: mailbot must not become somebody's way of flooding a stranger
PATIENCE = timedelta(days=7)  # GDPR art. 12(6) knows no period; then staff answer without identity
_STOP = frozenset({Label.OBJECTION, Label.CONSENT_WITHDRAWAL})
_DIGITS = 10
# What is said by somebody who denies having asked, in the languages that codes are written in and
# some neighbours of theirs. One word too many costs a person a look; one too few, a proof.
_NOT = frozenset(
    "ikke ikkje inte icke not never no nei nej nein nicht kein keine keinen aldri aldrig aldrei"
    " ingen nie didnt dont wasnt havent isnt non pas jamais niet geen nunca".split()
)
_ASKED = frozenset(
    "bedt bad ba bede spurt spurgt spurde frågat bett begärt begärde anmodet anmodat asked ask"
    " request requested sent sendt sende skickat skickade skrev skrevet skrivit skrive wrote"
    " written gefragt gebeten angefragt beantragt verlangt geschickt geschrieben meg mig me mich"
    " ich demandé moi gevraagd".split()
)
_ALARM = frozenset(
    "feil fel forkert falsch wrong mistake spam scam phishing svindel bedrägeri bedrageri betrug"
    " fraud stop stopp stans avbryt cancel hvem vem wer who hva hvad vad what warum hvorfor varför"
    " why".split()
)
_WILLING = frozenset(
    "kode koden koda kod code codes ja jo jepp yes yep ok here her hier här stemmer riktig rett"
    " correct richtig bekreft bekrefter bekreftet bekräftar bekræfter confirm confirmed bestätige"
    " hermed bitte".split()
)
_CODES_IN_A_MAIL = 5
_MOST_READ = 20_000  # characters of a mail that brings a code
_SENT = "code-sent"
_GIVEN_UP = "code-given-up"
DEMANDED = "identity-demanded"  # by an approver, who had doubts (art. 12(6))


def wants_code(ctx: Context, settings: Settings, on_record: bool, proven: bool) -> bool:
    """Whether identity must and may be settled by a code to the address on record.

    Never after DMARC failed (that mail is treated as a stranger's), never to an address that no
    record holds, never more than twice in a case.
    """
    if not settings.send_without_approval.identity_code or not on_record:
        return False
    if ctx.subject.verdict is Verdict.FAIL or ctx.matter.right in _STOP:
        return False
    sent = sum(matter.flags.count(_SENT) for matter in (ctx.matter, *ctx.siblings))
    if _GIVEN_UP in ctx.matter.flags or (sent >= CODES_MOST and not _awaited(ctx)):
        return False
    if any(key.origin == "code" for key in ctx.subject.keys):
        return False
    asked_for = DEMANDED in ctx.matter.flags
    return asked_for or not proven or ctx.matter.right.value in settings.identity.code_for


def hashed(code: str, case_key: bytes) -> str:
    """What is kept of a code."""
    return hmac.new(case_key, b"code\0" + code.encode(), hashlib.sha256).hexdigest()


def _awaited(ctx: Context) -> bool:
    """Whether another right of the case waits for a code already: one proves the person for all."""
    return any(sibling.state is State.WAITING_FOR_IDENTITY for sibling in ctx.siblings)


def send_code(ctx: Context, tools: Tools) -> Outcome:
    """Send the fixed text with a code; the matter waits for it to come back."""
    if _awaited(ctx):
        return Move(
            to=State.WAITING_FOR_IDENTITY, reason="code-sent-already", due=ctx.now + PATIENCE
        )
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
        # RFC 3834: no person sent it, so that no machine of the other side answers it.
        more={"Auto-Submitted": "auto-replied"},
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


class Brought(StrEnum):
    """What a mail says of a code that is waited for."""

    NOTHING = "nothing"
    CODE = "code"
    DOUBT = "doubt"  # the code is there, and words by which the sender may not have asked at all


def brings_code(mail: Mail, kept: object, case_key: bytes) -> Brought:
    """Whether a mail brings the code back. A machine's reply that quotes it proves nothing.

    Nearly every reply quotes the mail that it answers, code and all, also "I never asked for
    this". So a code that is only quoted counts with nothing beside it or with words of consent;
    a code that was typed counts unless the request is denied beside it.
    """
    if mail.automatic is not Automatic.NO or not isinstance(kept, str):
        return Brought.NOTHING
    if _holds(mail.new_text, kept, case_key):
        return Brought.DOUBT if _denies(mail.new_text) else Brought.CODE
    if _holds(mail.quoted_text, kept, case_key):
        return Brought.CODE if _consents(mail.new_text) else Brought.DOUBT
    return Brought.NOTHING


def _holds(text: str, kept: str, case_key: bytes) -> bool:
    words = text.split()
    digits = ("".join(sign for sign in word if sign.isdigit()) for word in words[:5000])
    codes = list(dict.fromkeys(code for code in digits if len(code) == _DIGITS))
    # A mail full of numbers is a guess, not an answer.
    return len(codes) <= _CODES_IN_A_MAIL and any(
        hmac.compare_digest(hashed(code, case_key), kept) for code in codes
    )


def _words(text: str) -> frozenset[str]:
    plain = text.casefold().replace("'", "").replace("\u2019", "")
    return frozenset(re.findall(r"[^\W\d_]+", plain))


def _denies(text: str) -> bool:
    """Whether a sentence says no to having asked."""
    return any(
        said & _NOT and said & _ASKED
        for said in map(_words, re.split(r"[.!?\n]+", text[:_MOST_READ]))
    )


def _consents(text: str) -> bool:
    """Whether words beside a quoted code say that it is meant as an answer to it."""
    said = _words(text[:_MOST_READ])
    if not said:
        return "?" not in text
    return bool(said & _WILLING) and not (said & (_NOT | _ALARM)) and "?" not in text


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
