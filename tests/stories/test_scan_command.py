"""`mailbot scan` as it is typed: table, JSON, faults, and what it leaves behind."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot import demo_scene as scene
from mailbot.cli import main
from mailbot.demo import Stage
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MAILBOT_CONFIG", str(made.config / "mailbot.toml"))
    made.deliver(scene.mail(INGRID, "Ingrid", "Sletting", ERASE, datetime.now(UTC), "a@b.example"))
    (path,) = (made.inbox / "new").iterdir()
    then = time.time() - 50 * 86400
    os.utime(path, (then, then))
    return made


def files(stage: Stage) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted(stage.state.rglob("*"))
        if path.is_file() and path.suffix != ".db"
    }


def test_json_names_the_request_its_deadline_and_what_cannot_be_seen(stage, capsys):
    before = files(stage)
    assert main(["scan", "--since", "2020-01-01", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (found,) = document["unanswered"]
    assert found["sender"] == INGRID
    assert found["rights"] == ["erasure"]
    assert found["overdue"]
    assert "Sent Items" in document["notes"][0]
    assert files(stage) == before  # nothing read, marked or moved, and no trace of the scan


def test_the_table_says_how_late_it_is_and_what_cannot_be_seen(stage, capsys):
    assert main(["scan", "--since", "1.1.2020"]) == 0
    said = capsys.readouterr().out
    assert "OVERDUE" in said.replace("\n", " ")
    assert "1 with no answer found" in said
    assert "cannot be seen" in said


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "", "31.02.2026", "2999-01-01"])
def test_a_bad_date_is_one_clear_sentence(stage, capsys, since):
    assert main(["scan", "--since", since]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("mailbot: --since: ")
    assert len(said.splitlines()) == 1


def test_a_mailbox_that_there_is_not(stage, capsys):
    assert main(["scan", "--since", "2020-01-01", "--mailbox", "sales"]) == 2
    assert "support" in capsys.readouterr().err
