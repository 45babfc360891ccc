"""The letters to the data subject: one template each, filled in with what is true of the case.

What each must say: art. 12(3)-(4), 15(1)-(2), 17, 19, 21 and the supervisory authority's advice on
plain answers: the answer in the first line, what was done, what stays, what the reader can do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from mailbot.case import Label
from mailbot.datamap import DataMap
from mailbot.letters import tally
from mailbot.letters.clean import greeting_name, one_line, shown
from mailbot.letters.protect import sent_names
from mailbot.letters.templates import Templates, Words
from mailbot.organisation import Organisation, wording
from mailbot.organisation import Purpose as Aim
from mailbot.plan import CASE_FILE, Action, Do, Purpose
from mailbot.record import Finding, NotSearched


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter as written: subject on one line, text in paragraphs of one line each."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFacts:
    """All that a letter is written from."""

    case_number: str
    language: str
    right: Label
    purpose: Purpose
    organisation: Organisation
    received: date  # the day of receipt, local
    last_day: date
    today: date
    datamap: DataMap = field(default_factory=DataMap)
    marketing: bool = False
    already: bool = False  # of a correction: every place holds the new value already
    lifting: bool = False  # the warning before a restriction is lifted (art. 18(3))
    lifted_on: date | None = None  # the earliest day on which it will be
    subject_name: str = ""  # display name of the sender: hostile
    request_subject: str = ""  # of the request: hostile, and so never in a subject of ours
    recipients: tuple[str, ...] = ()
    extended_last_day: date | None = None
    actions: tuple[Action, ...] = ()
    findings: tuple[Finding, ...] = ()
    found: int | None = None  # how many records are surely the person's; None: not counted
    searched: tuple[str, ...] = ()
    not_searched: tuple[NotSearched, ...] = ()
    reason: str = ""  # of a refusal or an extension, or the question asked, in the approver's words
    files: tuple[str, ...] = ()  # names of what is sent along
    delivery: str = "encrypted-pdf"  # encrypted-pdf | encrypted-zip | plain | by-hand
    redactions: int | None = None  # places in the files where others were masked; None: not counted
    topics: tuple[str, ...] = ()
    keep_case_years: int = 3
    case_file_until: date | None = None


# The last part of a topic's name as the classifier may give it, and the heads that answer it.
_TOPICS: Mapping[str, tuple[str, ...]] = {
    "contact": ("controller", "officer"),
    "dpo": ("controller", "officer"),
    "controller": ("controller", "officer"),
    "purpose": ("purposes",),
    "purposes": ("purposes", "legal_basis"),
    "legal_basis": ("purposes", "legal_basis"),
    "categories": ("categories",),
    "data": ("categories",),
    "source": ("source",),
    "recipients": ("recipients", "transfers"),
    "transfers": ("recipients", "transfers"),
    "storage": ("storage",),
    "retention": ("storage",),
    "security": ("security",),
    "cookies": ("cookies",),
    "voluntary": ("voluntary",),
    "automated": ("automated",),
    "rights": ("rights",),
    "complaint": ("complaint",),
}
_EVERYTHING = (
    "controller",
    "officer",
    "purposes",
    "categories",
    "source",
    "recipients",
    "transfers",
    "storage",
    "voluntary",
    "automated",
    "security",
    "cookies",
    "rights",
    "complaint",
)


def write_letter(facts: LetterFacts, templates: Templates) -> Draft:
    """The letter for a matter. Raises Permanent if its template cannot be filled in."""
    name = _template(facts)
    language = templates.language(facts.language, f"{name}.txt")
    words = templates.words(language)
    values = _values(facts, words)
    text = templates.text(language, f"{name}.txt", values)
    kind = name if name in words.table("subjects") else "answer"
    subject = words("subjects", kind, right=words("rights", _right(facts)), case=facts.case_number)
    return Draft(one_line(subject), text)


def write_identity_code(
    code: str,
    case_number: str,
    language: str,
    organisation: Organisation,
    templates: Templates,
) -> Draft:
    """The fixed text that carries a one-time code to the address on record. It names nobody."""
    language = templates.language(language, "identity_code.txt")
    words = templates.words(language)
    values = {"code": code, "case": case_number, **_organisation(organisation, words)}
    text = templates.text(language, "identity_code.txt", values)
    return Draft(one_line(words("subjects", "identity_code", case=case_number)), text)


def write_recipient_notice(
    right: Label,
    person: str,
    case_number: str,
    language: str,
    organisation: Organisation,
    templates: Templates,
    changes: tuple[tuple[str, str], ...] = (),
) -> Draft:
    """What a recipient of the data is told after an erasure, a correction or a restriction.

    GDPR art. 19. `person`: by what the recipient knows them (name, address): no more than that.
    `changes`: of a correction, each old and new value.
    """
    language = templates.language(language, "recipient.txt")
    words = templates.words(language)
    values = {
        "right": right.value,
        "person": one_line(person, 200),
        "changes": [(one_line(old, 200), one_line(new, 200)) for old, new in changes],
        "case": case_number,
        **_organisation(organisation, words),
    }
    text = templates.text(language, "recipient.txt", values)
    return Draft(one_line(words("subjects", "recipient", case=case_number)), text)


def _right(facts: LetterFacts) -> str:
    return "marketing" if facts.marketing and facts.right is Label.OBJECTION else facts.right.value


def _template(facts: LetterFacts) -> str:
    if facts.purpose is not Purpose.ANSWER:
        return facts.purpose.value
    right = facts.right
    if right in (Label.RECTIFICATION, Label.RESTRICTION) and facts.found == 0 and not facts.lifting:
        return "nothing_found"
    searching = {Label.ACCESS, Label.ERASURE, Label.PORTABILITY}
    something = any(_is_record(action) for action in facts.actions)
    if right in searching and not something and not facts.files:
        return "nothing_found"
    return right.value if right is not Label.NOT_PRIVACY else "info"


def _is_record(action: Action) -> bool:
    if action.do is Do.KEEP:
        return action.reason != CASE_FILE
    if action.do is Do.MANUAL:
        return tally.by_hand(action)
    return action.do not in (Do.SUPPRESS, Do.RELEASE, Do.NOTIFY)


def _organisation(o: Organisation, words: Words) -> dict[str, object]:
    language = words.language
    return {
        "o": o,
        "title": wording(o.signature.title, language),
        "controller_title": wording(o.controller.person_title, language),
        "phone": one_line(o.phone),
    }


def _values(facts: LetterFacts, words: Words) -> dict[str, object]:
    if facts.purpose is Purpose.UNKNOWN_SENDER:
        # Nothing of the case but its number: the letter must be the same whatever was found.
        return {"case": facts.case_number, **_organisation(facts.organisation, words)}
    titles = tally.Titles(facts.datamap, words.language)
    return {
        "case": facts.case_number,
        "name": greeting_name(facts.subject_name),
        "received": words.date(facts.received),
        "today": words.date(facts.today),
        "last_day": words.date(facts.last_day),
        "late": facts.today > facts.last_day,
        "new_last_day": words.date(facts.extended_last_day or facts.last_day),
        "marketing": facts.marketing,
        "already": facts.already,
        "lifting": facts.lifting,
        "lifted_on": words.date(facts.lifted_on) if facts.lifted_on else "",
        "right": words("rights", _right(facts)),
        "reason": shown(facts.reason).strip(),
        "files": sent_names(tuple(one_line(name) for name in facts.files), facts.delivery),
        "delivery": facts.delivery,
        "redactions": facts.redactions,
        "case_file": _case_file(facts, words),
        **_organisation(facts.organisation, words),
        **_done(facts, titles, words),
        **_reach(facts, titles, words),
        **_notice(facts, titles, words),
    }


def _case_file(facts: LetterFacts, words: Words) -> str:
    if facts.case_file_until is not None:
        return words("case_file", "until", date=words.date(facts.case_file_until))
    return words.count("case_file", facts.keep_case_years)


def _done(facts: LetterFacts, titles: tally.Titles, words: Words) -> dict[str, object]:
    actions = facts.actions
    changed = [action for action in actions if action.changes]
    backups = [
        database.backup_days
        for database in facts.datamap.database
        if any(action.system == database.name for action in changed)
    ]
    staying = tally.kept(actions, titles, facts.datamap, words)
    # Recipients are told of what was carried out: here once staff have done it.
    changed_by_hand = not any(a.changes or a.done for a in actions)
    return {
        "deleted": tally.lines(actions, (Do.DELETE,), titles),
        "blanked": tally.lines(actions, (Do.BLANK, Do.REPLACE), titles),
        "kept": [
            {"line": item, "until": item.until and words.date(item.until)} for item in staying
        ],
        "disclosed": tally.lines(actions, (Do.DISCLOSE,), titles)
        or tally.found_lines(facts.findings, titles),
        "left_out": tally.lines(actions, (Do.REDACT,), titles),
        "restricted": tally.lines(actions, (Do.RESTRICT, Do.SET), titles),
        "set": tally.lines(actions, (Do.SET,), titles),
        "corrected": tally.changes(actions, titles, words("empty_value")),
        "manual": _searched_by_hand(facts, titles),
        "by_hand": tally.lines([a for a in actions if tally.by_hand(a)], (Do.MANUAL,), titles),
        "told": () if changed_by_hand else tally.told(actions),
        "later": tally.told(actions) if changed_by_hand else (),
        "telling": tally.telling(actions),
        "suppressed": any(action.do is Do.SUPPRESS for action in actions),
        "suppressed_phone": any(a.do is Do.SUPPRESS and "phone" in a.after for a in actions),
        "released": any(action.do is Do.RELEASE for action in actions),
        "backups": max(backups, default=0),
        "mail_deleted": any(a.do is Do.DELETE and a.system in titles.exchange for a in actions),
    }


def _searched_by_hand(facts: LetterFacts, titles: tally.Titles) -> tuple[str, ...]:
    tasks = [a for a in facts.actions if a.do is Do.MANUAL and a.system and not tally.by_hand(a)]
    return tuple(dict.fromkeys(titles.system(task.system) for task in tasks))


def _reach(facts: LetterFacts, titles: tally.Titles, words: Words) -> dict[str, object]:
    """Where we searched and where not. A system searched in part stands under both."""
    by_hand = _searched_by_hand(facts, titles)
    searched = tuple(dict.fromkeys(titles.system(name) for name in facts.searched))
    missed = dict.fromkeys(titles.system(part.system) for part in facts.not_searched)
    return {
        "searched": searched,
        "not_searched": tuple(
            words("partly", name=name) if name in searched else name
            for name in missed
            if name not in by_hand
        ),
    }


def _aim(aim: Aim, o: Organisation, words: Words) -> dict[str, object]:
    return {
        "what": wording(aim.what, words.language),
        "basis": wording(aim.basis, words.language),
        "article": _article(aim.article, words),
        "categories": tuple(o.category(name, words.language) for name in aim.categories),
    }


def _article(article: str, words: Words) -> str:
    """ "6(1)(b)" in the way of the language; "" where no letter of art. 6(1) is named."""
    plain = article.replace(" ", "")
    if len(plain) != 7 or not plain.startswith("6(1)(") or not plain.endswith(")"):
        return ""
    return words("article", letter=plain[5])


def _notice(facts: LetterFacts, titles: tally.Titles, words: Words) -> dict[str, object]:
    """The heads of art. 13-15, from the organisation's facts and the records themselves."""
    o, language = facts.organisation, words.language
    rows = [finding for finding in facts.findings if finding.system not in titles.exchange]
    found = dict.fromkeys(category for finding in rows for category in finding.personal)
    mail = (words("columns", "mail"),) if len(rows) < len(facts.findings) else ()
    said = dict.fromkeys(name for aim in o.purposes for name in aim.categories)
    sources = dict.fromkeys(
        (
            titles.system(finding.system),
            titles.inside(titles.table(finding.system, finding.table, finding.title)),
            one_line(finding.source),
        )
        for finding in facts.findings
        if finding.source.strip()
    )
    return {
        "purposes": [_aim(aim, o, words) for aim in o.purposes],
        "categories": (
            *(o.category(name, language) for name in (found or () if facts.findings else said)),
            *mail,
        ),
        "sources": tuple(sources),
        "recipients": [(name, _day(day, words)) for name, day in tally.recipients(facts.findings)],
        "parties": [
            {
                "name": party.name,
                "role": wording(party.role, language),
                "transfer": wording(party.transfer, language),
            }
            for party in o.parties
        ],
        "third_parties": wording(o.third_parties, language),
        "transfers": wording(o.transfers, language),
        "source": wording(o.source, language),
        "storage": wording(o.storage, language),
        "voluntary": wording(o.voluntary, language),
        "automated": wording(o.automated, language),
        "security": wording(o.security, language),
        "cookies": wording(o.cookies, language),
        "retention": [
            _retention(facts, treatment, words) for treatment in tally.treatments(facts.findings)
        ],
        "topics": _topics(facts.topics),
    }


def _day(text: str, words: Words) -> str:
    """A date of a record in words; as it stands where it is no ISO date."""
    try:
        return words.date(date.fromisoformat(text[:10]))
    except ValueError:
        return text


def _retention(facts: LetterFacts, treatment: object, words: Words) -> dict[str, object]:
    rule = getattr(treatment, "rule", "")
    until = getattr(treatment, "until", None)
    reason, law = tally.grounds(rule, "", facts.datamap, words)
    return {"reason": reason, "law": law, "until": until and words.date(until)}


def _topics(topics: tuple[str, ...]) -> tuple[str, ...]:
    """The heads to answer, in the order of the notice; everything where none was understood."""
    wanted = {head for topic in topics for head in _TOPICS.get(topic, ())}
    return tuple(head for head in _EVERYTHING if head in wanted) or _EVERYTHING
