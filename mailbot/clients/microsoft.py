"""Sign-in of an app with Microsoft Entra ID, for whoever needs a token: Graph, IMAP, SMTP, SQL.

Four ways: a certificate, a client secret, the identity of the machine in Azure, or an assertion of
another identity provider (workload identity federation). The library keeps tokens in memory and
renews them before they expire; nothing is written to disk. Its three shapes of failure (a document
with an error, an exception of its own, an exception of the network) become Transient or Permanent.
Of what Microsoft answers only the code is told: the rest names tenants and people.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from mailbot.config import OAuth
from mailbot.errors import ConfigError, MailbotError, Permanent, Transient

_TIMEOUT = 30.0  # seconds
_YOUNG = 60.0  # a token refused at this age (seconds) was refused for another reason than its age
_DEFAULT_PAUSE = 5.0

# Codes of Microsoft Entra ID (learn.microsoft.com/entra/identity-platform/reference-error-codes).
_PASSING_CODES = frozenset({50196, 90024, 90033, 90055})
_PASSING_ERRORS = frozenset({"temporarily_unavailable", "server_error", "slow_down", "timeout"})
_REMEDIES: Mapping[int, str] = {
    7000215: "the client secret is wrong: put its value, not its id, into the credential",
    7000222: "the client secret has expired: make a new one and put it into the credential",
    700027: "the certificate is not the app's: upload it to the app's registration",
    7000214: "the certificate is not the app's: upload it to the app's registration",
    700016: "the tenant has no such app: check client_id and tenant, and consent to the app there",
    7000229: "the tenant has no such app: consent to it there",
    7000112: "the app is switched off: switch it on in the tenant",
    90002: "there is no such tenant: check tenant and authority",
    900023: "there is no such tenant: check tenant and authority",
    500011: "the service is not in this tenant: authority and base_url must be of one cloud",
    700024: "the sign-in came at a wrong time: set this machine's clock",
    700211: "the assertion's issuer is not the one of the app's federated credential: mend one",
    700212: "the assertion's audience is not the one of the app's federated credential: mend one",
    700213: "the assertion's subject is not the one of the app's federated credential: mend one",
    70021: "no federated credential of the app matches the assertion: add one to the app",
    53003: "a rule of conditional access stands in the way: exempt the app",
}


class Credentials(Protocol):
    """Where secrets are read from, anew at each sign-in. All raise ConfigError."""

    def read(self, reference: str) -> str:
        """The text of "credential:NAME"."""

    def read_bytes(self, reference: str) -> bytes:
        """The octets of "credential:NAME"."""

    def exists(self, reference: str) -> bool:
        """Whether there is such a credential."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, and until when it holds on the monotonic clock. Its text is shown nowhere."""

    text: str = field(repr=False)
    until: float


