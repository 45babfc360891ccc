"""A database of any shape on any engine, searched and acted on: one question each."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from mailbot.case import Key, Label, Subject
from mailbot.datamap import DataMap
from mailbot.plan import Action
from mailbot.record import Finding, fingerprint
from mailbot.sources.sql import SqlSource
from tests.estate.build import opened

CASE_KEY = b"a case's key"
OLA = Subject(keys=(Key(kind="email", value="ola@x.no", origin="header", verified=True),))


class Shop:
    """A database of any shape under a map of any shape."""

    def __init__(self, url: str, map_text: str, *statements: str) -> None:
        self.url = url
        self.engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        self.run(*statements)
        database = '[[database]]\nname = "shop"\nread_url = "x"\n'
        self.map = DataMap.model_validate(tomllib.loads(database + map_text))
        self.source = self.open()

    def open(self) -> SqlSource:
        """As after a restart."""
        source = opened(self.map, {"shop": self.url}).get("shop")
        assert isinstance(source, SqlSource)
        return source

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return sorted((tuple(row) for row in connection.exec_driver_sql(query)), key=repr)

    def find(self, subject: Subject = OLA) -> tuple[Finding, ...]:
        return self.source.find(subject).findings

    def plan(self, right: Label = Label.ERASURE, subject: Subject = OLA) -> list[Action]:
        return signed(self.source.actions(right, self.find(subject)))

    def apply(self, actions: Sequence[Action]) -> list[str]:
        return [receipt.outcome for receipt in self.source.apply(actions, CASE_KEY)]

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"


def signed(actions: Sequence[Action]) -> list[Action]:
    return [
        replace(a, number=n, fingerprint=fingerprint(CASE_KEY, a.before, a.volatile))
        for n, a in enumerate(actions, start=1)
    ]


def did(actions: Sequence[Action]) -> list[tuple[str, str]]:
    return sorted((action.table, action.do.value) for action in actions)


PEOPLE = """
[[database.table]]
name = "people"
is = "person"
identify = { email = ["email"], name = ["name"] }
"""
