"""Folders of a mailbox on Exchange Server: by well-known name or path, whatever their language."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mailbot.clients.ews import Gone
from mailbot.mailboxes import folders

if TYPE_CHECKING:
    from exchangelib import Account

_WELL_KNOWN = {
    folders.INBOX: "inbox",
    folders.JUNK: "junk",
    "sentitems": "sent",
    "drafts": "drafts",
    folders.TRASH: "trash",
}
RECOVERABLE = "recoverableitemsdeletions"


def find(account: "Account", name: str) -> Any | None:
    """A folder by well-known name or path; None if there is none. Names are read anew once."""
    found = _find(account, name)
    if found is None:
        account.root.clear_cache()
        found = _find(account, name)
    return found


def make(account: "Account", name: str) -> Any:
    """A folder, made if there is none."""
    from exchangelib import Folder

    found = find(account, name)
    if found is not None:
        return found
    parent = account.msg_folder_root
    at = ""
    for part in name.split("/"):
        at = f"{at}/{part}" if at else part
        there = _find(account, at)
        if there is None:
            there = Folder(parent=parent, name=part, folder_class="IPF.Note")
            there.save()
        parent = there
    return parent


def of_mail(account: "Account") -> Iterator[tuple[str, Any]]:
    """Every folder that holds mail, by its path; then what was deleted and can be recovered."""
    from exchangelib import errors

    account.root.clear_cache()
    top = account.msg_folder_root
    for folder in top.walk():
        if folder.folder_class is None or str(folder.folder_class).startswith("IPF.Note"):
            yield _path(folder, top), folder
    try:
        yield RECOVERABLE, account.recoverable_items_deletions
    except (errors.ErrorFolderNotFound, errors.ErrorAccessDenied):
        return


def of(account: "Account", folder_class: str) -> Iterator[tuple[str, Any]]:
    """Every folder of a class ("IPF.Contact"), by its path; what lies in the bin is left out."""
    account.root.clear_cache()
    top, bin_ = account.msg_folder_root, account.trash.id
    for folder in top.walk():
        if str(folder.folder_class).startswith(folder_class):
            above = folder.parent
            while above is not None and above.id not in (top.id, bin_):
                above = above.parent
            if above is None or above.id != bin_:
                yield _path(folder, top), folder


def _find(account: "Account", name: str) -> Any | None:
    from exchangelib import errors

    attribute = _WELL_KNOWN.get(name.casefold())
    if attribute is not None:
        try:
            return getattr(account, attribute)
        except (errors.ErrorFolderNotFound, errors.ErrorItemNotFound):
            return None
    if name == RECOVERABLE:
        return account.recoverable_items_deletions
    first, *rest = name.split("/")
    here = _find(account, first) if first.casefold() in _WELL_KNOWN else None
    steps = rest if here is not None else [first, *rest]
    here = here if here is not None else account.msg_folder_root
    for step in steps:
        same = (child for child in here.children if child.name.casefold() == step.casefold())
        here = next(same, None)
        if here is None:
            return None
    return here


def _path(folder: Any, top: Any) -> str:
    names = []
    here = folder
    while here is not None and here.id != top.id:
        names.append(here.name)
        here = here.parent
    return "/".join(reversed(names))


def missing(mailbox: str, folder: str) -> Gone:
    """What is said of a watched folder that is not there."""
    return Gone(f"mailbox {mailbox}: there is no folder {folder}; correct `watch`, or make it")
