"""The whole story in a mailbox on Exchange Server: request, question, approval, answer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot import demo_scene as scene
from mailbot.case import State
from tests.contract.ews_world import EwsWorld
from tests.servers import ews
from tests.servers.ews import PASSWORD, Ews
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, World, world

SUPPORT = "support@example.no"


@pytest.fixture
def exchange() -> Iterator[Ews]:
    if why := ews.missing():
        pytest.skip(why)
    yield from ews.running()


@pytest.fixture
def firm(exchange: Ews, tmp_path: Path) -> Iterator[World]:
    def edit(text: str) -> str:
        section = (
            f'[mailbox.ews]\nendpoint = "{exchange.endpoint}"\nuser = "FIRMA\\\\mailbot"\n'
            f'password = "credential:ews.password"\nca_file = "{exchange.ca_file}"\n\n'
        )
        secret = tmp_path / "secrets" / "ews.password"
        secret.touch(mode=0o600)
        secret.write_text(PASSWORD)
        text = text.replace('kind    = "maildir"', 'kind    = "ews"')
        return text.replace("\n[authenticity]", f"\n{section}[authenticity]", 1)

    with world(tmp_path, edit) as made:
        yield made


def test_an_erasure_from_request_to_answer(exchange: Ews, firm: World) -> None:
    support = EwsWorld(exchange, SUPPORT)
    now = datetime.now(UTC)
    ordinary = scene.mail("ola@x.test", "", "Hei", "Skriveren virker ikke.", now, "o@x.test")
    support.deliver(ordinary)
    support.deliver(scene.mail(INGRID, "Ingrid", "Sletting", ERASE, now, "r@x.no"))
    firm.once()
    assert firm.only_matter().state is State.ASKED
    assert support.marked() == 1
    (question,) = _mails(exchange, KARI)
    support.deliver(scene.reply(question, KARI, "Kari Leder", "Godkjent", datetime.now(UTC)))
    firm.once()
    assert firm.only_matter().state is State.ANSWERED
    (answer,) = _mails(exchange, INGRID)
    assert "slettet" in answer.get_body(("plain",)).get_content()
    assert firm.rows("ordrer", "kontakt_id = 1") == []
    assert len(support.mails("Sent")) == 2
    assert firm.parts.store.verify_ledger().ok
    assert [raw for raw in support.mails() if b"Skriveren" in raw] == [ordinary]
    assert exchange.checked["requests"] > 50
    print(f"\nchecked against Microsoft's schema: {exchange.checked}")


def _mails(exchange: Ews, address: str):  # noqa: ANN202
    return [item.parsed for item in exchange.store.box(address).items.values()]
