"""A SQL Server that somebody else runs, where its address is given: none can be started here."""

import itertools
import os

import sqlalchemy as sa

VARIABLE = "MAILBOT_TEST_MSSQL"  # mssql+mssqlpython://sa:…@host/master?TrustServerCertificate=yes
_NUMBERS = itertools.count(1)


def given() -> str:
    """The address of a server on which databases may be made and dropped; "" for none."""
    return os.environ.get(VARIABLE, "")


def fresh_database(url: str) -> str:
    """A new empty database on that server; its address."""
    name = f"mailbot_test_{os.getpid()}_{next(_NUMBERS)}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)
