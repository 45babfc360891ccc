"""Reading what was taken in: mails and their bytes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import ColumnElement, Connection, func, select

from mailbot.ports import MailRef, StoredMail
from mailbot.store import schema
from mailbot.store.encryption import unseal
from mailbot.store.keyring import KeyRing
from mailbot.store.rows import mail_id_of, mail_of, same

_mails = schema.mails
_AT_ONCE = 500  # mails


class MailReading:
    """The part of `ports.Store` about mails."""

    ring: KeyRing
    reading: Callable[[], AbstractContextManager[Connection]]

    def new_mails(self, mailbox: str | None = None) -> Sequence[StoredMail]:
        """Mails taken in and not yet settled, oldest first."""
        wanted = [_mails.c.status == "new"]
        if mailbox is not None:
            wanted.append(_mails.c.mailbox == mailbox)
        return self._mails(*wanted)

    def mail(self, mail_id: str) -> StoredMail | None:
        """One mail by id."""
        return next(iter(self._mails(same(_mails.c.id, mail_id))), None)

    def mails(self, case_id: str | None, status: str | None = None) -> Sequence[StoredMail]:
        """The mails of a case; or, for None, those of no case with that status."""
        wanted = [_mails.c.case_id.is_(None) if case_id is None else _mails.c.case_id == case_id]
        if status is not None:
            wanted.append(_mails.c.status == status)
        return self._mails(*wanted)

    def _mails(self, *wanted: ColumnElement[bool]) -> Sequence[StoredMail]:
        query = select(_mails).where(*wanted).order_by(_mails.c.arrived, _mails.c.seq)
        with self.reading() as connection:
            return [mail_of(row) for row in connection.execute(query)]

    def mail_at(self, ref: MailRef) -> StoredMail | None:
        """The mail that was last seen at a place."""
        here = (same(_mails.c.mailbox, ref.mailbox), same(_mails.c.folder, ref.folder))
        return next(iter(self._mails(*here, same(_mails.c.ref, ref.id))), None)

    def mail_id(self, mailbox: str, raw: bytes) -> str:
        """The id that a mail with these bytes has, or would have, in a mailbox."""
        return mail_id_of(self.ring.indexes.mail(mailbox, raw))

    def raw(self, mail_id: str) -> bytes | None:
        """The bytes of a mail, if still kept."""
        raws = schema.raws
        with self.reading() as connection:
            row = connection.execute(select(raws).where(raws.c.mail_id == mail_id)).one_or_none()
            key = None if row is None else self.ring.get(connection, row.key_id)
        if row is None or key is None:
            return None
        return unseal(key, row.sealed, "mail", mail_id, "raw")

    def raws(self, mail_ids: Sequence[str], most: int) -> Mapping[str, bytes]:
        """The bytes of mails, in order, as many as fit into so many octets, and always one."""
        raws = schema.raws
        with self.reading() as connection:
            some = list(mail_ids)[:_AT_ONCE]
            query = select(raws.c.mail_id, func.length(raws.c.sealed)).where(
                raws.c.mail_id.in_(some)
            )
            sizes = {row[0]: row[1] for row in connection.execute(query)}
            fitting: list[str] = []
            for mail_id in some:
                most -= sizes.get(mail_id, 0)
                if most < 0 and fitting:
                    break
                if mail_id in sizes:
                    fitting.append(mail_id)
            rows = connection.execute(select(raws).where(raws.c.mail_id.in_(fitting))).all()
            keys = self.ring.get_many(connection, (row.key_id for row in rows))
        found = {row.mail_id: (row.key_id, row.sealed) for row in rows}
        return {
            mail_id: unseal(keys[found[mail_id][0]], found[mail_id][1], "mail", mail_id, "raw")
            for mail_id in fitting
            if mail_id in found and found[mail_id][0] in keys
        }
