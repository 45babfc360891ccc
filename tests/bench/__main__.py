"""`make bench`: measures every figure of README on this machine and prints it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"  # collected by others; not shipped
LANGUAGE = ROOT / "tests" / "language"
DEVELOPMENT = [str(LANGUAGE / f"dev-{number}.jsonl") for number in (1, 2, 3)]
FRESH = str(LANGUAGE / "dev-4.jsonl")  # written when corpus and model stood, for an earlier model
BLIND = str(LANGUAGE / "dev-5.jsonl")  # written last, read once
REPLIES = sorted(str(path) for path in LANGUAGE.glob("replies-dev*.jsonl"))

PARTS = (
    (
        "understanding a request (development set)",
        [sys.executable, "-m", "tests.bench.classify", "--baselines", *DEVELOPMENT],
    ),
    (
        "understanding a request (fresh check set)",
        [sys.executable, "-m", "tests.bench.classify", "--baselines", FRESH],
    ),
    (
        "understanding a request (blind check set)",
        [sys.executable, "-m", "tests.bench.classify", "--baselines", BLIND],
    ),
    (
        "understanding a request (template letters)",
        [sys.executable, "-m", "tests.bench.classify", str(SHARED / "letters.jsonl")],
    ),
    (
        "recognising automatic mail",
        [sys.executable, "-m", "tests.bench.rawmails", str(SHARED / "rawmails")],
    ),
    (
        "parsing and screening, against Python's own parser",
        [sys.executable, "-m", "tests.bench.reading", "--folder", str(SHARED / "rawmails")],
    ),
    ("taking mail in, against a bare loop", [sys.executable, "-m", "tests.bench.intake"]),
    ("proposing a data map", [sys.executable, "-m", "tests.bench.discover"]),
    ("reading replies of staff", [sys.executable, "-m", "tests.bench.replies", *REPLIES]),
    (
        "hearing data subjects who write again",
        [sys.executable, "-m", "tests.bench.followups", str(LANGUAGE / "followups-dev.jsonl")],
    ),
    ("learning from staff", [sys.executable, "-m", "tests.bench.learning"]),
    ("Microsoft Graph: 50,000 messages", [sys.executable, "-m", "tests.bench.graph"]),
    ("locating", [sys.executable, "-m", "tests.bench.locate"]),
    ("locating in five million rows", [sys.executable, "-m", "tests.bench.locate_large"]),
    (
        "the loop on real servers",
        [sys.executable, "-m", "pytest", "-q", "-s", "tests/live/test_whole_story.py",
         "-k", "bokmaal_and_access"],
    ),
)  # fmt: skip


def _there(path: str) -> bool:
    return Path(path).exists()


def main() -> int:
    """Run every part; 1 if one of them failed."""
    failed = 0
    for title, command in PARTS:
        print(f"\n=== {title} ===", flush=True)
        missing = [part for part in command if part.startswith(str(SHARED)) and not _there(part)]
        if missing:
            print("not measured: the collected mails are not on this machine")
            continue
        failed |= subprocess.run(command, cwd=ROOT).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
