"""The keys by which a person is found: e-mail, phone, name, customer number; normalised, compared.

What counts as the same key is settled once, here, for identity checks, searches and letters
alike. Certain: what any mail system treats as one address. Possible: what only some do; that is
shown to staff and never acted on. Everything read here may be hostile: each function looks at a
bounded part of its input, in time that grows with that part, and returns None or nothing for what
it cannot read.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Protocol

from mailbot.identifiers_name import name_in, name_parts, same_name
from mailbot.identifiers_phone import (
    find_phones,
    phone,
    phone_of_column,
    phone_variants,
    same_phone,
)
from mailbot.identifiers_text import (
    LONGEST_KEY,
    LONGEST_TEXT,
    mend,
    misread,
    trim,
    unique,
    visible,
)
from mailbot.record import Certainty

__all__ = [
    "customer_no",
    "email",
    "email_domain",
    "email_variants",
    "find_emails",
    "find_keys",
    "find_phones",
    "is_shared",
    "name_in",
    "name_parts",
    "own_key",
    "phone",
    "phone_of_column",
    "phone_variants",
    "same_email",
    "same_name",
    "same_phone",
    "untagged",
]

_GMAIL = frozenset({"gmail.com", "googlemail.com"})  # one service; dots and +tags mean nothing
_ATEXT = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+/=?^_`{|}~-")  # RFC 5322 § 3.2.3
_LOCAL_OCTETS, _DOMAIN_OCTETS, _LABEL_OCTETS = 64, 253, 63  # RFC 5321 § 4.5.3.1, RFC 1035 § 2.3.4
_DOTS = re.compile("[。．｡]")  # the full stops that IDNA treats as a dot (RFC 3490 § 3.1)
# Mailboxes that belong to a role in any organisation (RFC 2142), beside those configured.
_ROLES = frozenset(
    (
        "abuse", "admin", "administrator", "billing", "contact", "helpdesk", "hostmaster", "hello",
        "info", "mail", "marketing", "no-reply", "noreply", "office", "postmaster", "sales",
        "security", "service", "support", "webmaster",
    )
)  # fmt: skip
_LONGEST_OWN_KEY = 64


class Shared(Protocol):
    """What `is_shared` needs of the organisation's own data (datamap.Own has it)."""

    @property
    def shared_local_parts(self) -> Collection[str]:
        """Local parts of addresses that several people read: post, info, support."""


class Pattern(Protocol):
    """How a key of the organisation's own looks in text (datamap.KeyPattern has it)."""

    @property
    def pattern(self) -> str:
        """A regular expression that the configuration has checked to be bounded."""

    @property
    def ignore(self) -> str:
        """Signs that do not count when two keys are compared."""


def email(text: str) -> str | None:
    """The one form in which an address is compared: lower case, NFKC, domain in ASCII (IDNA).

    Surrounding space, angle brackets, a display name before them and "mailto:" are removed, a
    misreading of UTF-8 as Latin-1 is undone, and at gmail.com dots and +tags are dropped. None
    for what is not exactly one address.
    """
    parts = _split(text)
    if parts is None:
        return None
    local, domain = parts
    if domain in _GMAIL:
        local, domain = local.partition("+")[0].replace(".", ""), "gmail.com"
    return f"{local}@{domain}" if local else None


def email_domain(address: str) -> str | None:
    """The domain of an address in lower-case ASCII (IDNA), as DMARC compares it; None if none."""
    parts = _split(address)
    return None if parts is None else parts[1]


def same_email(a: str, b: str) -> Certainty | None:
    """CERTAIN: one mailbox to any mail system. POSSIBLE: only a +tag differs. None: two others."""
    mine, theirs = email(a), email(b)
    if mine is None or theirs is None:
        return None
    if mine == theirs:
        return Certainty.CERTAIN
    return Certainty.POSSIBLE if untagged(mine) == untagged(theirs) else None


