"""A full story at debug level, and not a name, address or number of it in the log."""

import json
import subprocess
import sys
from datetime import UTC, datetime

from mailbot import demo_scene as scene
from mailbot.demo import Stage
from tests.stories.world import KARI

PERSONAL = (
    "ingrid", "solvang", "solvåg", "martin", "keller", "torbj", "haukeli", "leder@", "kari",
    "90000001", "+4790000002", "fjordveien", "hafenstrasse", "k-100231", "stranger", "vestland",
)  # fmt: skip


def test_the_log_of_a_full_story_names_nobody(tmp_path):
    stage = Stage(tmp_path, lambda text: text.replace('format = "auto"', 'format = "json"'))
    log = ""

    def once() -> None:
        nonlocal log
        done = subprocess.run(
            [sys.executable, "-m", "mailbot.cli", "--config", str(stage.config / "mailbot.toml"),
             "run", "--once"],
            env={**stage.environ, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        log += done.stderr + done.stdout

    now = datetime.now(UTC)
    for _, raw in scene.requests(now):
        stage.deliver(raw)
    once()
    for question in stage.sent(KARI):
        stage.deliver(scene.reply(question, "kari@stranger.example", "Kari", "GODKJENN", now))
        stage.deliver(scene.reply(question, KARI, "Kari Leder", "Godkjent", now))
    once()
    assert len(stage.sent("martin.keller@")) == 1
    assert log.count('"moved"') > 15
    for line in log.splitlines():
        json.loads(line)
    found = [word for word in PERSONAL if word in log.lower()]
    assert found == []
