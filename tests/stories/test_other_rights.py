"""A story for each of the other rights: what is done, what is told, and what stays as it was."""

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from mailbot.case import Label, State
from tests.stories.test_attacks_data import with_map
from tests.stories.world import INGRID, KARI, MARTIN, World, letter, world

PORT = (
    "Hello, under Article 20 GDPR please give me the data I provided to you in a machine-readable"
    " format so that I can move it to another provider.\n\nMartin Keller"
)


def test_portability_brings_json_and_csv_of_what_the_person_provided(tmp_path: Path):
    def edit(text: str) -> str:
        text = with_map(
            tmp_path, "", 'personal = { address = ["adresse"',
            'read = { kilde = "text" }\npersonal = { address = ["adresse"',
        )(text)  # fmt: skip
        return re.sub(r"(?m)^#?\s*access\s*=.*$", 'access = "plain"', text)

    with world(tmp_path, edit) as small:
        before = small.rows("kontakter")
        small.write(MARTIN, "Data portability", PORT)
        assert small.only_matter().right is Label.PORTABILITY
        small.reply(small.question(), "Godkjent")
        (answer,) = small.sent(MARTIN)
        files = {p.get_filename(): p.get_payload(decode=True) for p in answer.iter_attachments()}
        assert {name.rpartition(".")[2] for name in files} == {"json", "csv"}
        document = json.loads(next(c for n, c in files.items() if n.endswith(".json")))
        assert document["format"] == "mailbot-portability/1"
        whole = json.dumps(document, ensure_ascii=False)
        assert "Hafenstrasse 9" in whole
        assert "Kontaktskjema 3. mars" not in whole  # the source is our note, not provided data
        assert "Solvang" not in whole
        table = next(c for n, c in files.items() if "contacts" in n)
        (row,) = csv.DictReader(io.StringIO(table.decode("utf-8-sig")))
        assert row["epost"] == MARTIN
        assert "reservert" not in row
        assert small.rows("kontakter") == before


def test_portable_files_are_locked_in_a_zip_since_no_pdf_can_be_moved(small: World):
    small.write(MARTIN, "Data portability", PORT)
    small.reply(small.question(), "Godkjent")
    (answer,) = small.sent(MARTIN)
    (file,) = list(answer.iter_attachments())
    name = str(file.get_filename())
    assert name.endswith(".zip")
    assert name in letter(answer)
    with zipfile.ZipFile(io.BytesIO(file.get_payload(decode=True))) as archive:
        assert all(info.flag_bits & 1 for info in archive.infolist())


MARKED = "set      = { restriction = { reservert = true }, objection"


@pytest.fixture
def marking(tmp_path: Path):  # noqa: ANN201
    with world(tmp_path, with_map(tmp_path, "", "set      = { objection", MARKED)) as made:
        yield made


RESTRICT = (
    "Hei, jeg krever at dere begrenser behandlingen av opplysningene om meg etter artikkel 18 mens"
    " dere sjekker om de er riktige.\n\nIngrid Solvang"
)


def test_a_restriction_marks_as_mapped_and_says_how_it_ends(marking: World):
    marking.write(INGRID, "Begrensning", RESTRICT)
    assert marking.only_matter().right is Label.RESTRICTION
    marking.reply(marking.question(), "Godkjent")
    assert [row[0] for row in marking.rows("kontakter", "reservert = 1")] == [1]
    (answer,) = marking.sent(INGRID)
    assert "sier fra til deg før vi opphever" in letter(answer)


def test_what_cannot_be_marked_is_a_task_for_staff_and_told(small: World):
    small.write(INGRID, "Begrensning", RESTRICT)
    question = letter(small.question())
    assert "for hånd" in question.splitlines()[0]
    small.reply(small.question(), "Godkjent")
    assert small.rows("kontakter", "reservert = 1") == []
    (answer,) = small.sent(INGRID)
    assert "Dette gjør en medarbeider for hånd" in letter(answer)
    assert "Fra" not in letter(answer).splitlines()[2][:4]


def test_a_breach_report_pages_at_once_with_the_hours_left_and_touches_nothing(small: World):
    before = small.rows("kontakter")
    small.write(
        MARTIN, "Data breach",
        "Hello, your system just showed me another customer's personal data: I received an e-mail"
        " with somebody else's invoice and address. This is a data breach.",
    )  # fmt: skip
    rights = {matter.right for matter in small.matters()}
    assert Label.BREACH_REPORT in rights
    question = next(mail for mail in small.questions() if "72 timer" in letter(mail))
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC\. Det er 7[12] timer igjen", letter(question))
    assert "Haster" in str(question["Subject"])
    assert small.sent(KARI)
    small.reply(question, "Godkjent")
    assert small.rows("kontakter") == before


def test_a_consent_is_withdrawn_the_same_day_and_nothing_is_erased(small: World):
    small.write(
        INGRID, "Samtykke", "Hei, jeg trekker tilbake samtykket mitt til at dere bruker"
        " opplysningene om meg.\n\nIngrid Solvang",
    )  # fmt: skip
    assert "Haster" in str(small.question()["Subject"])
    small.reply(small.question(), "Godkjent")
    assert [row[0] for row in small.rows("kontakter", "reservert = 1")] == [1]
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2
    assert small.parts.store.suppressed("email", [INGRID])


def test_a_general_question_is_answered_from_the_facts_without_a_search(small: World):
    small.write(
        MARTIN, "Privacy question",
        "Hello, what is your legal basis for processing personal data, and how long do you store"
        " it in general?",
    )  # fmt: skip
    matter = small.matters()[0]
    if matter.right is Label.INFO and matter.state is State.ASKED:
        small.reply(small.question(), "Godkjent")
        assert "6(1)" in letter(small.sent(MARTIN)[-1]) or "Article 6" in letter(
            small.sent(MARTIN)[-1]
        )
        assert small.parts.store.get(matter.case_id, f"{matter.id}/found") is None
    else:
        pytest.fail(f"opened as {matter.right} in {matter.state}")
