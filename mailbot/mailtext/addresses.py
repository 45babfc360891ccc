"""Addresses: who a mail says it is from, read so that no two readers could disagree.

A From that one program may read as one address and another as a second one is how senders are
forged past authentication (Chen, Paxson, Jiang: "Composition Kills", USENIX Security 2020). So
`sole_sender` accepts the plain forms that people's programs write, and nothing else; the lists of
recipients, which decide nothing, are read forgivingly.
"""

import re
import unicodedata

from mailbot.mailtext.headers import Headers, decode_words, one_line
from mailbot.message import Address

_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_ASCII_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LOOSE = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[\w.-]{1,253}")
_ENTRY = re.compile(r"(?P<name>[^<>]*)<(?P<spec>[^<>@]{1,64}@[^<>@]{1,255})>")
_HOLDS_ADDRESS = re.compile(r"[^\s<>@,;:\"'()\[\]]+@[^\s<>@,;:\"'()\[\]]+")
_MAX_LIST = 500


def sole_sender(headers: Headers) -> Address | None:
    """The one author of a mail (RFC 5322 § 3.6.2), or None if that is not beyond doubt."""
    values = headers.all("from")
    if len(values) != 1 or headers.odd_from:
        return None
    return read_mailbox(values[0])


def read_mailbox(value: str) -> Address | None:
    """One mailbox, `name <local@domain>` or `local@domain (name)`; None for anything else."""
    text = value.strip(" \t")
    if not text or len(text) > 1000 or _holds_control(text):
        return None
    if text.endswith(">"):
        found = _name_and_spec(text)
    elif text.endswith(")"):
        found = _spec_and_comment(text)
    else:
        found = ("", text)
    if found is None:
        return None
    name, spec = found
    address = _address(spec)
    if address is None:
        return None
    decoded = decode_words(name)
    shown = one_line(decoded)
    if _holds_control(decoded) or not _name_agrees(shown, address):
        return None
    return Address(address=address, name=shown[:200])


def _holds_control(text: str) -> bool:
    return not text.isprintable() and any(map(_is_control, text))


def _is_control(character: str) -> bool:
    return character != "\t" and unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")


def _name_and_spec(text: str) -> tuple[str, str] | None:
    head, bracket, spec = text[:-1].rpartition("<")
    if not bracket:
        return None
    name = _phrase(head.strip())
    return None if name is None else (name, spec.strip())


def _phrase(text: str) -> str | None:
    """A display name: one quoted string, or words without any character that has a meaning."""
    if text.startswith('"'):
        if not re.fullmatch(r'"(?:[^"\\]|\\.)*"', text):
            return None
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    bare = re.sub(r"\([^()]*\)", " ", text)  # `Kari Hansen (Innkjøp)`: see also _name_agrees
    return None if re.search(r'[<>"@,;:\\()]', bare) else text


def _spec_and_comment(text: str) -> tuple[str, str] | None:
    """`kari@example.no (Kari Hansen)`: the old form, its comment behind and harmless."""
    match = re.fullmatch(r"([^()\s]+)\s+\(([^()<>@,;:\\\"]*)\)", text)
    return (match.group(2), match.group(1)) if match else None


def _address(spec: str) -> str | None:
    """local@domain with the domain lower-cased and in ASCII (IDNA); None if it is not plain."""
    local, at, domain = spec.partition("@")
    if not at or len(spec) > 254 or not _LOCAL.fullmatch(local) or "=?" in local:
        return None
    # "%" and "!" routed mail onwards once (RFC 5321 § 7.7 warns of what they still may do).
    if "%" in local or "!" in local or _mixes_scripts(local) or domain.endswith("."):
        return None
    host = ascii_domain(domain)
    return f"{unicodedata.normalize('NFC', local)}@{host}" if host else None


def ascii_domain(domain: str) -> str:
    """A domain as it is compared: lower-case, IDNA; "" if it is none."""
    text = domain.strip().rstrip(".").lower()
    if not text or len(text) > 253 or not all(_LABEL.fullmatch(part) for part in text.split(".")):
        return ""
    if unicodedata.normalize("NFKC", text) != text or _deceives(text):
        return ""
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    return text if all(_ASCII_LABEL.fullmatch(part) for part in text.split(".")) else ""


def _deceives(domain: str) -> bool:
    """Whether a label mixes alphabets, so as to look like another (UTS #39 § 5), or is no IDNA."""
    for label in domain.split("."):
        plain = label
        if label.startswith("xn--"):
            try:
                plain = label.encode("ascii").decode("idna")
            except UnicodeError:
                return True
        if not plain.isascii() and _mixes_scripts(plain):
            return True
    return False


def _mixes_scripts(text: str) -> bool:
    if text.isascii():
        return False
    scripts = {unicodedata.name(c, "?").split(" ")[0] for c in text if c.isalpha()}
    return len(scripts - {"CJK", "HIRAGANA", "KATAKANA", "HANGUL"}) > 1


def _name_agrees(name: str, address: str) -> bool:
    """A display name that shows another address than the real one deceives its reader."""
    plain = unicodedata.normalize("NFKC", name)
    shown = _HOLDS_ADDRESS.findall(plain)
    return all(found.strip(".").casefold() == address.casefold() for found in shown)


def read_addresses(values: tuple[str, ...]) -> tuple[Address, ...]:
    """Every recognisable address of recipient fields, in order; the rest is passed over."""
    found: dict[str, Address] = {}
    for value in values[:50]:
        for entry in split_list(value):
            address = _entry(entry)
            if address is not None:
                found.setdefault(address.address, address)
            if len(found) >= _MAX_LIST:
                return tuple(found.values())
    return tuple(found.values())


def split_list(value: str) -> list[str]:
    """The entries of an address list: split at commas outside quotes, comments and brackets."""
    entries: list[str] = []
    start, quoted, depth, angle, escaped = 0, False, 0, False, False
    for at, c in enumerate(value):
        if escaped:
            escaped = False
        elif c == "\\":
            escaped = True
        elif c == '"' and depth == 0:
            quoted = not quoted
        elif quoted:
            continue
        elif c == "(":
            depth += 1
        elif c == ")" and depth:
            depth -= 1
        elif c in "<>":
            angle = c == "<"
        elif c in ",;" and not depth and not angle:
            entries.append(value[start:at])
            start = at + 1
    entries.append(value[start:])
    return [entry for entry in (each.strip() for each in entries) if entry][: _MAX_LIST * 2]


def _entry(entry: str) -> Address | None:
    exact = read_mailbox(entry)
    if exact is not None:
        return exact
    match = _ENTRY.search(entry[:2000])
    spec = match.group("spec") if match else ""
    if match is None:
        loose = _LOOSE.search(entry[:2000])
        spec = loose.group() if loose else ""
    address = _address(spec.strip()) if spec else None
    if address is None:
        return None
    name = one_line(decode_words(match.group("name"))).strip(' "') if match else ""
    return Address(address=address, name=name[:200])


def domain_of(address: str) -> str:
    """The domain of an address, or ""."""
    return address.rpartition("@")[2].lower() if "@" in address else ""
