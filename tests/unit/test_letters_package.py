"""The access package: a whole copy, other persons masked, the same bytes each time, locked."""

import hashlib
import io
import json
import logging
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pypdf import PdfReader

from mailbot.case import Subject
from mailbot.datamap import DataMap
from mailbot.errors import Permanent
from mailbot.letters import (
    LANGUAGES,
    build_package,
    count_masked,
    new_passphrase,
    protect,
    sent_names,
)
from mailbot.letters.redact import redactor
from mailbot.message import OutgoingFile
from mailbot.record import Certainty, Finding, Typed, Value
from tests.unit.letters_scene import DATAMAP, FINDINGS, ORGANISATION, SUBJECT, TEMPLATES

PASSPHRASE = "k7mw-x3hj-9tqn-c4vb"

ODD = (
    "Łukasz \U0001f600 中文 العربية \u202eskjult\x00\x1b \ud800 \U000e0041 e\u0301"
    "\u0301\u0301\u0301\u0301\u0301\u0301\u0301 \ufffe \U0010ffff {nb} **fet** -- __u__"
)


def record(**values: Value) -> Finding:
    return Finding(
        system="crm", table="henvendelser", key={"id": 1}, certainty=Certainty.CERTAIN, reason="",
        trail="", title="Henvendelser", source="Kontaktskjema",
        row={"id": 1, "epost": "kari@example.com", **values}, personal={"email": ["epost"]},
    )  # fmt: skip


def mail(**values: Value) -> Finding:
    return Finding(
        system="mail", table="Inbox", key={"id": "m1"}, certainty=Certainty.CERTAIN, reason="",
        trail="", title="Spørsmål, 02.03.2025", message_id="x@example.com",
        row={"message_id": "x@example.com", "text_sha256": "00", **values},
        personal={"e-mail": tuple(values)},
    )  # fmt: skip


def package(*findings: Finding, language: str = "nb") -> tuple[OutgoingFile, ...]:
    return build_package(
        findings or FINDINGS, SUBJECT, "2026-0007", language, date(2026, 11, 22), DATAMAP,
        ORGANISATION, TEMPLATES,
    )  # fmt: skip


def data(*findings: Finding) -> list[dict[str, object]]:
    document = json.loads(package(*findings)[1].content)
    return [entry["data"] for table in document["tables"] for entry in table["records"]]


def words(content: bytes) -> str:
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return " ".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_holds_each_value_readable_titles_sources_and_recipients(language: str) -> None:
    pdf, machine = package(language=language)
    text = words(pdf.content)
    category = ORGANISATION.category("email", language)
    told = ("kari@example.com", "F-1005", "Kampanje vår 2024", "Nordlys Data AS", "2026-0007")
    for part in (*told, ORGANISATION.name, category):
        assert part in text
    assert pdf.name.endswith(".pdf")
    assert machine.name == pdf.name.replace(".pdf", ".json")


def test_the_json_is_a_whole_copy_in_types_that_programs_know() -> None:
    row: dict[str, Value] = {
        "tekst": "Hei", "antall": 3, "pris": Typed("decimal", "12.50"), "lest": True, "tom": None,
        "dato": Typed("datetime", "2025-02-03T10:00:00"), "fil": Typed("bytes", "00ff"),
        "skjema": Typed("json", '{"a": [1, 2]}'), "galt": Typed("json", "{"),
    }  # fmt: skip
    (found,) = data(record(**row))
    assert found == {
        "id": 1, "epost": "kari@example.com", "tekst": "Hei", "antall": 3, "pris": "12.50",
        "lest": True, "tom": None, "dato": "2025-02-03T10:00:00", "fil": "AP8=",
        "skjema": {"a": [1, 2]}, "galt": "{",
    }  # fmt: skip


def test_the_json_is_embedded_in_the_pdf() -> None:
    pdf, machine = package()
    assert PdfReader(io.BytesIO(pdf.content)).attachments[machine.name] == [machine.content]


def test_the_same_findings_give_the_same_bytes() -> None:
    first, second = package(), package()
    assert [file.content for file in first] == [file.content for file in second]
    assert all(file.plain_sha256 == hashlib.sha256(file.content).hexdigest() for file in first)


