"""kill -9 around every commit of the story: each matter still ends once, each action once.

A child process lives the story over and over in the same folder. It is killed just before or just
after its n-th commit, which is before and after every change of state, every intent, every effect
and every receipt. Then a child that is not killed finishes the story.
"""

import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot import demo_scene as scene
from mailbot.case import State
from mailbot.demo import Stage
from mailbot.wiring import decision_words, open_daemon, open_parts, reader_of
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI


class Killing:
    """A store that takes its process with it at the n-th commit."""

    def __init__(self, inner: object, n: int, before: bool) -> None:
        self._inner, self._n, self._before, self._count = inner, n, before, 0
        self.armed = False  # what a start writes is not counted: it comes again in each life

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    @contextmanager
    def begin(self) -> Iterator[object]:
        with self._inner.begin() as tx:
            yield tx
            self._count += self.armed
            if self._before and self._count == self._n and self.armed:
                os.kill(os.getpid(), signal.SIGKILL)
        if not self._before and self._count == self._n and self.armed:
            os.kill(os.getpid(), signal.SIGKILL)


def _live(folder: Path, n: int, before: bool) -> None:
    """The story from wherever an earlier life left it."""
    stage = Stage.again(folder)
    with open_parts(stage.settings, stage.environ) as opened:
        parts = replace(opened, store=Killing(opened.store, n, before))
        # Most lives end before they read a mail: only those that do start a reader process.
        with open_daemon(parts, stage.environ, reader_of(stage.settings)) as daemon:
            parts.store.armed = True
            now = datetime.now(UTC)
            if not _delivered(stage, "request"):
                stage.deliver(scene.mail(INGRID, "Ingrid", "Sletting", ERASE, now, "r@x.example"))
            daemon.once()
            if not _delivered(stage, "reply"):
                (question,) = stage.sent(KARI)
                stage.deliver(scene.reply(question, KARI, "Kari Leder", "Godkjent", now))
            daemon.once()


def _delivered(stage: Stage, name: str) -> bool:
    mark = stage.folder / name
    if mark.exists():
        return True
    mark.touch()  # the mail server's own atomicity is not what is tested here
    return False


def _child(folder: Path, n: int, before: bool = False) -> int:
    """The exit status of one life; negative: killed by that signal."""
    pid = os.fork()
    if pid == 0:
        try:
            _live(folder, n, before)
        except BaseException:  # noqa: BLE001  the child must end here, whatever happened
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("before", [True, False], ids=["before-commit", "after-commit"])
def test_killed_at_every_boundary_of_one_story(tmp_path: Path, before: bool):
    """One story, killed at its every commit in turn: each life gets one commit further."""
    decision_words()  # read once here, known to every child
    Stage(tmp_path)
    kills = 0
    if before:
        assert _child(tmp_path, 1, before) == -signal.SIGKILL
    while (status := _child(tmp_path, 2 if before else 1, before)) != 0:
        assert status == -signal.SIGKILL, f"life {kills} failed"
        kills += 1
        assert kills < 100, "the story does not go on"
    _ended_once(tmp_path, "after all kills")
    print(f"\n{kills} kills {'before' if before else 'after'} a commit; the story ended once")
    assert kills >= 20


if os.environ.get("MAILBOT_SOAK"):  # too slow for `make test`

    @pytest.mark.parametrize("before", [True, False], ids=["before-commit", "after-commit"])
    def test_kill_at_each_boundary(tmp_path: Path, before: bool):
        """As many stories as there are commits, each killed at another and then left in peace."""
        decision_words()
        n, kills = 1, 0
        while True:
            folder = tmp_path / f"{n}"
            Stage(folder)
            status = _child(folder, n, before)
            if status == 0:
                break
            assert status == -signal.SIGKILL, f"life {n} failed"
            kills += 1
            assert _child(folder, 0) == 0, f"after a kill at commit {n}"
            _ended_once(folder, f"kill {'before' if before else 'after'} commit {n}")
            n += 1
        print(f"\n{kills} kills {'before' if before else 'after'} a commit; each story ended once")
        assert kills >= 20


def _ended_once(folder: Path, when: str) -> None:
    stage = Stage.again(folder)
    assert len(stage.sent(INGRID)) == 1, when
    assert len(stage.sent(KARI)) == 1, when
    rows = scene.rows(stage.register)
    assert (rows["ordrer"], rows["fakturaer"], rows["henvendelser"]) == (1, 2, 1), when
    with open_parts(stage.settings, stage.environ) as parts:
        assert parts.store.verify_ledger().ok, when
        states = [m.state for case in parts.store.cases() for m in parts.store.matters(case.id)]
        assert states == [State.ANSWERED], when
        effects = [
            effect
            for case in parts.store.cases()
            for m in parts.store.matters(case.id)
            for effect in parts.store.effects(m.id)
        ]
        assert {effect.status for effect in effects} <= {"done"}, when
