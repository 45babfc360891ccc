"""Everything that is read. A read within a transaction of the same thread sees its writes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    bindparam,
    cast,
    select,
)

from mailbot.case import Case, Matter
from mailbot.errors import Permanent, Tampered
from mailbot.ledger import Verification, utc_text, verify
from mailbot.ports import Effect, KnownMessage, LedgerEntry, Token
from mailbot.store import schema
from mailbot.store.encryption import derive, unseal
from mailbot.store.keyring import KeyRing, of_case, read_head
from mailbot.store.reading_mail import MailReading
from mailbot.store.rows import (
    AnyRow,
    case_of,
    decoded,
    entry_of,
    matter_of,
    maybe_moment,
    moment,
    note_name,
    same,
)
from mailbot.store.transaction import UNDER_CASE

_cases = schema.cases
_mails = schema.mails
_matters = schema.matters
_effects = schema.effects
_ledger = schema.ledger
_messages = schema.messages

# Asked of every mail, hence made once.
_OPEN_CASES = select(_cases.c.id, _cases.c.subject_index).where(
    _cases.c.mailbox == bindparam("mailbox"),
    _cases.c.subject_index.in_(bindparam("indexes", expanding=True)),
    _cases.c.closed.is_(None),
)
_KNOWN_MESSAGES = (
    select(_messages)
    .where(_messages.c.message_index.in_(bindparam("indexes", expanding=True)))
    .order_by(_messages.c.seq)
)
_PAGE = 500  # rows at a time, so that no snapshot is held while the caller works
_NO_ANCHORS: Mapping[int, str] = {}


class Reading(MailReading):
    """The reading half of `ports.Store`; the other half says how to get a connection."""

    ring: KeyRing
    reading: Callable[[], AbstractContextManager[Connection]]

    # Mail

    def cursor(self, mailbox: str, folder: str) -> str | None:
        """Where reading stopped."""
        cursors = schema.cursors.c
        with self.reading() as connection:
            return connection.scalar(
                select(cursors.cursor).where(cursors.mailbox == mailbox, cursors.folder == folder)
            )

    # Cases and matters

    def case(self, case_id: str) -> Case | None:
        """By internal id."""
        return self._case(select(_cases).where(same(_cases.c.id, case_id)))

    def case_by_number(self, number: str) -> Case | None:
        """By the number that people see."""
        return self._case(select(_cases).where(same(_cases.c.number, number)))

    def cases(self) -> Sequence[Case]:
        """All cases, newest first."""
        return self._cases(select(_cases).order_by(_cases.c.seq.desc()))

    def open_case_of(self, mailbox: str, email: str) -> Case | None:
        """The open case of a data subject, found by a keyed hash of the address."""
        return self.open_cases_of(mailbox, (email,)).get(email)

    def open_cases_of(self, mailbox: str, emails: Sequence[str]) -> Mapping[str, Case]:
        """The same for several names; those that have an open case (the newest of each)."""
        asked = {self.ring.indexes.subject(mailbox, email): email for email in emails}
        with self.reading() as connection:
            named = {"mailbox": mailbox, "indexes": list(asked)}
            rows = connection.execute(_OPEN_CASES, named).all()
        if not rows:
            return {}
        found = {row.id: asked[row.subject_index] for row in rows}
        cases = self._cases(select(_cases).where(_cases.c.id.in_(found)).order_by(_cases.c.seq))
        return {found[case.id]: case for case in cases}

    def _case(self, query: Select[Any]) -> Case | None:
        return next(iter(self._cases(query)), None)

    def _cases(self, query: Select[Any]) -> Sequence[Case]:
        with self.reading() as connection:
            rows = connection.execute(query).all()
            keys = self.ring.get_many(connection, (of_case(row.id) for row in rows))
        return [case_of(row, self._details(row, keys.get(of_case(row.id)))) for row in rows]

    def _details(self, row: AnyRow, key: bytes | None) -> Mapping[str, str]:
        if key is None or row.details is None:
            return {}
        details: dict[str, str] = decoded(unseal(key, row.details, "case", row.id, "details"))
        return details

    def matters(self, case_id: str) -> Sequence[Matter]:
        """In the order in which they were opened."""
        return self._matters(_matters.c.case_id == case_id)

    def matter(self, matter_id: str) -> Matter | None:
        """One matter."""
        return next(iter(self._matters(same(_matters.c.id, matter_id))), None)

    def due_matters(self, now: datetime) -> Sequence[Matter]:
        """Those whose `due` has come, earliest first."""
        found = self._matters(_matters.c.due <= utc_text(now))
        return sorted(found, key=lambda matter: matter.due or now)

    def next_due(self) -> datetime | None:
        """When the clock will make the next matter due."""
        with self.reading() as connection:
            earliest = select(_matters.c.due).where(_matters.c.due.is_not(None))
            return maybe_moment(connection.scalar(earliest.order_by(_matters.c.due).limit(1)))

    def _matters(self, wanted: ColumnElement[bool]) -> Sequence[Matter]:
        query = select(_matters).where(wanted).order_by(_matters.c.seq)
        with self.reading() as connection:
            return [matter_of(row) for row in connection.execute(query)]

    # Documents and keys

    def get(self, case_id: str, name: str) -> object | None:
        """A document of a case, as JSON values; None if there is none of that name.

        Raises Permanent if the case's key was destroyed: that is not the same as no document.
        """
        documents = schema.documents.c
        with self.reading() as connection:
            key = self._case_key(connection, case_id)
            sealed = connection.scalar(
                select(documents.sealed).where(documents.case_id == case_id, documents.name == name)
            )
        if sealed is None:
            return None
        document: object = decoded(unseal(key, sealed, "document", case_id, name))
        return document

    def documents(self, case_id: str) -> Sequence[str]:
        """The names of a case's documents."""
        documents = schema.documents.c
        query = select(documents.name).where(documents.case_id == case_id)
        with self.reading() as connection:
            return sorted(connection.scalars(query))

    def found(self, prefix: str) -> Iterator[tuple[str, str, object]]:
        """Documents of all cases whose name begins so: case, name, JSON values."""
        documents = schema.documents.c
        begins = documents.name.startswith(prefix, autoescape=True)
        # Names alone first: the index holds them, while documents are large.
        query = select(documents.case_id, documents.name).where(begins)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(documents.case_id, documents.name)).all()
            keys = self.ring.get_many(connection, (of_case(row.case_id) for row in rows))
        for case_id, name in rows:
            if of_case(case_id) in keys and name.startswith(prefix):  # SQLite's LIKE knows no case
                document = self.get(case_id, name)
                if document is not None:
                    yield case_id, name, document

    def noted(self, name: str) -> str | None:
        """A short text that `Tx.note` kept."""
        with self.reading() as connection:
            meta = schema.meta.c
            return connection.scalar(select(meta.value).where(meta.name == note_name(name)))

    def blind(self, text: str) -> str:
        """A keyed hash: equal texts are equal (but for case), and nobody can try texts."""
        return self.ring.indexes.text(text)

    def case_key(self, case_id: str) -> bytes:
        """A key for fingerprints and effect ids, derived from the case's own.

        Raises Permanent if the case's key was destroyed or there is no such case.
        """
        with self.reading() as connection:
            return derive(self._case_key(connection, case_id), "fingerprint")

    def _case_key(self, connection: Connection, case_id: str) -> bytes:
        key = self.ring.get(connection, of_case(case_id))
        if key is not None:
            return key
        known = connection.execute(
            select(_cases.c.key_destroyed).where(_cases.c.id == case_id)
        ).one_or_none()
        if known is None:
            raise Permanent(f"There is no case {case_id!r}.")
        if known.key_destroyed is None:
            raise Tampered(f"The key of case {case_id!r} is missing.")
        raise Permanent(f"The key of case {case_id!r} was destroyed.")

    # Effects, tokens, messages

    def effects(self, matter_id: str, plan_version: int | None = None) -> Sequence[Effect]:
        """The effects of a matter in the order intended.

        Once the case's key is destroyed, payloads are empty and receipts None.
        """
        wanted = [_effects.c.matter_id == matter_id]
        if plan_version is not None:
            wanted.append(_effects.c.plan_version == plan_version)
        return self._effects(*wanted)

    def effect(self, effect_id: str) -> Effect | None:
        """One effect by its id."""
        return next(iter(self._effects(same(_effects.c.id, effect_id))), None)

    def open_effects(self) -> Sequence[Effect]:
        """Every effect that is `intended` or `begun`, oldest first."""
        return self._effects(_effects.c.status.in_(["intended", "begun"]))

    def _effects(self, *wanted: ColumnElement[bool]) -> Sequence[Effect]:
        query = select(_effects).where(*wanted).order_by(_effects.c.seq)
        with self.reading() as connection:
            rows = connection.execute(query).all()
            return [self._effect(connection, row) for row in rows]

    def _effect(self, connection: Connection, row: AnyRow) -> Effect:
        def opened(column: str) -> dict[str, object] | None:
            sealed = getattr(row, column)
            if sealed is None:
                return None
            key = self._case_key(connection, row.case_id)
            document: dict[str, object] = decoded(unseal(key, sealed, "effect", row.id, column))
            return document

        return Effect(
            id=row.id,
            case_id=row.case_id,
            matter_id=row.matter_id,
            kind=row.kind,
            plan_version=row.plan_version,
            payload=opened("payload") or {},
            status=row.status,
            receipt=opened("receipt"),
            intended_at=moment(row.intended_at),
            begun_at=maybe_moment(row.begun_at),
        )

    def token(self, token_hash: str) -> Token | None:
        """A token by its hash."""
        tokens = schema.tokens
        with self.reading() as connection:
            query = select(tokens).where(tokens.c.hash == token_hash)
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            key = self._case_key(connection, row.case_id)
        return Token(
            case_id=row.case_id,
            matter_id=row.matter_id,
            plan_version=row.plan_version,
            approver=decoded(unseal(key, row.approver, "token", token_hash, "approver")),
            state=row.state,
        )

    def known_messages(self, message_ids: Iterable[str]) -> Sequence[KnownMessage]:
        """Those of the given ids that belong to a case, in the order given."""
        asked = {self.ring.indexes.message(one): one for one in dict.fromkeys(message_ids)}
        if not asked:
            return []
        order = {index: place for place, index in enumerate(asked)}
        found: list[KnownMessage] = []
        remaining = iter(asked)
        with self.reading() as connection:
            while indexes := list(islice(remaining, _PAGE)):
                rows = connection.execute(_KNOWN_MESSAGES, {"indexes": indexes}).all()
                rows = sorted(rows, key=lambda row: order[row.message_index])
                found += [_known(row, asked[row.message_index]) for row in rows]
        return found

    def messages(self, case_id: str) -> Sequence[KnownMessage]:
        """Every message id known of a case, in the order learnt (the case file, for purging)."""
        query = select(_messages).where(_messages.c.case_id == case_id).order_by(_messages.c.seq)
        with self.reading() as connection:
            rows = connection.execute(query).all()
            if not rows:
                return []
            key = self._case_key(connection, case_id)
        return [
            _known(
                row,
                decoded(unseal(key, row.message_id, "message", row.message_index, "message_id")),
            )
            for row in rows
        ]

    # The ledger

    def ledger(
        self, case_id: str | None = None
    ) -> Iterator[tuple[LedgerEntry, Mapping[str, object] | None]]:
        """The chain in order (or a case's part), each entry with its facts if the key exists."""
        for page in self._ledger_pages(case_id):
            with self.reading() as connection:
                keys = self.ring.get_many(connection, (of_case(row.case_id) for row in page))
            for row in page:
                yield entry_of(row), self._facts(row, keys.get(of_case(row.case_id)))

    def _facts(self, row: AnyRow, case_key: bytes | None) -> Mapping[str, object] | None:
        key = case_key if row.facts[:1] == UNDER_CASE else self.ring.store_key
        if key is None:
            return None
        facts: dict[str, object] = decoded(
            unseal(key, row.facts[1:], "ledger", str(row.seq), "facts")
        )
        return facts

    def _ledger_pages(self, case_id: str | None) -> Iterator[Sequence[AnyRow]]:
        # The cast: SQLite lets a tampered column hold text, which must be found out, not fail.
        facts = cast(_ledger.c.facts, LargeBinary).label("facts")
        others = [column for column in _ledger.c if column.name != "facts"]
        query = select(*others, facts).order_by(_ledger.c.seq).limit(_PAGE)
        if case_id is not None:
            query = query.where(_ledger.c.case_id == case_id)
        # No number is assumed to be the first: a tampered row may stand before number 1.
        after: int | None = None
        while True:
            with self.reading() as connection:
                page = query if after is None else query.where(_ledger.c.seq > after)
                rows = connection.execute(page).all()
            if not rows:
                return
            yield rows
            after = rows[-1].seq

    def ledger_head(self) -> tuple[int, str]:
        """Number and hash of the last entry, to be witnessed elsewhere. Raises Tampered."""
        with self.reading() as connection:
            return read_head(connection, self.ring)

    def verify_ledger(self, anchors: Mapping[int, str] = _NO_ANCHORS) -> Verification:
        """Check the whole chain, every encrypted fact, the store's own head and the anchors.

        `anchors`: {number: hash} as witnessed elsewhere. Entries that others append meanwhile
        are checked too or not at all; they do no harm.
        """
        bad_facts: dict[int, str] = {}
        try:
            seq, head = self.ledger_head()
            # The store's own note is an anchor as well, unless another witness says otherwise.
            checked = verify(self._entries(bad_facts), {seq: head, **anchors} if seq else anchors)
            # Read again, since others may have appended meanwhile: beyond it nothing is genuine.
            end, _ = self.ledger_head()
        except Tampered:
            checked = verify(self._entries(bad_facts), anchors)
            end = -1
        if bad_facts and (checked.bad_seq is None or min(bad_facts) < checked.bad_seq):
            bad = min(bad_facts)
            return Verification(entries=bad - 1, head=bad_facts[bad], bad_seq=bad, why="facts")
        if checked.ok and checked.entries > end:
            return replace(checked, bad_seq=max(end + 1, 1), why="head")
        return checked

    def _entries(self, bad_facts: dict[int, str]) -> Iterator[LedgerEntry]:
        """The chain; notes in `bad_facts` which entries have other facts than were entered."""
        for page in self._ledger_pages(None):
            for row in page:
                if sha256(row.facts).hexdigest() != row.facts_sha256:
                    bad_facts.setdefault(row.seq, row.prev)
                yield entry_of(row)


def _known(row: AnyRow, message_id: str) -> KnownMessage:
    return KnownMessage(
        message_id=message_id,
        case_id=row.case_id,
        matter_id=row.matter_id,
        plan_version=row.plan_version,
        kind=row.kind,
    )
