"""Exchange Server's EWS, spoken by exchangelib (imported only where there is such a mailbox).

The library waits for ever in places, logs whole mails, and quotes the server's answers in its
errors. So each call runs under a watchdog, its log is shut, and errors are told in words of ours.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from mailbot.config import at_exchange_online
from mailbot.errors import MailbotError, NotAllowed, Permanent, Transient

if TYPE_CHECKING:
    from exchangelib import Account

T = TypeVar("T")

CALL_SECONDS = 60.0  # for one request; a call of ours makes several at most
WATCHDOG_SECONDS = 180.0


class Gone(Permanent):
    """The mail or folder is not there (any more)."""


class StaleState(Transient):
    """The server no longer honours a sync state."""


class EwsClient:
    """One mailbox on an Exchange Server. Signs in when it is first used.

    endpoint: the URL that ends in /EWS/Exchange.asmx. user, password: a service account with the
    role ApplicationImpersonation for this mailbox. ca_file: the authority of the server's
    certificate, if it is not a public one.
    """

    def __init__(
        self,
        *,
        name: str,
        address: str,
        endpoint: str,
        user: str,
        password: Callable[[], str],
        auth: Literal["basic", "ntlm"] = "basic",
        ca_file: Path | None = None,
        timeout: float = CALL_SECONDS,
        watchdog: float = WATCHDOG_SECONDS,
    ) -> None:
        if at_exchange_online(endpoint):
            raise Permanent(
                f"mailbox {name}: EWS ends in Exchange Online (1 April 2027); use kind = "
                '"graph" with a section [mailbox.graph]'
            )
        self.name = name
        self.address = address
        self._endpoint = endpoint
        self._user = user
        self._password = password
        self._auth = auth
        self._ca_file = ca_file
        self._timeout = timeout
        self._watchdog = watchdog
        self._account: Account | None = None
        self._lock = threading.RLock()

    def call(self, doing: str, work: Callable[["Account"], T]) -> T:
        """Do something with the account; `doing` names it in errors. One call at a time.

        Raises Gone, StaleState, Transient or Permanent. Whatever `work` reads lazily it must read
        to the end.
        """
        with self._lock:
            result: list[T] = []
            failure: list[BaseException] = []

            def run() -> None:
                try:
                    result.append(work(self._open()))
                except Exception as error:  # noqa: BLE001  handed over to the caller below
                    failure.append(error)

            thread = threading.Thread(target=run, name=f"ews-{self.name}", daemon=True)
            thread.start()
            thread.join(self._watchdog)
            if thread.is_alive():
                # The library may wait for a session that never comes back: begin anew.
                self._drop()
                raise Transient(f"mailbox {self.name}: Exchange did not answer ({doing})")
            if failure:
                raise self._translated(failure[0], doing) from None
            return result[0]

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            self._drop()

    def _open(self) -> "Account":
        if self._account is not None:
            return self._account
        from exchangelib import (
            BASIC,
            IMPERSONATION,
            NTLM,
            Account,
            Configuration,
            Credentials,
            FailFast,
            Version,
        )
        from exchangelib.protocol import BaseProtocol
        from exchangelib.version import EXCHANGE_2013_SP1

        _quiet()
        BaseProtocol.TIMEOUT = self._timeout
        BaseProtocol.HTTP_ADAPTER_CLS = _adapter()
        if self._ca_file is not None:
            _authorities[urlsplit(self._endpoint).netloc] = str(self._ca_file)
        config = Configuration(
            service_endpoint=self._endpoint,
            credentials=Credentials(self._user, self._password()),
            auth_type=BASIC if self._auth == "basic" else NTLM,
            version=Version(build=EXCHANGE_2013_SP1),
            retry_policy=FailFast(),
            max_connections=4,
        )
        self._account = Account(
            primary_smtp_address=self.address,
            config=config,
            autodiscover=False,
            access_type=IMPERSONATION,
        )
        return self._account

    def _drop(self) -> None:
        account, self._account = self._account, None
        if account is None:
            return
        from exchangelib.protocol import CachingProtocol, Protocol

        # Protocols are cached for ever by endpoint and password: a broken one must not come back.
        cached = CachingProtocol._protocol_cache
        for key, (protocol, _) in list(cached.items()):
            if isinstance(protocol, Protocol) and protocol is account.protocol:
                cached.pop(key, None)

    def _translated(self, error: BaseException, doing: str) -> MailbotError:
        if isinstance(error, MailbotError):
            return error
        from exchangelib import errors as ews

        where = f"mailbox {self.name}"
        kind = type(error).__name__
        if isinstance(error, classes(ews, GONE)):
            return Gone(f"{where}: not there any more ({doing})")
        if isinstance(error, ews.ErrorInvalidSyncStateData):
            return StaleState(f"{where}: the server reads the folder anew ({doing})")
        if isinstance(error, ews.UnauthorizedError):
            self._drop()  # a renewed password is read at the next try
            return Permanent(
                f"{where}: Exchange refuses the user or password; correct mailbox.ews.user and the "
                "credential mailbox.ews.password"
            )
        if isinstance(error, classes(ews, _REFUSED)):
            return NotAllowed(
                f"{where}: Exchange refuses access ({kind}); give the user of mailbox.ews the role "
                "ApplicationImpersonation for this mailbox"
            )
        if isinstance(error, ews.ErrorServerBusy):
            wait = getattr(error, "back_off", None)
            return Transient(f"{where}: Exchange is busy ({doing})", retry_after=_seconds(wait))
        if isinstance(error, classes(ews, LATER)):
            return Transient(f"{where}: Exchange cannot just now ({kind}, {doing})")
        if isinstance(error, ews.MalformedResponseError):
            return self._malformed(str(error), doing)
        if isinstance(error, ews.TransportError) and not isinstance(
            error, ews.ResponseMessageError
        ):
            if "CERTIFICATE" in str(error).upper():
                return Permanent(
                    f"{where}: the certificate of the server is not trusted; name its authority in "
                    "mailbox.ews.ca_file"
                )
            return Transient(f"{where}: the line to Exchange broke ({doing})")
        if isinstance(error, OSError):
            return Transient(f"{where}: Exchange cannot be reached ({doing})")
        if isinstance(error, ews.EWSError):
            return Permanent(f"{where}: Exchange refuses ({kind}, {doing})")
        return Permanent(f"{where}: what Exchange answered cannot be read ({kind}, {doing})")

    def _malformed(self, text: str, doing: str) -> MailbotError:
        """Any HTTP status that the library does not know; its text quotes the whole answer."""
        where = f"mailbox {self.name}"
        status = text.partition("Code: ")[2][:3]
        if status == "403":
            return Permanent(
                f"{where}: EWS is disabled for this mailbox, or this app is not on the allow list "
                "(EwsAllowedAppIDs); allow it, or use another kind of mailbox"
            )
        if status == "404":
            return Permanent(f"{where}: there is no EWS at mailbox.ews.endpoint; correct the URL")
        if status.startswith("5") or status == "429" or not status.isdigit():
            return Transient(f"{where}: Exchange answered {status or 'nothing whole'} ({doing})")
        return Permanent(f"{where}: Exchange answered {status} ({doing})")


GONE = (
    "ErrorItemNotFound", "ErrorFolderNotFound", "ErrorInvalidId", "ErrorInvalidIdMalformed",
    "ErrorInvalidIdEmpty", "ErrorInvalidIdXml", "ErrorObjectTypeChanged", "ErrorMoveCopyFailed",
    "ErrorInvalidIdNotAnItemAttachmentId", "ErrorInvalidIdStoreObjectIdTooLong",
    "ErrorInvalidIdMonikerTooLong", "ErrorNonExistentMailboxGuid",
)  # fmt: skip
_REFUSED = (
    "ErrorAccessDenied", "ErrorImpersonateUserDenied", "ErrorImpersonationDenied",
    "ErrorImpersonationFailed", "ErrorNonExistentMailbox", "ErrorSendAsDenied",
    "ErrorCannotOpenFileAttachment", "ErrorNoRespondingCASInDestinationSite",
)  # fmt: skip
LATER = (
    "ErrorTimeoutExpired", "ErrorInternalServerTransientError", "ErrorInternalServerError",
    "ErrorMailboxStoreUnavailable", "ErrorMailboxMoveInProgress", "ErrorConnectionFailed",
    "ErrorConnectionFailedTransientError", "ErrorExceededConnectionCount",
    "ErrorTooManyObjectsOpened", "ErrorADUnavailable", "ErrorADOperation",
    "ErrorBatchProcessingStopped", "ErrorNotEnoughMemory", "ErrorInsufficientResources",
    "CASError", "ErrorIrresolvableConflict",
    "RedirectError", "RateLimitError",
)  # fmt: skip


def classes(module: Any, names: tuple[str, ...]) -> tuple[type[BaseException], ...]:
    """The library's errors of these names, as far as its version has them."""
    return tuple(getattr(module, name) for name in names if hasattr(module, name))


def _seconds(wait: object) -> float | None:
    return float(wait) if isinstance(wait, int | float) and wait > 0 else None


def _quiet() -> None:
    """At the level of errors the library logs requests and answers whole: mails of people."""
    for name in ("exchangelib", "oauthlib", "requests_oauthlib", "spnego", "requests_ntlm"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


_authorities: dict[str, str] = {}  # host:port of an endpoint -> its authority's file


def _adapter() -> type[Any]:
    """A transport that trusts an endpoint by its own authority, whatever the environment says."""
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            authority = _authorities.get(urlsplit(request.url).netloc)
            if authority is not None:
                options["verify"] = authority
            return super().send(request, *args, **options)

    return Adapter
