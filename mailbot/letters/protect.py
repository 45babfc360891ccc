"""How the access package leaves: locked with a passphrase that travels another way.

The supervisory authority warns against handing data over by open e-mail. The passphrase is never
written into a mail: staff read it out on the phone.
"""

import hashlib
import io
from collections.abc import Callable, Sequence

from mailbot.case import Label
from mailbot.errors import Permanent
from mailbot.letters.zipped import locked_zip
from mailbot.message import OutgoingFile
from mailbot.record import canonical

# Neither 0 and o nor 1, i and l: it is read out and typed.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _SIGNS = 4, 4  # 16 signs of 31 are 79 bits


def new_passphrase(random: Callable[[int], bytes]) -> str:
    """A passphrase of 79 bits in groups to read out: k7mw-x3hj-9tqn-c4vb. `random`: n octets."""
    number = int.from_bytes(random(24), "big")  # far more bits than needed: no sign is favoured
    signs = []
    for _ in range(_GROUPS * _SIGNS):
        number, place = divmod(number, len(_ALPHABET))
        signs.append(_ALPHABET[place])
    text = "".join(signs)
    return "-".join(text[start : start + _SIGNS] for start in range(0, len(text), _SIGNS))


def mode_for(right: Label, configured: str) -> str:
    """How the files of a right leave. A PDF is no format that can be moved (art. 20(1)), so that
    what is to be portable is locked in a zip where a copy would be locked in its PDF."""
    zipped = right is Label.PORTABILITY and configured == "encrypted-pdf"
    return "encrypted-zip" if zipped else configured


def sent_names(names: Sequence[str], mode: str) -> tuple[str, ...]:
    """The names of the files that leave, given those of the package."""
    match mode:
        case "encrypted-pdf":
            return tuple(name for name in names if name.endswith(".pdf"))
        case "encrypted-zip":
            return (f"{names[0].rpartition('.')[0]}.zip",) if names else ()
        case "by-hand":
            return ()
    return tuple(names)


def protect(files: Sequence[OutgoingFile], mode: str, passphrase: str) -> tuple[OutgoingFile, ...]:
    """The files as they leave: encrypted-pdf, encrypted-zip, plain, or by-hand (none).

    `plain_sha256` stays the digest of the content before encryption; of a zip, the SHA-256 of the
    canonical JSON {name: digest}. Raises Permanent without a passphrase, or for an unknown mode.
    """
    if not files or mode == "by-hand":
        return ()
    if mode == "plain":
        return tuple(files)
    if len(passphrase) < _GROUPS * _SIGNS:
        raise Permanent("the access file has no passphrase, so it cannot be locked")
    if mode == "encrypted-pdf":
        documents = [file for file in files if file.name.endswith(".pdf")]
        if not documents:
            raise Permanent("the access package holds no PDF to lock")
        # The JSON travels embedded in the PDF, under the same lock.
        return tuple(_locked_pdf(file, passphrase) for file in documents)
    if mode == "encrypted-zip":
        return (_zip(files, passphrase),)
    raise Permanent("delivery.access names no known way to hand the package over")


def _locked_pdf(file: OutgoingFile, passphrase: str) -> OutgoingFile:
    from pypdf import PdfReader, PdfWriter  # slow to load, and seldom needed

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(file.content)))
    writer.encrypt(user_password=passphrase, owner_password=None, algorithm="AES-256")
    locked = io.BytesIO()
    writer.write(locked)
    return OutgoingFile(
        name=file.name,
        media_type=file.media_type,
        content=locked.getvalue(),
        plain_sha256=file.plain_sha256,
    )


def _zip(files: Sequence[OutgoingFile], passphrase: str) -> OutgoingFile:
    digests = {file.name: file.plain_sha256 for file in files}
    return OutgoingFile(
        name=sent_names([file.name for file in files], "encrypted-zip")[0],
        media_type="application/zip",
        content=locked_zip([(file.name, file.content) for file in files], passphrase),
        plain_sha256=hashlib.sha256(canonical(digests)).hexdigest(),
    )
