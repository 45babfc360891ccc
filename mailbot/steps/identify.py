"""CLASSIFIED → IDENTIFIED: collect the keys of the person, each with where it was found."""

from collections.abc import Iterable
from datetime import timedelta

from mailbot import identifiers
from mailbot.case import ENDED, Key, Label, State, Subject
from mailbot.datamap import DataMap
from mailbot.message import Mail, Verdict
from mailbot.move import Context, Move, Outcome, Tools, Wait
from mailbot.steps.belong import is_own_address
from mailbot.steps.errand import errand

# Rights that are answered with a letter alone: no search is made unless one is asked for.
NO_SEARCH = frozenset({Label.INFO, Label.COMPLAINT, Label.BREACH_REPORT})
_BEFORE_ERASURE = frozenset({Label.ACCESS, Label.PORTABILITY})
_KEYS_MOST = 40  # a mail that lists hundreds of addresses describes nobody


def keys_of(mail: Mail, datamap: DataMap) -> tuple[Key, ...]:
    """Keys from header, signature and text. Only an authentic From address is `verified`."""
    found: list[Key] = []
    region = datamap.own.default_region
    if mail.sender:
        verified = mail.authentication.verdict is Verdict.PASS
        found.append(
            Key(kind="email", value=mail.sender.address, origin="header", verified=verified)
        )
        if mail.sender.name:
            found.append(Key(kind="name", value=mail.sender.name, origin="header"))
    own = {domain.lower() for domain in datamap.own.domains}
    for origin, text in (("signature", mail.signature), ("text", mail.new_text)):
        for address in identifiers.find_emails(text):
            if address.rpartition("@")[2].lower() not in own:
                found.append(Key(kind="email", value=address, origin=origin))
        for number in identifiers.find_phones(text, region):
            found.append(Key(kind="phone", value=number, origin=origin))
        for kind, value in identifiers.find_keys(text, datamap.key):
            found.append(Key(kind=kind, value=value, origin=origin))
    unique: dict[tuple[str, str], Key] = {}
    for key in found:
        unique.setdefault((key.kind, key.value.casefold()), key)
    return tuple(unique.values())[:_KEYS_MOST]


def _merged(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Each key once. What was proven earlier in the case (by mail or by code) stays proven: a
    mail that is less trustworthy than the first never joins a case."""
    found: dict[tuple[str, str], Key] = {}
    for key in keys:
        name = (key.kind, key.value.casefold())
        known = found.get(name)
        if known is None or (key.verified and not known.verified):
            found[name] = key
    return tuple(found.values())[:_KEYS_MOST]


def identify(ctx: Context, tools: Tools) -> Outcome:
    """Collect keys and verdict; an erasure waits until what the person asked to see has left."""
    if errand(ctx):
        # What it was about has changed meanwhile: the command that began it looks afresh.
        return Move(to=State.NEEDS_HUMAN, reason="errand-out-of-date")
    if ctx.matter.right is Label.ERASURE:
        waiting = [
            sibling
            for sibling in ctx.siblings
            if sibling.right in _BEFORE_ERASURE and sibling.state not in ENDED
        ]
        if waiting:
            # Deliver first, then erase (law.md § 5). The sibling's end wakes this matter earlier.
            return Wait(until=ctx.now + timedelta(hours=6), reason="access-before-erasure")
    if ctx.mail is None or ctx.mail.sender is None:
        return Move(
            to=State.NEEDS_HUMAN, reason="unknown-sender", facts={"verdict": Verdict.NONE.value}
        )
    if is_own_address(ctx.mail.sender.address, tools.settings):
        # A contact form or a copy of our own: who asks stands somewhere in the text, and neither
        # an answer to ourselves nor a search for our own address helps anybody.
        return Move(to=State.NEEDS_HUMAN, reason="unknown-sender-own-address")
    if "automated" in ctx.matter.flags:
        # GDPR art. 22(3): a person must look, explain and hear the view of the person concerned.
        return Move(to=State.NEEDS_HUMAN, reason="automated-decision")
    keys = _merged((*ctx.subject.keys, *keys_of(ctx.mail, tools.settings.datamap)))
    subject = Subject(
        keys=keys,
        verdict=ctx.mail.authentication.verdict,
        verdict_reason=ctx.mail.authentication.reason,
        language=ctx.case.language,
    )
    counts: dict[str, int] = {}
    for key in subject.keys:
        counts[key.kind] = counts.get(key.kind, 0) + 1
    return Move(
        to=State.IDENTIFIED,
        reason=f"sender-{subject.verdict.value}",
        facts={"keys": counts, "verdict": subject.verdict.value, "why": subject.verdict_reason},
        documents={"subject": subject},
    )
