"""Systems that hold records: databases, Exchange mailboxes, manual tasks."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

from mailbot import identifiers
from mailbot.datamap import Database, DataMap
from mailbot.ports import Mailbox, Source
from mailbot.record import Certainty
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
    reach: Callable[[str, str], Mailbox | None] = lambda account, address: None,
    language: str = "nb",
) -> AllSources:
    """Every system of the data map; nothing connects yet. Raises ConfigError for a bad URL.

    `password` takes a database's name and "read" or "write"; `token` gives an access token for a
    database that is signed in to by Entra, and for the app that a URL names as its user ("": the
    one of `entra`). `reach` opens a mailbox beside those configured, by the sign-in of one of them
    (name, address); None where that cannot be. `language`: staff's, for tasks.
    """

    def secret(credential: str) -> str | None:
        name, _, purpose = credential.rpartition(".")
        return password(name, purpose)

    sources: list[Source] = [
        open_sql(database, datamap, secret, resolve, today, token) for database in datamap.database
    ]
    sources += [
        ExchangeSource(
            part,
            mailboxes[part.account],
            datamap.own,
            datamap.key,
            partial(_reached, mailboxes, partial(reach, part.account)),
            today,
        )
        for part in datamap.exchange
    ]
    sources += [ManualSource(system, language) for system in datamap.manual]
    return AllSources(sources, datamap, today)


def _reached(
    mailboxes: Mapping[str, Mailbox], reach: Callable[[str], Mailbox | None], address: str
) -> Mailbox | None:
    """A mailbox by its address: one that is configured, else one that a sign-in of these opens."""
    for mailbox in mailboxes.values():
        if identifiers.same_email(mailbox.address, address) is Certainty.CERTAIN:
            return mailbox
    return reach(address)
