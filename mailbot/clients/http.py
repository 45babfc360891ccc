"""HTTP sessions as every client here uses them: the machine's trust, a limit on time, no surprises.

`REQUESTS_CA_BUNDLE` and proxy variables, often set on servers for other programs, silently beat
what a program asks for; they count only where the configuration says so.
"""

import ssl
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from mailbot.clients import tls


def session(
    *,
    ca_file: Path | None = None,
    environment: bool = False,
    timeout: float = 60.0,
    connections: int = 4,
) -> requests.Session:
    """A session for HTTPS. timeout: seconds that a server may be silent; a caller may give less.

    environment: proxies and authorities named in the environment count. Nothing is retried here.
    """
    made = requests.Session()
    made.trust_env = environment
    made.max_redirects = 0
    adapter = _Adapter(tls.context(ca_file), timeout, connections)
    made.mount("https://", adapter)
    # Only the identity service of a machine in Azure speaks plain HTTP, on a link-local address.
    made.mount("http://", adapter)
    return made


class _Adapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext, timeout: float, connections: int) -> None:
        self._context = context
        self._timeout = timeout
        super().__init__(pool_connections=8, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Pools whose connections trust what `tls.context` trusts."""
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """The same behind a proxy."""
        return super().proxy_manager_for(*arguments, ssl_context=self._context, **options)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The machine's authorities count; a bundle of the environment only if asked for."""
        if isinstance(verify, str):
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]

    def send(self, request: Any, *arguments: Any, **options: Any) -> requests.Response:
        """A request without a limit of its own gets ours."""
        if options.get("timeout") is None:
            options["timeout"] = self._timeout
        return super().send(request, *arguments, **options)


def named(error: requests.RequestException) -> str:
    """The kind of a failure; its text holds addresses and is left out."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    return type(error).__name__


def untrusted(error: BaseException) -> bool:
    """Whether the server's certificate did not verify: waiting mends nothing."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        inner = next((a for a in seen.args if isinstance(a, BaseException)), None)
        seen = getattr(seen, "reason", None) or seen.__cause__ or inner or seen.__context__
        if not isinstance(seen, BaseException):
            return False
    return False
