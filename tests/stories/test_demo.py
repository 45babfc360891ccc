"""`mailbot demo` tells its whole story on a machine where nothing is set up."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_demo_ends_as_it_should(tmp_path: Path):
    bare = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    package = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-m", "mailbot.cli", "demo"],
        env=bare | {"PYTHONPATH": package},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "The ledger is whole" in done.stdout
    assert list(tmp_path.iterdir()) == []  # nothing is left behind
