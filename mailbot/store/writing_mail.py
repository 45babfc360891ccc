"""The writes about mail: taken in with its cursor, then settled."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, insert, select, update

from mailbot.errors import Permanent, Stale
from mailbot.ledger import utc_text
from mailbot.ports import Fetched, StoredMail
from mailbot.store import schema
from mailbot.store.encryption import seal, unseal
from mailbot.store.keyring import of_case, of_mail
from mailbot.store.rows import clear, mail_id_of
from mailbot.store.transaction import Writing, writes

_mails = schema.mails
_raws = schema.raws
_AT_ONCE = 500  # ids in one statement

SETTLED = frozenset({"left", "done", "set-aside"})
UNSETTLED = frozenset({"new", "set-aside"})  # what was set aside may still be settled by a person


class MailWrites(Writing):
    """See `ports.Tx`."""

    @writes
    def take_in(self, mail: Fetched, again: bool = False, why: str = "") -> str | None:
        """Store a mail raw under a key of its own; None: these bytes were taken in before.

        `again`: a mail that was left alone is taken in anew, because a person asked for it (by
        setting the category by hand, say); its id is the same as before. `why`: the named reason
        for taking it in, as long as it is new.
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
                    reason=clear(why),
                    **place,
                )
            )
            self._keep(mail_id, mail.raw)
            return mail_id
        if again and known.status == "left":
            self._update_mail(known.id, status="new", reason=clear(why), **place)
            self._keep(known.id, mail.raw)
            return str(known.id)
        # Seen again after a resync, or moved by a colleague: it lies here now.
        told = {"reason": clear(why)} if why and known.status == "new" else {}
        self._update_mail(known.id, **place, **told)
        return None

    @writes
    def take_in_all(self, mails: Sequence[Fetched]) -> Sequence[StoredMail]:
        """`take_in` for many, with as few statements as one needs; those that are new, in order."""
        fresh: dict[str, Fetched] = {}
        known: list[Fetched] = []
        for mail in mails:
            self.touch_mailbox(mail.ref.mailbox)
            digest = self.ring.indexes.mail(mail.ref.mailbox, mail.raw)
            if fresh.setdefault(digest, mail) is not mail:
                known.append(mail)
        known += [fresh.pop(digest) for digest in self._seen(list(fresh))]
        taken = self._insert(fresh)
        for mail in known:
            self.take_in(mail)
        return taken

    def _insert(self, fresh: Mapping[str, Fetched]) -> Sequence[StoredMail]:
        if not fresh:
            return []
        rows = [
            {
                "id": mail_id_of(digest),
                "mailbox": clear(mail.ref.mailbox),
                "folder": clear(mail.ref.folder),
                "ref": clear(mail.ref.id),
                "digest": digest,
                "arrived": utc_text(mail.arrived),
                "status": "new",
                "reason": "",
            }
            for digest, mail in fresh.items()
        ]
        self.connection.execute(insert(_mails), rows)
        keys = self.ring.create_many(self.connection, [of_mail(row["id"]) for row in rows])
        sealed = [
            {
                "mail_id": row["id"],
                "key_id": of_mail(row["id"]),
                "sealed": seal(keys[of_mail(row["id"])], mail.raw, "mail", row["id"], "raw"),
            }
            for row, mail in zip(rows, fresh.values(), strict=True)
        ]
        self.connection.execute(insert(_raws), sealed)
        return [
            StoredMail(id=row["id"], ref=mail.ref, arrived=mail.arrived, status="new")
            for row, mail in zip(rows, fresh.values(), strict=True)
        ]

    def _seen(self, digests: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(digests), _AT_ONCE):
            some = digests[start : start + _AT_ONCE]
            # By digest alone: it is keyed with the mailbox's name, so no other mailbox has it.
            found.update(
                self.connection.scalars(select(_mails.c.digest).where(_mails.c.digest.in_(some)))
            )
        return found

    @writes
    def leave_all(self, reasons: Mapping[str, str]) -> None:
        """Settle many mails as `left`: copies and keys go (see settle_mail).

        Raises Stale, and keeps all of them, if one was settled already.
        """
        ids = list(reasons)
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            query = select(_mails.c.id).where(
                _mails.c.id.in_(some), _mails.c.status == "new", _mails.c.case_id.is_(None)
            )
            if len(self.connection.scalars(query.with_for_update()).all()) < len(some):
                raise Stale("One of several mails was settled already.")
            for reason in sorted({reasons[each] for each in some}):
                of_it = [each for each in some if reasons[each] == reason]
                self.connection.execute(
                    update(_mails)
                    .where(_mails.c.id.in_(of_it))
                    .values(status="left", reason=clear(reason))
                )
            self.connection.execute(delete(_raws).where(_raws.c.mail_id.in_(some)))
            self.ring.destroy_many(self.connection, [of_mail(each) for each in some])
            self.forgets = True

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