def email_variants(address: str) -> tuple[str, ...]:
    """The forms in which a column may hold this address, each worth an indexed comparison.

    Compare them to the column as it is and to its lower case. What an index cannot find (dots at
    gmail.com, odd capitals) `same_email` tells. Empty if the text is no address.
    """
    parts = _split(address)
    normal = email(address)
    if parts is None or normal is None:
        return ()
    local, domain = parts
    locals_ = dict.fromkeys((local, normal.rpartition("@")[0]))
    domains = dict.fromkeys((domain, _in_letters(domain)))
    if domain in _GMAIL:
        domains = dict.fromkeys((domain, "gmail.com", "googlemail.com"))
    plain = [f"{name}@{host}" for name in locals_ for host in domains]
    cased = [form for value in plain for form in _capitalised(value)]
    decomposed = [unicodedata.normalize("NFD", value) for value in (*plain, *cased)]
    broken = [form for value in (*plain, *cased) for form in misread(value)]
    broken += [value.lower() for value in broken]
    forms = dict.fromkeys((*plain, trim(address), *cased, *decomposed, *broken))
    # Some letters do not survive a change of case (the dotless i): those forms are another address.
    return tuple(form for form in forms if email(form) == normal)


def is_shared(address: str, own: Shared) -> bool:
    """Whether an address belongs to a role that several people hold, not to one person.

    The local part is compared whole, and by its first word: "info.oslo@", "post2@", "salg-nord@".
    """
    parts = _split(address)
    if parts is None:
        return False
    roles = _ROLES | {part.strip().lower() for part in own.shared_local_parts}
    local = parts[0].partition("+")[0]
    first = re.split(r"[._\-]", local, maxsplit=1)[0]
    return any(word in roles or word.rstrip("0123456789") in roles for word in (local, first))


def find_emails(text: str) -> tuple[str, ...]:
    """Every address that a text shows, as `email()` writes it, in the order found, each once.

    Only the first 200,000 characters are read. A domain without a dot is not taken for one.
    """
    return unique(found for found in _shown_emails(text[:LONGEST_TEXT]))


def own_key(text: str, pattern: str = "", ignore: str = " -") -> str | None:
    """A key of the organisation's own in the form in which it is compared; None if it is none.

    The whole text must look like `pattern` (case-insensitive; "": anything with a letter or a
    digit). Case and the signs in `ignore` do not count.
    """
    tidy = unicodedata.normalize("NFKC", trim(text[: LONGEST_KEY + 1]))
    if len(tidy) > _LONGEST_OWN_KEY or (pattern and not _compiled(pattern).fullmatch(tidy)):
        return None
    bare = "".join(sign for sign in tidy if sign not in ignore).upper()
    bare = trim(unicodedata.normalize("NFKC", bare))
    # What cannot be seen has no place inside a key: two keys that look alike would differ.
    return bare if bare.isprintable() and any(sign.isalnum() for sign in bare) else None


def customer_no(text: str, pattern: str = "", ignore: str = " -") -> str | None:
    """A customer number as it is compared: without case and hyphens ("k-12345" is "K12345")."""
    return own_key(text, pattern, ignore)


def find_keys(text: str, patterns: Mapping[str, Pattern]) -> tuple[tuple[str, str], ...]:
    """Every own key that a text shows, as (name of its pattern, the key as it is compared).

    A key stands alone: "K-12345" is not found in "XK-123456". Only the first 200,000 characters
    are read, and each line in pieces, which bounds what a pattern may cost on hostile text.
    """
    shown = unicodedata.normalize("NFKC", text[:LONGEST_TEXT])
    return tuple(
        (kind, key) for kind, spec in patterns.items() for key in unique(_shown_keys(shown, spec))
    )


def _split(text: str) -> tuple[str, str] | None:
    """Local part and domain in comparable form (nothing folded yet), or None."""
    tidy = trim(text[:2000])
    if "<" in tidy or ">" in tidy:
        bracketed = re.fullmatch(r"[^<>]*<([^<>]*)>", tidy)
        tidy = trim(bracketed.group(1)) if bracketed else ""
    if tidy[:7].lower() == "mailto:":
        tidy = tidy[7:].partition("?")[0]
    tidy = unicodedata.normalize("NFKC", mend(tidy)).lower()
    local, at, domain_text = tidy.rpartition("@")
    if not at or len(tidy.encode("utf-8", errors="replace")) > LONGEST_KEY:
        return None
    if len(local) > 2 and local[0] == local[-1] == '"':
        local = local[1:-1]  # RFC 5321 § 4.1.2: quoting what needs none changes nothing
    domain = _domain(domain_text)
    if domain is None or not local or not all(_in_local_part(sign) for sign in local):
        return None
    return local, domain


