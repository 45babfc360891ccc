"""Systems that hold records: databases, Exchange mailboxes, manual tasks."""

from collections.abc import Callable, Mapping
from datetime import date

from mailbot.datamap import Database, DataMap
from mailbot.ports import Mailbox, Source
from mailbot.sources.exchange import ExchangeSource
from mailbot.sources.manual import ManualSource
from mailbot.sources.sql import SqlSource, open_sql
from mailbot.sources.together import AllSources

__all__ = ["AllSources", "ExchangeSource", "ManualSource", "SqlSource", "open_sources", "open_sql"]


def open_sources(
    datamap: DataMap,
    mailboxes: Mapping[str, Mailbox],
    password: Callable[[str, str], str | None],
    resolve: Callable[[str], str],
    today: Callable[[], date],
    token: Callable[[Database, str], str] | None = None,
) -> AllSources:
    """Every system of the data map; nothing connects yet. Raises ConfigError for a bad URL.

    `password` takes a database's name and "read" or "write"; `token` gives an access token for a
    database that is signed in to by Entra, and for the app that a URL names as its user ("": the
    one of `entra`).
    """

    def secret(credential: str) -> str | None:
        name, _, purpose = credential.rpartition(".")
        return password(name, purpose)

    sources: list[Source] = [
        open_sql(database, datamap, secret, resolve, today, token) for database in datamap.database
    ]
    sources += [
        ExchangeSource(part, mailboxes[part.account], datamap.own, datamap.key)
        for part in datamap.exchange
    ]
    sources += [ManualSource(system) for system in datamap.manual]
    return AllSources(sources, datamap, today)
