"""Folders by well-known name, whatever language the mail program called them in."""

from collections.abc import Iterable, Mapping

INBOX = "inbox"
JUNK = "junkemail"
TRASH = "deleteditems"
SENT = "sentitems"
DRAFTS = "drafts"
MAY_BE_MISSING = frozenset({JUNK, SENT})  # made by many servers only when the first mail comes
NOT_FOR_MARKS = (TRASH, DRAFTS, SENT)  # where a mark calls for nothing

# Well-known name -> the attribute by which a server marks the folder (RFC 6154).
SPECIAL_USE: Mapping[str, str] = {
    JUNK: "\\junk",
    "sentitems": "\\sent",
    "drafts": "\\drafts",
    TRASH: "\\trash",
    "archive": "\\archive",
}

# Exchange marks no folder: its names follow the language of whoever opened the mailbox first.
# Only exact names count: "Sent til kunde" is somebody's own folder.
_NAMES: Mapping[str, tuple[str, ...]] = {
    JUNK: (
        "Junk",
        "Junk Email",
        "Junk E-mail",
        "Junk-E-Mail",
        "Junk mail",
        "Spam",
        "Bulk Mail",
        "Søppelpost",
        "Søppel-e-post",
        "Useriøs e-post",
        "Skräppost",
        "Uønsket mail",
        "Uønsket e-mail",
        "Uønsket post",
        "Roskaposti",
        "Courrier indésirable",
        "Ongewenste e-mail",
        "Correo no deseado",
        "Wiadomości-śmieci",
        "Posta indesiderata",
    ),
    "sentitems": (
        "Sent",
        "Sent Items",
        "Sent Messages",
        "Sent Mail",
        "Sendte elementer",
        "Sendt",
        "Sendt post",
        "Sende element",
        "Skickat",
        "Skickade objekt",
        "Gesendete Elemente",
        "Gesendet",
        "Gesendete Objekte",
    ),
    "drafts": ("Drafts", "Kladd", "Kladder", "Utkast", "Entwürfe"),
    TRASH: (
        "Trash",
        "Deleted Items",
        "Deleted Messages",
        "Bin",
        "Slettede elementer",
        "Sletta element",
        "Papirkurv",
        "Papirkorg",
        "Borttaget",
        "Borttagna objekt",
        "Papperskorgen",
        "Slettet post",
        "Gelöschte Elemente",
        "Gelöschte Objekte",
        "Papierkorb",
    ),
    "archive": ("Archive", "Arkiv", "Archiv"),
}

WELL_KNOWN = frozenset({INBOX, *SPECIAL_USE})


def by_name(well_known: str, names: Iterable[str], separator: str = "/") -> str | None:
    """The folder that bears one of the usual names, at the top or right under the inbox."""
    usual = {name.casefold() for name in _NAMES.get(well_known, ())}
    top = [name for name in names if _short(name, separator).casefold() in usual]
    return min(top, key=lambda name: (name.count(separator), name), default=None)


def _short(name: str, separator: str) -> str:
    prefix = f"INBOX{separator}"
    return name[len(prefix) :] if name.upper().startswith(prefix) else name
