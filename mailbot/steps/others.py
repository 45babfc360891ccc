"""What a plan does beyond the records: recipients told, the suppression list, the case file."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from dateutil.relativedelta import relativedelta

from mailbot import identifiers
from mailbot.case import Key, Label
from mailbot.move import Context, Tools
from mailbot.organisation import Organisation
from mailbot.plan import CASE_FILE, Action, Do
from mailbot.ports import Effect
from mailbot.record import Certainty, Finding
from mailbot.steps.execute import carried_out
from mailbot.steps.outgoing import to_recipient

# Art. 19; a withdrawn consent is passed on as well (C-129/21 Proximus).
_TOLD = frozenset({Label.ERASURE, Label.RECTIFICATION, Label.RESTRICTION, Label.CONSENT_WITHDRAWAL})
_SUPPRESSING = frozenset({Label.ERASURE, Label.OBJECTION, Label.CONSENT_WITHDRAWAL})
NO_ADDRESS = "no e-mail address: tell them by other means"
WHEN_CORRECTED = "tell them once it is corrected"
LATER = "recipient-later"  # the kind of a notice that leaves once staff have done it by hand
# "Take me off the suppression list too", in the languages of letters.
_LIST = re.compile(
    r"sperreliste|sperrelista|spærreliste|spärrlista|sperrliste|suppression list|"
    r"do[- ]not[- ](?:contact|mail|call) list|reservasjonsliste|blokkeringsliste",
    re.IGNORECASE,
)
_OFF = re.compile(
    r"\b(?:slett\w*|fjern\w*|ta meg av|stryk\w*|radera\w*|ta bort|tag mig af|lösch\w*|entfern\w*|"
    r"delet\w*|remov\w*|eras\w*|take me off|strike)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:ikke|ikkje|inte|icke|nicht|not|never|aldri|aldrig|don't|dont|keep|behold\w*)\b",
    re.IGNORECASE,
)


def beyond(
    ctx: Context, tools: Tools, findings: Sequence[Finding], actions: Sequence[Action], stop: bool
) -> list[Action]:
    """The further actions of a plan. `stop`: the sender is not proven, only stopping is sure."""
    found: list[Action] = []
    right = ctx.matter.right
    if right in _TOLD and (changes_anything(actions) or by_hand(actions)):
        told = _told(_earlier(ctx), findings, tools.settings.organisation)
        if right is Label.RECTIFICATION and not changes_anything(actions):
            # What is right is not sure yet: whoever corrects the records tells them.
            told = [_task(action.title, WHEN_CORRECTED) for action in told]
        found += told
    if right in _SUPPRESSING:
        do = Do.RELEASE if right is Label.ERASURE and wants_release(ctx) else Do.SUPPRESS
        found += _entries(ctx, tools, do, stop)
    if right is Label.ERASURE:
        last = ctx.matter.last_day + relativedelta(years=tools.settings.store.keep_case_years)
        found.append(case_file(last))
    return found


def case_file(until: date) -> Action:
    """The case's own correspondence is kept, listed and told (DESIGN § 8). `until`: at the latest,
    if the case is answered in time."""
    return Action(number=0, do=Do.KEEP, system="", reason=CASE_FILE, until=until)


def wants_release(ctx: Context) -> bool:
    """Whether the person asks to be taken off the suppression list itself."""
    return any(
        _LIST.search(sentence) and _OFF.search(sentence) and not _NOT.search(sentence)
        for mail in ctx.mails[-1:]
        for sentence in re.split(r"[.!?\n]+", mail.new_text[:20_000])
    )


def changes_anything(actions: Iterable[Action]) -> bool:
    """Whether a plan does something to a record, so that there is something to tell others."""
    return any(action.changes or action.done for action in actions)


def by_hand(actions: Iterable[Action]) -> frozenset[int]:
    """The numbers of records that a member of staff must change."""
    return frozenset(action.number for action in actions if action.do is Do.MANUAL and action.table)


def told_later(actions: Sequence[Action]) -> bool:
    """Whether all there is to tell recipients of is still to be done by hand."""
    return not changes_anything(actions) and bool(by_hand(actions))


def later_notices(ctx: Context, tools: Tools, done: Iterable[int]) -> tuple[Effect, ...]:
    """The approved notices to recipients, once the last record was changed by hand; art. 19 tells
    of what was carried out, not of what is meant to be."""
    plan = ctx.plan
    if plan is None or not told_later(plan.actions) or by_hand(plan.actions) - set(done):
        return ()
    if any(effect.kind == LATER for effect in ctx.effects):
        return ()
    return tuple(
        replace(to_recipient(ctx, tools.settings, number, letter), kind=LATER)
        for number, letter in plan.numbered_notices()
    )


def open_tasks(ctx: Context) -> tuple[Action, ...]:
    """The tasks by hand of an approved plan of which nobody has told what came of them."""
    return tuple(
        action
        for action in (ctx.plan.actions if ctx.plan is not None else ())
        if action.do is Do.MANUAL and action.number not in ctx.tasks_told
    )


def tells(action: Action) -> bool:
    """Whether an action is about telling a recipient, by mail or by hand."""
    return action.do is Do.NOTIFY or (
        action.do is Do.MANUAL and action.reason in (NO_ADDRESS, WHEN_CORRECTED)
    )


def _earlier(ctx: Context) -> tuple[Action, ...]:
    """Recipients whom an earlier version of the plan found, where the rows that name them may be
    gone by now."""
    if not carried_out(ctx) or ctx.plan is None:
        return ()
    return tuple(action for action in ctx.plan.actions if tells(action))


def _told(
    earlier: Iterable[Action], findings: Iterable[Finding], organisation: Organisation
) -> list[Action]:
    """One notice for each recipient of the person's data, by name or address; once each."""
    known: dict[str, tuple[str, str]] = {}
    for action in earlier:
        _add(known, action.title, str(action.after.get("email", "")))
    for finding in findings:
        if finding.certainty is not Certainty.CERTAIN:
            continue
        for recipient in finding.recipients:
            _add(known, recipient.name, recipient.email)
    for party in organisation.parties:
        if party.email or party.kind == "recipient":
            _add(known, party.name, party.email)
    return [_notify(name, email) for name, email in known.values()]


