"""Clients of ours on the Graph-like server, as the daemon would open them."""

import functools
from pathlib import Path
from typing import Any

import requests

from mailbot.clients import http
from mailbot.clients.graph import GraphClient
from mailbot.clients.microsoft import SignIn
from mailbot.config import OAuth
from tests.servers.graph import Graph
from tests.servers.issuer import CLIENT, TENANT


class OneSecret:
    """Hands out the app's secret, whatever is asked for."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def read(self, reference: str) -> str:
        return self._secret

    def read_bytes(self, reference: str) -> bytes:
        return self._secret.encode()

    def exists(self, reference: str) -> bool:
        return False


def sign_in(graph: Graph, **options: Any) -> SignIn:
    """The sign-in of the app that the server knows."""
    part = OAuth(
        tenant=TENANT,
        client_id=CLIENT,
        secret="credential:graph.secret",
        authority=graph.server.base,
        ca_file=str(graph.ca_file),
    )
    return SignIn(part, OneSecret(graph.issuer.app.secret), **options)


@functools.cache
def _session(ca_file: Path) -> requests.Session:
    """One for all servers with the same authority: reading the machine's takes long."""
    return http.session(ca_file=ca_file)


def client(graph: Graph, address: str, timeout: float = 10.0, **options: Any) -> GraphClient:
    """A client for one mailbox."""
    return GraphClient(
        name="support",
        address=address,
        base_url=graph.base,
        sign_in=options.pop("sign_in", None) or sign_in(graph),
        session=_session(graph.ca_file),
        timeout=timeout,
        **options,
    )
