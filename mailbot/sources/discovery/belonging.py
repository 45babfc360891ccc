"""What a reference means for ownership: the row is the person's, both are one person, or neither.

DESIGN § 8: ownership runs from parent to child. It must not run from who made or referred a record
to other people's rows, nor from one person's record to another's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailbot import identifiers
from mailbot.record import plain
from mailbot.sources.discovery import words
from mailbot.sources.discovery.kinds import Kind, keys_of
from mailbot.sources.discovery.references import Found
from mailbot.sources.discovery.roles import party
from mailbot.sources.discovery.study import Studied, Study

_ENOUGH = 3  # pairs of rows that can be compared
_THEIR_OWN = ("", "sender", "billing")  # parties whose keys are those of whoever the row is about
_ASIDE = ("actor", "other", "staff")
_GATHERING = ("thing", "company")  # what many people share: projects, courses, groups


@dataclass(frozen=True, slots=True)
class Belongs:
    """as_: owner | same | none; "" where the reference is not worth a line of the map."""

    as_: str
    why: str


@dataclass(slots=True)
class Decider:
    """Decides for each reference, over all tables."""

    studies: Sequence[Study]
    kinds: Mapping[tuple[str, str], Kind]
    references: Sequence[Found]

    def decide(self, one: Found) -> Belongs:
        """What a reference makes of the child's rows."""
        child, parent = self.kinds[one.child.place].is_, self.kinds[one.parent.place].is_
        if child in ("own", "none", "company") or parent in ("own", "none"):
            return Belongs("", "")
        if one.child is one.parent:
            if child == "about" and one.declared:
                return Belongs("none", "a row of the same table may be somebody else's")
            return Belongs("", "")
        if parent == "person":
            same = self._same(one)
            if same:
                return Belongs("same", same)
        if child == "person":
            return Belongs("", "")
        odd = self._not_the_owner(one) or self._contradicted(one)
        if odd:
            return Belongs("none" if one.declared else "", odd)
        return Belongs("owner", one.why)

    def _same(self, one: Found) -> str:
        """Why both rows are one person; "" if nothing says so."""
        if party(one.columns[0]) in ("actor", "other", "staff", "delivery") or one.where:
            return ""
        agree, pairs = self.agreement(one)
        keys = keys_of(one.child)
        if one.child.called("merge") and one.child.having("email", "customer_no", "phone"):
            return "a former address or number of the same person"
        tags = words.tags(one.child.shape.name[1])
        mails = [name for name in keys if one.child.roles[name].what in ("email", "phone")]
        if (
            tags
            and tags[-1] & {"email", "phone"}
            and mails
            and not one.child.called("relative", "text")
        ):
            return "further addresses or numbers of the person"
        if pairs >= _ENOUGH and agree >= 0.9 and self.kinds[one.child.place].is_ == "person":
            return f"names or addresses agree in {round(agree * 100)} % of {pairs} pairs of rows"
        alone = len(one.columns) == 1 and one.child.is_unique(one.columns[0])
        if alone and keys and (pairs == 0 or agree >= 0.9) and self._is_profile(one):
            return "one row for each person, with keys of theirs"
        return ""

    def _contradicted(self, one: Found) -> str:
        """Whether rows and what they seem to refer to show other people: then numbers agree by
        chance. Only asked of what nobody declared."""
        if one.declared or self.kinds[one.parent.place].is_ != "person":
            return ""
        agree, pairs, unlike = self._compared(one)
        if (pairs >= _ENOUGH and agree < 0.4) or (unlike > 4 and not pairs):
            return f"the keys of {one.child.label} and {one.parent.label} are other people's"
        return ""

    def _is_profile(self, one: Found) -> bool:
        own = one.child.shape.key == one.columns
        return own or bool(
            set(one.child.words) & {"profil", "profile", "details", "detaljer", "info", "stamm"}
        )

    def agreement(self, one: Found) -> tuple[float, int]:
        """How often a row and the one it refers to show one person, of how many that can be
        compared by their names or an address in common."""
        agree, pairs, _ = self._compared(one)
        return agree, pairs

    def _compared(self, one: Found) -> tuple[float, int, int]:
        """`agreement`, and how many pairs show two addresses and no name to tell more."""
        study = next(s for s in self.studies if s.system == one.parent.system)
        if len(one.columns) != 1 or not keys_of(one.child) or not keys_of(one.parent):
            return 0.0, 0, 0
        column, to = one.columns[0], one.to[0]
        values = [plain(row.get(column)) or "" for row in one.child.sample.rows]
        rows = study.sampler.among(
            one.parent.shape, to, [v for v in values if v], keys_of(one.parent)
        )
        parents = {(plain(row.get(to)) or "").strip(): row for row in rows or ()}
        agreed = compared = unlike = 0
        for row in one.child.sample.rows:
            other = parents.get((plain(row.get(column)) or "").strip())
            if other is None or not one_where(one, row):
                continue
            same = _same_person(one.child, row, one.parent, other)
            compared += same is not None
            unlike += same is None and bool(_emails(one.child, row) and _emails(one.parent, other))
            agreed += same is True
        return (agreed / compared if compared else 0.0), compared, unlike

    def _others(self, child: Studied, but: Found) -> list[Found]:
        """Other references of a table to people, or to what is somebody's."""
        return [
            other
            for other in self.references
            if other.child is child
            and other.columns != but.columns
            and self.kinds[other.parent.place].is_ in ("person", "about")
        ]

    def _not_the_owner(self, one: Found) -> str:
        """Why a row is not its parent's owner's; "" if it is."""
        others = self._others(one.child, one)
        aside = party(one.columns[0]) in _ASIDE
        owned = any(
            party(other.columns[0]) not in _ASIDE
            and not (
                self.kinds[other.parent.place].is_ == "about" and self._is_shared(other.parent)
            )
            for other in others
        )
        if aside and (owned or keys_of(one.child)):
            return "who made, handled or referred a record does not own it"
        direct = any(self.kinds[other.parent.place].is_ == "person" for other in others)
        apart = direct or (keys_of(one.child) and not one.child.having("text"))
        if self.kinds[one.parent.place].is_ == "about" and apart and self._is_shared(one.parent):
            return f"{one.parent.label} is shared by several people"
        return ""

    def _is_shared(self, parent: Studied, depth: int = 0) -> bool:
        """Whether a table's rows are somebody's only as their maker's, or gather many people."""
        if keys_of(parent) or depth > 5:
            return False
        up = [
            other
            for other in self.references
            if other.child is parent
            and other.parent is not parent
            and self.kinds[other.parent.place].is_ in ("person", "about")
        ]
        mains = [other for other in up if party(other.columns[0]) not in _ASIDE]
        if any(self.kinds[other.parent.place].is_ == "person" for other in mains):
            return parent.called(*_GATHERING) and not parent.called("order", "invoice")
        return all(self._is_shared(other.parent, depth + 1) for other in mains)


def one_where(one: Found, row: Mapping[str, object]) -> bool:
    """Whether a sampled row meets the condition of a reference."""
    return all(str(row.get(name)) == wanted for name, wanted in one.where.items())


def _same_person(
    child: Studied, row: Mapping[str, object], parent: Studied, other: Mapping[str, object]
) -> bool | None:
    """Whether two rows show one person; None if they show nothing that can be compared."""
    mine, theirs = _emails(child, row), _emails(parent, other)
    if mine & theirs:
        return True
    names = child.names_of(row, _THEIR_OWN)
    others = parent.names_of(other)
    if names and others:
        return any(identifiers.same_name(a, b) is not None for a in names for b in others)
    return None  # two addresses may be one person's


def _emails(table: Studied, row: Mapping[str, object]) -> set[str]:
    return {
        found
        for name, role in table.roles.items()
        if role.what == "email"
        and role.party in _THEIR_OWN
        and (found := identifiers.email(str(row.get(name) or "")))
    }
