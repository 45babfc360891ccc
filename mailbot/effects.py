"""Performs effects, and finds out after a crash what became of one that was begun."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mailbot.codec import from_json, to_json
from mailbot.errors import Permanent, Stale, Transient
from mailbot.memory import Memory
from mailbot.message import Outgoing, Sent
from mailbot.plan import Action, Do
from mailbot.ports import (
    ActionReceipt,
    Clock,
    Effect,
    KnownMessage,
    Mailbox,
    MailRef,
    Outbox,
    Sources,
    Store,
    Tx,
)

# The witness copy travels in the same SMTP transaction; a busy server's queue gets this long.
WITNESS_WAIT = timedelta(seconds=90)
_ASK_AGAIN_SECONDS = 2.0
_TO_STAFF = frozenset({"question", "notice"})


class Unknown(Permanent):
    """An effect was begun and no trace of it is found: a person must look (never repeated)."""


class Performer:
    """Carries effects out through the adapters, one receipt each."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sources: Sources,
        outboxes: Mapping[str, Outbox],
        mailboxes: Mapping[str, Mailbox],
        shadow: bool = False,
    ) -> None:
        self.store = store
        self.clock = clock
        self.sources = sources
        self.outboxes = outboxes
        self.mailboxes = mailboxes
        self.shadow = shadow

    def perform(self, effect: Effect) -> Effect:
        """Do it once and keep the receipt. Raises Transient, Stale, Permanent or Unknown.

        In shadow mode only mail to approvers leaves; everything else is receipted as not done.
        """
        if self.shadow and effect.kind not in _TO_STAFF:
            self._begin(effect)
            return self._settle(effect, {"shadow": True})
        match effect.kind:
            case "apply":
                return self._apply(effect)
            case "note":
                return self._note(effect)
            case "mark" | "file":
                return self._touch(effect)
        return self._send(effect)

    def _apply(self, effect: Effect) -> Effect:
        # Safe to repeat after a crash: a record already as it should be counts as done, and a
        # record that is neither as approved nor done stops the whole transaction.
        actions = [from_json(Action, item) for item in _list(effect.payload["actions"])]
        source = self.sources.get(str(effect.payload["system"]))
        self._begin(effect)
        receipts = source.apply(actions, self.store.case_key(effect.case_id))
        memories = self._memories(effect.payload, actions)
        return self._settle(
            effect,
            {"system": source.name, "receipts": [_receipt(receipt) for receipt in receipts]},
            memories=memories,
        )

    def _note(self, effect: Effect) -> Effect:
        """Into our own store, together with the receipt: never half, never twice."""
        self._begin(effect)
        entered = [_channel(one) for one in _list(effect.payload.get("suppress"))]
        released = [_channel(one) for one in _list(effect.payload.get("release"))]
        memories: list[Memory] = []
        for part in _list(effect.payload.get("kept")):
            assert isinstance(part, dict)
            actions = [from_json(Action, item) for item in _list(part["actions"])]
            memories += self._memories(part, actions)
        receipt = {"suppressed": len(entered), "released": len(released), "kept": len(memories)}
        return self._settle(effect, receipt, memories=memories, entered=entered, released=released)

    def _memories(self, payload: Mapping[str, object], actions: list[Action]) -> list[Memory]:
        """What is remembered of an erasure's records, by keyed hashes alone."""
        wanted = payload.get("remember")
        if not isinstance(wanted, dict):
            return []
        expires = self.clock.now() + timedelta(days=int(wanted["days"]))
        marks = tuple(
            (str(mark[0]), str(mark[1]))
            for mark in _list(wanted["marks"])
            if isinstance(mark, list)
        )
        return [
            Memory(
                system=action.system,
                table=action.table,
                key=action.key,
                do=action.do.value,
                row=action.before,
                after=action.after,
                volatile=action.volatile,
                marks=marks,
                rule=action.rule,
                until=action.until,
                expires=_expiry(expires, action),
            )
            for action in actions
            if action.table and (action.changes or action.do is Do.KEEP)
        ]

    def _touch(self, effect: Effect) -> Effect:
        ref = from_json(MailRef, effect.payload["ref"])
        mailbox = self.mailboxes[ref.mailbox]
        if effect.kind == "mark":
            mailbox.mark(ref)
        else:
            mailbox.file(ref, str(effect.payload["folder"]))
        return self._settle(effect, {})

    def _send(self, effect: Effect) -> Effect:
        outbox = self.outboxes[str(effect.payload["outbox"])]
        mail = from_json(Outgoing, effect.payload["mail"])
        if effect.status == "unknown":
            raise Unknown(f"effect {effect.id} was set aside: see `mailbot show`, then retry")
        if effect.status == "begun":
            sent = outbox.find(effect.id)
            if sent is not None:
                return self._sent(effect, sent)
            if not outbox.certain(effect.id):
                self._give_time(effect)
        try:
            sent = outbox.send(mail, begun=lambda: self._begin(effect))
        except (Transient, Permanent) as error:
            if error.undone:
                # The other side said no after the last line: it surely was not sent.
                with self._writing(effect) as tx:
                    tx.change_effect(effect.id, "intended")
            raise
        return self._sent(effect, sent)

    def _give_time(self, effect: Effect) -> None:
        """The letter may have left. Wait for its witness; then ask a person, or (staff) repeat."""
        begun = effect.begun_at or effect.intended_at or self.clock.now()
        if self.clock.now() < begun + WITNESS_WAIT:
            raise Transient(
                f"effect {effect.id} was begun; waiting for its witness", _ASK_AGAIN_SECONDS
            )
        if effect.kind in _TO_STAFF:
            return  # a second question with the same token harms nobody
        with self._writing(effect) as tx:
            tx.change_effect(effect.id, "unknown")
            tx.record(effect.case_id, "effect-unknown", effect.kind, {"effect": effect.id})
        raise Unknown(
            f"the letter (effect {effect.id}) may or may not have left: look in the mail server's "
            "log, then `mailbot retry` sends it again"
        )

    def _begin(self, effect: Effect) -> None:
        if effect.status != "begun":
            with self._writing(effect) as tx:
                tx.change_effect(effect.id, "begun")

    @contextmanager
    def _writing(self, effect: Effect) -> Iterator[Tx]:
        """A transaction of the store. Only a source may say Stale here: it would be read as "a
        record is not as approved", and what is done in the world would be taken for undone."""
        try:
            with self.store.begin() as tx:
                yield tx
        except Stale:
            raise Transient(f"effect {effect.id} was changed by somebody else meanwhile") from None

    def _sent(self, effect: Effect, sent: Sent) -> Effect:
        receipt = {"at": sent.at.isoformat(), "message_ids": list(sent.message_ids)}
        return self._settle(effect, receipt, sent.message_ids)

    def _settle(
        self,
        effect: Effect,
        receipt: Mapping[str, object],
        message_ids: tuple[str, ...] = (),
        memories: Iterable[Memory] = (),
        entered: Iterable[tuple[str, str]] = (),
        released: Iterable[tuple[str, str]] = (),
    ) -> Effect:
        with self._writing(effect) as tx:
            tx.change_effect(effect.id, "done", receipt)
            for memory in memories:
                tx.remember(memory)
            for channel, value in entered:
                tx.suppress(channel, value)
            for channel, value in released:
                tx.release(channel, value)
            for message_id in message_ids:
                tx.know_message(known(effect, message_id))
            tx.record(
                effect.case_id,
                "done",
                effect.kind,
                {"effect": effect.id, "version": effect.plan_version, "receipt": dict(receipt)},
            )
        return replace(effect, status="done", receipt=receipt)


def known(effect: Effect, message_id: str) -> KnownMessage:
    """A message id by which replies may refer to an effect."""
    return KnownMessage(
        message_id=message_id,
        case_id=effect.case_id,
        matter_id=effect.matter_id,
        plan_version=effect.plan_version,
        kind=effect.kind.partition("-")[0].rstrip("0123456789"),  # code1, recipient-later
    )


def _receipt(receipt: ActionReceipt) -> object:
    return to_json(receipt)


def _channel(entry: object) -> tuple[str, str]:
    assert isinstance(entry, dict)
    return str(entry["channel"]), str(entry["value"])


def _expiry(expires: datetime, action: Action) -> datetime:
    """What is kept must be known when its time is up, and a while longer for the review."""
    if action.do is not Do.KEEP or action.until is None:
        return expires
    end = datetime(action.until.year, action.until.month, action.until.day, tzinfo=UTC)
    return max(expires, end + timedelta(days=3 * 366))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
