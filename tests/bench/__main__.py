"""`make bench`: measures every figure of README on this machine and prints it."""

import subprocess
import sys
from pathlib import Path

PARTS = (
    ("understanding a request", [sys.executable, "-m", "tests.bench.classify"]),
    ("recognising automatic mail", [sys.executable, "-m", "tests.bench.rawmails"]),
    ("locating", [sys.executable, "-m", "tests.bench.locate"]),
    (
        "the loop on real servers",
        [sys.executable, "-m", "pytest", "-q", "-s", "tests/live/test_whole_story.py",
         "-k", "bokmaal_and_access"],
    ),
)  # fmt: skip


def main() -> int:
    """Run every part; 1 if one of them failed."""
    failed = 0
    for title, command in PARTS:
        print(f"\n=== {title} ===", flush=True)
        failed |= subprocess.run(command, cwd=Path(__file__).parents[2]).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
