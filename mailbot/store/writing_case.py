"""The writes about cases: opened, numbered, their matters, documents and end."""

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from mailbot.case import ENDED, Case, Matter
from mailbot.errors import Permanent, Stale
from mailbot.ledger import utc_text
from mailbot.store import schema
from mailbot.store.encryption import seal
from mailbot.store.keyring import of_case, of_mail
from mailbot.store.rows import clear, encoded, matter_columns, maybe_utc, note_name
from mailbot.store.transaction import Writing, writes

_cases = schema.cases
_matters = schema.matters
_documents = schema.documents


class CaseWrites(Writing):
    """See `ports.Tx`."""

    @writes
    def open_case(self, case: Case, subject_email: str | None) -> None:
        """A new case with a fresh key of its own. Raises Stale if the id or number is taken."""
        key = self.ring.create(self.connection, of_case(case.id))
        details = seal(key, encoded({"language": case.language}), "case", case.id, "details")
        self.connection.execute(
            insert(_cases).values(
                id=clear(case.id),
                number=clear(case.number),
                mailbox=clear(case.mailbox),
                received=utc_text(case.received),
                closed=maybe_utc(case.closed),
                version=case.version,
                subject_index=self._subject_index(case.mailbox, subject_email),
                details=details,
            )
        )
        self.touch_new(case.id)

    @writes
    def set_subject(self, case_id: str, subject_email: str | None) -> None:
        """The address by which an open case is found, once it is known (or no longer right)."""
        self.touch(case_id)
        mailbox = self.connection.scalar(select(_cases.c.mailbox).where(_cases.c.id == case_id))
        index = self._subject_index(str(mailbox), subject_email)
        self._update_case(case_id, subject_index=index)

    @writes
    def next_case_number(self, year: int) -> str:
        """2026-0001, 2026-0002, … The counter is part of the transaction: no gaps, no doubles."""
        counters = schema.counters
        taken = self.connection.scalar(
            self.insert_or(counters)
            .values(year=year, last=1)
            .on_conflict_do_update(
                index_elements=[counters.c.year], set_={"last": counters.c.last + 1}
            )
            .returning(counters.c.last)
        )
        return f"{year:04d}-{taken:04d}"

    @writes
    def add_matter(self, matter: Matter) -> None:
        """A new matter of a case."""
        self.touch(matter.case_id)
        self.connection.execute(insert(_matters).values(**matter_columns(matter)))

    @writes
    def change_matter(self, old: Matter, new: Matter) -> None:
        """Compare and set: raise Stale unless state, plan_version and note are as in `old`."""
        if (old.id, old.case_id) != (new.id, new.case_id):
            raise Permanent("A matter cannot become another matter.")
        self.touch(old.case_id)
        done = self.connection.execute(
            update(_matters)
            .where(
                _matters.c.id == old.id,
                _matters.c.case_id == old.case_id,
                _matters.c.state == old.state.value,
                _matters.c.plan_version == old.plan_version,
                _matters.c.note == old.note,
            )
            .values(**matter_columns(new))
        )
        if done.rowcount != 1:
            self.matter_of_case(old.id, old.case_id)
            raise Stale(f"Matter {old.id!r} changed since it was read.")

    @writes
    def close_case(self, case_id: str, at: datetime) -> None:
        """All matters have ended. Raises Permanent if one has not, Stale if closed already."""
        self.touch(case_id)
        ended = sorted(state.value for state in ENDED)
        open_matter = select(_matters.c.id).where(
            _matters.c.case_id == case_id, _matters.c.state.not_in(ended)
        )
        if self.connection.scalar(open_matter.limit(1)) is not None:
            raise Permanent(f"Case {case_id!r} has a matter that has not ended.")
        done = self.connection.execute(
            update(_cases)
            .where(_cases.c.id == case_id, _cases.c.closed.is_(None))
            .values(closed=utc_text(at))
        )
        if done.rowcount != 1:
            raise Stale(f"Case {case_id!r} is closed already.")

    @writes
    def put(self, case_id: str, name: str, document: object) -> None:
        """Keep an encrypted document of a case under a name, replacing what was there.

        `document`: JSON values, or anything that `codec.to_json` takes.
        """
        sealed = seal(self.case_key(case_id), encoded(document), "document", case_id, name)
        first = self.insert_or(_documents).values(case_id=case_id, name=clear(name), sealed=sealed)
        self.connection.execute(
            first.on_conflict_do_update(index_elements=["case_id", "name"], set_={"sealed": sealed})
        )

    @writes
    def drop(self, case_id: str, name: str) -> None:
        """Forget a document of a case. None of that name: harmless."""
        self.touch(case_id)
        self.connection.execute(
            delete(_documents).where(_documents.c.case_id == case_id, _documents.c.name == name)
        )
        self.forgets = True

    @writes
    def note(self, name: str, text: str) -> None:
        """Keep a short text of the store itself, in the clear: no personal data may be in it."""
        first = self.insert_or(schema.meta).values(name=note_name(name), value=clear(text))
        self.connection.execute(
            first.on_conflict_do_update(index_elements=["name"], set_={"value": clear(text)})
        )

    @writes
    def destroy_case_key(self, case_id: str) -> None:
        """Make a closed case unreadable for ever (GDPR art. 5(1)(e), 17).

        Its key goes, and with it every index by which the person could be found, its tokens and
        all that was encrypted under the key; what stays is ids, dates, states and the ledger,
        whose chain still verifies. Raises Permanent for a case that is not closed or that has an
        effect still open.
        """
        self.touch(case_id)
        closed = self.connection.scalar(select(_cases.c.closed).where(_cases.c.id == case_id))
        effects = schema.effects
        pending = select(effects.c.id).where(
            effects.c.case_id == case_id, effects.c.status.in_(["intended", "begun"])
        )
        if closed is None or self.connection.scalar(pending.limit(1)) is not None:
            raise Permanent(f"Case {case_id!r} is not finished: its key must stay.")
        self.ring.destroy(self.connection, of_case(case_id))
        for table in (_documents, schema.tokens, schema.messages):
            self.connection.execute(delete(table).where(table.c.case_id == case_id))
        mails = select(schema.mails.c.id).where(schema.mails.c.case_id == case_id)
        for (mail_id,) in self.connection.execute(mails).all():
            self.connection.execute(delete(schema.raws).where(schema.raws.c.mail_id == mail_id))
            self.ring.destroy(self.connection, of_mail(mail_id))
        self.connection.execute(
            update(effects).where(effects.c.case_id == case_id).values(payload=None, receipt=None)
        )
        destroyed = utc_text(self.clock.now())
        self._update_case(case_id, subject_index=None, details=None, key_destroyed=destroyed)
        self.forgets = True

    def matter_of_case(self, matter_id: str, case_id: str) -> None:
        """Raise Permanent unless this matter is one of the case."""
        found = self.connection.scalar(
            select(_matters.c.id).where(_matters.c.id == matter_id, _matters.c.case_id == case_id)
        )
        if found is None:
            raise Permanent(f"Case {case_id!r} has no matter {matter_id!r}.")

    def _subject_index(self, mailbox: str, address: str | None) -> str | None:
        return self.ring.indexes.subject(mailbox, address) if address else None

    def _update_case(self, case_id: str, **values: str | None) -> None:
        self.connection.execute(update(_cases).where(_cases.c.id == case_id).values(**values))
