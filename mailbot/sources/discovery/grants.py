"""The database users that mailbot needs: one that reads and one that erases, no more."""

from collections.abc import Iterator, Sequence

from sqlalchemy.dialects import mssql, mysql, postgresql
from sqlalchemy.engine.interfaces import Dialect

from mailbot.sources.discovery.entries import Block

READ, ERASE = "mailbot_read", "mailbot_erase"


def grants(dialect: str, database: str, blocks: Sequence[Block]) -> Iterator[str]:
    """SQL for the administrator. Reading covers the whole map, erasing what is people's."""
    read = [block for block in blocks if block.kind.is_ != "none"]
    erase = [
        block for block in read if block.kind.is_ not in ("own",) and not block.table.shape.view
    ]
    match dialect:
        case "mssql":
            yield from _mssql(read, erase)
        case "postgresql":
            yield from _postgresql(database, read, erase)
        case "mysql" | "mariadb":
            yield from _mysql(database, read, erase)


def _quoted(dialect: Dialect, *names: str) -> str:
    preparer = dialect.identifier_preparer
    return ".".join(preparer.quote_identifier(name) for name in names if name)


def _mssql(read: Sequence[Block], erase: Sequence[Block]) -> Iterator[str]:
    """Users for applications of Microsoft Entra: contained in the database, without a password."""
    dialect: Dialect = mssql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy gives no types here
    yield "-- Run by an Entra administrator in this database; the users bear the names of the apps."
    for user in (READ, ERASE):
        yield f"CREATE USER {_quoted(dialect, user)} FROM EXTERNAL PROVIDER;"
    for block in read:
        yield f"GRANT SELECT ON {_table(dialect, block, 'dbo')} TO {_quoted(dialect, READ)};"
    for block in erase:
        yield (
            f"GRANT SELECT, UPDATE, DELETE ON {_table(dialect, block, 'dbo')}"
            f" TO {_quoted(dialect, ERASE)};"
        )


def _postgresql(database: str, read: Sequence[Block], erase: Sequence[Block]) -> Iterator[str]:
    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # likewise
    yield "-- Run by the owner of the tables; give each a password of its own with \\password."
    for user in (READ, ERASE):
        yield f"CREATE ROLE {_quoted(dialect, user)} LOGIN;"
    if database:
        yield f"GRANT CONNECT ON DATABASE {_quoted(dialect, database)} TO {READ}, {ERASE};"
    schemas = dict.fromkeys(block.table.shape.name[0] or "public" for block in read)
    for schema in schemas:
        yield f"GRANT USAGE ON SCHEMA {_quoted(dialect, schema)} TO {READ}, {ERASE};"
    for block in read:
        yield f"GRANT SELECT ON {_table(dialect, block, 'public')} TO {READ};"
    for block in erase:
        yield f"GRANT SELECT, UPDATE, DELETE ON {_table(dialect, block, 'public')} TO {ERASE};"


def _mysql(database: str, read: Sequence[Block], erase: Sequence[Block]) -> Iterator[str]:
    dialect = mysql.dialect()
    yield "-- Put the address of mailbot's host for %, and a password of its own for each."
    for user in (READ, ERASE):
        yield f"CREATE USER '{user}'@'%' IDENTIFIED BY '…';"
    for block in read:
        yield f"GRANT SELECT ON {_table(dialect, block, database)} TO '{READ}'@'%';"
    for block in erase:
        table = _table(dialect, block, database)
        yield f"GRANT SELECT, UPDATE, DELETE ON {table} TO '{ERASE}'@'%';"


def _table(dialect: Dialect, block: Block, schema: str) -> str:
    own, name = block.table.shape.name
    return _quoted(dialect, own or schema, name)
