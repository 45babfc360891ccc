"""The question to an approver: what approval will do, and all that is needed to judge it.

It shows no more personal data than the decision needs (GDPR art. 5(1)(c)): a record is told by its
table, its number and its date, never by all its columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from mailbot.case import Classification, Label, Subject
from mailbot.datamap import DataMap
from mailbot.letters import tally
from mailbot.letters.clean import excerpt, one_line
from mailbot.letters.items import heading, named, row_of, said_of
from mailbot.letters.look import Html, Look, Plain, Row, page
from mailbot.letters.tag import subject_tag
from mailbot.letters.templates import Templates, Words
from mailbot.message import Mail
from mailbot.organisation import Organisation
from mailbot.plan import CASE_FILE, Action, Do, Plan, Purpose
from mailbot.record import Certainty, SearchResult

_REQUEST_MOST = 4000  # signs of the request shown
_ROWS_MOST = 300  # actions listed one by one
_POSSIBLE_MOST = 40
_EVIDENCE_MOST = 5
_ERASING = frozenset((Label.ERASURE, Label.OBJECTION, Label.CONSENT_WITHDRAWAL))


@dataclass(frozen=True, slots=True)
class Question:
    """A mail to staff: subject on one line, and the same said as text and as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionFacts:
    """All that the question is written from. `language`: of the approvers."""

    token: str
    case_number: str
    language: str
    right: Label
    purpose: Purpose
    plan: Plan
    mail: Mail | None
    classification: Classification
    subject: Subject
    result: SearchResult
    received: datetime | date
    last_day: date
    today: date
    organisation: Organisation
    datamap: DataMap = field(default_factory=DataMap)
    required: int = 1
    given: int = 0
    urgent: bool = False
    extended: bool = False
    breach_until: datetime | None = None  # of a breach report: end of the 72 hours (art. 33), UTC
    hours_left: int = 0
    may_ask: bool = False  # whether a question to the person gives nothing away
    may_identify: bool = False  # whether the person may be asked to prove who they are
    errand: str = ""  # reapply | review | lifting: no mail began it
    edited: bool = False  # an approver wrote the letter; it is asked again
    said: str = ""  # denies | withdraws | narrows: what the person wrote again
    changed: str = ""  # why a new version is asked, in words of ours


def write_question(facts: QuestionFacts, templates: Templates) -> Question:
    """The approval mail for one plan version and one approver's token (DESIGN § 9)."""
    words = templates.words(templates.language(facts.language, "question.txt"))
    titles = tally.Titles(facts.datamap, words.language)
    marketing = facts.right is Label.OBJECTION and facts.classification.marketing
    right = words("rights", "marketing" if marketing else facts.right.value)
    subject = words(
        "question",
        "subject_urgent" if facts.urgent else "subject",
        right=right,
        case=facts.case_number,
        tag=subject_tag(facts.token),
    )
    values = {
        "lead": words(
            "question",
            "lead",
            word=words("answers", "approve"),
            doing=", ".join(summary(facts.purpose, facts.plan, titles, words)),
        ),
        "right": right,
        "urgent": facts.urgent,
        "edited": facts.edited,
        "errand": words("errands", facts.errand) if facts.errand else "",
        "breach_until": facts.breach_until.strftime("%Y-%m-%d %H:%M UTC")
        if facts.breach_until
        else "",
        "hours_left": facts.hours_left,
        "contact_change": _changes_contact(facts),
        "changed": facts.changed,
        "said": words("follow_up", facts.said) if facts.said else "",
        "required": facts.required,
        "given": facts.given,
        "version": facts.plan.version,
        "case": facts.case_number,
        "digest": facts.plan.digest[:12],
        "purpose": facts.purpose.value,
        **asked(facts.mail, facts.classification, facts.received, words),
        **deadline_of(facts.last_day, facts.today, words),
        **_identity(facts.subject, words),
        **_plan(facts, titles, words),
        **_reach(facts, titles, words),
        **_letter(facts.plan),
        "answers": _answers(facts, words),
    }
    return in_both_looks(templates, words, "question.txt", subject, values)


