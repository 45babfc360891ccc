"""The loop on the Graph-like server: customer → support → approval mail → staff reply → answer.

`mailbot run` is a process of its own, with the shipped configuration turned to Graph. The support
mailbox and the approver's are in the tenant; the app may open the first alone.
"""

import email
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path

import pytest

from mailbot import demo_scene as scene
from mailbot.demo import Stage, text_of
from tests.live.firm import wait_for
from tests.servers.graph import Graph
from tests.servers.issuer import CLIENT, TENANT

SUPPORT = "support@example.no"


class Office:
    """A tenant with two mailboxes, a configuration, and the commands of mailbot."""

    def __init__(self, folder: Path, graph: Graph) -> None:
        self.graph = graph
        self.folder = folder
        self.stage = Stage(folder, self._to_graph)
        self.process: subprocess.Popen[bytes] | None = None
        self.output = ""

    def _to_graph(self, toml: str) -> str:
        """The shipped configuration with a mailbox of Microsoft 365; the app's key beside it."""
        key = self.folder / "secrets" / "graph.pem"
        key.touch(mode=0o600)
        key.write_bytes(self.graph.issuer.app.pem())
        changed = toml.replace('kind    = "maildir"', 'kind    = "graph"', 1)
        changed = changed.replace("poll_seconds = 60 ", "poll_seconds = 0.5 ", 1)
        changed = changed.replace('format = "auto"', 'format = "json"', 1)
        section = (
            f'[mailbox.graph]\ntenant = "{TENANT}"\nclient_id = "{CLIENT}"\n'
            'certificate = "credential:graph.pem"\n'
            f'authority = "{self.graph.server.base}"\nbase_url = "{self.graph.base}"\n'
            f'ca_file = "{self.graph.ca_file}"\n\n[mailbox.maildir]'
        )
        assert 'kind    = "graph"' in changed
        return changed.replace("[mailbox.maildir]", section, 1)

    def command(self, *arguments: str) -> list[str]:
        toml = str(self.stage.config / "mailbot.toml")
        return [sys.executable, "-m", "mailbot.cli", "--config", toml, *arguments]

    @property
    def environ(self) -> dict[str, str]:
        import os

        return {**os.environ, **self.stage.environ, "PYTHONUNBUFFERED": "1"}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        made = subprocess.run(
            self.command(*arguments), env=self.environ, capture_output=True, text=True, timeout=90
        )
        self.output += made.stdout + made.stderr
        return made

    @property
    def log(self) -> str:
        path = self.folder / "log.jsonl"
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        with (self.folder / "log.jsonl").open("ab") as log:
            self.process = subprocess.Popen(
                self.command("run"), env=self.environ, stderr=log, stdout=log
            )
        wait_for(lambda: '"ready"' in self.log, 60)

    def stop(self) -> int:
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def questions(self) -> list[EmailMessage]:
        raws = [item.raw or b"" for item in self.graph[scene.APPROVER].items.values()]
        mails = [email.message_from_bytes(raw, policy=modern) for raw in raws]
        return [mail for mail in mails if "[mailbot:" in str(mail["Subject"])]

    def sent(self, who: str) -> list[EmailMessage]:
        raws = [raw for people, raw in self.graph.outside if any(who in one for one in people)]
        return [email.message_from_bytes(raw, policy=modern) for raw in raws]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Graph([SUPPORT, scene.APPROVER]) as graph:
        graph.scope = {SUPPORT}
        made = Office(tmp_path, graph)
        yield made
        made.stop()
        _nothing_secret(made)


def _nothing_secret(office: Office) -> None:
    """Tokens, secrets, keys: in no log, no error, no --json output."""
    app = office.graph.issuer.app
    key = [line for line in app.pem().decode().splitlines() if len(line) > 40]
    said = office.log + office.output
    assert not any(token in said for token in office.graph.issuer.issued)
    assert "eyJ" not in said  # how every token of this kind begins
    assert app.secret not in said
    assert not any(line in said for line in key)


