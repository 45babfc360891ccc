"""The daemon under a service manager: READY, signs of life, STATUS, a clean stop; and its unit."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailbot.demo import Stage

UNITS = Path(__file__).parents[2] / "systemd"


def test_ready_watchdog_and_a_clean_stop(tmp_path: Path):
    stage = Stage(tmp_path)
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        daemon = subprocess.Popen(
            [sys.executable, "-m", "mailbot.cli", "--config", str(stage.config / "mailbot.toml"),
             "run"],
            env={**os.environ, **stage.environ, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1500000"},
            stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert manager.recv(200).decode().splitlines()[0] == "READY=1"
            signs = []
            while len(signs) < 3:
                assert manager.recv(200) == b"WATCHDOG=1"
                signs.append(time.monotonic())
            # Half of WATCHDOG_USEC is what sd_watchdog_enabled(3) recommends; a third is asked.
            assert max(b - a for a, b in zip(signs, signs[1:], strict=False)) < 1.5
            daemon.send_signal(signal.SIGTERM)
            while (last := manager.recv(200)) == b"WATCHDOG=1":
                pass
            assert last == b"STOPPING=1"
            assert daemon.wait(20) == 0
        finally:
            daemon.kill()
            daemon.communicate()


def test_a_second_daemon_on_the_same_state_is_told_so(tmp_path: Path):
    stage = Stage(tmp_path)
    command = [sys.executable, "-m", "mailbot.cli", "--config", str(stage.config / "mailbot.toml")]
    environ = {**os.environ, **stage.environ}
    first = subprocess.Popen([*command, "run"], env=environ, stderr=subprocess.PIPE)
    try:
        assert first.stderr is not None
        first.stderr.readline()
        second = subprocess.run(
            [*command, "run", "--once"], env=environ, capture_output=True, text=True, timeout=60
        )
        assert second.returncode == 75
        assert len(second.stderr.strip().splitlines()) == 1
        register = subprocess.run(
            [*command, "cases", "--json"], env=environ, capture_output=True, text=True, timeout=60
        )
        assert register.returncode == 0, register.stderr
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=20)


def test_the_units_are_sound():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in ("mailbot.service", "mailbot@.service"):
        text = (UNITS / unit).read_text().replace("/opt/mailbot/bin/mailbot", "/bin/true")
        for name in ("NoNewPrivileges", "ProtectSystem", "DynamicUser", "WatchdogSec", "Type"):
            assert f"\n{name}=" in text
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(_copy("mailbot.service"))],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
    exposure = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20",
         str(_copy("mailbot.service"))],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert exposure.returncode == 0, exposure.stdout[-300:]


def _copy(unit: str) -> Path:
    """The unit with a program that exists on this machine."""
    import tempfile

    folder = Path(tempfile.mkdtemp())
    text = (UNITS / unit).read_text().replace("/opt/mailbot/bin/mailbot", "/bin/true")
    (folder / unit).write_text(text)
    return folder / unit
