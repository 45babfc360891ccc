"""The Graph-like server satisfies a client that nobody here wrote (python-o365), and Microsoft's
own description and examples."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mailbot.mailboxes.graph import GraphMailbox
from mailbot.mailboxes.graph_finding import kql
from tests.servers import graph_schema
from tests.servers.graph import Graph
from tests.servers.graph_schema import FILE, Contract
from tests.servers.graph_world import client
from tests.servers.https import Answer, Request
from tests.servers.issuer import CLIENT, TENANT

SUPPORT, CUSTOMER = "support@firma.test", "kunde@kunde.test"
SAMPLES = FILE.parent / "graph-docs-samples-mail.json"


@pytest.fixture
def graph() -> Iterator[Graph]:
    with Graph([SUPPORT], ours=False) as running:
        yield running


@pytest.fixture
def o365(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An account of python-o365 that signs in at our issuer."""
    import msal
    from O365 import Account, MSGraphProtocol
    from O365.utils.token import MemoryTokenBackend

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(graph.ca_file))

    class Protocol(MSGraphProtocol):
        _protocol_url = f"{graph.server.base}/"
        _oauth_scope_prefix = f"{graph.server.base}/"

    account = Account(
        (CLIENT, graph.issuer.app.secret),
        auth_flow_type="credentials",
        tenant_id=TENANT,
        protocol=Protocol(timezone="UTC"),
        main_resource=SUPPORT,
        token_backend=MemoryTokenBackend(),
        requests_delay=0,
        verify_ssl=str(graph.ca_file),
    )
    # The library knows Microsoft's own issuer only.
    account.con._msal_client = msal.ConfidentialClientApplication(
        CLIENT,
        client_credential=graph.issuer.app.secret,
        authority=f"{graph.server.base}/{TENANT}",
        instance_discovery=False,
        token_cache=account.con.token_backend,
        verify=str(graph.ca_file),
    )
    assert account.authenticate()
    return account


def incoming(subject: str, text: str = "Hei", sender: str = CUSTOMER) -> bytes:
    return (
        f"From: Kunde <{sender}>\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject}@kunde.test>\r\n\r\n{text}\r\n"
    ).encode()


def test_another_client_reads(graph: Graph, o365: Any) -> None:
    for number in range(25):
        graph[SUPPORT].deliver(incoming(f"sak-{number}"))
    messages = list(o365.mailbox().inbox_folder().get_messages(limit=None, batch=10))
    assert {m.subject for m in messages} == {f"sak-{number}" for number in range(25)}
    assert messages[0].sender.address == CUSTOMER
    assert b"Subject: sak-" in messages[0].get_mime_content()
    messages[0].mark_as_read()
    assert sum(item.read for item in graph[SUPPORT].items.values()) == 1
    assert {"inbox"} <= {folder.name.lower() for folder in o365.mailbox().get_folders()} | {"inbox"}


def test_another_client_searches(graph: Graph, o365: Any) -> None:
    graph[SUPPORT].deliver(incoming("en", "slett kontoen min"))
    graph[SUPPORT].deliver(incoming("to", "noe annet"))
    mailbox = o365.mailbox()
    query = mailbox.new_query().search("kontoen")
    assert [m.subject for m in mailbox.get_messages(query=query)] == ["en"]
    since = mailbox.new_query().equals("subject", "to")
    assert [m.subject for m in mailbox.get_messages(query=since)] == ["to"]


def test_another_client_sends_replies_moves_and_deletes(graph: Graph, o365: Any) -> None:
    message = o365.new_message()
    message.to.add(CUSTOMER)
    message.subject, message.body = "Svar", "<p>Hei</p>"
    message.send()
    (raw,) = graph.sent(CUSTOMER)
    assert b"Subject: Svar" in raw
    graph[SUPPORT].deliver(incoming("sak"))
    (found,) = o365.mailbox().inbox_folder().get_messages()
    reply = found.reply()
    reply.body = "Takk"
    reply.send()
    assert b"In-Reply-To: <sak@kunde.test>" in graph.sent(CUSTOMER)[-1]
    found.move(o365.mailbox().archive_folder())
    (moved,) = o365.mailbox().archive_folder().get_messages()
    moved.delete()
    assert list(o365.mailbox().archive_folder().get_messages()) == []


