"""Letters to the person, questions and notices to staff, and the access package."""

from mailbot.letters.approval import Question, QuestionFacts, write_question
from mailbot.letters.letter import (
    Draft,
    LetterFacts,
    write_identity_code,
    write_letter,
    write_recipient_notice,
)
from mailbot.letters.notices import NoticeFacts, TriageFacts, write_notice, write_triage
from mailbot.letters.package import build_package, build_portable, count_masked, portable
from mailbot.letters.protect import mode_for, new_passphrase, protect, sent_names
from mailbot.letters.tag import find_tokens, subject_tag
from mailbot.letters.templates import LANGUAGES, STAFF_LANGUAGES, Templates, templates_root

__all__ = [
    "LANGUAGES",
    "STAFF_LANGUAGES",
    "Draft",
    "LetterFacts",
    "NoticeFacts",
    "Question",
    "QuestionFacts",
    "Templates",
    "TriageFacts",
    "build_package",
    "build_portable",
    "count_masked",
    "find_tokens",
    "mode_for",
    "new_passphrase",
    "portable",
    "protect",
    "sent_names",
    "subject_tag",
    "templates_root",
    "write_identity_code",
    "write_letter",
    "write_notice",
    "write_question",
    "write_recipient_notice",
    "write_triage",
]
