"""The tag in a subject by which a reply is known: [mailbot:TOKEN]."""

import re
import unicodedata

_SHORTEST = 26  # base32 signs of 128 bits
_LONGEST = 64
# Clients put "Re:" and "SV:" in front, fold the line, insert spaces where they wrap, and some turn
# a whole subject into capitals. None of that may lose a decision, nor make another one of it.
_BRACKETED = re.compile(r"\[\s*mailbot\s*:([a-z2-7\s]{26,120})\]")
_BARE = re.compile(r"(?<![a-z0-9])mailbot:([a-z2-7]{26,64})(?![a-z0-9])")


def subject_tag(token: str) -> str:
    """The tag for a token (base32, lower case, at least 128 bits). ValueError if it is none."""
    if not _is_token(token):
        raise ValueError("not a token: 26 to 64 base32 signs in lower case")
    return f"[mailbot:{token}]"


def find_tokens(subject: str) -> tuple[str, ...]:
    """Every distinct token in a subject line, in order."""
    plain = unicodedata.normalize("NFKC", subject)
    plain = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf").lower()
    found = [
        (match.start(), "".join(match.group(1).split()))
        for pattern in (_BRACKETED, _BARE)
        for match in pattern.finditer(plain)
    ]
    return tuple(dict.fromkeys(token for _, token in sorted(found) if _is_token(token)))


def _is_token(token: str) -> bool:
    return _SHORTEST <= len(token) <= _LONGEST and bool(re.fullmatch("[a-z2-7]+", token))
