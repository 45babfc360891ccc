"""The keys that lie wrapped in the store: made, opened and destroyed here alone."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from sqlalchemy import Connection, delete, insert, select, update

from mailbot.errors import Permanent, Tampered
from mailbot.ledger import GENESIS
from mailbot.store import schema
from mailbot.store.encryption import STORE, Indexes, MasterKey, new_key, wrong_master_key

_keys = schema.keys
_meta = schema.meta
_AT_ONCE = 500  # ids in one statement


def of_case(case_id: str) -> str:
    """The id of a case's key."""
    return f"case:{case_id}"


def of_mail(mail_id: str) -> str:
    """The id of the key of a mail that is not settled yet."""
    return f"mail:{mail_id}"


class KeyRing:
    """The keys of one store, and the blind indexes that come from its own key."""

    def __init__(self, master: MasterKey, store_key: bytes) -> None:
        self._master = master
        self.store_key = store_key
        self.indexes = Indexes(store_key)

    def create(self, connection: Connection, key_id: str) -> bytes:
        """A fresh random key under an id."""
        key = new_key()
        wrapped = self._master.wrap(key_id, key)
        connection.execute(insert(_keys).values(id=key_id, wrapped=wrapped))
        return key

    def create_many(self, connection: Connection, key_ids: Sequence[str]) -> Mapping[str, bytes]:
        """A fresh random key under each id."""
        made = {key_id: new_key() for key_id in key_ids}
        rows = [{"id": name, "wrapped": self._master.wrap(name, key)} for name, key in made.items()]
        connection.execute(insert(_keys), rows)
        return made

    def get(self, connection: Connection, key_id: str) -> bytes | None:
        """The key of an id; None if it was destroyed or never was. Raises Tampered."""
        wrapped = connection.scalar(select(_keys.c.wrapped).where(_keys.c.id == key_id))
        return None if wrapped is None else self._master.unwrap(key_id, wrapped)

    def get_many(self, connection: Connection, key_ids: Iterable[str]) -> Mapping[str, bytes]:
        """The keys of those ids that have one."""
        found: dict[str, bytes] = {}
        wanted = iter(sorted(set(key_ids)))
        while some := list(islice(wanted, _AT_ONCE)):
            query = select(_keys.c.id, _keys.c.wrapped).where(_keys.c.id.in_(some))
            for row in connection.execute(query):
                found[row.id] = self._master.unwrap(row.id, row.wrapped)
        return found

    def destroy(self, connection: Connection, key_id: str) -> None:
        """Make everything under this key unreadable for ever. Twice is harmless."""
        connection.execute(delete(_keys).where(_keys.c.id == key_id))

    def destroy_many(self, connection: Connection, key_ids: Sequence[str]) -> None:
        """The same for many."""
        for start in range(0, len(key_ids), _AT_ONCE):
            some = key_ids[start : start + _AT_ONCE]
            connection.execute(delete(_keys).where(_keys.c.id.in_(some)))

    def rewrap(self, connection: Connection, master_key: bytes) -> "KeyRing":
        """Wrap every key under a new master key; the ring to use once that is committed."""
        master = MasterKey(master_key, self._master.generation % 255 + 1)
        for row in connection.execute(select(_keys.c.id, _keys.c.wrapped)).all():
            wrapped = master.wrap(row.id, self._master.unwrap(row.id, row.wrapped))
            connection.execute(update(_keys).where(_keys.c.id == row.id).values(wrapped=wrapped))
        for name, value in _described(master).items():
            connection.execute(update(_meta).where(_meta.c.name == name).values(value=value))
        return KeyRing(master, self.store_key)


def open_ring(connection: Connection, master_key: bytes) -> KeyRing | None:
    """The ring of a store; None if the store is new.

    Raises ConfigError if the master key is not this store's, Tampered if its key is damaged.
    """
    known = {row.name: row.value for row in connection.execute(select(_meta))}
    if not known:
        return None
    try:
        master = MasterKey(master_key, int(known["key_generation"]))
        matches = master.matches(known["key_check"])
        wrapped = connection.scalar(select(_keys.c.wrapped).where(_keys.c.id == STORE))
    except (KeyError, ValueError):
        raise Tampered("The store's note of its master key is damaged.") from None
    if not matches:
        raise wrong_master_key()
    if wrapped is None:
        raise Tampered("The store's own key is missing.")
    return KeyRing(master, master.unwrap(STORE, wrapped))


def new_ring(connection: Connection, master_key: bytes) -> KeyRing:
    """Give a new store its key and an empty ledger."""
    if connection.scalar(select(_keys.c.id).limit(1)) is not None:
        raise Tampered("The store holds keys but no note of its master key.")
    master = MasterKey(master_key)
    store_key = new_key()
    ring = KeyRing(master, store_key)
    connection.execute(insert(_keys).values(id=STORE, wrapped=master.wrap(STORE, store_key)))
    for name, value in _described(master).items():
        connection.execute(insert(_meta).values(name=name, value=value))
    connection.execute(insert(_meta).values(name=_HEAD, value=_head_text(ring, 0, GENESIS)))
    return ring


_HEAD = "ledger_head"


def read_head(connection: Connection, ring: KeyRing, lock: bool = False) -> tuple[int, str]:
    """Number and hash of the last ledger entry. `lock`: until the transaction ends (PostgreSQL).

    The note is vouched for by a key outside the database: whoever can write to the database, but
    has not the master key, can neither cut the ledger's tail off nor write it anew. Raises
    Tampered if somebody tried.
    """
    query = select(_meta.c.value).where(_meta.c.name == _HEAD)
    noted = connection.scalar(query.with_for_update() if lock else query)
    seq, _, rest = (noted or "").partition(" ")
    head, _, _ = rest.partition(" ")
    if not seq.isdecimal() or noted != _head_text(ring, int(seq), head):
        raise Tampered("The store's note of the end of its ledger was tampered with.")
    return int(seq), head


def write_head(connection: Connection, ring: KeyRing, seq: int, head: str) -> None:
    """Note the new end of the ledger."""
    value = _head_text(ring, seq, head)
    done = connection.execute(update(_meta).where(_meta.c.name == _HEAD).values(value=value))
    if done.rowcount != 1:
        raise Permanent("The store lacks the note of the end of its ledger.")


def _head_text(ring: KeyRing, seq: int, head: str) -> str:
    return f"{seq} {head} {ring.indexes.head(seq, head)}"


def _described(master: MasterKey) -> dict[str, str]:
    return {"key_check": master.check, "key_generation": str(master.generation)}
