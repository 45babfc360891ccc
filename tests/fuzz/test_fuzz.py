"""No octets raise, hang, or take memory without bound. `make soak` looks for ten minutes."""

import os
import subprocess
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from tests.bench import corpus
from tests.fuzz.checks import check, peak_megabytes
from tests.fuzz.mime import mails

SOAK = bool(os.environ.get("MAILBOT_SOAK"))
SECONDS = 300 if SOAK else 5  # each of the two
ROOT = Path(__file__).parents[2]
COLLECTED = ROOT.parent / "shared/data/rawmails"


@settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not SOAK,
)
@given(mails())
def _some_mails(raw: bytes) -> None:
    check(raw)


def test_fuzz_generated_mime() -> None:
    before = peak_megabytes()
    end = time.monotonic() + SECONDS
    rounds = 0
    while not rounds or (SOAK and time.monotonic() < end):
        _some_mails()
        rounds += 1
    assert peak_megabytes() - before < 300


def test_fuzz_octets(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for number, raw in enumerate(corpus.mails(40)):
        (seeds / f"made-{number}").write_bytes(raw[:20_000])
    if COLLECTED.is_dir():
        for path in sorted(COLLECTED.glob("*.eml"))[:: 1 if SOAK else 8]:
            (seeds / path.name).write_bytes(path.read_bytes()[:20_000])
    # libFuzzer's own limit of memory counts what this process holds; the check has one of its own.
    found = subprocess.run(
        [
            sys.executable, "-m", "tests.fuzz.octets", f"-max_total_time={SECONDS}",
            "-max_len=20000", "-rss_limit_mb=0", "-timeout=60", "-print_final_stats=1",
            f"-artifact_prefix={tmp_path}/", str(tmp_path / "seeds"),
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + 300,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-3000:]
    assert "stat::number_of_executed_units" in found.stderr
