"""The writes about mail: taken in with its cursor, then settled."""

from sqlalchemy import delete, insert, select, update

from mailbot.errors import Permanent, Stale
from mailbot.ledger import utc_text
from mailbot.ports import Fetched
from mailbot.store import schema
from mailbot.store.encryption import seal, unseal
from mailbot.store.keyring import of_case, of_mail
from mailbot.store.rows import clear, mail_id_of
from mailbot.store.transaction import Writing, writes

_mails = schema.mails
_raws = schema.raws

SETTLED = frozenset({"left", "done", "set-aside"})
UNSETTLED = frozenset({"new", "set-aside"})  # what was set aside may still be settled by a person


class MailWrites(Writing):
    """See `ports.Tx`."""

    @writes
    def take_in(self, mail: Fetched, again: bool = False) -> str | None:
        """Store a mail raw under a key of its own; None: these bytes were taken in before.

        `again`: a mail that was left alone is taken in anew, because a person asked for it (by
        setting the category by hand, say); its id is the same as before.
        """
        self.touch_mailbox(mail.ref.mailbox)
        digest = self.ring.indexes.mail(mail.ref.mailbox, mail.raw)
        known = self.connection.execute(
            select(_mails).where(_mails.c.mailbox == mail.ref.mailbox, _mails.c.digest == digest)
        ).one_or_none()
        place = {"folder": clear(mail.ref.folder), "ref": clear(mail.ref.id)}
        if known is None:
            mail_id = mail_id_of(digest)
            self.connection.execute(
                insert(_mails).values(
                    id=mail_id,
                    mailbox=clear(mail.ref.mailbox),
                    digest=digest,
                    arrived=utc_text(mail.arrived),
                    status="new",
                    reason="",
                    **place,
                )
            )
            self._keep(mail_id, mail.raw)
            return mail_id
        if again and known.status == "left":
            self._update_mail(known.id, status="new", reason="", **place)
            self._keep(known.id, mail.raw)
            return str(known.id)
        if not again:
            # Seen again after a resync, or moved by a colleague: it lies here now.
            self._update_mail(known.id, **place)
        return None

    @writes
    def set_cursor(self, mailbox: str, folder: str, cursor: str) -> None:
        """Progress of a folder."""
        self.touch_mailbox(mailbox)
        first = self.insert_or(schema.cursors).values(
            mailbox=clear(mailbox), folder=clear(folder), cursor=clear(cursor)
        )
        self.connection.execute(
            first.on_conflict_do_update(
                index_elements=["mailbox", "folder"], set_={"cursor": cursor}
            )
        )

    @writes
    def settle_mail(
        self, mail_id: str, status: str, reason: str, case_id: str | None = None
    ) -> None:
        """`left`, `done` or `set-aside`; or `new` again for a mail that was set aside.

        The raw copy of a mail that is left alone, or done without belonging to a case, goes at
        once with its key (GDPR art. 5(1)(c)); that of a case's mail moves under the case's key.
        Raises Stale if the mail was settled already.
        """
        if status not in SETTLED | {"new"}:
            raise Permanent(f"A mail cannot be {status!r}.")
        found = self.connection.execute(
            select(_mails).where(_mails.c.id == mail_id).with_for_update()
        ).one_or_none()
        if found is None:
            raise Permanent(f"There is no mail {mail_id!r}.")
        if found.status not in UNSETTLED or (status == "new" and found.status != "set-aside"):
            raise Stale(f"Mail {mail_id!r} is {found.status} already.")
        owner = case_id if case_id is not None else found.case_id
        if owner is not None:
            self.touch(owner)
        self._update_mail(mail_id, status=status, reason=clear(reason), case_id=owner)
        if status == "left" or (status == "done" and owner is None):
            self._forget(mail_id)
        elif owner is not None:
            self._move_under_case(mail_id, owner)

    def _update_mail(self, mail_id: str, **values: str | None) -> None:
        self.connection.execute(update(_mails).where(_mails.c.id == mail_id).values(**values))

    def _keep(self, mail_id: str, raw: bytes) -> None:
        key_id = of_mail(mail_id)
        sealed = seal(self.ring.create(self.connection, key_id), raw, "mail", mail_id, "raw")
        self.connection.execute(insert(_raws).values(mail_id=mail_id, key_id=key_id, sealed=sealed))

    def _forget(self, mail_id: str) -> None:
        self.connection.execute(delete(_raws).where(_raws.c.mail_id == mail_id))
        self.ring.destroy(self.connection, of_mail(mail_id))
        self.forgets = True

    def _move_under_case(self, mail_id: str, case_id: str) -> None:
        raw = self.connection.execute(select(_raws).where(_raws.c.mail_id == mail_id)).one_or_none()
        if raw is None or raw.key_id == of_case(case_id):
            return
        old = self.ring.get(self.connection, raw.key_id)
        if old is None:
            raise Permanent(f"The key of mail {mail_id!r} was destroyed.")
        plain = unseal(old, raw.sealed, "mail", mail_id, "raw")
        sealed = seal(self.case_key(case_id), plain, "mail", mail_id, "raw")
        self.connection.execute(
            update(_raws)
            .where(_raws.c.mail_id == mail_id)
            .values(key_id=of_case(case_id), sealed=sealed)
        )
        self.ring.destroy(self.connection, of_mail(mail_id))
        self.forgets = True
