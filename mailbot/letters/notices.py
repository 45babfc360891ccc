"""Other mail to staff: is this a privacy request at all? and why something did not happen."""

from dataclasses import dataclass, field
from datetime import date, datetime

from mailbot.case import Classification, Label, Route
from mailbot.letters.approval import Question, asked, deadline_of, in_both_looks
from mailbot.letters.clean import one_line
from mailbot.letters.tag import subject_tag
from mailbot.letters.templates import Templates, Words
from mailbot.message import Mail

_UNCLASSIFIED = Classification(route=Route.ASK, labels=(), privacy=0.0, language="nb")


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageFacts:
    """What the question "is this a privacy request?" is written from."""

    token: str
    case_number: str
    language: str
    mail: Mail | None
    received: datetime | date
    last_day: date
    today: date
    classification: Classification = field(default_factory=lambda: _UNCLASSIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFacts:
    """What a notice is written from. `kind`: the named reason; `detail`: an error's own words."""

    kind: str
    case_number: str
    language: str
    right: Label
    days_left: int
    last_day: date
    detail: str = ""
    token: str = ""  # by which a reply may end a matter that is stopped


def write_triage(facts: TriageFacts, templates: Templates) -> Question:
    """Ask whether a mail is a privacy request, and which right it invokes."""
    words = templates.words(templates.language(facts.language, "triage.txt"))
    guess = [
        words("rights", label.value)
        for label in facts.classification.labels
        if label is not Label.NOT_PRIVACY
    ]
    subject = words(
        "question", "triage_subject", case=facts.case_number, tag=subject_tag(facts.token)
    )
    values = {
        "case": facts.case_number,
        "guess": words.listed(tuple(guess)),
        "rights": [
            (word.upper(), words("triage_rights", name))
            for name, word in words.table("triage_words").items()
        ],
        "not_privacy": words("answers", "not_privacy"),
        **asked(facts.mail, facts.classification, facts.received, words),
        **deadline_of(facts.last_day, facts.today, words),
    }
    return in_both_looks(templates, words, "triage.txt", subject, values)


def write_notice(facts: NoticeFacts, templates: Templates) -> Question:
    """Tell staff why a reply changed nothing, what a case waits for, or that time is running out.

    A kind that no template names is told by its name: silence would be worse.
    """
    words = templates.words(templates.language(facts.language, "notice.txt"))
    title, text, remedy = _notice(facts.kind, words)
    tasks = facts.kind == "tasks-open"
    form = "notice_subject_tagged" if facts.token else "notice_subject"
    tag = subject_tag(facts.token) if facts.token else ""
    subject = words("question", form, title=title, case=facts.case_number, tag=tag)
    values = {
        "title": title,
        "text": text,
        "remedy": remedy,
        "answered": words("answers", "answered") if facts.token and not tasks else "",
        "tasks": tasks,
        "kind": one_line(facts.kind, 80),
        "detail": one_line(facts.detail, 500),
        "case": facts.case_number,
        "right": words("rights", facts.right.value),
        "last_day": words.date(facts.last_day),
        "days_left": facts.days_left,
    }
    return in_both_looks(templates, words, "notice.txt", subject, values)


def _notice(kind: str, words: Words) -> tuple[str, str, str]:
    """Title, text and remedy of a kind: by its whole name, or by the longest beginning of it."""
    parts = kind.split("-")
    for length in range(len(parts), 0, -1):
        name = "-".join(parts[:length])
        if words.get("notices", name, "title"):
            return (
                words("notices", name, "title"),
                words("notices", name, "text"),
                words.get("notices", name, "remedy"),
            )
    return words("notices", "other", "title"), words("notices", "other", "text"), ""