class SignIn:
    """One app of one tenant. Safe to use from several threads; nothing happens before it is used.

    client: makes the HTTP session. monotonic: the clock that `AccessToken.until` is told by.
    """

    def __init__(
        self,
        part: OAuth,
        credentials: Credentials,
        folder: Path = Path(),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._part = part
        self._credentials = credentials
        self._ca_file = folder / part.ca_file if part.ca_file else None
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._app: Any = None
        self._pause: float | None = None  # what the last answer asked us to wait
        self._obtained: dict[str, float] = {}  # scope -> when its token came

    @property
    def name(self) -> str:
        """How messages call it."""
        who = self._part.client_id or "the machine's identity"
        return f"sign-in to Microsoft as {who}"

    def token(self, scope: str) -> str:
        """A token for a scope such as "https://graph.microsoft.com/.default".

        Raises Transient, or Permanent with a remedy.
        """
        return self.access(scope).text

    def access(self, scope: str) -> AccessToken:
        """The same with its end, for connections that are kept open."""
        with self._lock:
            answer = self._translated(scope)
            text, seconds = answer.get("access_token"), answer.get("expires_in", 0)
            if not isinstance(text, str) or not text:
                raise self._refused(answer)
            now = self._monotonic()
            if answer.get("token_source") != "cache":
                self._obtained[scope] = now
            return AccessToken(text, now + float(seconds))

    def refused(self, scope: str) -> bool:
        """A service did not take the token of a scope: forget it. Whether a new one may help.

        False if it had only just been issued: then it is not its age that is wrong.
        """
        with self._lock:
            obtained = self._obtained.pop(scope, None)
            self._app = None
            return obtained is None or self._monotonic() - obtained > _YOUNG

    def _translated(self, scope: str) -> Mapping[str, Any]:
        # Imported when first needed: only installations with Microsoft pay for it.
        import requests
        from msal.exceptions import MsalServiceError

        from mailbot.clients import http

        self._pause = None
        try:
            if self._app is None:
                self._app = self._made()
            return self._asked(scope)
        except MailbotError:
            raise
        except requests.RequestException as error:
            if http.untrusted(error):
                raise Permanent(
                    f"{self.name}: the server's certificate does not verify; check authority, or "
                    "name the certificate's issuer in ca_file"
                ) from None
            raise Transient(f"{self.name}: {http.named(error)}") from None
        except MsalServiceError:
            raise Transient(f"{self.name}: the server is out of order", self._waiting()) from None
        except (ValueError, RuntimeError, TypeError, KeyError) as error:
            # An authority that answers with an error or with something else than a document; a
            # key that the library cannot use has been checked before.
            if self._pause is not None:
                raise Transient(f"{self.name}: throttled", self._waiting()) from None
            raise Permanent(
                f"{self.name}: no usable answer ({type(error).__name__}); "
                "check tenant and authority"
            ) from None

    def _asked(self, scope: str) -> Mapping[str, Any]:
        if self._part.managed_identity:
            resource = scope.removesuffix("/.default")
            answer = self._app.acquire_token_for_client(resource=resource)
        else:
            answer = self._app.acquire_token_for_client(scopes=[scope])
        return answer if isinstance(answer, Mapping) else {}

    def _made(self) -> Any:
        import msal

        part = self._part
        client = self._client()
        if part.managed_identity:
            identity: Any = msal.SystemAssignedManagedIdentity()
            if part.client_id:
                identity = msal.UserAssignedManagedIdentity(client_id=part.client_id)
            return msal.ManagedIdentityClient(identity, http_client=client)
        # The authority is the administrator's own word: nobody else is asked whether it is one.
        return msal.ConfidentialClientApplication(
            part.client_id,
            client_credential=self._credential(),
            authority=f"{part.authority.rstrip('/')}/{part.tenant}",
            instance_discovery=False,
            http_client=client,
        )

    def _client(self) -> Any:
        from mailbot.clients import http

        def note(answer: Any, *_: Any, **__: Any) -> None:
            if answer.status_code == 429 or answer.status_code >= 500:
                asked = answer.headers.get("Retry-After", "")
                self._pause = float(asked) if asked.isdigit() else _DEFAULT_PAUSE

        client = http.session(
            ca_file=self._ca_file, environment=self._part.environment, timeout=_TIMEOUT
        )
        client.hooks["response"].append(note)
        return client

    def _waiting(self) -> float:
        # The library answers from memory for as long as the server asked it to wait, at least 5 s.
        return self._pause if self._pause is not None else _DEFAULT_PAUSE

    def _credential(self) -> Any:
        part = self._part
        try:
            if part.certificate:
                return self._certificate(part.certificate)
            if part.assertion:
                return {"client_assertion": lambda: self._credentials.read(part.assertion)}
            return self._credentials.read(part.secret)
        except ConfigError as error:
            raise Permanent(str(error)) from None

    def _certificate(self, reference: str) -> Mapping[str, str]:
        """PEM or PFX (PKCS #12); its passphrase, if it has one, in NAME.passphrase."""
        from mailbot.clients.certificate import Unusable, key_and_certificate

        word = f"{reference}.passphrase"
        passphrase = self._credentials.read(word) if self._credentials.exists(word) else ""
        try:
            key, certificate = key_and_certificate(
                self._credentials.read_bytes(reference), passphrase
            )
        except Unusable as error:
            raise Permanent(f"{reference}: {error}") from None
        return {"private_key": key, "public_certificate": certificate}

    def _refused(self, answer: Mapping[str, Any]) -> MailbotError:
        """Why there is no token. The next try reads the credential anew: it may be mended."""
        codes = [code for code in answer.get("error_codes") or () if isinstance(code, int)]
        error = answer.get("error")
        kind = error if isinstance(error, str) and error.replace("_", "").isalpha() else "no token"
        said = f"AADSTS{codes[0]}" if codes else kind
        if self._pause is not None or kind in _PASSING_ERRORS or _PASSING_CODES & set(codes):
            return Transient(f"{self.name}: {said}", self._waiting())
        self._app = None
        remedy = next((_REMEDIES[code] for code in codes if code in _REMEDIES), "")
        if not remedy and self._part.managed_identity:
            remedy = "give the machine this identity in Azure"
        remedy = remedy or "check tenant, client_id and the credential, and the app in Entra"
        return Permanent(f"{self.name}: refused with {said}; {remedy}")


class SignIns:
    """The apps of a process: one object for each, however many mailboxes and databases use it."""

    def __init__(self, credentials: Credentials, folder: Path = Path()) -> None:
        self._credentials = credentials
        self._folder = folder
        self._known: dict[OAuth, SignIn] = {}
        self._lock = threading.Lock()

    def of(self, part: OAuth) -> SignIn:
        """The sign-in that a section of the configuration describes. Nothing connects yet."""
        plain = OAuth(**{name: getattr(part, name) for name in OAuth.model_fields})
        with self._lock:
            if plain not in self._known:
                self._known[plain] = SignIn(plain, self._credentials, self._folder)
            return self._known[plain]


def graph_scope(base_url: str) -> str:
    """What a token for Microsoft Graph is asked for, in whichever cloud."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}/.default"


def exchange_scope(host: str) -> str:
    """What a token for IMAP or SMTP is asked for, by the cloud of the host that is connected to."""
    for ending in ("office365.us", "partner.outlook.cn"):
        if host == ending or host.endswith(f".{ending}"):
            outlook = ending if ending.startswith("partner") else f"outlook.{ending}"
            return f"https://{outlook}/.default"
    return "https://outlook.office365.com/.default"