def _add(known: dict[str, tuple[str, str]], name: str, email: str) -> None:
    address = identifiers.email(email) or ""
    same = name.strip().casefold()
    before = known.get(same)
    if before is None or (address and not before[1]):
        known[same] = (name.strip() or address, address)


def _notify(name: str, address: str) -> Action:
    if not address:
        return _task(name, NO_ADDRESS)
    return Action(number=0, do=Do.NOTIFY, system="", title=name, after={"email": address})


def _task(name: str, reason: str) -> Action:
    return Action(number=0, do=Do.MANUAL, system="", title=name, reason=reason)


def _entries(ctx: Context, tools: Tools, do: Do, stop: bool) -> list[Action]:
    """Each address and number of the person, as it is compared; of a stranger's only their own."""
    own = tools.settings.datamap.own
    sender = ctx.mail.sender.address if ctx.mail and ctx.mail.sender else ""
    keys: tuple[Key, ...] = (Key(kind="email", value=sender, origin="header", verified=True),)
    if not stop:
        keys += tuple(key for key in ctx.subject.keys if key.verified) + ctx.result.learnt
    found: dict[tuple[str, str], None] = {}
    for key in keys:
        value = None
        if key.kind == "email":
            value = identifiers.email(key.value)
        elif key.kind == "phone":
            value = identifiers.phone(key.value, own.default_region)
        if value is not None:
            found.setdefault((key.kind, value))
    return [
        Action(number=0, do=do, system="", title=value, after={channel: value})
        for channel, value in found
    ]
