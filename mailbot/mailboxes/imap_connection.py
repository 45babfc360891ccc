"""One IMAP connection: signed in when it is needed, dropped when it breaks, its failures named.

The library's exceptions carry what the server said, which may name folders and people: of that
only response codes (RFC 5530) reach our own exceptions.
"""

import contextlib
import imaplib
import math
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from mailbot.clients import tls
from mailbot.clients.microsoft import AccessToken
from mailbot.errors import MailbotError, Permanent, Transient

FetchedItems = Mapping[int, Mapping[bytes, object]]

_TOKEN_MARGIN = 180.0  # seconds before a token's end at which a connection is made anew
_IDLE_TOO_LONG = 60.0  # seconds after which a connection is asked whether it still lives
_CODE = re.compile(r"\[([A-Z][A-Z0-9-]{2,30})")
_BACKOFF = re.compile(r"Backoff Time: (\d{1,9}) milliseconds", re.I)
_PASSING = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "ALERT", "CORRUPTION"})
_LASTING = {
    "NOPERM": "the account may not do this; let it",
    "CANNOT": "the server can never do this",
    "CONTACTADMIN": "the server asks to call its administrator",
    "OVERQUOTA": "the mailbox is full; make room",
    "EXPIRED": "the password has expired; set a new one",
    "PRIVACYREQUIRED": "the server demands TLS; set mailbox.imap.security",
}


