"""How fast new mail is taken in from a real server, against a loop that only fetches and parses.

    python -m tests.bench.intake [--mails 10000]

A Dovecot of our own holds the mails (tests.bench.corpus: one in thirty is a privacy request). The
reference is a loop over imapclient that fetches in batches, parses with `policy=default` and takes
the body out. Ours is the daemon's own way: fetch, store raw and encrypted with the cursor, parse,
screen, classify in the reader process, settle; until no mail is new. Both in this run.
"""

import argparse
import os
import re
import resource
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from imapclient import IMAPClient

from mailbot.demo import Stage
from mailbot.wiring import open_daemon, open_parts
from tests.bench import corpus
from tests.bench.reading import reference
from tests.servers.dovecot import Dovecot

TARGET = 0.70
GROWTH = 40_000  # kB that a process may grow between the first third and the end
_BATCH = 50


def fill(server: Dovecot, count: int) -> None:
    """Lay the mails into the inbox as a delivery program would."""
    inbox = server.folder / "mail" / corpus.US
    for part in ("tmp", "new", "cur"):
        (inbox / part).mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(corpus.mails(count)):
        (inbox / "cur" / f"{1_790_000_000 + number}.M{number}.host:2,").write_bytes(raw)
    owner = (server.folder / "run").stat()
    for path in (inbox, *inbox.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def only_fetch_and_parse(server: Dovecot) -> int:
    """The reference."""
    context = ssl.create_default_context(cafile=str(server.ca_file))
    read = 0
    with IMAPClient("localhost", server.imap_port, ssl_context=context) as client:
        client.login(corpus.US, server.users[corpus.US])
        client.select_folder("INBOX", readonly=True)
        uids = client.search()
        for start in range(0, len(uids), _BATCH):
            for items in client.fetch(uids[start : start + _BATCH], ["BODY.PEEK[]"]).values():
                reference(items[b"BODY[]"])
                read += 1
    return read


def configured(server: Dovecot, folder: Path) -> Stage:
    """The packaged configuration, with the mailbox on the server."""
    passwords = folder / "secrets"
    imap = (
        f'[mailbox.imap]\nhost = "localhost"\nport = {server.imap_port}\nsecurity = "tls"\n'
        f'user = "{corpus.US}"\npassword = "credential:support.imap"\n'
        f'[mailbox.smtp]\nhost = "localhost"\nport = 9\nsecurity = "starttls"\n'
        f'user = "{corpus.US}"\npassword = "credential:support.imap"\n'
    )

    def edit(text: str) -> str:
        part, rest = text.split("\n[[mailbox]]", 1)
        _, mark, others = re.split(r"(\n(?=\[(?!mailbox\.)))", rest, maxsplit=1)
        own = (
            f'\nname = "support"\naddress = "{corpus.US}"\nkind = "imap"\nwatch = ["inbox"]\n'
            f"poll_seconds = 60\n{imap}"
        )
        (passwords / "support.imap").touch(mode=0o600)
        (passwords / "support.imap").write_text(server.users[corpus.US])
        return f"{part}\n[[mailbox]]{own}{mark}{others}"

    return Stage(folder, edit)


def whole_intake(
    server: Dovecot, count: int
) -> tuple[float, list[tuple[int, int]], dict[str, int]]:
    """Seconds; the memory of daemon and reader (kB) as it went on; what became of the mails."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    os.environ["SSL_CERT_FILE"] = str(server.ca_file)
    memory: list[tuple[int, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        stage = configured(server, Path(folder))
        with (
            open_parts(stage.settings, stage.environ) as parts,
            open_daemon(parts, stage.environ) as daemon,
        ):
            (mailbox,) = parts.mailboxes.values()
            done = threading.Event()
            watching = threading.Thread(
                target=_watch, args=(done, memory, lambda: daemon.intake.reader.pid)
            )
            watching.start()
            start = time.monotonic()
            daemon.fetch(mailbox, read_on=True)
            while daemon.read_new(mailbox.name):
                pass
            elapsed = time.monotonic() - start
            done.set()
            watching.join()
            left = len(parts.store.new_mails())
            kept = len(parts.store.cases())
    return elapsed, memory, {"settled": count - left, "cases": kept}


def _watch(
    done: threading.Event, memory: list[tuple[int, int]], child: Callable[[], int | None]
) -> None:
    while not done.wait(0.2):
        pid = child()
        if pid is not None:
            memory.append((_resident(os.getpid()), _resident(pid)))


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    start = time.monotonic()
    work()
    return time.monotonic() - start


def main() -> int:
    """Print both rates, their ratio and the memory; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    count = parser.parse_args().mails
    with Dovecot() as server:
        fill(server, count)
        only_fetch_and_parse(server)  # the server builds its index once
        before = timed(lambda: only_fetch_and_parse(server))
        elapsed, memory, became = whole_intake(server, count)
        after = timed(lambda: only_fetch_and_parse(server))
    theirs = count / min(before, after)
    ratio = count / elapsed / theirs
    print(
        f"{count} mails: fetch and parse only {theirs:.0f}/s, whole intake {count / elapsed:.0f}/s,"
        f" ratio {ratio:.2f} (wanted {TARGET:.2f}); {became['settled']} settled,"
        f" {became['cases']} cases"
    )
    early, end = memory[len(memory) // 3], memory[-1]
    grown = [last - first for first, last in zip(early, end, strict=True)]
    print(f"memory after a third and at the end: daemon {early[0]}, {end[0]} kB;"
          f" reader {early[1]}, {end[1]} kB")  # fmt: skip
    return int(ratio < TARGET or max(grown) > GROWTH or became["settled"] < count)


if __name__ == "__main__":
    raise SystemExit(main())
