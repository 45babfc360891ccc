"""mailbot.toml as typed, frozen values: one class per section, one field per key."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, model_validator

from mailbot.config_types import (
    Address,
    AddressOrNone,
    Credential,
    Domain,
    Host,
    Line,
    Name,
    Port,
    Probability,
    Right,
    RightOrAll,
    TimeOfDay,
    Web,
    Yes,
    Zone,
)
from mailbot.datamap import DataMap, Part
from mailbot.organisation import Organisation

Language = Literal["nb", "nn", "en", "sv", "da", "de"]

# Received lines of Exchange Online; counted only where no server of our own is named instead.
EXCHANGE_ONLINE = "*.protection.outlook.com"


class Store(Part):
    """mailbot's own store. `url` "": SQLite in the state folder. `key` wraps each case's key."""

    url: str = ""
    key: Credential = "credential:store.key"
    keep_case_years: Annotated[int, Strict(), Field(ge=1, le=30)] = 3


SIGN_IN_WAYS = ("certificate", "secret", "assertion", "managed_identity")


class OAuth(Part):
    """Sign-in with an app of the organisation's Microsoft Entra tenant (client credentials).

    `environment`: proxies and authorities that the process's environment names count.
    """

    tenant: Line = ""
    client_id: Line = ""
    certificate: Credential = ""
    secret: Credential = ""
    assertion: Credential = ""
    managed_identity: Yes = False
    authority: Web = "https://login.microsoftonline.com"
    ca_file: str = ""
    environment: Yes = False


class Graph(OAuth):
    """Microsoft Graph: reads and sends."""

    base_url: Web = "https://graph.microsoft.com/v1.0"


class Imap(Part):
    """Reading by IMAP. `ca_file`: certificates to trust beside those of the machine."""

    host: Host
    port: Port = 993
    security: Literal["tls", "starttls"] = "tls"
    user: Line = ""  # filled in with the address of the mailbox
    password: Credential = ""
    oauth: OAuth | None = None
    ca_file: str = ""


class Smtp(Part):
    """Sending by SMTP submission."""

    host: Host
    port: Port = 587
    security: Literal["tls", "starttls"] = "starttls"
    user: Line = ""  # filled in with the address of the mailbox
    password: Credential = ""
    oauth: OAuth | None = None
    ca_file: str = ""


class Ews(Part):
    """Exchange Server on the organisation's own machines: reads and sends."""

    endpoint: Web
    user: Line = ""
    password: Credential = ""
    auth: Literal["basic", "ntlm"] = "basic"
    ca_file: str = ""


class Maildir(Part):
    """Folders of files; relative paths start in the state folder. `outbox`: "" = PATH-outbox."""

    path: Annotated[str, Field(min_length=1)]
    outbox: str = ""

    @model_validator(mode="before")
    @classmethod
    def _default_outbox(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("path"), str) and not data.get("outbox"):
            return {**data, "outbox": data["path"].rstrip("/") + "-outbox"}
        return data


class Mailbox(Part):
    """One watched mailbox and its way of sending."""

    name: Name
    address: Address
    kind: Literal["maildir", "imap", "graph", "ews"]
    watch: Annotated[tuple[Line, ...], Field(min_length=1)] = ("inbox", "junkemail")
    poll_seconds: Annotated[float, Strict(), Field(ge=0.1, le=86400)] = 60
    mark: Line = "Personvern"
    file_into: Line = ""
    drafts_view: Yes = False
    graph: Graph | None = None
    imap: Imap | None = None
    smtp: Smtp | None = None
    ews: Ews | None = None
    maildir: Maildir | None = None

    @model_validator(mode="before")
    @classmethod
    def _default_user(cls, data: Any) -> Any:
        """Nearly everywhere the user is the address: write it once."""
        if not isinstance(data, dict) or not isinstance(data.get("address"), str):
            return data
        filled = {
            section: {**part, "user": data["address"].strip()}
            for section in ("imap", "smtp", "ews")
            if isinstance(part := data.get(section), dict) and not part.get("user")
        }
        return {**data, **filled}


