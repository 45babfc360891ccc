"""Envelope encryption: what may be read only with the master key, and what dies with a case.

    master key (32 bytes, held outside the store)
      wraps  the store's key (indexes, facts without a case)
      wraps  a key per case, and a key per mail that is not settled yet
               seals  documents, mails, payloads, receipts, facts

Destroying one wrapped key makes everything under it unreadable, in old copies of its rows too
(GDPR art. 5(1)(e), 17, 32(1)(a)). Everything is AES-256-GCM with a random nonce and bound to its
place (table, row, column) as associated data, so that ciphertexts cannot be exchanged.

What must be found without being readable is found by a blind index: HMAC-SHA-256 under a key of
its own purpose. These keys come, by HKDF with distinct labels, from the store's key and not from
the master key directly: so the master key can be changed without losing every index.
"""

import base64
import binascii
import hmac
import json
import os
import re
import unicodedata
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mailbot.errors import ConfigError, Permanent, Problem, Tampered
from mailbot.record import canonical

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"  # of a sealed text; another cipher would be another byte
_HEX = re.compile(r"[0-9A-Fa-f]{64}")
STORE = "store"  # the id of the store's own key


def load_master_key(text: str) -> bytes:
    """The master key from its text: base64 (either alphabet) or hex of 32 bytes.

    Raises ConfigError in one sentence for anything else; the text itself is never repeated.
    """
    written = text.strip()
    if _HEX.fullmatch(written):
        return bytes.fromhex(written)
    try:
        plain = written.rstrip("=").replace("-", "+").replace("_", "/")
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError([_bad_key("is not base64 or hex of 32 bytes")]) from None
    return key


def new_master_key() -> str:
    """A fresh random master key, as base64."""
    return base64.b64encode(new_key()).decode("ascii")


def new_key() -> bytes:
    """A fresh random key of 256 bits."""
    return os.urandom(KEY_BYTES)


def wrong_master_key() -> ConfigError:
    """The error for a store that was made with another master key."""
    return ConfigError([_bad_key("is not the master key that this store was made with")])


def _bad_key(what: str) -> Problem:
    remedy = (
        "give the key that the store was made with, or for a new store one from "
        "`openssl rand -base64 32`"
    )
    return Problem("store.key", what, remedy)


def derive(key: bytes, label: str) -> bytes:
    """A key for one purpose from a key (HKDF-SHA-256, RFC 5869)."""
    info = b"mailbot/1/" + label.encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)


def seal(key: bytes, plain: bytes, *place: str) -> bytes:
    """Encrypt for one place; `place` is table, row id and name."""
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, plain, _bound(place))


def unseal(key: bytes, sealed: bytes, *place: str) -> bytes:
    """Decrypt what was sealed for this very place. Raises Tampered otherwise."""
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _FORMAT or len(nonce) != _NONCE_BYTES:
        raise Tampered(f"An encrypted {place[0]} of the store is malformed.")
    try:
        return AESGCM(key).decrypt(nonce, body, _bound(place))
    except InvalidTag:
        raise Tampered(f"An encrypted {place[0]} of the store was tampered with.") from None


def _bound(place: tuple[str, ...]) -> bytes:
    # A JSON list, not joined text: ("a", "b/c") must differ from ("a/b", "c").
    try:
        return canonical(list(place))
    except UnicodeEncodeError:
        raise Permanent("An id or a name is no proper text.") from None


class Sealer:
    """Seals files beside the store, under a key of their own purpose."""

    def __init__(self, master_key: bytes, purpose: str) -> None:
        self._key = derive(master_key, f"file/{purpose}")
        self._purpose = purpose

    def seal(self, plain: bytes) -> bytes:
        """The file's content."""
        return seal(self._key, plain, "file", self._purpose)

    def unseal(self, sealed: bytes) -> bytes:
        """What was sealed. Raises Tampered for anything else."""
        return unseal(self._key, sealed, "file", self._purpose)


class MasterKey:
    """The key outside the store. `generation` (1 to 255) rises each time it is changed."""

    def __init__(self, key: bytes, generation: int = 1) -> None:
        if len(key) != KEY_BYTES:
            raise ConfigError([_bad_key("is not 32 bytes long")])
        self.generation = generation
        self._wrapping = derive(key, "wrap")
        self.check = derive(key, "check").hex()[:32]  # tells a wrong key from a damaged store

    def matches(self, check: str) -> bool:
        """Whether a store with this check value was made with this key."""
        return hmac.compare_digest(self.check, check)

    def wrap(self, key_id: str, key: bytes) -> bytes:
        """A key as it may lie in the store; its first byte is the master key's generation."""
        generation = str(self.generation)
        return bytes([self.generation]) + seal(self._wrapping, key, "key", key_id, generation)

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """The key again. Raises Tampered; Permanent if wrapped under a later master key."""
        if wrapped[:1] != bytes([self.generation]):
            raise Permanent("The store's master key was changed: start again with the new one.")
        return unseal(self._wrapping, wrapped[1:], "key", key_id, str(self.generation))


class Indexes:
    """Blind indexes: equal texts are equal numbers, and nobody without the key can try texts."""

    def __init__(self, store_key: bytes) -> None:
        self._keys = {
            label: derive(store_key, f"index/{label}")
            for label in (
                "subject",
                "message",
                "mail",
                "approver",
                "claim",
                "head",
                "suppression",
                "record",
                "content",
                "mark",
                "text",
            )
        }

    def subject(self, mailbox: str, address: str) -> str:
        """Of a data subject's address in one mailbox. Case does not tell people apart."""
        return self._text("subject", mailbox, _folded(address))

    def message(self, message_id: str) -> str:
        """Of a Message-ID, with or without its brackets."""
        return self._text("message", message_id.strip(" \t\r\n<>"))

    def approver(self, address: str) -> str:
        """Of an approver's address."""
        return self._text("approver", _folded(address))

    def text(self, text: str) -> str:
        """Of any text that only needs to be known again."""
        return self._text("text", _folded(text))

    def mail(self, mailbox: str, raw: bytes) -> str:
        """Of the bytes of a mail, by which it is known again after a resync."""
        return self._text("mail", mailbox, sha256(raw).hexdigest())

    def claim(self, name: str) -> int:
        """A signed 64-bit number to lock by; differs between stores in one database."""
        return int.from_bytes(bytes.fromhex(self._text("claim", name))[:8], signed=True)

    def head(self, seq: int, head: str) -> str:
        """Vouches for the end of the ledger: nobody without the key can move it."""
        return self._text("head", str(seq), head)

    def suppression(self, channel: str, value: str) -> str:
        """Of an address or a number that nobody may be written to or rung up at."""
        return self._text("suppression", channel, value)

    def record(self, system: str, table: str, key: str) -> str:
        """Of a record by its place; `key` is canonical JSON."""
        return self._text("record", system, table, key)

    def content(self, row: str) -> str:
        """Of all that a record holds; `row` is canonical JSON."""
        return self._text("content", row)

    def mark(self, kind: str, value: str) -> str:
        """Of one key of a person, as it is compared."""
        return self._text("mark", kind, value)

    def _text(self, label: str, *parts: str) -> str:
        # JSON keeps the parts apart, and escapes the lone surrogates that hostile headers may hold.
        return hmac.new(self._keys[label], json.dumps(parts).encode(), sha256).hexdigest()


def _folded(address: str) -> str:
    return unicodedata.normalize("NFC", address.strip().casefold())
