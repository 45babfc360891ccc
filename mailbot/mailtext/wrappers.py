"""What mail programs call the elements that they wrap around a quote, a forward or a signature."""

import re
from enum import Enum, auto
from functools import lru_cache

# A copy of a copy has "x_" before its names.
_QUOTE = re.compile(
    r"(x_)*(gmail_attr|moz-cite-prefix|moz-forward-container|yahoo_quoted.*|yahoo-quoted.*"
    r"|protonmail_quote|tutanota_quote|zmail_extra|ms-outlook-mobile-reference-message"
    r"|mail-editor-reference-message-container|olk_src_body_section|reply-intro|replybody"
    r"|outlookmessageheader|hmquote|quotedtext|sh-color-.*quote|gmx_quote|nylas-quote|front-quote"
    r"|freshdesk_quote|zd_quote)"
)
_CUT = re.compile(r"(x_)*(divrplyfwdmsg|stopspelling|replysplit|_mailoriginal)")
_BOX = re.compile(r"(x_)*gmail_quote(_container)?")
_SIGNATURE = re.compile(
    r"(x_)*(signature|gmail_signature|gmail_signature_prefix|moz-signature|applemailsignature"
    r"|ms-outlook-mobile-signature|ms-outlook-mobile-body-separator-line-signature"
    r"|protonmail_signature_block|tutanota_signature|zmail_signature|mobile_signature"
    r"|linebreakatbeginningofsignature|composersignature)"
)
_INDENT = re.compile(r"margin:\s*0(px)?\s+0(px)?\s+0(px)?\s+40px")
_BAR = re.compile(r"border-left:\s*(solid\s+blue|solid\s+#\w+\s+1\.5pt|1px\s+(solid\s+)?#ccc)")
_CACHED = 300  # characters; longer ones are not remembered


class Role(Enum):
    """What an element says of the text inside."""

    NONE = auto()
    QUOTE = auto()
    BLOCKQUOTE = auto()  # a quote that Gmail's box counts
    BOX = auto()  # Gmail's div around attribution, quotes and answers in between
    SIGNATURE = auto()


def role_of(tag: str, names: str, style: str) -> Role:
    """The role of an element by its tag, its class and id (separated by spaces), and its style."""
    if len(names) + len(style) > _CACHED:
        return _role(tag, names, style)
    return _known_role(tag, names, style)


def cuts(names: str) -> bool:
    """Whether everything from this element on is quoted."""
    return any(_CUT.fullmatch(each) for each in names.lower().split()[:20])


@lru_cache(maxsize=2048)
def _known_role(tag: str, names: str, style: str) -> Role:
    return _role(tag, names, style)


def _role(tag: str, names: str, style: str) -> Role:
    each, low = names.lower().split()[:20], style.lower()
    if tag == "blockquote" and not (_INDENT.search(low) and "border:" in low and "none" in low):
        return Role.BLOCKQUOTE
    if any(_BOX.fullmatch(name) for name in each):
        return Role.BOX
    if any(_QUOTE.fullmatch(name) for name in each) or (tag == "div" and _BAR.search(low)):
        return Role.QUOTE
    if any(_SIGNATURE.fullmatch(name) for name in each):
        return Role.SIGNATURE
    return Role.NONE
