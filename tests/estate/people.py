"""Who the estate's people are and what of them is planted where."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

_FIRST = (
    "Ola", "Kari", "Bjørn", "Åse", "Søren", "Turid", "Håkon", "Solveig", "Øystein", "Ragnhild",
    "Knut", "Astrid", "Tor", "Eline",
)  # fmt: skip
_LAST = (
    "Nordli", "Hansen", "Ødegård", "Bråten", "Sæther", "Lie", "Haugen", "Moen", "Aasen", "Strand",
    "Berg", "Vik", "Dahl",
)  # fmt: skip
Planted = tuple[str, str, tuple[tuple[str, Any], ...]]  # system, table, key


@dataclass
class Person:
    """One person: the keys that a request would state, and the rows that are theirs."""

    first: str
    last: str
    email: str
    phone: str
    number: int
    certain: set[Planted] = field(default_factory=set)
    possible: set[Planted] = field(default_factory=set)

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{self.first} {self.last}"


class Estate:
    """Rows of both databases, and whose they are."""

    def __init__(self, seed: int = 7, crowd: int = 45) -> None:
        self.random = random.Random(seed)
        self.rows: dict[str, dict[str, list[dict[str, Any]]]] = {"crm": {}, "shop": {}}
        self.people: dict[str, Person] = {}
        self._next = 100
        self._staff()
        for index in range(crowd):
            self._ordinary(self._person(index))
        self._traps()

    def plant(
        self,
        system: str,
        table: str,
        values: Mapping[str, Any],
        *owners: Person,
        maybe: tuple[Person, ...] = (),
        key: tuple[str, ...] = ("id",),
    ) -> Any:
        """Put a row in; its id. `owners` own it for certain; for `maybe` it is only possible."""
        row = dict(values)
        if key == ("id",) and "id" not in row:
            self._next += 1
            row["id"] = self._next
        self.rows[system].setdefault(table, []).append(row)
        names = key or tuple(row)
        place = (system, table, tuple(sorted((name, row[name]) for name in names)))
        for person in owners:
            person.certain.add(place)
        for person in maybe:
            person.possible.add(place)
        return row.get("id")

    def add(self, who: str, first: str, last: str, email: str = "", phone: str = "") -> Person:
        """A person by a name of the test's own."""
        number = len(self.people)
        person = Person(
            first, last, email or f"{who}{number}@privat{number}.no",
            phone or f"+47 4{number:03d}{self.random.randrange(1000, 9999)}", number,
        )  # fmt: skip
        self.people[who] = person
        return person

    def contact(self, person: Person, *also: Person, **more: Any) -> int:
        """The person's row in the customer register."""
        row = {
            "fornavn": person.first, "etternavn": person.last, "epost": person.email,
            "mobil": person.phone, "adresse": f"Gata {person.number}", "kilde": "Messe",
        }  # fmt: skip
        return int(self.plant("crm", "kontakter", row | more, person, *also))

    def _person(self, index: int) -> Person:
        first = _FIRST[index % len(_FIRST)]
        last = _LAST[(index * 5 + index // len(_FIRST)) % len(_LAST)]
        return self.add(f"p{index}", first, last)

    def _staff(self) -> None:
        for number, name in enumerate(("Siri Selger", "Per Support"), start=1):
            self.plant("crm", "ansatte", {
                "id": number, "navn": name, "epost": f"{name.split()[0].lower()}@firmaet.no",
                "telefon": f"22 00 00 0{number}",
            })  # fmt: skip
        self.plant("crm", "ansatte", {
            "id": 3, "navn": "Mona Medarbeider", "epost": "mona.privat@example.net",
            "telefon": "91 91 91 91",
        })  # fmt: skip
        self.plant("crm", "firmaer", {
            "id": 1, "navn": "Fjordkraft AS", "orgform": "AS", "epost": "post@fjordkraft.no",
        })  # fmt: skip

    def _spelt(self, email: str) -> str:
        local, _, domain = email.partition("@")
        return self.random.choice(
            (email, email.upper(), f" {email} ", f"{local.title()}@{domain}", f"<{email}>")
        )

    def _dialled(self, phone: str) -> str:
        digits = "".join(sign for sign in phone if sign.isdigit())[-8:]
        return self.random.choice(
            (f"+47{digits}", f"0047 {digits}", digits, f"{digits[:3]} {digits[3:5]} {digits[5:]}",
             f"(+47) {digits[:2]} {digits[2:4]} {digits[4:6]} {digits[6:]}",
             f"{digits[:4]}-{digits[4:]}")
        )  # fmt: skip

    def _ordinary(self, person: Person) -> None:
        """Somebody with a contact and a share of everything else."""
        chance = self.random.random
        second = f"{person.first.lower()[0]}x{person.number}@jobb{person.number}.no"
        number, user = 10000 + person.number, f"0000aaaa-0000-4000-8000-{person.number:012d}"
        contact = self.contact(
            person, epost=self._spelt(person.email), mobil=self._dialled(person.phone),
            epost2=second if chance() < 0.4 else None, kundenr=f"K-{number}", bruker_id=user,
            selger_id=1 + person.number % 2, firma_id=1 if chance() < 0.3 else None,
        )  # fmt: skip
        second_known = bool(self.rows["crm"]["kontakter"][-1]["epost2"])
        for _ in range(self.random.randrange(3)):
            order = self.plant("crm", "ordrer", {
                "kontakt_id": contact, "selger_id": 1, "dato": date(2024, 5, 6),
                "leveringsnavn": "En Nabo",
            }, person)  # fmt: skip
            for line in (1, 2):
                row = {"ordre_id": order, "linje": line, "vare": "Bok"}
                self.plant("crm", "ordrelinjer", row, person, key=("linje", "ordre_id"))
        if chance() < 0.5:
            row = {"kontakt_id": contact, "dato": date(2025, 3, 15), "fakturanavn": person.name}
            self.plant("crm", "fakturaer", row, person)
        self.plant("crm", "nyhetsbrev", {"epost": self._spelt(person.email), "navn": None}, person)
        if second_known:
            self.plant("crm", "nyhetsbrev", {"epost": second.upper(), "navn": None}, person)
        if chance() < 0.6:
            self.plant("crm", "sms_logg", {"nummer": self._dialled(person.phone)}, person)
        if chance() < 0.5:
            row = {"bruker_id": user.upper(), "tid": "2026-01-01"}
            self.plant("crm", "innlogginger", row, person)
        case = self.plant("crm", "saker", {"kontakt_id": contact, "behandler_id": 2}, person)
        row = {"sak_id": case, "avsender": "per@firmaet.no", "tekst": f"Hei {person.first}"}
        self.plant("crm", "saksmeldinger", row, person)
        row = {"kontakt_id": contact, "felt": "adresse", "gammel": f"Vei {person.number}", "nr": 1}
        self.plant("crm", "revisjon", row, person, key=())
        row = {"eier_type": "kontakt", "eier_id": str(contact), "filnavn": "a.pdf"}
        self.plant("crm", "vedlegg", row, person)
        self._text_about(person, number)
        self._shopping(person, contact)

    def _text_about(self, person: Person, number: int) -> None:
        shown = self.random.choice((
            f"Ring {person.name} på {self._dialled(person.phone)} i morgen.",
            f"Kunden K {number} klager.",
            f"Fra: {person.name} <{person.email.title()}>\nHei!",
        ))  # fmt: skip
        self.plant("crm", "notater", {"kontakt_id": None, "ansatt_id": 2, "tekst": shown}, person)
        form = {
            "navn": "",
            "felt": [{"k": "E-post", "v": person.email.upper()}, {"k": "T", "v": "1"}],
        }
        self.plant("crm", "skjemasvar", {"svar": form}, person)
        card = f"{person.name}\nTlf {self._dialled(person.phone)}\nGata 1, 0150 Oslo".encode(
            "latin-1"
        )
        self.plant("crm", "kort", {"kort": card}, person)
        row = {"arrangement": 1, "epost": person.email, "merknad": "Vegetar"}
        self.plant("crm", "deltakere", row, person, key=("arrangement", "epost"))

    def _shopping(self, person: Person, contact: int) -> None:
        """The web shop knows the same people by other addresses; ids are text there."""
        other = f"shop{person.number}@post{person.number}.no"
        customer = self.plant("shop", "kunder", {
            "crm_id": str(contact), "navn": f"{person.last}, {person.first}", "e_post": other,
        }, person)  # fmt: skip
        row = {"kunde_id": customer, "dato": "2025-01-02"}
        order = self.plant("shop", "bestillinger", row, person)
        self.plant("shop", "bestillingslinjer", {"bestilling_id": order, "vare": "Kopp"}, person)
        basket = self.plant("shop", "kurver", {"epost": other.title()}, person)
        row = {"eier_type": "kurv", "eier_id": str(basket), "filnavn": "b.pdf"}
        self.plant("crm", "vedlegg", row, person)
        row = {"crm_kontakt": str(contact), "dato": "2025-06-07", "belop": 99}
        self.plant("shop", "betalinger", row, person)
        line = f"GET /logg-inn?epost={person.email.replace('@', '%40')} 200"
        self.plant("shop", "logg", {"linje": line}, person)

    def _traps(self) -> None:
        from tests.estate import traps  # the two modules tell one story

        traps.plant(self)