def test_no_text_breaks_the_pdf_and_none_of_it_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        pdf, machine = package(record(melding=ODD, **{"kolonne\n\u202e\U0001f600": "x"}))
    text = words(pdf.content)
    assert "Łukasz" in text
    assert "□" in text  # what the font lacks
    assert "**fet**" in text
    json.loads(machine.content)
    said = " ".join(message.getMessage() for message in caplog.records)
    assert not any(ord(sign) > 0x2FFF for sign in said)


def test_long_texts_run_over_pages_and_nothing_is_lost() -> None:
    long = " ".join(f"ord{n}" for n in range(4000))
    pdf, _ = package(record(melding=long), record(melding="x" * 5000))
    text = words(pdf.content)
    assert all(f"ord{n}" in text for n in (0, 1999, 3999))
    assert "Side 2 av" in text


def test_other_persons_in_free_text_are_masked_and_the_persons_own_keys_are_not() -> None:
    text = (
        "Ring Per på 912 34 567 eller per.hansen@firma.no, <ola@annen.se>. Jeg er 998 87 766 og "
        "KARI@example.com. Ordre 12345678 den 03.02.2025, kr 12 500 000. Svar fra "
        "support@example.no."
    )
    (found,) = data(record(melding=text, skjema=Typed("json", '{"c": "ola@annen.no"}')))
    assert found["melding"] == (
        "Ring Per på [annen person] eller [annen person], <[annen person]>. Jeg er 998 87 766 og "
        "KARI@example.com. Ordre 12345678 den 03.02.2025, kr 12 500 000. Svar fra "
        "support@example.no."
    )
    assert found["skjema"] == {"c": "[annen person]"}


def test_colleagues_are_other_persons_and_shared_addresses_are_not() -> None:
    (found,) = data(record(notat="Spør ola@example.no eller support@example.no"))
    assert found["notat"] == "Spør [annen person] eller support@example.no"


def test_keys_on_the_persons_own_records_are_the_persons() -> None:
    own = replace(FINDINGS[0], row={**FINDINGS[0].row, "mobil": 91234567, "epost2": "k@hjemme.no"},
                  personal={"email": ["epost", "epost2"], "phone": ["mobil"]})  # fmt: skip
    found = data(own, record(melding="Ring 912 34 567 eller k@hjemme.no"))
    assert found[-1]["melding"] == "Ring 912 34 567 eller k@hjemme.no"


def test_mail_that_the_person_sent_or_received_is_whole_and_mail_about_them_is_not() -> None:
    body = "Spør per@firma.no om det."
    sent, about = data(
        mail(**{"from": "Kari <Kari@Example.com>", "to": "support@example.no", "body": body}),
        mail(**{"from": "per@firma.no", "to": "support@example.no", "body": body + " Kari maser."}),
    )
    assert sent["body"] == body
    assert about["body"] == "Spør [annen person] om det. Kari maser."
    assert about["from"] == "[annen person]"


def test_a_mail_is_shown_by_its_usual_parts_with_the_names_of_its_attachments() -> None:
    listed = Typed("json", '[{"name": "avtale.pdf", "sha256": "ab"}]')
    pdf, _ = package(mail(**{"from": "kari@example.com", "text": "Hei", "attachments": listed}))
    text = words(pdf.content)
    for part in ("Fra", "Tekst", "Vedlegg", "avtale.pdf", "Vedlegg til e-post er oppført med navn"):
        assert part in text
    assert "text_sha256" not in text


def test_addresses_in_mails_about_the_person_do_not_become_theirs() -> None:
    about = mail(**{"from": "per@firma.no", "to": "support@example.no", "text": "Kari maser."})
    found = data(about, record(melding="Spør per@firma.no"))
    assert [entry for entry in found if "melding" in entry][0]["melding"] == "Spør [annen person]"


def test_a_contact_shows_its_own_data_and_masks_addresses_that_may_be_anothers() -> None:
    contact = Finding(
        system="mail", table="contacts", key={"kind": "contact", "id": "c1"}, reason="", trail="",
        certainty=Certainty.CERTAIN, title="Kari Nordmann", personal={"phone": ("phones",)},
        row={"phones": "922 33 444", "emails": "kari@example.com; per@firma.no", "notes": "notat"},
    )  # fmt: skip
    about = mail(**{"from": "post@firma.no", "to": "support@example.no", "text": "per@firma.no"})
    (shown, *_rest) = [entry for entry in data(contact, about) if "phones" in entry]
    assert shown["phones"] == "922 33 444"
    assert shown["emails"] == "kari@example.com; [annen person]"
    assert shown["notes"] == "notat"
    assert [e for e in data(contact, about) if "text" in e][0]["text"] == "[annen person]"


