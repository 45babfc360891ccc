"""The data map: where personal data lies, and what is kept and why. Typed from datamap.toml."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A frozen part of the configuration that allows no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


Text = dict[str, str]  # language code -> wording


class Own(Part):
    """The organisation itself: never the data subject."""

    domains: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    shared_local_parts: tuple[str, ...] = ("post", "firmapost", "info", "kontakt", "support")
    default_region: str = "NO"


class KeyPattern(Part):
    """How a key of the organisation's own looks when it stands in text."""

    pattern: str
    ignore: str = ""


class Retention(Part):
    """A named rule: the law and the reason that letters tell."""

    law: str
    reason: Text


class Join(Part):
    """A reference from this table to another. `table` may be "database:table"."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]
    as_: Literal["owner", "same", "none"] = Field("owner", alias="as")
    where: dict[str, Any] = {}


class Keep(Part):
    """What stays, until when, by which rule. columns = ["*"] keeps the whole row."""

    columns: tuple[str, ...]
    until: str
    rule: str


class Disclosure(Part):
    """The row tells of a disclosure (art. 15(1)(c), 19): to whom, when."""

    recipient: dict[str, str]
    date: str = ""


class Table(Part):
    """One table, or the rows of one that `where` selects."""

    name: str
    is_: Literal["person", "about", "own", "company", "none"] = Field("about", alias="is")
    where: dict[str, Any] = {}
    identify: dict[str, tuple[str, ...]] = {}
    personal: dict[str, tuple[str, ...]] = {}
    read: dict[str, str] = {}
    source: dict[str, Any] = {}
    volatile: tuple[str, ...] = ()
    erase: Literal["delete", "blank", "replace"] = "delete"
    replace: dict[str, Any] = {}
    keep: Keep | None = None
    join: tuple[Join, ...] = ()
    set: dict[str, dict[str, Any]] = {}
    disclosure: Disclosure | None = None
    title: Text = {}


class Database(Part):
    """A database: how to read it, how to change it (absent: nothing can be changed here)."""

    name: str
    title: Text = {}
    read_url: str
    write_url: str = ""
    schema_: str = Field("", alias="schema")
    statement_timeout_s: Annotated[int, Field(ge=1, le=3600)] = 30
    backup_days: int = 0
    entra: dict[str, str | bool] = {}  # as mailbot.graph: tenant, client_id, certificate, …
    table: tuple[Table, ...] = ()


class PersonalMailbox(Part):
    """An employee's own mailbox: searched only with its legal basis and the day on which the
    employee was told (law.md § 5); without both, a task for its owner."""

    address: str
    basis: str = ""
    noticed: str = ""


class Exchange(Part):
    """Mailboxes searched through the sign-in of one [[mailbox]]."""

    name: str
    title: Text = {}
    account: str
    mailboxes: tuple[str, ...]
    personal: tuple[PersonalMailbox, ...] = ()
    search: tuple[Literal["mail", "contacts", "calendar"], ...] = ("mail",)
    erase: Literal["purge", "soft-delete"] = "purge"


class Manual(Part):
    """A system that a person must search: becomes a task in the plan."""

    name: str
    title: Text = {}
    task: Text
    rights: tuple[str, ...] = ("access", "erasure")


class DataMap(Part):
    """The whole data map."""

    own: Own = Own()
    key: dict[str, KeyPattern] = {}
    retention: dict[str, Retention] = {}
    database: tuple[Database, ...] = ()
    exchange: tuple[Exchange, ...] = ()
    manual: tuple[Manual, ...] = ()
