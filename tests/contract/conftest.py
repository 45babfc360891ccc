"""Database servers for the contract suites: each is started once, when it is first asked for."""

from collections.abc import Iterator

import pytest

from tests.servers import mariadb as mariadb_server
from tests.servers import mssql as mssql_server
from tests.servers import postgres as postgres_server
from tests.servers.databases import ENGINES, NewUrl, sqlite


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL."""
    with postgres_server.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """The address of a MariaDB."""
    with mariadb_server.mariadb() as url:
        yield url


@pytest.fixture(scope="module", params=ENGINES)
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewUrl:
    """Addresses of fresh databases, of each engine in turn."""
    if request.param == "sqlite":
        return sqlite(tmp_path_factory.mktemp("db"))
    if request.param == "mssql":
        return lambda: mssql_server.fresh_database(mssql_server.given())
    url: str = request.getfixturevalue(request.param)
    servers = {"postgresql": postgres_server, "mariadb": mariadb_server}
    return lambda: servers[request.param].fresh_database(url)
