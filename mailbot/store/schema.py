"""The tables. In the clear: ids, states, dates, named reasons, keyed indexes, hashes, cursors.

Columns that hold encrypted bytes are of type LargeBinary and say under whose key they lie. Times
are UTC text (see `ledger.utc_text`), which sorts as times do in every database.

A change here needs a migration in `migrations/versions` and its number in REVISIONS.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

REVISIONS = ("0001", "0002")  # oldest first; the last is what this version of mailbot works with
NEWEST = REVISIONS[-1]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite numbers rows by itself only in a column that is exactly INTEGER PRIMARY KEY.
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


def _serial() -> Column[int]:
    return Column("seq", _SERIAL, primary_key=True, autoincrement=True)


def _of_case(nullable: bool = False) -> Column[str]:
    return Column("case_id", Text, ForeignKey("cases.id"), nullable=nullable, index=True)


meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),  # key_check, key_generation, ledger_head
    Column("value", Text, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),  # "store", a case's id, or the id of an unsettled mail
    Column("wrapped", LargeBinary, nullable=False),  # master key
)

cursors = Table(
    "cursors",
    metadata,
    Column("mailbox", Text, primary_key=True),
    Column("folder", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

fences = Table(
    "fences",
    metadata,
    Column("name", Text, primary_key=True),  # "case:ID" or "mailbox:NAME"
    Column("fence", BigInteger, nullable=False),  # rises with each claim: see claims.py
)

cases = Table(
    "cases",
    metadata,
    _serial(),
    Column("id", Text, nullable=False, unique=True),
    Column("number", Text, nullable=False, unique=True),
    Column("mailbox", Text, nullable=False),
    Column("received", Text, nullable=False),
    Column("closed", Text),
    Column("version", BigInteger, nullable=False),
    Column("subject_index", Text),
    Column("details", LargeBinary),  # case key: the language
    Column("key_destroyed", Text),
    Index("ix_cases_subject", "mailbox", "subject_index"),
)

mails = Table(
    "mails",
    metadata,
    _serial(),
    Column("id", Text, nullable=False, unique=True),
    Column("mailbox", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("digest", Text, nullable=False),  # keyed
    Column("arrived", Text, nullable=False),
    Column("status", Text, nullable=False, index=True),
    Column("reason", Text, nullable=False),
    _of_case(nullable=True),
    UniqueConstraint("mailbox", "digest", name="uq_mails_digest"),
    CheckConstraint("status IN ('new', 'left', 'done', 'set-aside')", name="status"),
)

raws = Table(
    "raws",
    metadata,
    Column("mail_id", Text, ForeignKey("mails.id"), primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the key `key_id`
)

matters = Table(
    "matters",
    metadata,
    _serial(),
    Column("id", Text, nullable=False, unique=True),
    _of_case(),
    Column("right", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("received", Text, nullable=False),
    Column("last_day", Text, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("marketing", Boolean, nullable=False),
    Column("due", Text, index=True),
    Column("note", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("flags", Text, nullable=False),  # JSON list of names
)

documents = Table(
    "documents",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # case key
)

effects = Table(
    "effects",
    metadata,
    _serial(),
    Column("id", Text, nullable=False, unique=True),
    _of_case(),
    Column("matter_id", Text, nullable=False, index=True),  # "" for one of the case as a whole
    Column("kind", Text, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("status", Text, nullable=False, index=True),
    Column("payload", LargeBinary),  # case key
    Column("receipt", LargeBinary),  # case key
    Column("intended_at", Text, nullable=False),
    Column("begun_at", Text),
    CheckConstraint(
        "status IN ('intended', 'begun', 'done', 'failed', 'unknown', 'cancelled')", name="status"
    ),
)

tokens = Table(
    "tokens",
    metadata,
    Column("hash", Text, primary_key=True),
    _of_case(),
    Column("matter_id", Text, ForeignKey("matters.id"), nullable=False, index=True),
    Column("plan_version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("approver_index", Text, nullable=False),
    Column("approver", LargeBinary, nullable=False),  # case key
    CheckConstraint("state IN ('live', 'used', 'void')", name="state"),
)

messages = Table(
    "messages",
    metadata,
    _serial(),
    Column("message_index", Text, nullable=False, index=True),
    _of_case(),
    Column("matter_id", Text, nullable=False),  # "" for one of the case as a whole
    Column("plan_version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message_id", LargeBinary, nullable=False),  # case key
    UniqueConstraint(
        "message_index", "case_id", "matter_id", "plan_version", "kind", name="uq_messages_known"
    ),
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=False),
    Column("prev", Text, nullable=False),
    Column("utc", Text, nullable=False),
    Column("case_id", Text, nullable=False, index=True),  # "" if none; outlives the case
    Column("event", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("facts_sha256", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("facts", LargeBinary, nullable=False),  # case key, or the store's
)

suppression = Table(
    "suppression",
    metadata,
    Column("entry_index", Text, primary_key=True),  # keyed: of the address or the number
    Column("channel", Text, primary_key=True),  # email | phone
    Column("since", Text, nullable=False),
)

remembered = Table(
    "remembered",
    metadata,
    _serial(),
    Column("system", Text, nullable=False),
    Column("record_index", Text, nullable=False),  # keyed: of the table and the record's key
    Column("until", Text),  # of what was kept: the last day that its rule names
    Column("expires", Text, nullable=False),
    Column("details", LargeBinary, nullable=False),  # store's key; nothing of the record itself
    Index("ix_remembered_record", "system", "record_index"),
)