def test_what_is_masked_is_counted_for_the_letter() -> None:
    findings = (record(melding="per@firma.no, 912 34 567"), record(melding="ingen"))
    assert count_masked(findings, SUBJECT, DATAMAP) == 2
    assert "[annen person]" in words(package(*findings)[0].content)
    assert "annen person" not in words(package()[0].content)


def test_hostile_text_is_masked_in_time() -> None:
    hide = redactor(SUBJECT, (), DATAMAP, "[x]")
    for text in ("a." * 50_000 + "@", "@" * 50_000, "1 " * 50_000, "a@" * 30_000, "+" * 50_000):
        hide.text(text)


def test_an_empty_data_map_does_not_break_it() -> None:
    files = build_package(
        FINDINGS,
        Subject(),
        "2026-0007",
        "nb",
        date(2026, 11, 22),
        DataMap(),
        ORGANISATION,
        TEMPLATES,
    )
    assert len(files) == 2


def test_the_locked_pdf_opens_with_the_passphrase_only() -> None:
    files = package()
    (locked,) = protect(files, "encrypted-pdf", PASSPHRASE)
    assert locked.name == files[0].name
    assert locked.plain_sha256 == files[0].plain_sha256
    assert b"kari@example.com" not in locked.content
    reader = PdfReader(io.BytesIO(locked.content))
    assert reader.is_encrypted
    assert not reader.decrypt("wrong")
    assert not reader.decrypt("")
    assert reader.decrypt(PASSPHRASE)
    assert b"AESV3" in locked.content  # AES-256
    assert reader.attachments[files[1].name] == [files[1].content]


def test_the_locked_zip_holds_both_files_under_the_passphrase(tmp_path: Path) -> None:
    files = package()
    (locked,) = protect(files, "encrypted-zip", PASSPHRASE)
    again = protect(files, "encrypted-zip", PASSPHRASE)[0]
    assert locked.name == "innsyn-2026-0007.zip"
    assert b"%PDF" not in locked.content
    assert locked.plain_sha256 == again.plain_sha256
    assert locked.content != again.content  # a fresh salt each time
    opener = shutil.which("7zz") or shutil.which("7z")
    if opener is None:
        pytest.skip("7-Zip is not installed, which would open the archive")
    archive = tmp_path / locked.name
    archive.write_bytes(locked.content)
    wrong = subprocess.run([opener, "t", "-pwrong", archive], capture_output=True, check=False)
    assert wrong.returncode != 0
    subprocess.run(
        [opener, "x", f"-o{tmp_path}", f"-p{PASSPHRASE}", archive], capture_output=True, check=True
    )
    assert [(tmp_path / file.name).read_bytes() for file in files] == [f.content for f in files]


def test_plain_and_by_hand() -> None:
    files = package()
    assert protect(files, "plain", "") == files
    assert protect(files, "by-hand", PASSPHRASE) == ()
    assert protect((), "encrypted-pdf", "") == ()


@pytest.mark.parametrize("mode", ["encrypted-pdf", "encrypted-zip"])
@pytest.mark.parametrize("passphrase", ["", "short"])
def test_nothing_is_locked_without_a_passphrase(mode: str, passphrase: str) -> None:
    with pytest.raises(Permanent, match="passphrase"):
        protect(package(), mode, passphrase)


def test_an_unknown_way_of_delivery_sends_nothing() -> None:
    with pytest.raises(Permanent, match="delivery"):
        protect(package(), "pigeon", PASSPHRASE)


def test_the_names_told_are_the_names_sent() -> None:
    files = package()
    for mode in ("encrypted-pdf", "encrypted-zip", "plain", "by-hand"):
        sent = protect(files, mode, PASSPHRASE)
        assert sent_names([file.name for file in files], mode) == tuple(f.name for f in sent)


def test_a_passphrase_is_long_readable_and_made_of_the_randomness_given() -> None:
    first = new_passphrase(lambda octets: bytes(range(octets)))
    assert first == new_passphrase(lambda octets: bytes(range(octets)))
    assert first != new_passphrase(lambda octets: bytes(reversed(range(octets))))
    groups = first.split("-")
    assert [len(group) for group in groups] == [4, 4, 4, 4]  # 79 bits
    assert not set(first) & set("01ilo")
