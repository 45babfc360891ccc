"""The SQL of each engine: compiled, with every key a parameter and never a part of the text."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, postgresql, sqlite

from mailbot.case import Key
from mailbot.datamap import Database, DataMap, Own
from mailbot.sources.mapping import lay
from mailbot.sources.matching import Rules
from mailbot.sources.scanning import email_patterns, phone_pattern, scan
from mailbot.sources.schema import reflect
from mailbot.sources.statements import (
    Unfit,
    by_key,
    by_values,
    coerce,
)

DIALECTS = [sqlite.dialect(), postgresql.dialect(), mysql.dialect(), mssql.dialect()]
EVIL = "a'b\"c;--@x.no"


@pytest.fixture
def entry():
    engine = sa.create_engine("sqlite://")
    spec = {
        "name": "db", "read_url": "sqlite://",
        "table": [{
            "name": "order", "where": {"kind": ["x", "y"]}, "read": {"note": "text"},
            "identify": {"email": ["mail"], "phone": ["tel"], "name": ["first last"],
                         "user_id": ["user"]},
        }],
    }  # fmt: skip
    with engine.connect() as connection:
        connection.exec_driver_sql(
            'CREATE TABLE "order" (id INTEGER PRIMARY KEY, kind VARCHAR(9), mail TEXT, tel TEXT,'
            ' first TEXT, last TEXT, "user" INTEGER, note TEXT, day DATE, ok BOOLEAN)'
        )
        return lay(Database.model_validate(spec), reflect(connection, None, [])).entries[0]


def keys(*pairs: tuple[str, str]) -> list[Key]:
    return [Key(kind=kind, value=value, origin="text") for kind, value in pairs]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_engine_gets_statements_without_keys_in_their_text(entry, dialect):
    rules = Rules(DataMap(own=Own()))
    given = keys(
        ("email", "ola.nordmann@x.no"), ("email", EVIL), ("phone", "+47 900 12 345"),
        ("name", "Ola Nordmann"), ("user_id", "17"),
    )  # fmt: skip
    wanted = rules.wanted(given)
    statements = [scan(entry, wanted, rules, dialect.name)]
    statements += by_values(entry.shape, ("id",), [("17",), ("x",)], {"kind": "x"}, dialect.name)
    statements += by_values(entry.shape, ("id", "kind"), [("17", EVIL)], {}, dialect.name)
    statements.append(by_key(entry.shape, {"id": 17}, dialect.name).with_for_update())
    for statement in statements:
        text = str(statement.compile(dialect=dialect))
        assert "nordmann" not in text.lower()
        assert "'b" not in text
        assert "order" in text.lower()


def test_patterns_hold_letters_digits_and_wildcards_only():
    for address in ("o'la_n%o@x.no", "ola+tag@x.no", "bjørg.å@blåbær.no", "p.s@gmail.com"):
        (pattern,) = email_patterns(address)
        assert all(sign.isascii() and (sign.isalnum() or sign == "%") for sign in pattern)
    assert email_patterns("ola+tag@x.no") == email_patterns("ola@x.no")
    assert phone_pattern("+4790012345") == "%9%0%0%1%2%3%4%5%"


def test_a_table_without_a_column_for_any_key_is_not_read(entry):
    rules = Rules(DataMap())
    assert scan(entry, rules.wanted(keys(("customer_no", "K1"))), rules, "sqlite") is None


def test_values_are_fitted_to_columns_or_refused(entry):
    columns = entry.shape.columns
    assert coerce("17", columns["id"]) == 17
    assert coerce(17, columns["mail"]) == "17"
    assert coerce(1, columns["ok"]) is True
    for value, name in (("x", "id"), ("i går", "day"), ("kanskje", "ok")):
        with pytest.raises(Unfit) as refused:
            coerce(value, columns[name])
        assert value not in str(refused.value)


def test_many_values_go_in_statements_of_bounded_size(entry):
    values = [(str(number),) for number in range(2500)]
    statements = list(by_values(entry.shape, ("id",), values, {}, "postgresql"))
    assert len(statements) == 5
