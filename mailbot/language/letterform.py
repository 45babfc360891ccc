"""What a mail says by mere form: greetings, sign-offs and signatures, which ask for nothing."""

import re
from collections.abc import Sequence

from mailbot.language.concepts import Lexicon
from mailbot.language.features import words_of

_GREETING = re.compile(
    r"(?:hei+(?:san+|sann)?(?:\s?(?:hei|der|igjen|dere|alle|på\s(?:deg|dere)))?|hallo(?:en)?|"
    r"halla|hej(?:san)?|hejhej|hi+(?:\sthere|\sall|\steam)?|hey+|hello|dear|god\s?(?:dag|morgen|"
    r"morgon|kveld|kväll|aften)|goddag|good\s(?:morning|afternoon|evening|day)|morning|morn|"
    r"tjena|tja|hola|bonjour|bonsoir|salut|madame|monsieur|buongiorno|buonasera|salve|ciao|"
    r"gentile|egregi|spett|geachte|beste|goedemiddag|goedemorgen|sehr\sgeehrte[rs]?|guten\s"
    r"(?:tag|morgen|abend)|liebe[rs]?|moin|servus|grüß\sgott|kjære|käre|kära|bäste|kære|til\s"
    r"(?:rette\svedkommende|den\sdet|hvem|dykk|dere)|to\swhom|dzień\sdobry|szanowni|cześć|"
    r"witam|hyvä|moi|terve|estimad[oa]s?|buenas|buenos)\b[^.!?\n]{0,40}[.,!:]*\s*$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:(?:med\s|på\s|tusen\s|many\s|mange\s|tack\s|best\s|kind\s|warm\s|yours\s|mit\s|viele\s|"
    r"beste\s|freundliche\s|vennlig|venleg|vänlig|venlig|vennleg|hjertelig|varme?|thanks\s(?:and|"
    r"&)\s|takk\sog\s|cordiali|distinti|un\scordial|met\s|z\s)[^.!?\n]{0,30})?"
    r"(?:mvh|vh|mfg|lg|vg|kh|m\.v\.h\.?|hilsen|hilsning(?:er)?|hels(?:ing|ning)|helsingar|"
    r"häls(?:ning|ningar)|hälsn|regards|rgds|brgds|br|cheers|sincerely|faithfully|truly|"
    r"gr(?:uß|üße|uss|üsse)|gruessen|grüßen|best|klem|kram|ha\sdet|xx?|cordialement|salutations|"
    r"saludos?|atentamente|groet(?:en|jes)?|saluti|pozdrawiam|poważaniem|pozdrowienia|"
    r"terveisin|ystävällisin|cumprimentos|pozdravem)\b[^.!?\n]{0,60}[.,!]*\s*$",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"\W*(?:p\.?\s?p?\.?\s?s\b|nb!|obs!)", re.IGNORECASE)
_DEVICE = re.compile(
    r"(?:sendt|sent|skickat|gesendet|verzonden|envoyé|enviado|inviato|wysłane|hent|get|hämta|"
    r"lähetetty)\s(?:\w+\s){0,3}(?:fra|from|från|von|mit|vanaf|depuis|desde|da|z|outlook|for)\b"
    r"[^.!?\n]{0,50}$",
    re.IGNORECASE,
)
_CONTACT_LINE = re.compile(
    r"(?:(?:tlf|tel|mob(?:il)?|phone|telefon|direkte|fax|org\.?\s?nr|e-?post|e-?mail|www)\b.{0,60}"
    r"|[\d\s+()/.-]{7,}|\S+@\S+|https?://\S+|www\.\S+)\s*$",
    re.IGNORECASE,
)
_SIGNATURE_LINES = 12
_MOST_NAMES = 4
_LONG = 9  # words: a line this long says something


def is_greeting(sentence: str) -> bool:
    """Whether a sentence is nothing but a salutation."""
    return len(sentence) <= 60 and bool(_GREETING.match(sentence))


def is_closing(sentence: str) -> bool:
    """Whether a sentence is nothing but a sign-off, perhaps with a name."""
    return len(sentence) <= 90 and bool(_CLOSING.match(sentence))


def signature_from(sentences: Sequence[str]) -> int:
    """Where the signature begins: the sign-off or contact lines that end the mail.

    A postscript or a full sentence below a sign-off is text: then nothing is cut there.
    """
    first = len(sentences)
    for at in range(len(sentences) - 1, 0, -1):
        sentence = sentences[at]
        if len(sentences) - at > _SIGNATURE_LINES or _POSTSCRIPT.match(sentence):
            break
        if is_closing(sentence) or _DEVICE.match(sentence) or _CONTACT_LINE.match(sentence):
            first = at
        elif (
            len(sentence.split()) >= _LONG
            or sentence.endswith(("!", "?"))
            or sentence.endswith(".")
            and len(sentence.split()) > 3
        ):
            break
    return first


def is_name(sentence: str, lexicon: Lexicon) -> bool:
    """Whether a last line is nothing but a name: capitals, and no word that means anything."""
    words = sentence.split()
    return (
        len(words) <= _MOST_NAMES
        and all(word[:1].isupper() for word in words)
        and not sentence.endswith((".", "!", "?", ":"))
        and not any(lexicon.means_something(word) for word in words_of(sentence))
    )


def content(sentences: Sequence[str], lexicon: Lexicon) -> list[str]:
    """The sentences without greeting and signature; all of them if nothing else is there."""
    kept = list(sentences[: signature_from(sentences)])
    if len(kept) > 1 and is_name(kept[-1], lexicon):
        kept = kept[:-1]
    if len(kept) > 1 and is_greeting(kept[0]):
        kept = kept[1:]
    return kept or list(sentences)
