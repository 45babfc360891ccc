"""The process apart: it reads, it is limited, it is replaced, and it knows no secret."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from mailbot.errors import Permanent
from mailbot.language.lessons import Layer
from mailbot.mailtext.authenticity import Trust
from mailbot.message import Forwarded, Mail
from mailbot.reader import Reader, Unreadable
from mailbot.reader_child import text_to_classify

MAIL = b"From: Kari <kari@kunde.example>\r\nSubject: Hei\r\n\r\nSlett alt dere har om meg.\r\n"
TRUST = Trust()


@pytest.fixture
def reader():
    with Reader(TRUST, classify=False) as opened:
        yield opened


def test_a_mail_is_read_in_another_process(reader):
    assert reader.pid not in (None, os.getpid())
    mail = reader.read(MAIL).mail
    assert mail.sender is not None
    assert (mail.sender.address, mail.new_text) == (
        "kari@kunde.example",
        "Slett alt dere har om meg.",
    )


def test_octets_of_every_kind_and_size_pass(reader):
    for raw in (b"", bytes(range(256)) * 100, MAIL + b"x" * 5_000_000):
        assert reader.read(raw).mail is not None


def test_threads_share_the_reader(reader):
    found: list[str] = []

    def work(number: int) -> None:
        raw = MAIL.replace(b"Hei", b"Hei %d" % number)
        found.append(reader.read(raw).mail.subject)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"Hei {number}" for number in range(12))


def test_a_child_that_is_ended_from_outside_costs_no_mail(reader):
    first = reader.pid
    os.kill(first, signal.SIGSTOP)
    thread = threading.Timer(0.3, os.kill, (first, signal.SIGKILL))
    thread.start()
    waiting = [reader.submit(MAIL.replace(b"Hei", b"Hei %d" % number)) for number in range(5)]
    assert [each.result().mail.subject for each in waiting] == [f"Hei {n}" for n in range(5)]
    thread.join()
    assert reader.pid != first


def test_a_mail_that_ends_the_child_is_set_aside_and_its_neighbours_are_read():
    with Reader(TRUST, classify=False, memory_mb=250) as reader:
        mails = [MAIL, MAIL, MAIL + b"x" * 190_000_000, MAIL, MAIL + b"x" * 190_000_000, MAIL]
        waiting = [reader.submit(raw) for raw in mails]
        outcomes = [each.exception() for each in waiting]
    assert [getattr(each, "reason", None) for each in outcomes] == [
        None, None, "unreadable-crash", None, "unreadable-crash", None
    ]  # fmt: skip


def test_a_child_that_hangs_is_blamed_on_the_first_unanswered_mail_alone():
    with Reader(TRUST, classify=False, seconds=1.0) as reader:
        os.kill(reader.pid, signal.SIGSTOP)
        waiting = [reader.submit(MAIL) for _ in range(4)]
        outcomes = [each.exception() for each in waiting]
    assert [getattr(each, "reason", None) for each in outcomes] == [
        "unreadable-time", None, None, None
    ]  # fmt: skip


def test_what_is_not_read_when_the_reader_closes_is_told():
    reader = Reader(TRUST, classify=False)
    reader.start()
    os.kill(reader.pid, signal.SIGSTOP)
    waiting = reader.submit(MAIL)
    reader.close()
    assert isinstance(waiting.exception(timeout=5), Permanent)
    assert reader.read(MAIL).mail.subject == "Hei"
    reader.close()


def test_other_lessons_come_into_use_behind_what_was_given_before(reader):
    first = reader.pid
    waiting = [reader.submit(MAIL) for _ in range(50)]
    reader.learn(Layer(lessons=(), reach=0.3))
    assert all(each.result().mail.subject == "Hei" for each in waiting)
    assert reader.read(MAIL).mail.subject == "Hei"
    assert reader.pid != first


def test_a_child_that_hangs_is_killed_in_time():
    with Reader(TRUST, classify=False, seconds=0.5) as reader:
        stuck = reader.pid
        os.kill(stuck, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(Unreadable) as caught:
            reader.read(MAIL)
        assert caught.value.reason == "unreadable-time"
        assert time.monotonic() - start < 10
        assert not Path(f"/proc/{stuck}").exists()


def test_memory_is_limited():
    with Reader(TRUST, classify=False, memory_mb=200) as reader:
        with pytest.raises(Unreadable):
            reader.read(MAIL + b"x" * 150_000_000)
        assert reader.read(MAIL).mail.subject == "Hei"


def test_a_mail_beyond_measure_is_not_even_sent():
    with pytest.raises(Unreadable) as caught:
        Reader(TRUST, classify=False, max_octets=10).read(MAIL)
    assert caught.value.reason == "unreadable-size"
    assert isinstance(caught.value, Permanent)


def test_the_child_inherits_no_secret(monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/mailbot")
    monkeypatch.setenv("SOME_PASSWORD", "geheim")
    with Reader(TRUST, classify=False) as reader:
        environment = Path(f"/proc/{reader.pid}/environ").read_bytes()
        opened = {os.readlink(link) for link in Path(f"/proc/{reader.pid}/fd").iterdir()}
    assert b"geheim" not in environment
    assert b"CREDENTIALS" not in environment
    assert all(name.startswith(("pipe:", "/dev/null")) for name in opened)


def test_the_child_writes_no_files_and_leaves_no_core(reader):
    limits = Path(f"/proc/{reader.pid}/limits").read_text(encoding="ascii")
    by_name = {line[:26].strip(): line[26:].split() for line in limits.splitlines()[1:]}
    assert by_name["Max file size"][0] == "0"
    assert by_name["Max core file size"][0] == "0"
    assert int(by_name["Max address space"][0]) > 0


def test_it_starts_by_itself_and_again_after_closing():
    reader = Reader(TRUST, classify=False)
    assert reader.read(MAIL).mail.subject == "Hei"
    reader.close()
    assert reader.pid is None
    assert reader.read(MAIL).mail.subject == "Hei"
    reader.close()


def test_a_model_that_cannot_be_read_is_said(tmp_path):
    for name in ("model.npz", "model.json"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(Permanent, match="model"):
        Reader(TRUST, model=tmp_path).start()


def test_what_is_classified():
    inner = Forwarded(text="Slett meg")
    assert text_to_classify(Mail(new_text="Se under", forwarded=inner)) == "Se under\n\nSlett meg"
    assert text_to_classify(Mail(new_text="Hei", text="Hei\n> før")) == "Hei"
    assert text_to_classify(Mail(text="Svar under\nSlett meg")) == "Svar under\nSlett meg"


def test_the_child_classifies_with_the_model_that_ships():
    with Reader(TRUST) as reader:
        reading = reader.read(MAIL)
        assert reading.classification is not None
        assert reading.classification.labels
        bounce = MAIL.replace(b"From: Kari <kari@kunde.example>", b"From: MAILER-DAEMON@x.no")
        bounce = bounce.replace(b"Subject: Hei", b"Return-Path: <>\r\nSubject: Undeliverable: x")
        assert reader.read(bounce).classification is None
