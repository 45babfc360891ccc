"""Whether the shipped model still belongs to the shipped corpus and code."""

import hashlib

from mailbot.language.concepts import concepts_text, load_lexicon
from mailbot.language.corpus import corpus_files, read_corpus
from mailbot.language.features import WordTable, joint_features, local_features, tokens_of
from mailbot.language.model import COLUMNS, FORMAT
from mailbot.language.reading import read

_PROBES = 200


def digest_of_corpus() -> str:
    """SHA-256 over the corpus, the concepts, and what the code makes of a sample of the corpus.

    A change of code that changes no feature keeps the digest; one that does, changes it.
    """
    digest = hashlib.sha256(f"{FORMAT} {COLUMNS}".encode())
    for name, content in corpus_files():
        digest.update(name.encode() + b"\0" + content + b"\0")
    digest.update(concepts_text().encode())
    examples = read_corpus()
    lexicon = load_lexicon()
    for example in examples[:: max(1, len(examples) // _PROBES)]:
        reading = read(example.subject, example.text)
        local: list[int] = []

        def learn(_number: int, word: str, concept: int, into: list[int] = local) -> None:
            into.extend(local_features(word, concept))

        tokens = tokens_of(reading.words, WordTable(lexicon, example.language, learn))
        joint = joint_features(tokens)
        digest.update(repr(local).encode() + joint.hashes.tobytes() + joint.sentence.tobytes())
    return digest.hexdigest()
