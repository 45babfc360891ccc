"""Brings the tables to the newest version. Alembic is imported only when there is work to do."""

from sqlalchemy import Connection, inspect, text

from mailbot.errors import Permanent
from mailbot.store.schema import NEWEST, REVISIONS

# Two daemons may open a new PostgreSQL store at once: any fixed number that nobody else uses.
_OPENING_LOCK = 0x6D61_696C_626F_74


def lock_opening(connection: Connection) -> None:
    """One opens at a time, until the transaction ends. SQLite: BEGIN IMMEDIATE does it."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _OPENING_LOCK})


def migrate(connection: Connection, read_only: bool) -> None:
    """Migrate within the transaction given, if need be.

    Raises Permanent for a store of a newer mailbot, and for one that must be migrated first
    while it may only be read.
    """
    version = _version(connection)
    if version == NEWEST:
        return
    if version is not None and version not in REVISIONS:
        raise Permanent("This store was written by a newer mailbot: use that one, or a backup.")
    if read_only:
        raise Permanent("This store is not made yet or older: let `mailbot run` open it first.")
    # Takes a good part of a second, so only now.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "mailbot.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, NEWEST)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if version is None else str(version)