def in_both_looks(
    templates: Templates, words: Words, name: str, subject: str, values: Mapping[str, object]
) -> Question:
    """Render one template as text and as HTML."""
    plain: Look = Plain()
    rich: Look = Html()
    language = words.language
    text = templates.text(language, name, {**values, "ui": plain})
    body = templates.html(language, name, {**values, "ui": rich})
    return Question(one_line(subject, 300), text, page(language, subject, body))


def summary(purpose: Purpose, plan: Plan, titles: tally.Titles, words: Words) -> tuple[str, ...]:
    """What an approval sets going, counted by kind: "sletter 4", "beholder 2 fakturaer til …"."""
    if purpose is not Purpose.ANSWER:
        return (words("question", purpose.value),)
    said = [
        part
        for kind in Do
        if (
            part := _sum(
                kind, [a for a in plan.actions if a.do is kind and not a.done], titles, words
            )
        )
    ]
    if said and not plan.letter.recipients:
        return tuple(said)  # nobody asked, nobody is answered
    if not said:
        return (words("question", "nothing"),)
    return (*said, words("question", "letter"))


def _sum(kind: Do, actions: list[Action], titles: tally.Titles, words: Words) -> str:
    if kind is Do.KEEP:
        actions = [action for action in actions if action.reason != CASE_FILE]
    if not actions:
        return ""
    count = len(actions)
    if kind in (Do.NOTIFY, Do.MANUAL):
        return words("sums", f"{kind.value}_one" if count == 1 else kind.value, count=count)
    if kind is Do.KEEP:
        days = {action.until for action in actions}
        known = [day for day in days if day is not None]
        form = (
            "keep"
            if not known or None in days
            else "keep_until"
            if len(days) == 1
            else "keep_latest"
        )
        last = words.short(max(known)) if known else ""
        return words("sums", form, count=count, what=_nouns(actions, titles, words), date=last)
    return words("sums", kind.value, count=count, what=_nouns(actions, titles, words))


def _nouns(actions: Sequence[Action], titles: tally.Titles, words: Words) -> str:
    """What the actions are about, if it is one kind of thing: "fakturaer"; else "oppføringer"."""
    if len(actions) == 1:
        return words("question", "record")
    kinds = {titles.matter(action) for action in actions}
    only = next(iter(kinds)) if len(kinds) == 1 else ""
    return only or words("question", "records")


def asked(
    mail: Mail | None,
    classification: Classification,
    received: datetime | date,
    words: Words,
) -> dict[str, object]:
    """Who asked, what, and the sentences that say so."""
    sender = words("question", "unnamed_sender")
    if mail is not None and mail.sender is not None:
        sender = one_line(mail.sender.address, 120)
        name = one_line(mail.sender.name, 80)
        if name:
            sender = words("question", "from", name=name, address=sender)
    text = (mail.new_text or mail.text) if mail is not None else ""
    request, cut = excerpt(text, _REQUEST_MOST)
    return {
        "sender": sender,
        "subject": one_line(mail.subject, 200) if mail is not None else "",
        "request": request,
        "request_cut": cut,
        "attachments": tuple(
            one_line(attachment.name, 80) for attachment in (mail.attachments if mail else ())
        ),
        "notes": tuple(one_line(note, 60) for note in (mail.notes if mail else ())),
        "received": words.date(received.date() if isinstance(received, datetime) else received),
        "evidence": tuple(
            words("rights", sign.label) + ": «" + one_line(sign.text, 300) + "»"
            if sign.label in words.table("rights")
            else "«" + one_line(sign.text, 300) + "»"
            for sign in sorted(classification.evidence, key=lambda e: -e.weight)[:_EVIDENCE_MOST]
        ),
        "privacy": round(classification.privacy * 100),
        "automated": classification.automated,
    }


def deadline_of(last_day: date, today: date, words: Words) -> dict[str, object]:
    """The last day, and how far off it is (negative: it has passed)."""
    return {"last_day": words.date(last_day), "days_left": (last_day - today).days}


