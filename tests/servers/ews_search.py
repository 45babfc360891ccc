"""How the Exchange Server of ours searches: restrictions, and a part of its query language."""

import re
from typing import Any

from lxml import etree

from tests.servers.ews_store import Item

_T = "http://schemas.microsoft.com/exchange/services/2006/types"


def matching_restriction(node: Any, item: Item) -> bool:
    """Whether a mail fits a restriction."""
    name = etree.QName(node).localname
    if name == "Or":
        return any(matching_restriction(child, item) for child in node)
    if name == "And":
        return all(matching_restriction(child, item) for child in node)
    if name == "Not":
        return not matching_restriction(node[0], item)
    wanted = node.find(f".//{{{_T}}}Constant").get("Value")
    if node.find(f"{{{_T}}}FieldURI[@FieldURI='item:Categories']") is not None:
        return wanted in item.categories
    value = _value(node, item)
    if name == "IsEqualTo":
        return value == wanted
    if name == "Contains":
        assert node.get("ContainmentMode") == "Substring"
        return wanted.casefold() in value.casefold()
    raise AssertionError(name)


def _value(node: Any, item: Item) -> str:
    plain = node.find(f"{{{_T}}}FieldURI")
    if plain is not None:
        uri = plain.get("FieldURI")
        return {
            "item:Subject": lambda: str(item.parsed["subject"] or ""),
            "item:Body": lambda: item.words,
            "item:DisplayTo": lambda: str(item.parsed["to"] or ""),
            "item:DisplayCc": lambda: str(item.parsed["cc"] or ""),
        }[uri]()
    extended = node.find(f"{{{_T}}}ExtendedFieldURI")
    if extended.get("PropertyName"):
        return item.properties.get(extended.get("PropertyName"), "")
    tag = int(extended.get("PropertyTag"), 16)
    if tag == 0x007D:
        return item.headers
    assert tag == 0x5D01
    return str(item.parsed["from"] or "")


def matching_query(query: str, item: Item) -> bool:
    """Terms joined by OR: participants:"x" or "x". Words match from their beginning, as an index
    of words does; a term of several words is a phrase."""
    terms = list(re.finditer(r'(participants:)?"([^"]*)"(?: OR |$)', query))
    assert "".join(term.group() for term in terms) == query, "a query that is not known here"
    return any(_term(term, item) for term in terms)


def _term(found: re.Match[str], item: Item) -> bool:
    words = " ".join(re.findall(r"\w+", found[2].casefold()))
    if not words:
        return False
    where = item.participants if found[1] else [item.words, *item.participants]
    return any(f" {words}" in " " + " ".join(re.findall(r"\w+", t.casefold())) for t in where)
