from collections.abc import Iterator

import pytest

from tests.live.firm import MailServers, mail_servers, postgres
from tests.servers import mail


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def servers() -> Iterator[MailServers]:
    if why := mail.missing():
        pytest.skip(why)
    with mail_servers() as running:
        yield running
