"""Companies are nobody's personal data, but a sole trader is a person (recital 14, art. 4(1))."""

import re
from collections.abc import Iterable

from mailbot import identifiers
from mailbot.sources.facts import Fact
from mailbot.sources.matching import Wanted

_CORPORATE = frozenset(
    (
        "as", "asa", "ans", "da", "sa", "ba", "ks", "nuf", "iks", "kf", "sf", "bbl", "brl", "sti",
        "ab", "hb", "kb", "aps", "a/s", "i/s", "k/s", "p/s", "amba", "gmbh", "ag", "ug", "kg",
        "ohg", "gbr", "ev", "ltd", "llc", "llp", "inc", "plc", "corp", "oy", "oyj", "bv", "nv",
        "sarl", "sas", "spa", "srl", "se", "kommune", "fylkeskommune", "stiftelse", "stiftelsen",
        "forening", "foreningen", "lag", "idrettslag", "borettslag", "sameie", "sameiet",
    )
)  # fmt: skip
_SOLE = frozenset(
    (
        "enk", "enkeltpersonforetak", "enkeltmannsforetak", "enkeltmandsvirksomhed",
        "einzelunternehmen", "enskild firma", "sole trader", "sole proprietor",
        "sole proprietorship", "e.k.",
    )
)  # fmt: skip
_FORM = re.compile("form|type|kind|kategori|category|selskap|foretak|legal", re.IGNORECASE)
_WORD = re.compile(r"[\w/]+")


def is_sole_trader(fact: Fact, emails: Iterable[str], names: Iterable[str]) -> bool | None:
    """Whether a company's row is the person's own firm. None: nothing in the row tells.

    Norwegian law has a sole trader's firm bear the surname (foretaksnavneloven § 2-1).
    """
    shown = [text.lower() for text in fact.traits.names]
    # Only where a legal form is told: "SE" and "DA" are a country and a language as well.
    values = {
        value.strip().lower()
        for name, value in fact.row.items()
        if isinstance(value, str) and _FORM.search(name)
    }
    words = [_WORD.findall(text.replace(".", "")) for text in shown]
    if values & _SOLE or any(set(parts) & _SOLE for parts in words):
        return True
    if values & _CORPORATE or any(set(parts[-2:]) & _CORPORATE for parts in words):
        return False
    surnames = {parts[-1] for name in names if (parts := identifiers.name_parts(name))}
    if any(surnames & set(identifiers.name_parts(text)) for text in shown):
        return True
    domains = [identifiers.email_domain(address) or "" for address in emails]
    distinct = {word for parts in words for word in parts if len(word) > 3}
    if any(word in domain for domain in domains for word in distinct):
        return False  # ola@fjordkraft.no works at Fjordkraft
    return True if any(domains) else None


def borne(fact: Fact, wanted: Wanted) -> bool:
    """Whether a company's name shows a person's whole name."""
    return any(
        identifiers.name_in(text, name) for text in fact.traits.names for name in wanted.names
    )


def is_corporate(name: str) -> bool:
    """Whether a name says that it is a company's: "Fjordkraft AS", "Muster GmbH"."""
    parts = _WORD.findall(name.lower().replace(".", ""))
    return len(parts) > 1 and parts[-1] in _CORPORATE
