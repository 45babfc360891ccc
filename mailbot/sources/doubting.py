"""Rows that may be the person's: shown to staff with the reason for the doubt, never acted on."""

from mailbot import identifiers
from mailbot.record import Certainty
from mailbot.sources.companies import borne, is_sole_trader
from mailbot.sources.facts import Fact
from mailbot.sources.judging import Judge
from mailbot.sources.matching import Likeness


def doubt(judge: Judge, fact: Fact) -> str:
    """Why a row may be the person's; "" if it may not."""
    if fact.kind == "company":
        return _company(judge, fact)
    traits, keys = fact.traits, judge.keys
    likeness = judge.likeness(judge.owners.names_of(fact) or ())
    unsure = likeness is None or likeness is Likeness.ALIKE
    for column, address in traits.emails:
        if address in keys.emails and unsure:
            return f"{column} equals e-mail, which several people share"
        if address in keys.emails and not judge.rules.is_role(address) and judge.is_alone(address):
            return f"{column} equals e-mail, but the row bears another name"
        if _is_tagged(judge, address):
            return f"{column} equals e-mail but for what follows +"
    for column, number in traits.phones:
        if number in keys.phones and unsure:
            return f"{column} equals phone, without the name"
    if any(judge.rules.is_name_of(name, keys.names) for name in traits.names):
        return "the name alone"
    return _text(judge, fact)


def _is_tagged(judge: Judge, address: str) -> bool:
    keys = judge.keys.emails
    return any(identifiers.same_email(address, key) is Certainty.POSSIBLE for key in keys)


def _text(judge: Judge, fact: Fact) -> str:
    traits, keys = fact.traits, judge.keys
    if not traits.text or judge.other_owner(fact) is True:
        return ""
    if traits.text_emails & keys.emails:
        return "e-mail in text"
    if any(_is_tagged(judge, address) for address in traits.text_emails):
        return "e-mail in text but for what follows +"
    if traits.text_phones & keys.phones:
        return "phone in text, without the name"
    if judge.shown_in_text(fact):
        return "shown in text, but the owner of the record could not be read"
    named = any(identifiers.name_in(traits.text, name) for name in keys.names)
    return "the name alone, in text" if named else ""


def _company(judge: Judge, fact: Fact) -> str:
    keys = judge.keys
    emails = tuple(found for _, found in fact.traits.emails if found in keys.emails)
    if is_sole_trader(fact, emails, keys.names) is False:
        return ""
    keyed = emails or any(found in keys.phones for _, found in fact.traits.phones)
    return "perhaps the person's own firm" if keyed or borne(fact, keys) else ""
