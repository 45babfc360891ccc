"""The database engines under contract, each with addresses of fresh empty databases."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import mariadb, mssql, postgres

# SQL Server takes part where the address of one is given (tests/servers/mssql.py).
ENGINES = ("sqlite", "postgresql", "mariadb", *(("mssql",) if mssql.given() else ()))
NewUrl = Callable[[], str]


@contextmanager
def engine(name: str, folder: Path) -> Iterator[NewUrl]:
    """A maker of addresses; a server runs as long as it is in use. SQLite files go to `folder`."""
    if name == "postgresql":
        with postgres.postgres() as url:
            yield lambda: postgres.fresh_database(url)
    elif name == "mariadb":
        with mariadb.mariadb() as url:
            yield lambda: mariadb.fresh_database(url)
    elif name == "mssql":
        yield lambda: mssql.fresh_database(mssql.given())
    else:
        yield sqlite(folder)


def sqlite(folder: Path) -> NewUrl:
    """Addresses of new empty files."""
    numbers = itertools.count(1)

    def new() -> str:
        path = folder / f"{next(numbers)}.db"
        path.touch()
        return f"sqlite:///{path}"

    return new