class Client(Protocol):
    """What is used of imapclient.IMAPClient 4."""

    normalise_times: bool
    _cached_capabilities: object

    def starttls(self, ssl_context: ssl.SSLContext) -> object: ...
    def login(self, username: str, password: str) -> object: ...
    def oauth2_login(self, user: str, access_token: str) -> object: ...
    def shutdown(self) -> None: ...
    def logout(self) -> object: ...
    def noop(self) -> object: ...
    def has_capability(self, capability: str) -> bool: ...
    def list_folders(self) -> Sequence[tuple[Sequence[bytes], bytes | None, str]]: ...
    def namespace(self) -> Sequence[Sequence[tuple[str, str]] | None]: ...
    def create_folder(self, folder: str) -> object: ...
    def select_folder(self, folder: str, readonly: bool) -> Mapping[bytes, object]: ...
    def folder_status(self, folder: str, what: Sequence[str]) -> Mapping[bytes, int]: ...
    def search(self, criteria: bytes | Sequence[bytes], charset: str | None) -> Sequence[int]: ...
    def fetch(self, messages: Sequence[int], data: Sequence[str]) -> FetchedItems: ...
    def add_flags(self, messages: Sequence[int], flags: Sequence[str], silent: bool) -> object: ...
    def copy(self, messages: Sequence[int], folder: str) -> object: ...
    def move(self, messages: Sequence[int], folder: str) -> object: ...
    def uid_expunge(self, messages: Sequence[int]) -> object: ...
    def idle(self) -> None: ...
    def idle_check(self, timeout: float) -> Sequence[tuple[object, ...]]: ...
    def idle_done(self) -> object: ...
    def socket(self) -> ssl.SSLSocket: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where and as whom to sign in. `password` is asked at each sign-in and never kept.

    timeout: seconds that the server may be silent within one command.
    """

    name: str  # of the [[mailbox]]
    host: str
    port: int
    security: Literal["tls", "starttls"]
    user: str
    password: Callable[[], str]
    ca_file: Path | None = None
    timeout: float = 60.0
    authority: "Authority | None" = None  # instead of a password
    scope: str = ""


class Authority(Protocol):
    """Who issues tokens for XOAUTH2."""

    def access(self, scope: str) -> AccessToken:
        """A token, and until when it holds on the monotonic clock."""

    def refused(self, scope: str) -> bool:
        """The server did not take it: whether a new one may help."""


class Connection:
    """One connection at most, for one thread at a time; made anew after it was lost."""

    def __init__(self, account: Account, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._used = 0.0
        self._until = math.inf  # when the token ends that this connection was signed in by

    @contextlib.contextmanager
    def session(self, doing: str) -> Iterator[Client]:
        """The signed-in client, alone. Raises Transient or Permanent; `doing` goes into the text.

        Whatever leaves the conversation in doubt drops the connection; a plain refusal does not.
        """
        with self._lock:
            client = self._living()
            kept = False
            try:
                yield client
                kept = True
            except MailbotError:
                kept = True  # our own decision, made between two commands
                raise
            except imaplib.IMAP4.abort as error:
                raise translate(self._account, error, doing) from None
            except imaplib.IMAP4.error as error:
                # A refusal of the server; the library's own kinds mean an answer out of step.
                kept = type(error) is imaplib.IMAP4.error
                raise translate(self._account, error, doing) from None
            except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
                # The network; or an answer that the library stumbles over.
                raise translate(self._account, error, doing) from None
            finally:
                self._used = self._monotonic()
                if not kept:
                    self._drop()

    def drop(self) -> None:
        """Forget the connection; the next session makes another."""
        with self._lock:
            self._drop()

    def close(self) -> None:
        """Say goodbye, unless another thread is in the middle of a command."""
        if not self._lock.acquire(timeout=1.0):
            return
        try:
            if self._client is not None:
                with contextlib.suppress(imaplib.IMAP4.error, OSError):
                    self._client.logout()
            self._drop()
        finally:
            self._lock.release()

    def _living(self) -> Client:
        now = self._monotonic()
        if self._client is not None and now > self._until - _TOKEN_MARGIN:
            # The server would hang up in the middle of something once the token has expired.
            self._drop()
        if self._client is not None and now - self._used > _IDLE_TOO_LONG:
            # Servers hang up on the silent; that is no failure worth telling anybody.
            try:
                self._client.noop()
            except (imaplib.IMAP4.error, OSError):
                self._drop()
        if self._client is None:
            self._client, self._until = _signed_in(self._account)
        return self._client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.shutdown()


def _signed_in(account: Account) -> tuple[Client, float]:
    """A new connection over verified TLS (RFC 8314), and when its sign-in expires.

    ENABLE is never sent. ("ENABLE IMAP4rev2" breaks searching on some servers that offer it.)
    """
    # Imported when first needed: only installations with IMAP pay for it.
    from imapclient import IMAPClient

    context = tls.context(account.ca_file)
    direct = account.security == "tls"
    client: Client | None = None
    until = math.inf
    token = account.authority.access(account.scope) if account.authority else None
    try:
        client = IMAPClient(
            account.host,
            port=account.port,
            ssl=direct,
            ssl_context=context if direct else None,
            timeout=account.timeout,
        )
        if not direct:
            client.starttls(ssl_context=context)
        if token is not None:
            client.oauth2_login(account.user, token.text)
            until = token.until
        else:
            client.login(account.user, account.password())
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        if client is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.shutdown()
        raise _refused(account, error) from None
    client.normalise_times = False
    # What the server can do changes with TLS and sign-in; the library may keep an earlier answer,
    # and has no public way to forget it.
    client._cached_capabilities = None
    return client, until


def _refused(account: Account, error: Exception) -> MailbotError:
    """Why there is no connection: a wrong password stays wrong, a busy server does not."""
    cause = error.__context__
    if isinstance(cause, imaplib.IMAP4.abort):
        error = cause  # the library reports a connection lost during the sign-in as a refusal
    text = str(error)
    codes = set(_CODE.findall(text))
    if isinstance(error, UnicodeError):
        return Permanent(
            f"mailbox {account.name}: mailbox.imap.user or the credential that "
            "mailbox.imap.password names holds signs that LOGIN cannot carry; use ASCII"
        )
    doubtful = isinstance(error, OSError | imaplib.IMAP4.abort) or codes & _PASSING
    if doubtful or _BACKOFF.search(text) or "not connected" in text or "throttl" in text.lower():
        return translate(account, error, "signing in")
    if "STARTTLS" in text:
        return Permanent(
            f"mailbox {account.name}: the server has no STARTTLS here; use port 993 with "
            'mailbox.imap.security = "tls"'
        )
    if account.authority is not None:
        if account.authority.refused(account.scope):
            return Transient(f"mailbox {account.name}: the token has expired", 0.0)
        return Permanent(
            f"mailbox {account.name}: sign-in by OAuth refused; the app needs the permission "
            "IMAP.AccessAsApp with admin consent, a service principal in Exchange Online made with "
            "the object id of the enterprise application, and FullAccess to this mailbox"
        )
    why = next((_LASTING[code] for code in sorted(codes) if code in _LASTING), "")
    return Permanent(
        f"mailbox {account.name}: sign-in refused; check mailbox.imap.user and the credential "
        f"that mailbox.imap.password names{f' ({why})' if why else ''}"
    )


def translate(account: Account, error: Exception, doing: str) -> MailbotError:
    """A failure of the library, the network or the server, without the server's own words."""
    name = f"mailbox {account.name}, {doing}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return Permanent(
            f"{name}: the server's certificate does not verify; check mailbox.imap.host, or name "
            "its authority in mailbox.imap.ca_file"
        )
    if isinstance(error, OSError):
        return Transient(f"{name}: {type(error).__name__}")
    if isinstance(error, imaplib.IMAP4.readonly):
        return Permanent(f"{name}: the folder may only be read; give the account the right")
    text = str(error)
    backoff = _BACKOFF.search(text)
    if backoff:
        return Transient(f"{name}: throttled by the server", int(backoff[1]) / 1000)
    codes = sorted(set(_CODE.findall(text)))
    if not isinstance(error, imaplib.IMAP4.abort):
        for code in codes:
            if code in _LASTING:
                return Permanent(f"{name}: {_LASTING[code]} ({code})")
    said = codes[0] if codes else type(error).__name__
    if "not connected" in text:
        said = "signed in, but the mailbox does not open; the account needs full access to it"
    return Transient(f"{name}: {said}")
