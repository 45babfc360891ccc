"""The writes about effects, tokens and known messages."""

import re
from collections.abc import Mapping

from sqlalchemy import insert, select, update

from mailbot.errors import Permanent, Stale
from mailbot.ledger import utc_text
from mailbot.ports import Effect, KnownMessage, Token
from mailbot.store import schema
from mailbot.store.encryption import seal
from mailbot.store.rows import clear, encoded
from mailbot.store.transaction import writes
from mailbot.store.writing_case import CaseWrites

_effects = schema.effects
_tokens = schema.tokens
_messages = schema.messages
_TOKEN_HASH = re.compile(r"[0-9a-f]{64}")

# From which status an effect may become which. `done` is only ever reached through `begun`: an
# effect that happened without being marked first could be repeated after a crash (DESIGN § 10).
# Only marking and filing a mail may be repeated without harm, and need no such mark.
HARMLESS_TWICE = frozenset({"mark", "file"})
BECOMES: Mapping[str, frozenset[str]] = {
    "intended": frozenset({"begun", "failed", "unknown", "cancelled"}),
    "begun": frozenset({"done", "failed", "unknown", "intended"}),
    "unknown": frozenset({"done", "failed", "cancelled", "intended"}),  # a person found out
    "failed": frozenset({"intended", "cancelled"}),
    "done": frozenset(),
    "cancelled": frozenset(),
}


class EffectWrites(CaseWrites):
    """See `ports.Tx`."""

    @writes
    def intend(self, effect: Effect) -> None:
        """Write an effect down. The same id again: left as it was."""
        if effect.status != "intended":
            raise Permanent(f"Effect {effect.id!r} must be intended first.")
        key = self.case_key(effect.case_id)
        if effect.matter_id:
            self.matter_of_case(effect.matter_id, effect.case_id)
        known = self.connection.execute(
            select(_effects.c.case_id, _effects.c.matter_id).where(_effects.c.id == effect.id)
        ).one_or_none()
        if known is not None:
            if tuple(known) != (effect.case_id, effect.matter_id):
                raise Permanent(f"Effect {effect.id!r} belongs to another matter.")
            return
        self.connection.execute(
            insert(_effects).values(
                id=clear(effect.id),
                case_id=effect.case_id,
                matter_id=effect.matter_id,
                kind=clear(effect.kind),
                plan_version=effect.plan_version,
                status="intended",
                payload=seal(key, encoded(effect.payload), "effect", effect.id, "payload"),
                intended_at=utc_text(effect.intended_at or self.clock.now()),
            )
        )

    @writes
    def change_effect(
        self, effect_id: str, status: str, receipt: Mapping[str, object] | None = None
    ) -> None:
        """Move an effect on. Raises Stale if it may not become that from where it is now.

        A receipt that is not given leaves the one that is there.
        """
        if status not in BECOMES:
            raise Permanent(f"An effect cannot be {status!r}.")
        found = self.connection.execute(
            select(_effects.c.case_id, _effects.c.kind).where(_effects.c.id == effect_id)
        ).one_or_none()
        if found is None:
            raise Permanent(f"There is no effect {effect_id!r}.")
        self.touch(found.case_id)
        values: dict[str, object] = {"status": status}
        if receipt is not None:
            key = self.case_key(found.case_id)
            values["receipt"] = seal(key, encoded(receipt), "effect", effect_id, "receipt")
        if status in ("begun", "intended"):
            values["begun_at"] = utc_text(self.clock.now()) if status == "begun" else None
        earlier = [before for before, after in BECOMES.items() if status in after]
        if status == "done" and found.kind in HARMLESS_TWICE:
            earlier.append("intended")
        done = self.connection.execute(
            update(_effects)
            .where(_effects.c.id == effect_id, _effects.c.status.in_(earlier))
            .values(**values)
        )
        if done.rowcount != 1:
            raise Stale(f"Effect {effect_id!r} cannot become {status} from where it is now.")

    @writes
    def issue_token(self, token_hash: str, token: Token) -> None:
        """Remember a token by its SHA-256 (64 hex digits). Raises Stale if it is known already."""
        # Guards against a token itself being stored by mistake.
        if not _TOKEN_HASH.fullmatch(token_hash):
            raise Permanent("A token is stored by its SHA-256 only.")
        self.matter_of_case(token.matter_id, token.case_id)
        key = self.case_key(token.case_id)
        approver = seal(key, encoded(token.approver), "token", token_hash, "approver")
        self.connection.execute(
            insert(_tokens).values(
                hash=token_hash,
                case_id=token.case_id,
                matter_id=token.matter_id,
                plan_version=token.plan_version,
                state=token.state,
                approver_index=self.ring.indexes.approver(token.approver),
                approver=approver,
            )
        )

    @writes
    def use_token(self, token_hash: str) -> bool:
        """Use a live token up; False if it was not live. Of two at once only one succeeds."""
        case_id = self.connection.scalar(
            update(_tokens)
            .where(_tokens.c.hash == token_hash, _tokens.c.state == "live")
            .values(state="used")
            .returning(_tokens.c.case_id)
        )
        if case_id is None:
            return False
        self.touch(case_id)
        return True

    @writes
    def void_tokens(self, matter_id: str) -> None:
        """No open question of this matter can be answered any more."""
        matters = schema.matters.c
        case_id = self.connection.scalar(select(matters.case_id).where(matters.id == matter_id))
        if case_id is None:
            raise Permanent(f"There is no matter {matter_id!r}.")
        self.touch(case_id)
        self.connection.execute(
            update(_tokens)
            .where(_tokens.c.matter_id == matter_id, _tokens.c.state == "live")
            .values(state="void")
        )

    @writes
    def know_message(self, message: KnownMessage) -> None:
        """Remember a Message-ID, by a keyed hash. Twice is harmless."""
        if message.matter_id:
            self.matter_of_case(message.matter_id, message.case_id)
        index = self.ring.indexes.message(message.message_id)
        place = ("message", index, "message_id")
        sealed = seal(self.case_key(message.case_id), encoded(message.message_id), *place)
        self.connection.execute(
            self.insert_or(_messages)
            .values(
                message_index=index,
                case_id=message.case_id,
                matter_id=message.matter_id,
                plan_version=message.plan_version,
                kind=clear(message.kind),
                message_id=sealed,
            )
            .on_conflict_do_nothing()
        )
