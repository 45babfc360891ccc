"""A zip whose members are encrypted with AES-256, as WinZip's AE-2 describes it.

Written here because no kept library writes it without a second cryptographic engine. 7-Zip, WinZip,
Keka and The Unarchiver open it; Windows Explorer does not, so a PDF is the default.
"""

import hashlib
import hmac
import os
import struct
import zlib
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_ROUNDS = 1000  # fixed by the format; the passphrase itself has the strength
_AES_256 = 3
_EXTRA = struct.pack("<HHHHBH", 0x9901, 7, 2, 0x4541, _AES_256, 8)  # vendor "AE", version 2
_METHOD = 99
_FLAGS = 0x0801  # encrypted; names are UTF-8
_DATE = (1 << 5) | 1  # 1980-01-01: the archive tells no time


def locked_zip(
    files: Sequence[tuple[str, bytes]],
    passphrase: str,
    random: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """An archive of (name, content), each deflated and encrypted. `random`: n octets, for salts."""
    archive = bytearray()
    directory = bytearray()
    for name, content in files:
        start = len(archive)
        body = _encrypted(_deflated(content), passphrase.encode(), random(16))
        encoded = name.encode()
        common = struct.pack(
            "<HHHHHIIIHH",
            51,  # needed to extract: 5.1
            _FLAGS,
            _METHOD,
            0,
            _DATE,
            0,  # AE-2 leaves the CRC out: it would tell of the plain content
            len(body),
            len(content),
            len(encoded),
            len(_EXTRA),
        )
        archive += b"PK\x03\x04" + common + encoded + _EXTRA + body
        directory += b"PK\x01\x02" + struct.pack("<H", 51) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, start) + encoded + _EXTRA
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), len(archive), 0)
    return bytes(archive + directory + b"PK\x05\x06" + end)


def _deflated(content: bytes) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return engine.compress(content) + engine.flush()


def _encrypted(content: bytes, passphrase: bytes, salt: bytes) -> bytes:
    """Salt, two octets to check the passphrase by, ciphertext, ten octets of HMAC-SHA-1."""
    derived = hashlib.pbkdf2_hmac("sha1", passphrase, salt, _ROUNDS, 66)
    key, seal, check = derived[:32], derived[32:64], derived[64:]
    ciphertext = _counted(content, key)
    tag = hmac.new(seal, ciphertext, hashlib.sha1).digest()[:10]
    return salt + check + ciphertext + tag


def _counted(content: bytes, key: bytes) -> bytes:
    """AES in counter mode with a little-endian counter from 1, which no library offers as such."""
    blocks = (len(content) + 15) // 16
    counters = b"".join(n.to_bytes(16, "little") for n in range(1, blocks + 1))
    # Single blocks of counters, each used once under a key of its own salt: this is CTR, not ECB.
    engine = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    stream = engine.update(counters) + engine.finalize()
    size = len(content)
    return (int.from_bytes(content, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(
        size, "big"
    )
