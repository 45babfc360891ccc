"""Signing in with Microsoft: every way, every failure, against an issuer of our own over TLS."""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mailbot.clients.microsoft import SignIn, SignIns, exchange_scope, graph_scope
from mailbot.config import OAuth, Secrets
from mailbot.errors import MailbotError, Permanent, Transient
from tests.servers.https import Answer, HttpsServer
from tests.servers.issuer import CLIENT, TENANT, App, Issuer

GRAPH = "https://graph.microsoft.com/.default"


@pytest.fixture(scope="module")
def app() -> App:
    return App()


@pytest.fixture
def issuer(app: App) -> Issuer:
    return Issuer(app)


@pytest.fixture
def server(issuer: Issuer) -> Iterator[HttpsServer]:
    with HttpsServer(lambda request: issuer.answer(request) or Answer(status=404)) as running:
        issuer.base = running.base
        yield running


class Time:
    """A monotonic clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Time:
    return Time()


@pytest.fixture
def secrets(tmp_path: Path, app: App) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    files: Mapping[str, bytes] = {
        "app.secret": app.secret.encode() + b"\n",
        "app.pem": app.pem(),
        "app.pfx": app.pfx(),
        "locked.pem": app.pem(b"ord"),
        "locked.pem.passphrase": b"ord\n",
        "locked.pfx": app.pfx(b"ord"),
        "locked.pfx.passphrase": b"ord",
        "app.jwt": app.assertion().encode(),
        "wrong.secret": b"hemmelig-feil",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def sign_in(server: HttpsServer, secrets: Path, now: Time, **options: object) -> SignIn:
    part = OAuth.model_validate(
        {
            "tenant": TENANT,
            "client_id": CLIENT,
            "authority": server.base,
            "ca_file": str(server.ca_file),
            **(options or {"secret": "credential:app.secret"}),
        }
    )
    return SignIn(part, Secrets({}, secrets), monotonic=now)


@pytest.mark.parametrize(
    "way",
    [
        {"secret": "credential:app.secret"},
        {"certificate": "credential:app.pem"},
        {"certificate": "credential:app.pfx"},
        {"certificate": "credential:locked.pem"},
        {"certificate": "credential:locked.pfx"},
        {"assertion": "credential:app.jwt"},
    ],
    ids=lambda way: "-".join(way.values()),
)
def test_each_way_gets_a_token_that_holds(
    server: HttpsServer, issuer: Issuer, secrets: Path, now: Time, way: dict[str, str]
) -> None:
    access = sign_in(server, secrets, now, **way).access(GRAPH)
    assert issuer.valid(access.text, "https://graph.microsoft.com")
    assert access.until == pytest.approx(now() + 3600, abs=5)
    assert access.text not in repr(access)


def test_a_token_is_kept_and_renewed_in_time(
    server: HttpsServer, issuer: Issuer, secrets: Path, now: Time
) -> None:
    one = sign_in(server, secrets, now)
    assert one.token(GRAPH) == one.token(GRAPH)
    assert issuer.asked == 1
    one.token("https://database.windows.net/.default")
    assert issuer.asked == 2
    issuer.lifetime = 200  # less than the library's margin: not worth keeping
    other = sign_in(server, secrets, now)
    other.token(GRAPH)
    other.token(GRAPH)
    assert issuer.asked == 4


def test_a_refused_token_is_forgotten_and_a_fresh_one_is_no_matter_of_age(
    server: HttpsServer, issuer: Issuer, secrets: Path, now: Time
) -> None:
    one = sign_in(server, secrets, now)
    first = one.token(GRAPH)
    now.seconds += 1800
    assert one.refused(GRAPH)
    assert one.token(GRAPH) != first
    assert not one.refused(GRAPH)


def test_one_app_for_all_that_name_it(server: HttpsServer, secrets: Path) -> None:
    part = {"tenant": TENANT, "client_id": CLIENT, "secret": "credential:app.secret"}
    known = SignIns(Secrets({}, secrets))
    assert known.of(OAuth.model_validate(part)) is known.of(OAuth.model_validate(part))
    other = OAuth.model_validate({**part, "client_id": "other"})
    assert known.of(other) is not known.of(OAuth.model_validate(part))


def test_many_threads_sign_in_once(
    server: HttpsServer, issuer: Issuer, secrets: Path, now: Time
) -> None:
    one = sign_in(server, secrets, now)
    tokens: list[str] = []
    threads = [threading.Thread(target=lambda: tokens.append(one.token(GRAPH))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(tokens) == 8
    assert len(set(tokens)) == issuer.asked == 1


def failure(one: SignIn) -> MailbotError:
    with pytest.raises(MailbotError) as caught:
        one.token(GRAPH)
    return caught.value


def harmless(error: MailbotError, app: App) -> None:
    """Nothing secret, and nothing of what the other side said, is in an error."""
    assert not any(word in str(error) for word in (app.secret, "hemmelig", "what Entra says"))


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (503, Transient, "out of order"),
        (500, Transient, "out of order"),
        (429, Transient, "temporarily_unavailable"),
        ("hang up", Transient, "ConnectionError"),
        (-50196, Transient, "AADSTS50196"),
        (-7000215, Permanent, "its value, not its id"),
        (-7000222, Permanent, "expired"),
        (-700027, Permanent, "upload it"),
        (-700016, Permanent, "no such app"),
        (-53003, Permanent, "conditional access"),
        (-65001, Permanent, "AADSTS65001"),
    ],
)
def test_every_failure_is_named(
    server: HttpsServer,
    issuer: Issuer,
    secrets: Path,
    now: Time,
    fault: int | str,
    kind: type[MailbotError],
    says: str,
) -> None:
    one = sign_in(server, secrets, now)
    issuer.faults = [fault, fault]  # the library tries twice where a connection breaks
    issuer.retry_after = "17"
    error = failure(one)
    assert type(error) is kind
    assert says in str(error)
    if fault in (503, 429):
        assert isinstance(error, Transient)
        assert error.retry_after == 17
    harmless(error, issuer.app)


def test_a_mended_secret_is_read_anew(
    server: HttpsServer, issuer: Issuer, secrets: Path, now: Time
) -> None:
    one = sign_in(server, secrets, now, secret="credential:wrong.secret")
    error = failure(one)
    assert "AADSTS7000215" in str(error)
    harmless(error, issuer.app)
    (secrets / "wrong.secret").write_text(issuer.app.secret)
    assert one.token(GRAPH)


def test_a_renewed_assertion_is_read_anew(
    server: HttpsServer, issuer: Issuer, secrets: Path, now: Time
) -> None:
    (secrets / "app.jwt").write_text("e30.e30.x")
    one = sign_in(server, secrets, now, assertion="credential:app.jwt")
    assert isinstance(failure(one), Permanent)
    (secrets / "app.jwt").write_text(issuer.app.assertion())
    assert one.token(GRAPH)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.pem", b"nothing at all", "neither PEM nor a PFX"),
        ("x.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"),
        ("missing.pem", None, "missing"),
    ],
)
def test_an_unusable_certificate_is_named_by_its_credential(
    server: HttpsServer, secrets: Path, now: Time, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (secrets / name).write_bytes(content)
    error = failure(sign_in(server, secrets, now, certificate=f"credential:{name}"))
    assert isinstance(error, Permanent)
    assert f"credential:{name}" in str(error)
    assert says in str(error)


def test_a_certificate_without_its_passphrase_or_of_another_key(
    server: HttpsServer, secrets: Path, now: Time, app: App
) -> None:
    (secrets / "locked.pem.passphrase").unlink()
    locked = failure(sign_in(server, secrets, now, certificate="credential:locked.pem"))
    assert ".passphrase" in str(locked)
    key = App(usual=False).pem().partition(b"-----BEGIN PRIVATE KEY")
    mixed = app.pem().partition(b"-----BEGIN PRIVATE KEY")[0] + key[1] + key[2]
    (secrets / "mixed.pem").write_bytes(mixed)
    error = failure(sign_in(server, secrets, now, certificate="credential:mixed.pem"))
    assert "belongs to its key" in str(error)


def test_no_server_no_tenant_no_trust(server: HttpsServer, secrets: Path, now: Time) -> None:
    options = {"secret": "credential:app.secret"}
    gone = failure(sign_in(server, secrets, now, **options, authority="https://localhost:9"))
    assert isinstance(gone, Transient)
    nowhere = failure(sign_in(server, secrets, now, **options, tenant="no-such-tenant"))
    assert isinstance(nowhere, Permanent)
    assert "check tenant and authority" in str(nowhere)
    untrusted = failure(sign_in(server, secrets, now, **options, ca_file=""))
    assert isinstance(untrusted, Permanent)
    assert "certificate does not verify" in str(untrusted)


def test_the_environment_counts_only_when_told(
    server: HttpsServer, secrets: Path, now: Time, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "bundle.pem"
    empty.write_bytes(server.certificates.chain.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(empty))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    options = {"secret": "credential:app.secret"}
    assert sign_in(server, secrets, now, **options).token(GRAPH)
    error = failure(sign_in(server, secrets, now, **options, environment=True))
    assert isinstance(error, Transient)
    assert "ProxyError" in str(error)


def test_the_identity_of_the_machine(
    secrets: Path, now: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Azure's service for virtual machines answers (plain HTTP on a link-local address)."""
    asked: list[str] = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            right = self.headers["Metadata"] == "true" and "client_id=nobody" not in self.path
            document: dict[str, object] = {"error": "invalid_request"}
            if right:
                document = {
                    "access_token": "of-the-machine",
                    "expires_in": "3600",
                    "resource": "https://graph.microsoft.com",
                    "token_type": "Bearer",
                }
            body = json.dumps(document).encode()
            self.send_response(200 if right else 400)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=service.serve_forever, daemon=True)
    thread.start()
    try:
        for name in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setitem(
            os.environ,
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
            f"http://127.0.0.1:{service.server_address[1]}",
        )
        credentials = Secrets({}, secrets)
        plain = SignIn(OAuth(managed_identity=True), credentials, monotonic=now)
        assert plain.token(GRAPH) == "of-the-machine"
        assert "resource=https%3A%2F%2Fgraph.microsoft.com" in asked[0]
        made = SignIn(OAuth(managed_identity=True, client_id="nobody"), credentials, monotonic=now)
        error = failure(made)
        assert isinstance(error, Permanent)
        assert "give the machine this identity" in str(error)
    finally:
        service.shutdown()
        service.server_close()


def test_scopes_follow_the_cloud() -> None:
    assert graph_scope("https://graph.microsoft.us/v1.0") == "https://graph.microsoft.us/.default"
    assert exchange_scope("smtp.office365.com") == "https://outlook.office365.com/.default"
    assert exchange_scope("outlook.office365.us") == "https://outlook.office365.us/.default"
    assert exchange_scope("smtp.partner.outlook.cn") == "https://partner.outlook.cn/.default"
    assert exchange_scope("localhost") == "https://outlook.office365.com/.default"
