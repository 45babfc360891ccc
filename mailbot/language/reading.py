"""A mail made ready for the statistics: cleaned, its own words only, in sentences."""

from dataclasses import dataclass

from mailbot.language import grammar
from mailbot.language.concepts import load_lexicon
from mailbot.language.features import MAX_WORDS, words_of
from mailbot.language.letterform import content
from mailbot.language.normalise import clean
from mailbot.language.sentences import MAX_SENTENCES, split, within_bounds

_MAX_SUBJECT = 400
_MAX_RAW = 1_500_000  # characters looked at before invisible ones are taken out
_REPLY_PREFIXES = (
    "re:", "sv:", "fw:", "fwd:", "vs:", "aw:", "wg:", "vb:", "antw:", "tr:", "rv:", "i:", "r:",
    "odp:", "pd:", "videresend:", "emne:", "subject:", "betreff:", "ämne:", "sak:",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """The sentences that count, the subject line first if there is one.

    `complete`: False where the text was too long to be read whole. `older`: quoted text stands
    below. `pointer`: the text only points at an attachment (or is empty). `taken_up`: few words
    that answer or repeat what stands quoted, which is read with them.
    """

    sentences: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    subject: bool
    complete: bool
    older: bool
    pointer: bool
    taken_up: bool
    body: str


def bare_subject(subject: str) -> str:
    """The subject line without reply prefixes."""
    text = clean(subject[:_MAX_SUBJECT]).replace("\n", " ").strip()
    while True:
        lowered = text.lower()
        for prefix in _REPLY_PREFIXES:
            if lowered.startswith(prefix):
                text = text[len(prefix) :].strip()
                break
        else:
            return text


def read(subject: str, text: str) -> Reading:
    """Clean, divide and split a mail; bounded whatever the text."""
    bounded, cut = within_bounds(clean(text[:_MAX_RAW]))
    complete = not cut and len(text) <= _MAX_RAW
    parts = grammar.layers(bounded)
    body = _body(parts)
    sentences = split(body)
    written = [sentence for sentence in sentences if not grammar.is_checkbox(sentence)]
    sentences = written or sentences
    complete = complete and len(sentences) < MAX_SENTENCES
    sentences = content(sentences[: grammar.footer_from(sentences)], load_lexicon())
    head = bare_subject(subject)
    reply = bool(parts.older) and not parts.forwarded and body == parts.new
    words: list[tuple[str, ...]] = []
    kept: list[str] = []
    room = MAX_WORDS
    # Above a quote the subject line repeats the first mail of the thread and says nothing new.
    for sentence in ([head] if head and not reply else []) + sentences:
        found = tuple(words_of(sentence))
        if not found:
            continue
        room -= len(found)
        if room < 0:
            complete = False
            break
        kept.append(sentence)
        words.append(found)
    has_subject = bool(head and not reply and kept and kept[0] == head)
    own = [word for sentence in words[1 if has_subject else 0 :] for word in sentence]
    return Reading(
        sentences=tuple(kept),
        words=tuple(words),
        subject=has_subject,
        complete=complete,
        older=bool(parts.older.strip()),
        pointer=grammar.only_points(own),
        taken_up=bool(parts.older.strip()) and grammar.takes_up_quoted(parts.new),
        body=body,
    )


def _body(parts: grammar.Layers) -> str:
    """The new text; the whole where nothing new was written or a mail was passed on."""
    if not parts.older.strip():
        return parts.new
    few = len(parts.new.split()) < 3 and not grammar.declines_quoted(parts.new)
    if parts.forwarded or few or grammar.takes_up_quoted(parts.new):
        return parts.new + "\n\n" + parts.older
    return parts.new
