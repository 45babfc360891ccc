"""The suppression list and the memory of erased records, on SQLite and on a real PostgreSQL."""

from datetime import timedelta

from mailbot.memory import Memory
from mailbot.store import SqlStore
from tests.contract.test_store_contract import START, Place, place, server, store

__all__ = ["place", "server", "store"]  # fixtures

ROW = {"id": 17, "email": "ola@nordmann.no", "seen": "2026-01-01"}


def memory(**more: object) -> Memory:
    values: dict[str, object] = {
        "system": "crm", "table": "people", "key": {"id": 17}, "do": "delete", "row": ROW,
        "volatile": ("seen",), "marks": (("email", "ola@nordmann.no"),),
        "expires": START + timedelta(days=30), **more,
    }  # fmt: skip
    return Memory(**values)  # type: ignore[arg-type]


def test_an_entry_is_found_and_its_first_date_stays(store: SqlStore):
    with store.begin() as tx:
        tx.suppress("email", "ola@nordmann.no")
    first = store.suppressed("email", ["ola@nordmann.no", "per@x.no"])
    with store.begin() as tx:
        tx.suppress("email", "ola@nordmann.no")
    assert store.suppressed("email", ["ola@nordmann.no", "per@x.no"]) == first
    assert set(first) == {"ola@nordmann.no"}
    assert store.suppressed("phone", ["ola@nordmann.no"]) == {}


def test_a_released_entry_is_gone_and_a_failed_transaction_enters_nothing(store: SqlStore):
    with store.begin() as tx:
        tx.suppress("phone", "+4791234567")
    with store.begin() as tx:
        assert tx.release("phone", "+4791234567")
        assert not tx.release("phone", "+4791234567")
    assert store.suppressed("phone", ["+4791234567"]) == {}
    try:
        with store.begin() as tx:
            tx.suppress("email", "a@b.no")
            raise RuntimeError
    except RuntimeError:
        pass
    assert store.suppressed("email", ["a@b.no"]) == {}


def test_thousands_of_addresses_are_looked_up_at_once(store: SqlStore):
    with store.begin() as tx:
        tx.suppress("email", "n777@x.no")
    found = store.suppressed("email", (f"n{number}@x.no" for number in range(2500)))
    assert set(found) == {"n777@x.no"}


def test_a_record_is_known_by_key_content_and_the_persons_addresses(store: SqlStore):
    with store.begin() as tx:
        tx.remember(memory())
    known = store.recall("crm", START)
    assert known.tables == ("people",)
    note = known.by_key("people", {"id": 17})
    assert note is not None
    assert known.by_key("people", {"id": 18}) is None
    assert known.by_key("orders", {"id": 17}) is None
    assert known.is_content(note, {**ROW, "seen": "2026-11-01"})
    assert not known.is_content(note, {**ROW, "email": "per@x.no"})
    assert known.is_marked(note, [("email", "ola@nordmann.no")])
    assert not known.is_marked(note, [("email", "per@x.no"), ("phone", "ola@nordmann.no")])
    assert store.recall("shop", START).tables == ()


def test_a_later_note_replaces_and_time_and_forgetting_end_it(store: SqlStore):
    with store.begin() as tx:
        tx.remember(memory())
        tx.remember(memory(do="blank", after={"email": None}))
    note = store.recall("crm", START).by_key("people", {"id": 17})
    assert note is not None
    assert (note.do, dict(note.after)) == ("blank", {"email": None})
    assert store.recall("crm", START + timedelta(days=31)).tables == ()
    with store.begin() as tx:
        tx.forget("crm", "people", {"id": 17})
    assert store.recall("crm", START).tables == ()


def test_nothing_of_the_person_is_readable_in_the_store(place: Place):
    store = place.open()
    with store.begin() as tx:
        tx.suppress("email", "kvaefjord-marker@x.no")
        tx.remember(memory(row={"id": 17, "email": "kvaefjord-marker@x.no"}))
    store.close()
    seen: list[str] = []
    place.past_mailbot(
        lambda db: seen.extend(
            str(row)
            for table in ("suppression", "remembered")
            for row in db.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608
        )
    )
    assert seen
    assert not any("kvaefjord" in row or "nordmann" in row for row in seen)