def _in_local_part(sign: str) -> bool:
    """Atom signs, and letters, marks and digits beyond ASCII (RFC 6532); no @, quote or space."""
    return sign in _ATEXT or (sign > "\x7f" and unicodedata.category(sign)[0] in "LMN")


def _domain(text: str) -> str | None:
    """A domain in lower-case ASCII, or None."""
    labels = [_label(label) for label in _DOTS.sub(".", text).removesuffix(".").split(".")]
    if not all(labels):
        return None
    domain = ".".join(label for label in labels if label)
    return domain if len(domain) <= _DOMAIN_OCTETS else None


def _label(text: str) -> str | None:
    letters = unicodedata.normalize("NFKC", _decoded(text)).lower()
    if not all(
        sign in "-_" or sign.isalnum() or unicodedata.category(sign)[0] == "M" for sign in letters
    ):
        return None
    label = letters if letters.isascii() else "xn--" + letters.encode("punycode").decode("ascii")
    fits = 0 < len(label) <= _LABEL_OCTETS and "-" not in (label[0], label[-1])
    return label if fits else None


def _decoded(label: str) -> str:
    """A label in letters. What only claims to be punycode stays as it is (RFC 5891 § 5.4)."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except ValueError:
        return label


def _in_letters(domain: str) -> str:
    return ".".join(_decoded(label) for label in domain.split("."))


def untagged(address: str) -> str:
    """An address, as `email` writes it, without what follows a + in its local part."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _capitalised(address: str) -> tuple[str, ...]:
    """As people and old systems write an address: OLA.NORDMANN@, Ola.Nordmann@, Ola.nordmann@."""
    local, _, domain = address.rpartition("@")
    each = re.sub(r"[^\W\d_]+", lambda word: word.group().capitalize(), local)
    return f"{each}@{domain}", f"{local.capitalize()}@{domain}", address.upper()


def _shown_emails(text: str) -> Iterator[str]:
    shown = unicodedata.normalize("NFKC", mend(visible(text)))
    at = shown.find("@")
    while at >= 0:
        start, end = at, at + 1
        while start > 0 and at - start < _LOCAL_OCTETS and _may_stand_before(shown[start - 1]):
            start -= 1
        while end < len(shown) and end - at <= _DOMAIN_OCTETS and _may_stand_after(shown[end]):
            end += 1
        alone = "@" not in (shown[start - 1 : start], shown[end : end + 1])
        domain = shown[at + 1 : end].strip(".-")
        found = email(f"{shown[start:at].lstrip(_LEADING)}@{domain}") if "." in domain else None
        if alone and found:
            yield found
        at = shown.find("@", at + 1)


_LEADING = ".-'&%"  # quotes, dashes and the like that stand before an address in prose


def _may_stand_before(sign: str) -> bool:
    return sign.isalnum() or sign in "._%+-'&" or unicodedata.category(sign)[0] == "M"


def _may_stand_after(sign: str) -> bool:
    return sign.isalnum() or sign in ".-" or unicodedata.category(sign)[0] == "M"


_PIECE, _OVERLAP = 256, 64


def _shown_keys(text: str, spec: Pattern) -> Iterator[str]:
    expression = _standing_alone(spec.pattern)
    for line in text.splitlines():
        for start in range(0, max(len(line) - _OVERLAP, 1), _PIECE - _OVERLAP):
            end = min(start + _PIECE, len(line))
            for found in expression.finditer(line, start, end):
                # At the cut a longer key may go on: the next piece, which overlaps, has it whole.
                if found.end() == end < len(line):
                    continue
                key = own_key(found.group(), ignore=spec.ignore)
                if key:
                    yield key


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@lru_cache(maxsize=64)
def _standing_alone(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", re.IGNORECASE)