class Authenticity(Part):
    """By what a mail's sender is believed (Authentication-Results of our own server only)."""

    authserv_id: Line = ""
    trusted_hosts: tuple[Line, ...] = ()
    trust_internal: Yes = False
    internal_domains: tuple[Domain, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _exchange_online_without_a_server_of_our_own(cls, data: Any) -> Any:
        # With an authserv-id of our own, Microsoft's hosts are somebody else's: any tenant may
        # send through them, so that believing their lines would be believing strangers.
        if isinstance(data, dict) and not data.get("authserv_id") and "trusted_hosts" not in data:
            return {**data, "trusted_hosts": [EXCHANGE_ONLINE]}
        return data


class Approval(Part):
    """How staff are asked. `mailbox` "": the first. `shadow_to`: who is asked in shadow mode."""

    mailbox: str = ""
    language: Language = "nb"
    required: dict[Right, Annotated[int, Strict(), Field(ge=1, le=9)]] = {}
    remind_days_left: tuple[Annotated[int, Strict(), Field(ge=0, le=90)], ...] = (20, 10, 5, 2, 1)
    summary: TimeOfDay = "07:30"
    shadow_to: AddressOrNone = ""


class Approver(Part):
    """A member of staff who may decide. `rights` ["*"]: all of them."""

    address: Address
    name: Line = ""
    rights: Annotated[tuple[RightOrAll, ...], Field(min_length=1)] = ("*",)
    deputy: AddressOrNone = ""
    away: tuple[str, ...] = ()
    controller: Yes = False

    def may(self, right: str) -> bool:
        """Whether this approver decides on a right."""
        return "*" in self.rights or right in self.rights


class SendWithoutApproval(Part):
    """The only mails to a data subject that nobody approves; each is entered in the ledger."""

    identity_code: Yes = True
    receipt: Yes = False


class Identity(Part):
    """For which rights even a verified sender is asked for a code."""

    code_for: tuple[Right, ...] = ()


class Deadline(Part):
    """The clock. `target_days`: the internal goal; the law's month is a ceiling (art. 12(3))."""

    timezone: Zone = "Europe/Oslo"
    target_days: Annotated[int, Strict(), Field(ge=1, le=30)] = 10


class Classify(Part):
    """From which probability of privacy mail a case is opened, or staff are asked."""

    open_above: Probability = 0.85
    ask_above: Probability = 0.15
    learn: Yes = True
    learn_keep_months: Annotated[int, Strict(), Field(ge=1, le=120)] = 12


class Delivery(Part):
    """How an access package reaches the person, and how long a bounce is waited for."""

    access: Literal["encrypted-pdf", "encrypted-zip", "plain", "by-hand"] = "encrypted-pdf"
    bounce_hours: Annotated[int, Strict(), Field(ge=0, le=240)] = 24


class Log(Part):
    """Logs go to standard error."""

    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Keys(Part):
    """All keys but the names of the two other files."""

    mode: Literal["live", "shadow"] = "live"
    state: str = ""
    secrets: str = "secrets"
    templates: str = ""
    store: Store = Store()
    mailbox: tuple[Mailbox, ...] = ()  # at least one: checked with all that refers to them
    authenticity: Authenticity = Authenticity(trusted_hosts=(EXCHANGE_ONLINE,))
    approval: Approval = Approval()
    approver: tuple[Approver, ...] = ()
    send_without_approval: SendWithoutApproval = SendWithoutApproval()
    identity: Identity = Identity()
    deadline: Deadline = Deadline()
    classify: Classify = Classify()
    delivery: Delivery = Delivery()
    log: Log = Log()


class MailbotFile(Keys):
    """mailbot.toml as it stands in the file."""

    organisation: Annotated[str, Field(min_length=1)] = "organisation.toml"
    datamap: Annotated[str, Field(min_length=1)] = "datamap.toml"


class Settings(Keys):
    """The whole configuration, checked. `folder` holds mailbot.toml; paths in it start there."""

    organisation: Organisation
    datamap: DataMap
    folder: Path
    warnings: tuple[str, ...] = ()

    @property
    def secrets_folder(self) -> Path:
        """Where credentials lie that systemd did not hand over."""
        return self.folder / self.secrets

    @property
    def templates_folder(self) -> Path | None:
        """The folder that overrides the packaged templates, if any."""
        return self.folder / self.templates if self.templates else None
