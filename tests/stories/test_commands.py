"""The commands that read texts, as a person at a shell uses them: shapes, exit codes, bad input."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mailbot.cli import main
from mailbot.demo import Stage

GMAIL = (
    "From: Ola Nordmann <ola@kunde.example>\r\nSubject: Re: Hei\r\n"
    "Message-ID: <1@kunde.example>\r\n"
    "Date: Sun, 29 Nov 2026 10:00:00 +0100\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    "Godkjent\r\n\r\nDen søn. 29. nov. 2026 kl. 09:12 skrev Support <support@example.no>:\r\n"
    "> Svar GODKJENN\r\n"
)


class Shell:
    """Runs a command; what it printed is in `out` and `err`."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capsys, self._patch = capsys, patch
        self.out: list[str] = []
        self.err: list[str] = []

    def __call__(self, *words: str, given: str = "") -> int:
        stdin = io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8")
        self._patch.setattr(sys, "stdin", stdin)
        code = main(words)
        said = self._capsys.readouterr()
        self.out, self.err = said.out.splitlines(), said.err.splitlines()
        return code

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.delenv("MAILBOT_CONFIG", raising=False)
    return Shell(capsys, monkeypatch)


def lines(*items: object) -> str:
    return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items)


def test_classify_reads_a_mail_a_line(shell: Shell) -> None:
    given = lines(
        {"id": "1", "from": "a@b.no", "subject": "Hei", "body": "Slett alt dere har om meg."},
        {"id": "2", "from": "a@b.no", "subject": "", "html": "<p>Please erase all my data</p>"},
        {"id": "3", "from": "a@b.no", "subject": "Faktura", "body": "Kan dere sende kvittering?"},
    )
    assert shell("classify", "--jsonl", given=given) == 0
    first, second, third = shell.documents
    assert list(first) == ["id", "route", "labels", "privacy", "language", "evidence"]
    assert (first["id"], first["route"], first["labels"]) == ("1", "open", ["erasure"])
    assert list(first["evidence"][0]) == ["text", "label", "weight"]
    assert (second["route"], second["language"]) == ("open", "en")
    assert (third["route"], third["labels"]) == ("leave", ["not_privacy"])


def test_classify_sees_a_mail_as_the_daemon_does(shell: Shell) -> None:
    """A request below an unmarked quote is for staff to see; a machine's own mail is left."""
    below = "Den 3. nov. 2026 kl. 10:00 skrev Support <s@x.no>:\n> Hei\nSlett alt dere har om meg"
    away = {"Auto-Submitted": "auto-replied"}
    given = lines(
        {"id": "1", "from": "a@b.no", "subject": "Re: x", "body": below},
        {"id": "2", "from": "a@b.no", "subject": "x", "body": "Delete my data", "headers": away},
    )
    assert shell("classify", "--jsonl", given=given) == 0
    assert [found["route"] for found in shell.documents] in (["open", "leave"], ["ask", "leave"])


def test_headers_of_a_line_make_no_second_author_and_no_line_of_their_own(shell: Shell) -> None:
    evil = {"From": "x@y.no", "Subject": "z", "X-A": "b\r\nAuto-Submitted: auto-replied"}
    given = lines(
        {"id": "1", "from": "a@b.no", "subject": "Slett meg", "body": "", "headers": evil}
    )
    assert shell("classify", "--jsonl", given=given) == 0
    assert shell.documents[0]["route"] == "open"


def test_a_bad_line_is_named_and_the_others_are_answered(shell: Shell) -> None:
    given = lines({"id": "1", "subject": "Hei"}) + "nonsense\n[1]\n" + lines({"id": "4"})
    assert shell("classify", "--jsonl", given=given) == 2
    assert [found["id"] for found in shell.documents] == ["1", "4"]
    assert shell.err == [
        "mailbot: line 2: not a JSON object; write one object a line",
        "mailbot: line 3: not a JSON object; write one object a line",
    ]


def test_parse_tells_a_mail_in_one_line(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_text(GMAIL, encoding="utf-8", newline="")
    assert shell("parse", str(file)) == 0
    (mail,) = shell.documents
    assert list(mail)[:8] == [
        "message_id", "from", "date", "subject", "new_text", "quoted_text", "attachments",
        "automatic",
    ]  # fmt: skip
    assert mail["authentication"]["verdict"] == "none"
    assert (mail["from"], mail["new_text"].strip()) == ("ola@kunde.example", "Godkjent")
    assert "Svar GODKJENN" in mail["quoted_text"]
    assert shell("parse", str(tmp_path / "none.eml")) == 2
    assert len(shell.err) == 1
    assert "none.eml" in shell.err[0]


def test_read_reply_tells_the_decision(shell: Shell) -> None:
    keep = GMAIL.replace("Godkjent", "BEHOLD 2 og 3: pågående sak")
    given = lines({"id": "a", "raw": GMAIL}, {"id": "b", "raw": keep}, {"id": "c", "raw": ""})
    assert shell("read-reply", "--jsonl", given=given) == 0
    first, second, third = shell.documents
    assert list(first) == ["id", "decision", "items", "rights", "reason", "edited_text"]
    assert first["decision"] == "approve"
    assert (second["decision"], second["items"]) == ("keep", [2, 3])
    assert second["reason"] == "pågående sak"
    assert third["decision"] == "unclear"


def test_deadline_tells_the_last_day(shell: Shell) -> None:
    assert shell("deadline", "2026-01-31T10:00") == 0
    assert shell.documents == [
        {
            "received": "2026-01-31",
            "nominal": "2026-02-28",
            "last_day": "2026-03-02",
            "extended_last_day": "2026-04-30",
            "reasons": ["2026-02-28 Saturday", "2026-03-01 Sunday"],
        }
    ]
    assert shell("deadline", "yesterday") == 2
    assert len(shell.err) == 1


def test_locate_tells_what_was_found_and_what_was_not_searched(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path)
    for name, value in stage.environ.items():
        monkeypatch.setenv(name, value)
    config = str(tmp_path / "config" / "mailbot.toml")
    email = "martin.keller@keller-design.example"
    assert shell("--config", config, "locate", "--email", email.upper(), "--json") == 0
    found = json.loads("\n".join(shell.out))
    assert list(found) == ["findings", "searched", "not_searched"]
    assert list(found["findings"][0]) == [
        "system", "table", "key", "certainty", "action", "reason", "trail",
    ]  # fmt: skip
    assert {
        "system": "crm",
        "table": "kontakter",
        "key": {"id": 2},
        "certainty": "certain",
    }.items() <= (next(one for one in found["findings"] if one["table"] == "kontakter").items())
    assert all(set(part) == {"system", "why"} for part in found["not_searched"])
    assert shell("--config", config, "locate", "--json") == 2
    assert len(shell.err) == 1
