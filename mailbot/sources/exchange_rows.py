"""A mail as a record: its row is what a person reads.

Addresses, subject, text and attachments, decoded: flags, folders' own marks and a server's way of
encoding are no part of its fingerprint.
"""

import json

from mailbot.clients import decode
from mailbot.record import Row, Typed

MOST_TEXT = 20_000  # characters of a mail kept in its row; the digest is of the whole


def row(content: decode.Content) -> Row:
    """A mail as a record: what its fingerprint covers. Flags, folder and route are no part."""
    head = content.head
    attachments = [
        {"name": file.name, "type": file.media_type, "size": file.size, "sha256": file.sha256}
        for file in content.attachments
    ]
    found: dict[str, str] = {
        "from": _people(head, "from"),
        "reply_to": _people(head, "reply-to"),
        "to": _people(head, "to"),
        "cc": _people(head, "cc"),
        "bcc": _people(head, "bcc"),
        "subject": head.text("subject"),
        "date": head.text("date"),
        "message_id": next(iter(head.ids("message-id")), ""),
        "text": content.body[:MOST_TEXT],
        "text_sha256": content.body_sha256,
    }
    listed = json.dumps(attachments, ensure_ascii=False, sort_keys=True)
    return {
        **{name: writable(text) for name, text in found.items()},
        "attachments": Typed("json", writable(listed)),
    }


def writable(text: str) -> str:
    """Half characters (UTF-7 can spell them) cannot be written down: one hostile mail that names
    the person would stop their whole case."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _people(head: decode.Head, name: str) -> str:
    return ", ".join(
        f"{address.name} <{address.address}>" if address.name else address.address
        for address in head.addresses(name)
    )


def answers_of(content: decode.Content) -> frozenset[str]:
    return frozenset((*content.head.ids("in-reply-to"), *content.head.ids("references")))
