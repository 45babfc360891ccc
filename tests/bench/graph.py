"""A mailbox of 50,000 messages in 30 folders on the local Graph-like server (issue 5, 4).

The least possible number of calls: pages of a list at the size asked for, one call for each mail
that must be read whole, one for each page of hits. The server is a process of its own, so that the
memory measured is ours. The client's own pacing is told a clock that does not wait.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from math import ceil
from multiprocessing.connection import Connection
from typing import Any

from mailbot.clients import http
from mailbot.clients.graph import GraphClient
from mailbot.mailboxes.graph import GraphMailbox
from mailbot.mailboxes.graph_finding import HITS, MOST_HITS
from mailbot.mailboxes.graph_finding import PAGE as LIST_PAGE
from mailbot.mailboxes.graph_reading import PAGE as DELTA_PAGE
from mailbot.ports import MailQuery

SUPPORT, PERSON = "support@firma.test", "kunde@kunde.test"
NAME = "Kunde Kundesen"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAYS = 365


def serve(pipe: Connection, messages: int, folders: int) -> None:
    """The server: fills its store, tells where it is, and answers how often it was called."""
    from tests.servers.graph import Graph
    from tests.servers.graph_store import stamp

    with Graph([SUPPORT]) as graph:
        # What it answers is validated in the tests; here only the calls are counted.
        graph.contract._document = None
        box = graph[SUPPORT]
        names = ["inbox", "junkemail", *(f"Mappe {number:02d}" for number in range(folders - 2))]
        for number in range(messages):
            theirs = number % 40 == 0  # 1,250 of 50,000: more than one search may return
            sender = PERSON if theirs else f"p{number % 4000}@annen.test"
            name = NAME if theirs else f"Person {number % 4000}"
            received = NOW - timedelta(days=DAYS * (messages - number) / messages)
            raw = (
                f"From: {name} <{sender}>\r\nTo: {SUPPORT}\r\nSubject: sak {number}\r\n"
                f"Message-ID: <{number}@x.test>\r\n\r\nHei, dette er nr {number}.\r\n{name}\r\n"
            ).encode()
            who = {"emailAddress": {"name": name, "address": sender}}
            us = {"emailAddress": {"name": SUPPORT, "address": SUPPORT}}
            shown: dict[str, Any] = {
                "subject": f"sak {number}",
                "internetMessageId": f"<{number}@x.test>",
                "from": who,
                "sender": who,
                "toRecipients": [us],
                "sentDateTime": stamp(received),
                "hasAttachments": False,
                "internetMessageHeaders": [],
            }
            item = box.deliver(raw, names[number % folders], received, shown)
            item.words = ("sak", str(number), *name.casefold().split(), "hei", "dette", "er", "nr")
        sizes = {name: len(box.in_folder(box.path(name).id)) for name in names}
        pipe.send((graph.base, graph.server.base, str(graph.ca_file), sizes))
        secret = graph.issuer.app.secret
        pipe.send(secret)
        while pipe.recv() == "calls":
            pipe.send(len(graph.calls))


def memory() -> float:
    """The most memory that this process held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print each figure with what it is measured against; 1 if one is beyond its bound."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=50_000)
    options.add_argument("--folders", type=int, default=30)
    chosen = options.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there, chosen.messages, chosen.folders))
    server.start()
    try:
        return _measure(here, chosen.messages)
    finally:
        here.send("stop")
        server.join(5)
        server.terminate()


def _measure(pipe: Connection, messages: int) -> int:
    base, issuer, ca_file, sizes = pipe.recv()
    box = _opened(base, issuer, ca_file, pipe.recv(), list(sizes))

    def calls() -> int:
        pipe.send("calls")
        return int(pipe.recv())

    wrong = 0
    since = NOW - timedelta(days=31)
    cursors: dict[str, str] = {}
    before, held, began = calls(), memory(), time.monotonic()
    read = 0
    for folder in sizes:
        for mails, cursor in box.fetch(folder, None, since):
            read += len(mails)
            cursors[folder] = cursor
    least = sum(ceil(size / DELTA_PAGE) for size in sizes.values()) + read
    wrong |= _tell("first sync", calls() - before, least, 1.2, held, began)
    print(f"  {len(sizes)} folders of {messages} messages; {read} of the last 31 days read whole")

    before, held, began = calls(), memory(), time.monotonic()
    for folder in sizes:
        for mails, cursor in box.fetch(folder, cursors[folder], since):
            wrong |= bool(mails)
            cursors[folder] = cursor
    wrong |= _tell("a round with nothing new", calls() - before, len(sizes), 1.0, held, began)

    before, held, began = calls(), memory(), time.monotonic()
    query = MailQuery(addresses=(PERSON,), phrases=(NAME,))
    found = sum(1 for _ in box.search(query))
    # The whole list of addresses; the hits in slices of 1,000; each mail found, once.
    least = ceil(messages / LIST_PAGE) + ceil(found / HITS) + ceil(found / MOST_HITS) - 1 + found
    wrong |= _tell("a subject search", calls() - before, least, 1.2, held, began)
    print(f"  {found} mails found, {ceil(messages / 40)} there are")
    wrong |= found != ceil(messages / 40)
    return int(wrong)


def _opened(base: str, issuer: str, ca_file: str, secret: str, watch: list[str]) -> GraphMailbox:
    from pathlib import Path

    from mailbot.clients.microsoft import SignIn
    from mailbot.config import OAuth
    from tests.servers.graph_world import OneSecret
    from tests.servers.issuer import CLIENT, TENANT

    part = OAuth(
        tenant=TENANT, client_id=CLIENT, secret="credential:x", authority=issuer, ca_file=ca_file
    )
    client = GraphClient(
        name="support",
        address=SUPPORT,
        base_url=base,
        sign_in=SignIn(part, OneSecret(secret)),
        session=http.session(ca_file=Path(ca_file)),
        sleep=lambda seconds: None,
    )
    return GraphMailbox(name="support", client=client, watch=watch)


def _tell(what: str, calls: int, least: int, bound: float, held: float, began: float) -> bool:
    seconds = time.monotonic() - began
    grown = memory() - held
    print(
        f"{what}: {calls} calls, {calls / least:.3f} x the least possible ({least}); "
        f"{grown:.0f} MB more memory; {seconds:.0f} s",
        flush=True,
    )
    return calls > bound * least + 0.5 or grown > 150


if __name__ == "__main__":
    sys.exit(main())