def _search_all(datamap: Path) -> None:
    toml = datamap.read_text()
    asked = toml.replace('search    = ["mail"] ', 'search    = ["mail", "contacts", "calendar"] ')
    assert asked != toml
    datamap.write_text(asked)


def _contact(graph: Graph, name: str, address: str) -> str:
    return graph[SUPPORT].add_contact(
        graph[SUPPORT].add_contact_folder("Kunder", graph[SUPPORT].contact_root),
        displayName=name,
        emailAddresses=[{"name": name, "address": address}],
    )


def test_erasure_over_graph(office: Office) -> None:
    graph, stage = office.graph, office.stage
    now = datetime.now(UTC)
    for _what, raw in scene.requests(now):
        graph[SUPPORT].deliver(raw)
    ingrid, other = "ingrid.solvang@solvang-bygg.no", "per@annen.test"
    _search_all(stage.config / "datamap.toml")
    hers = _contact(graph, "Ingrid Solvang", ingrid)
    namesake = _contact(graph, "Ingrid Solvang", other)
    people = [{"emailAddress": {"name": one, "address": one}} for one in (ingrid, other)]
    with_others = graph[SUPPORT].add_event(subject="Befaring", attendees=people)
    note = graph[SUPPORT].add_event(subject="Ring", body={"content": f"Ring {ingrid}"})
    before = scene.rows(stage.register)
    office.start()
    questions = wait_for(lambda: len(q := office.questions()) == 3 and q, 90)
    assert scene.rows(stage.register) == before
    for question in questions:
        raw = scene.reply(question, scene.APPROVER, "Kari Leder", "Godkjent", now)
        graph[SUPPORT].deliver(raw)
    asked = ("ingrid.solvang@", "martin.keller@", "torbjorg@")
    wait_for(lambda: all(office.sent(who) for who in asked), 90)
    (answer,) = office.sent("ingrid.solvang@")
    assert "slettet" in text_of(answer)
    assert answer["In-Reply-To"]  # in the thread of the request
    after = scene.rows(stage.register)
    assert hers not in graph[SUPPORT].contacts
    assert namesake in graph[SUPPORT].contacts
    assert set(graph[SUPPORT].events) == {with_others}, note
    assert after["ordrer"] < before["ordrer"]
    assert after["fakturaer"] == before["fakturaer"]
    assert office.sent("ingrid@solvaag") == []

    states = json.loads(office.run("cases", "--json").stdout)
    assert len(states) == 3
    verified = office.run("ledger", "verify")
    assert verified.returncode == 0, verified.stderr
    assert office.stop() == 0
    marked = [item for item in graph[SUPPORT].items.values() if item.categories]
    assert all(item.categories == ["Personvern"] for item in marked)
    assert [one["displayName"] for one in graph[SUPPORT].categories] == ["Personvern"]
    inbox = graph[SUPPORT].in_folder(graph[SUPPORT].known["inbox"])
    assert not any(item.read for item in inbox)
    located = office.run("locate", "--email", "martin.keller@example.com", "--json")
    assert json.loads(located.stdout)["searched"]


def test_the_online_check_asserts_confinement(office: Office) -> None:
    office.graph[SUPPORT].deliver(scene.requests(datetime.now(UTC))[0][1])
    confined = office.run("check-config", "--online")
    assert confined.returncode == 0, confined.stderr
    assert "refuses 1 other" in confined.stdout

    office.graph.scope = None
    office.graph.issuer.claims = {"roles": ["Mail.ReadWrite", "Mail.Send"]}
    open_ = office.run("check-config", "--online")
    assert open_.returncode == 1
    assert "opens other mailboxes" in open_.stderr
    assert "Mail.ReadWrite" in open_.stderr
    assert "consent" in open_.stderr

    office.graph.issuer.claims = {}
    by_scope = office.run("check-config", "--online")
    assert by_scope.returncode == 1
    assert "management scope" in by_scope.stderr

    del office.graph.mailboxes[scene.APPROVER]
    unknown = office.run("check-config", "--online")
    assert unknown.returncode == 0
    assert "could not be tried" in unknown.stdout
