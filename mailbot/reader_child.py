"""The process that reads hostile octets: started by `reader`, alone with them.

One task comes first, then mail after mail; each is answered in JSON, in the order in which they
came, until the parent hangs up.
"""

import gc
import json
import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mailbot.case import Classification, Route
from mailbot.codec import from_json, to_json
from mailbot.errors import MailbotError
from mailbot.message import Automatic, Mail
from mailbot.reader_words import LENGTH, READY, Reading, Task

if TYPE_CHECKING:
    from mailbot.language.classifier import Classifier

# Reports speak about our own mail, and what answers without a person never changes a case;
# everything else may hold a request for all we know.
_UNCLASSIFIED = frozenset({Automatic.OWN, Automatic.BOUNCE, Automatic.REPORT})


def _serve(source: BinaryIO, sink: BinaryIO) -> None:
    """One task, then mail after mail until the parent hangs up."""
    first = _take(source)
    if first is None:
        return
    task = from_json(Task, json.loads(first))
    _limit(task)
    try:
        read = _worker(task)
    except MailbotError as error:
        _give(sink, str(error).encode())
        return
    gc.freeze()  # model and words stay as they are: no need to look through them again and again
    _give(sink, READY)
    while (raw := _take(source)) is not None:
        _allow_time(task.seconds)
        reading = read(raw[1:], raw[:1] == b"\x01")
        _give(sink, json.dumps(to_json(reading), ensure_ascii=True).encode())


def _worker(task: Task) -> Callable[[bytes, bool], Reading]:
    """What turns octets into a Reading. Imported here: the daemon itself needs neither."""
    from mailbot.steps.parse import parse

    if not task.classify:
        return lambda raw, _: Reading(mail=parse(raw, task.trust))

    from mailbot.language.classifier import Classifier

    folder = Path(task.model) if task.model else None
    classifier = Classifier.load(task.open_above, task.ask_above, folder, task.layer)

    def read(raw: bytes, always: bool) -> Reading:
        mail = parse(raw, task.trust)
        if mail.automatic in _UNCLASSIFIED or "unparsable" in mail.notes:
            return Reading(mail=mail)
        found = understood(mail, classifier)
        traits: tuple[int, ...] = ()
        if task.traits and (always or found.route is not Route.LEAVE):
            traits = classifier.traits(mail.subject, text_to_classify(mail), *_names(mail))
        return Reading(mail=mail, classification=found, traits=traits)

    return read


def _names(mail: Mail) -> Iterator[str]:
    """Names and addresses of those whom a mail names as writers and recipients."""
    inner = mail.forwarded.sender if mail.forwarded else None
    for each in (mail.sender, inner, *mail.reply_to, *mail.to, *mail.cc):
        if each is not None:
            yield each.name
            yield each.address
    yield mail.signature


def understood(mail: Mail, classifier: "Classifier") -> Classification:
    """What the classifier says of a mail that was read; what stands only in unmarked quotes is
    for staff to see."""
    found = classifier.classify(
        subject=mail.subject,
        text=text_to_classify(mail),
        attachments=any(not attached.inline for attached in mail.attachments),
    )
    if found.route is Route.OPEN and mail.text.strip() and not written(mail):
        return replace(found, route=Route.ASK)
    return found


def written(mail: Mail) -> str:
    """What the sender wrote; with a forwarded mail also what they passed on, since staff forward
    requests with no word of their own."""
    passed_on = mail.forwarded.text if mail.forwarded else ""
    return "\n\n".join(filter(None, (mail.new_text.strip(), passed_on.strip())))


def text_to_classify(mail: Mail) -> str:
    """What the sender wrote. Where that seems to be nothing, the whole text: some answer below or
    inside an unmarked quote, and no request may be lost in one (staff are asked)."""
    return written(mail) or mail.text


def _take(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return source.read(LENGTH.unpack(head)[0])


def _give(sink: BinaryIO, message: bytes) -> None:
    sink.write(LENGTH.pack(len(message)) + message)
    sink.flush()


def _limit(task: Task) -> None:
    """Bounds for the rest of the child's life: memory, no files written, no core left behind."""
    octets = task.memory_mb * 1024 * 1024
    for kind, bound in (
        (resource.RLIMIT_AS, octets),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (most, most))


def _allow_time(seconds: int) -> None:
    """Processor time for one mail more; the kernel counts it over the whole life of a process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