@pytest.mark.skipif(bool(graph_schema.missing()), reason=graph_schema.missing())
def test_microsofts_own_examples_validate() -> None:
    """Else the description would be too strict, or our reading of it wrong."""
    contract, looked_at, odd = Contract(), 0, []
    before = len(graph_schema.TOTALS.violations)
    for mock in json.loads(SAMPLES.read_text())["mocks"]:
        request, answer = mock["request"], mock["response"]
        url = urlsplit(request.get("exampleUrl") or request["url"])
        path = re.sub(r"^/v1\.0/me(?=/)", f"/users/{SUPPORT}", url.path)
        path = path.removeprefix("/v1.0")
        if "*" in path or graph_schema._find(request["method"], path) is None:
            continue
        if not isinstance(answer.get("body"), dict) or answer["statusCode"] >= 400:
            continue
        looked_at += 1
        made = Request(method=request["method"], path=path, query="", headers={}, body=b"")
        # They spell names of values as EWS does: "Normal", "HTML", "Focused".
        names = re.compile(r'"(HTML|Text|Normal|High|Low|Focused|Other|NotFlagged)"')
        text = names.sub(
            lambda name: name[0][0:2].lower() + name[0][2:], json.dumps(answer["body"])
        )
        body = text.replace('"hTML"', '"html"').encode()
        contract.answer(made, path, Answer(status=answer["statusCode"], body=body))
    odd = contract.violations
    del graph_schema.TOTALS.violations[before:]
    print(f"\n{looked_at} of Microsoft's examples looked at, {len(odd)} not as described")
    assert looked_at >= 20
    # The rest are shortened ("contentType": "") or answer 200 where a 201 is described.
    assert len(odd) <= 0.3 * looked_at, odd


@pytest.mark.skipif(bool(graph_schema.missing()), reason=graph_schema.missing())
@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/users/a@b.no/mailbox", "", None),
        ("GET", "/users/a@b.no/messages", "$select=id,betreff", None),
        ("GET", "/users/a@b.no/messages", "$mach=1", None),
        ("POST", "/users/a@b.no/messages", "", {"subject": "x", "betreff": "y"}),
        ("POST", "/users/a@b.no/messages", "", {"toRecipients": [{"address": "a@b.no"}]}),
        ("POST", "/users/a@b.no/messages/AAA/move", "", {"destination": "inbox"}),
    ],
)
def test_what_microsoft_does_not_describe_is_noticed(
    method: str, path: str, query: str, body: object
) -> None:
    contract = Contract()
    before = len(graph_schema.TOTALS.violations)
    octets = b"" if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = Request(method=method, path=path, query=query, headers=headers, body=octets)
    contract.request(request, path)
    del graph_schema.TOTALS.violations[before:]
    assert contract.violations != []


def test_the_description_is_there_where_nothing_may_be_skipped() -> None:
    """Beside this checkout lie the collected data; alone, it says that nothing was validated."""
    shared = Path(__file__).parents[3] / "shared"
    assert bool(graph_schema.missing()) is not shared.is_dir()


def test_first_sync_and_search_take_few_calls_and_little_memory() -> None:
    """`make bench` in short: it fails where a bound is passed."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.bench.graph", "--messages", "2400"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    print(made.stdout)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "30 calls, 1.000 x" in made.stdout


def test_a_search_finds_what_lies_beyond_the_first_thousand() -> None:
    """In order of time and out of it, and where a thousand came within a day."""
    with Graph([SUPPORT]) as graph:
        box = graph[SUPPORT]
        for number in range(2_300):
            # 1,100 within one day; the others over a year.
            away = timedelta(minutes=number) if number < 1_100 else timedelta(hours=4 * number)
            who = {"emailAddress": {"name": "K", "address": CUSTOMER}}
            shown: dict[str, Any] = {"subject": "x", "from": who, "internetMessageHeaders": []}
            item = box.deliver(
                incoming(f"sak-{number}"),
                "inbox",
                datetime(2026, 11, 1, 23, tzinfo=UTC) - away,
                shown,
            )
            item.words = ("kontoen",) if number % 100 else ("annet",)
        found: dict[str, Any] = {}
        finder = GraphMailbox(name="s", client=client(graph, SUPPORT))._finder
        search = kql("kontoen")
        assert search is not None
        finder._by_words("/messages", search, found)
        assert len(found) >= 2_300 - 23
        wanted = {item.id for item in box.items.values() if item.words == ("kontoen",)}
        assert wanted <= set(found)
