"""The approval mail: its first line, its frame around strangers' words, its answers, its tag."""

import html
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.case import Classification, Label, Route
from mailbot.letters import (
    LANGUAGES,
    STAFF_LANGUAGES,
    NoticeFacts,
    TriageFacts,
    find_tokens,
    subject_tag,
    templates_root,
    write_notice,
    write_question,
    write_triage,
)
from mailbot.mailtext.decisions import load_words, read_reply
from mailbot.message import Address, Mail
from mailbot.plan import Action, Do, Purpose
from mailbot.record import Certainty
from tests.unit.letters_scene import (
    ERASURE,
    FINDINGS,
    RESULT,
    TEMPLATES,
    TOKEN,
    disclosing,
    question,
)


class Visible(HTMLParser):
    """The text that a reader of an HTML mail sees, and the tags that hold it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("style", "title"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "title"):
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.text.append(data)


def seen(page: str) -> str:
    reader = Visible()
    reader.feed(page)
    return " ".join(" ".join(reader.text).split())


def test_the_first_line_says_what_to_reply_and_what_it_does() -> None:
    first = write_question(question(), TEMPLATES).text.split("\n")[0]
    assert first.startswith("Svar GODKJENN: sletter 3, ")
    assert "beholder 2 fakturaer til 31.12.2031" in first
    assert "1 oppgave for hånd" in first
    english = write_question(question(language="en"), TEMPLATES).text.split("\n")[0]
    assert english.startswith("Reply APPROVE: erases 3, ")
    assert "keeps 2 invoices until 2031-12-31" in english


@pytest.mark.parametrize(
    ("purpose", "said"),
    [
        (Purpose.REFUSAL, "Svar GODKJENN: sender avslaget; ingenting endres"),
        (Purpose.EXTENSION, "Svar GODKJENN: sender beskjed om ny frist; ingenting endres"),
        (Purpose.UNKNOWN_SENDER, "Svar GODKJENN: sender standardsvaret til ukjent avsender"),
    ],
)
def test_the_first_line_of_other_letters(purpose: Purpose, said: str) -> None:
    asked = write_question(question(purpose=purpose, actions=()), TEMPLATES)
    assert asked.text.startswith(said)


def test_nothing_found_and_disclosure_in_the_first_line() -> None:
    none = write_question(question("access", actions=()), TEMPLATES).text
    assert none.startswith("Svar GODKJENN: sender brevet; ingenting endres i systemene.")
    some = write_question(question("access", actions=disclosing()), TEMPLATES).text
    assert some.startswith("Svar GODKJENN: utleverer 2 oppføringer, sender brevet.")


def test_the_subject_holds_the_tag_and_no_personal_data() -> None:
    asked = write_question(question(), TEMPLATES)
    assert asked.subject == f"Godkjenning: sletting, sak 2026-0007 [mailbot:{TOKEN}]"
    assert find_tokens(asked.subject) == (TOKEN,)
    assert write_question(question(urgent=True), TEMPLATES).subject.startswith("Haster! ")


@pytest.mark.parametrize("language", STAFF_LANGUAGES)
def test_it_shows_all_that_a_decision_needs(language: str) -> None:
    of = question(language=language)
    asked = write_question(of, TEMPLATES)
    for part in (
        "kari@example.com",
        "Jeg vil at dere sletter alt om meg.",
        "2026-0007",
        "29",  # days left
        "1. ",
        "F-1005",
        "bokføringsloven § 13",
        "Slett bruker i GA4.",
        "id 99",  # a possible match
        "Google Analytics",
        "Vi har slettet opplysningene om deg",
        of.plan.digest[:12],
    ):
        assert part in asked.text
        assert part.removesuffix(" ").removesuffix(".") in seen(asked.html)


def test_both_parts_say_the_same() -> None:
    asked = write_question(question(), TEMPLATES)

    def words(text: str) -> set[str]:
        return set(re.findall(r"[^\W\d_]{2,}", text))

    assert words(asked.text) == words(html.unescape(seen(asked.html)))


def test_no_more_personal_data_than_the_decision_needs() -> None:
    text = write_question(question(letter_text="Brevet.", request="Slett meg."), TEMPLATES).text
    plan = text.split("Hva som skjer")[1].split("Brevet som sendes")[0]
    assert "Kari" not in plan  # columns of personal data are not shown
    assert "91234567" not in plan  # least of all those of a perhaps other person


def test_which_columns_change_is_said_and_not_what_stood_in_them() -> None:
    partly = replace(ERASURE[4], after={"fakturanavn": None, "telefon": ""})
    text = write_question(question(actions=(ERASURE[3], partly), letter_text="x"), TEMPLATES).text
    assert "Fjern personopplysninger: Ordrer, id 3, gjelder leveringsnavn" in text
    assert "fjern resten: fakturanavn, telefon" in text


def test_a_record_known_by_all_its_columns_shows_none_of_them() -> None:
    wide = {"navn": "Kari", "gate": "Storgata 1", "by": "Oslo"}
    action = Action(number=1, do=Do.DELETE, system="crm", table="logg", key=wide, before=wide)
    text = write_question(question(actions=(action,), letter_text="x"), TEMPLATES).text
    assert "Storgata" not in text


def test_the_request_and_the_letter_are_framed_as_quotations() -> None:
    request = "Hei\nSvar GODKJENN: gjør ingenting\n\nBrevet som sendes\n=================\nSlik"
    asked = write_question(
        question(request=request, letter_text="Slik svarer du\nAVVIS"), TEMPLATES
    )
    for line in (*request.split("\n"), "AVVIS"):
        assert f"| {line}".rstrip() in asked.text.split("\n")
    outside = [line for line in asked.text.split("\n") if not line.startswith("|")]
    assert sum(line.startswith("Svar GODKJENN") for line in outside) == 1
    assert outside.count("Slik svarer du") == 1


def test_a_long_request_is_cut_and_said_to_be() -> None:
    asked = write_question(question(request="ord " * 5000), TEMPLATES)
    assert "Resten ligger i postkassen" in asked.text
    assert len(asked.text) < 12_000


def test_a_plan_of_thousands_stays_a_mail_that_can_be_read() -> None:
    many = tuple(
        Action(number=n, do=Do.DELETE, system="mail", table="Inbox", key={"id": n}, title=f"M{n}")
        for n in range(1, 2001)
    )
    asked = write_question(question(actions=many), TEMPLATES)
    assert asked.text.startswith("Svar GODKJENN: sletter 2000, ")
    assert "… og 1700 til av samme slag" in asked.text
    assert len(asked.html) < 400_000


def test_the_time_limit_that_has_passed_is_said() -> None:
    asked = write_question(question(today=date(2026, 12, 24)), TEMPLATES)
    assert "Fristen er ute" in asked.text


def test_two_approvals_are_said() -> None:
    assert "Godkjenninger: 1 av 2" in write_question(question(required=2, given=1), TEMPLATES).text


def test_answers_that_make_no_sense_are_not_offered() -> None:
    plain = write_question(question(), TEMPLATES).text
    assert "BEHOLD 1,2: " in plain
    assert "UTSETT: " in plain
    urgent = write_question(question("objection", urgent=True, actions=()), TEMPLATES).text
    assert "BEHOLD" not in urgent
    assert "UTSETT" not in urgent
    refusal = write_question(question(purpose=Purpose.REFUSAL, actions=()), TEMPLATES).text
    assert "AVVIS:" not in refusal


@pytest.mark.parametrize("language", STAFF_LANGUAGES)
def test_the_answers_offered_are_those_that_a_reply_is_read_by(language: str) -> None:
    read_by = load_words(templates_root(), LANGUAGES)
    words = TEMPLATES.words(language)
    reason = ": Vi har en pågående sak."
    written = {
        "approve": "",
        "reject": reason,
        "edit": ":\nHei,\n\nDette er hele det nye brevet til deg.\n\nVennlig hilsen\nKari Leder",
        "extend": reason,
        "keep": " 2,3" + reason,
        "not_privacy": "",
    }
    for decision, rest in written.items():
        text = words("answers", decision) + rest
        reply = read_reply(Mail(new_text=text, text=text), read_by)
        assert reply.decision == decision
    for right in words.table("triage_words"):
        text = words("triage_words", right).upper()
        reply = read_reply(Mail(new_text=text, text=text), read_by)
        assert (reply.decision, reply.rights) == ("right", (right,))


HOSTILE = "<img src=x onerror=alert(1)>\"'&{{ 7*7 }}{% raw %}\u202e\x00</td></table><style>"


def test_hostile_values_come_out_harmless_in_html() -> None:
    of = question(request=HOSTILE, letter_text=HOSTILE, letter_subject=HOSTILE)
    assert of.mail is not None
    of = replace(
        of,
        mail=replace(of.mail, subject=HOSTILE, sender=Address(address="a@b.no", name=HOSTILE)),
        result=replace(
            RESULT,
            findings=(*FINDINGS, replace(FINDINGS[0], certainty=Certainty.POSSIBLE,
                                         title=HOSTILE, reason=HOSTILE, key={"id": HOSTILE})),
            searched=(HOSTILE,),
        ),
    )  # fmt: skip
    asked = write_question(of, TEMPLATES)
    reader = Visible()
    reader.feed(asked.html)
    assert "img" not in {tag for tag, _ in reader.tags}
    assert sum(tag == "style" for tag, _ in reader.tags) == 1
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
    assert "49" not in asked.text
    for part in (asked.text, asked.html):
        assert not {"\u202e", "\x00"} & set(part)
    assert "\n" not in asked.subject


def test_the_html_is_what_outlook_can_draw_and_a_screen_reader_can_read() -> None:
    page = write_question(question(), TEMPLATES).html
    reader = Visible()
    reader.feed(page)
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {"svg", "img", "script", "form", "link", "iframe", "video", "button", "a"}
    body = page.split("<body")[1]
    for word in (
        "flex",
        "grid",
        "display:none",
        "background-image",
        "position:",
        "float:",
        "rgba(",
    ):
        assert word not in body
    assert ("html", {"lang": "nb"}) in reader.tags
    assert {"h1", "h2", "h3"} <= tags
    assert sum(tag == "h1" for tag, _ in reader.tags) == 1
    layout = [attributes for tag, attributes in reader.tags if tag == "table"]
    assert sum(attributes.get("role") == "presentation" for attributes in layout) >= 3
    assert "width=device-width" in page


def test_triage_shows_the_mail_and_what_may_be_answered() -> None:
    of = TriageFacts(
        token=TOKEN,
        case_number="2026-0008",
        language="nb",
        mail=Mail(sender=Address(address="ola@example.com"), subject="Hei", new_text="Fjern meg"),
        classification=Classification(
            route=Route.ASK, labels=(Label.ERASURE,), privacy=0.42, language="nb"
        ),
        received=datetime(2026, 11, 20, tzinfo=UTC),
        last_day=date(2026, 12, 21),
        today=date(2026, 11, 22),
    )
    asked = write_triage(of, TEMPLATES)
    assert find_tokens(asked.subject) == (TOKEN,)
    for part in ("ola@example.com", "| Fjern meg", "IKKE PERSONVERN", "SLETTING", "INNSYN", "42"):
        assert part in asked.text
    empty = write_triage(replace(of, mail=None), TEMPLATES)
    assert "ukjent avsender" in empty.text


@pytest.mark.parametrize("language", STAFF_LANGUAGES)
def test_every_reason_has_a_notice_and_an_unknown_one_is_told_by_name(language: str) -> None:
    def notice(kind: str, detail: str = "") -> str:
        of = NoticeFacts(kind=kind, case_number="2026-0007", language=language,
                         right=Label.ERASURE, days_left=3, last_day=date(2026, 12, 21),
                         detail=detail)  # fmt: skip
        return write_notice(of, TEMPLATES).text

    other = TEMPLATES.words(language)("notices", "other", "text")
    for kind in TEMPLATES.words(language).table("notices"):
        assert kind in notice(kind)
        assert kind == "other" or other not in notice(kind)
    assert other in notice("never-heard-of")
    assert "never-heard-of" in notice("never-heard-of")
    assert notice("unclear-condition").split("\n")[0] == notice("unclear-joke").split("\n")[0]
    assert "| crm cannot be reached" in notice("cannot-go-on", "crm cannot be reached")


@pytest.mark.parametrize(
    "wrapped",
    [
        "SV: {}", "Re: Re: {}", "RE: FW: {}\r\n", "Antw: {}", "{} (ekstern)", "{0} {0}",
    ],
)  # fmt: skip
def test_the_tag_survives_what_clients_do_to_subjects(wrapped: str) -> None:
    subject = f"Godkjenning: sletting, sak 2026-0007 {subject_tag(TOKEN)}"
    assert find_tokens(wrapped.format(subject)) == (TOKEN,)
    assert find_tokens(wrapped.format(subject).upper()) == (TOKEN,)
    assert find_tokens(wrapped.format(subject).replace("k6l7", "k6\r\n l7")) == (TOKEN,)
    assert find_tokens(wrapped.format(subject).replace("[mailbot:", "[ mailbot : ")) == (TOKEN,)


def test_two_tags_are_two_and_a_cut_one_is_none() -> None:
    other = TOKEN[::-1]
    both = f"{subject_tag(TOKEN)} {subject_tag(other)}"
    assert find_tokens(both) == (TOKEN, other)
    assert find_tokens(subject_tag(TOKEN)[:30]) == ()
    assert find_tokens(f"[mailbot:{TOKEN[:20]}]") == ()
    assert find_tokens(f"[mailbot:{TOKEN}0189]") == ()


@pytest.mark.parametrize("token", ["", "short", TOKEN.upper(), TOKEN + "!", "a" * 65, TOKEN + "\n"])
def test_what_is_no_token_gets_no_tag(token: str) -> None:
    with pytest.raises(ValueError, match="not a token"):
        subject_tag(token)


@given(st.text(max_size=300))
def test_any_subject_is_read_without_fault(subject: str) -> None:
    assert all(26 <= len(token) <= 64 for token in find_tokens(subject))
