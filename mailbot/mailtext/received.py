"""Received lines: by which hosts a mail came, and where our own servers end (RFC 5321 § 4.4).

The topmost line was written by our own server. A line below may be believed only as long as every
line above says that it took the mail from one of our own hosts: the first that took it from
elsewhere is the boundary, and everything below was written by whoever sent the mail.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import translate
from functools import lru_cache

from mailbot.mailtext.dates import header_date

_FROM = re.compile(r"\s*from\s+(?P<helo>[^\s()]+)", re.I)
_WITH = re.compile(r"\bwith\s+(?P<how>[\w-]+)", re.I)
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+[a-z0-9-]{2,63}\.?|localhost", re.I)
_ADDRESS = re.compile(r"\[?(?:ipv6:)?([0-9a-f:.]*[:.][0-9a-f:.]+)(?:%\w+)?\]?", re.I)
# Exchange Online hands mail from server to server inside these networks of Microsoft's.
_INSIDE = tuple(
    ipaddress.ip_network(net)
    for net in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16",
        "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
_MICROSOFT = ipaddress.ip_network("2603:1000::/24")
EXCHANGE_ONLINE = (
    "*.prod.outlook.com",
    "*.protection.outlook.com",
    "*.prod.exchangelabs.com",
    "*.outlook.office365.com",
)


_MOST_HOPS = 100  # servers give up at as many (RFC 5321 § 6.3)


@dataclass(frozen=True, slots=True)
class Hop:
    """One Received line. `proved`: the host's name as the receiver looked it up, else ""."""

    helo: str
    proved: str
    ip: str
    by: str
    how: str
    date: str

    @property
    def at(self) -> datetime | None:
        """When, in UTC; None where the line does not say."""
        return header_date(self.date)


def read_hop(value: str) -> Hop:
    """A Received line of any of the usual servers; what cannot be read is empty."""
    text = " ".join(value[:4000].split())
    trace, _, date = text.rpartition(";")
    if not trace:
        trace, date = text, ""
    start = _FROM.match(trace)
    by = _by(trace)
    helo, proved, ip = "", "", ""
    if start is not None:
        helo = start["helo"].strip("[]").rstrip(".").lower()
        note = _comment(trace, start.end())
        ip = _ip(note) or _ip(start["helo"])
        proved = _proved(note, helo)
    how = _WITH.search(trace)
    return Hop(helo, proved, ip, by, how["how"].lower() if how else "", date.strip())


def _by(trace: str) -> str:
    """The host after the first "by" that stands outside parentheses."""
    depth = 0
    for match in re.finditer(r"[()]|(?:(?<=\s)|^)by\s+(?P<host>[^\s();]+)", trace, re.I):
        if match.group() == "(":
            depth += 1
        elif match.group() == ")":
            depth = max(0, depth - 1)
        elif depth == 0:
            return str(match["host"]).rstrip(".").lower()
    return ""


def _comment(trace: str, at: int) -> str:
    """The parentheses behind the from host, together."""
    match = re.match(r"(?:\s*\((?:[^()]|\([^()]*\))*\))+", trace[at:])
    return match.group() if match else ""


def _ip(note: str) -> str:
    for match in _ADDRESS.finditer(note):
        try:
            return str(_address_of(match[1].rstrip(".")))
        except ValueError:
            continue
    return ""


@lru_cache(maxsize=1024)
def _address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)


def _proved(note: str, helo: str) -> str:
    """The name that the receiver found for the address, as Postfix, Sendmail and qmail note it."""
    if re.search(r"may be forged|unverified|unknown", note, re.I):
        return ""
    cleaned = re.sub(r"\bhelo[\s=]+\S+|\S+@\S+", " ", note, flags=re.I)
    match = _HOST.search(re.sub(r"\[[^\]]*\]", " ", cleaned))
    if match and not re.fullmatch(r"[\d.]+", match.group()):
        return match.group().rstrip(".").lower()
    if re.search(r"\bhelo[\s=]", note, re.I):
        # Exim and qmail write HELO apart: then the name in front is the one looked up.
        return helo if _HOST.fullmatch(helo) else ""
    return ""


def matches(host: str, patterns: Sequence[str]) -> bool:
    """Whether a host name or address fits one of the patterns."""
    plain = host.rstrip(".").lower()
    return bool(plain) and _any_of(tuple(patterns)).match(plain) is not None


@lru_cache(maxsize=64)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all of some patterns; one that nothing fits where there are none."""
    return re.compile("|".join(translate(each.strip().lower()) for each in patterns) or r"(?!)")


def own_patterns(trusted_hosts: Sequence[str], authserv_id: str) -> tuple[str, ...]:
    """Whose Received lines are ours. Exchange Online's servers hand mail on under several names."""
    patterns = [host for host in trusted_hosts if host.strip()]
    if authserv_id:
        patterns += [authserv_id, f"*.{authserv_id}"]
    elif any("protection.outlook.com" in host.lower() for host in patterns):
        patterns += EXCHANGE_ONLINE
    return tuple(patterns)


def from_ours(hop: Hop, patterns: Sequence[str]) -> bool:
    """Whether a line of ours says, beyond what its peer claimed, that the peer was ours too."""
    if hop.ip and matches(hop.ip, patterns):
        return True
    if hop.ip and _address_of(hop.ip).is_loopback:
        return True  # a filter on the same machine hands mail back over the loopback
    if hop.proved:
        return matches(hop.proved, patterns) and not _hired(hop)
    if not matches(hop.helo, patterns) or _hired(hop):
        return False
    if not hop.ip or hop.how.startswith("lmtp"):
        # No address: no stranger came over the network. LMTP is spoken between our own programs.
        return True
    # Only the name that the peer gave itself: it counts from addresses where no stranger is.
    address = _address_of(hop.ip)
    inside = any(address in net for net in _INSIDE if net.version == address.version)
    return inside or (address.version == 6 and address in _MICROSOFT)


def _hired(hop: Hop) -> bool:
    """Exchange Online's way out, used by every customer of Microsoft: a stranger's mail."""
    return any(".outbound." in f".{name}" for name in (hop.proved, hop.helo))


@dataclass(frozen=True, slots=True)
class Border:
    """Where our own Received lines end.

    `index`: the field where the mail came from outside (or, for mail that never was outside, the
    lowest Received); None: no Received at all. `inside`: every line says that the mail came from
    one server of ours to another (a program on a loopback may be anything, such as a web form).
    `ours`: whether the line at the border was written by one of our hosts.
    """

    index: int | None
    inside: bool
    ours: bool
    at: datetime | None


def find_border(fields: Sequence[tuple[str, str]], patterns: Sequence[str]) -> Border:
    """Walk the Received lines from the top, as far as they can be believed."""
    last: tuple[int, Hop] | None = None
    inside = True
    hops = 0
    for index, (name, value) in enumerate(fields):
        if name != "received":
            continue
        hops += 1
        if hops > _MOST_HOPS:
            return Border(index, False, False, None)
        hop = read_hop(value)
        by_ours = matches(hop.by, patterns)
        if last is None and not by_ours and hop.helo and from_ours(hop, patterns):
            by_ours = True  # delivery into the mailbox, by the machine's own name
        if not by_ours:
            return Border(index, False, False, None)
        if hop.helo and not from_ours(hop, patterns):
            return Border(index, False, True, hop.at)
        inside = inside and not (hop.ip and _address_of(hop.ip).is_loopback)
        last = (index, hop)
    if last is None:
        return Border(None, True, False, None)
    return Border(last[0], inside, True, last[1].at)