def _identity(subject: Subject, words: Words) -> dict[str, object]:
    reason = subject.verdict_reason
    verdict = words.get("verdicts", reason) or words("verdicts", subject.verdict.value)
    keys = [
        f"{words.get('key_kinds', key.kind, default=key.kind)}: {one_line(key.value, 80)} "
        f"({words.get('origins', key.origin, default=key.origin)})"
        for key in subject.keys
    ]
    return {"verdict": verdict, "verdict_reason": one_line(reason, 80), "keys": tuple(keys[:30])}


def _plan(facts: QuestionFacts, titles: tally.Titles, words: Words) -> dict[str, object]:
    personal = {finding.identity: finding for finding in facts.result.findings}
    groups: dict[str, list[Row]] = {}
    sums: dict[str, list[Action]] = {}
    for action in facts.plan.actions:
        where = heading(action, titles, words)
        sums.setdefault(where, []).append(action)
        rows = groups.setdefault(where, [])
        if action.number <= _ROWS_MOST:
            rows.append(row_of(action, personal, titles, facts.datamap, words))
    systems = [
        {
            "where": where,
            "sums": words.listed(
                tuple(
                    part
                    for kind in Do
                    if (part := _sum(kind, [a for a in sums[where] if a.do is kind], titles, words))
                )
            ),
            "rows": rows,
            "more": len(sums[where]) - len(rows),
        }
        for where, rows in groups.items()
    ]
    possible = [f for f in facts.result.findings if f.certainty is Certainty.POSSIBLE]
    return {
        "systems": systems,
        "tasks": [action.number for action in facts.plan.actions if action.do is Do.MANUAL],
        # The map has one wording of a task for all rights, most often that of an erasure.
        "erases": facts.right in _ERASING,
        "possible": [
            Row(0, named(titles, finding, personal), said_of(finding.reason, words))
            for finding in possible[:_POSSIBLE_MOST]
        ],
        "possible_more": max(0, len(possible) - _POSSIBLE_MOST),
    }


def _changes_contact(facts: QuestionFacts) -> bool:
    """Whether a correction touches an address or a number: how accounts are taken over."""
    findings = {finding.identity: finding for finding in facts.result.findings}
    for action in facts.plan.actions:
        finding = findings.get(action.identity)
        if action.do is Do.CORRECT and finding is not None:
            keys = {c for kind in ("email", "phone") for c in finding.personal.get(kind, ())}
            if keys & set(action.after):
                return True
    return False


def _reach(facts: QuestionFacts, titles: tally.Titles, words: Words) -> dict[str, object]:
    return {
        "searched": tuple(titles.system(name) for name in facts.result.searched),
        "not_searched": tuple(
            f"{titles.system(part.system)}: {said_of(part.why, words)}"
            for part in facts.result.not_searched
        ),
    }


def _letter(plan: Plan) -> dict[str, object]:
    return {
        "letter": plan.letter.text,
        "letter_subject": one_line(plan.letter.subject, 200),
        "letter_to": tuple(one_line(address, 120) for address in plan.letter.recipients),
        "notices": [
            (
                ", ".join(one_line(address, 120) for address in notice.recipients),
                one_line(notice.subject, 200),
                notice.text,
            )
            for _, notice in plan.numbered_notices()
        ],
        "letter_files": tuple(one_line(name, 80) for name in plan.letter.attachments),
    }


def _answers(facts: QuestionFacts, words: Words) -> dict[str, object]:
    """Which replies make sense here, with numbers of this very plan in the example."""
    changing = [a.number for a in facts.plan.actions if a.do in tally.ERASING]
    handed = [a.number for a in facts.plan.actions if a.do is Do.DISCLOSE]
    answer = facts.purpose is Purpose.ANSWER and not facts.errand
    return {
        **{name: words("answers", name) for name in words.table("answers")},
        "numbers": ",".join(str(number) for number in changing[:2]),
        "disclosed": ",".join(str(number) for number in handed[:2]),
        "may_ask": answer and facts.may_ask,
        "may_identify": answer and facts.may_identify,
        "may_edit": bool(facts.plan.letter.recipients),
        "may_extend": not (
            facts.errand or facts.extended or facts.urgent or facts.purpose is Purpose.EXTENSION
        ),
        "may_refuse": answer,
    }
