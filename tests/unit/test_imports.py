"""The import direction of DESIGN § 3 holds: imports go downward only, adapters know no steps."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "mailbot"

# Lower numbers know nothing of higher ones. A package stands for all its modules.
LEVELS = {
    "errors": 0,
    "message": 1,
    "case": 2,
    "record": 3,
    "plan": 4,
    "memory": 4.5,
    "codec": 4,
    "datamap": 4,
    "identifiers": 5,
    "ports": 5,
    "clock": 6,
    "organisation": 5,
    "mailinglist": 6,
    "campaigns": 20,
    "errands": 17,
    "config": 6,
    "confinement": 7,
    "logs": 7,
    "systemd": 7,
    "terminal": 7,
    "requests": 7,
    "deadline": 7,
    "ledger": 7,
    "mailtext": 8,
    "language": 8,
    "letters": 9,
    "trust": 9,
    "move": 10,
    "steps": 11,
    "reader": 12,
    "casefile": 12,
    "lessons": 12,
    "effects": 12,
    "flow": 13,
    "handin": 13,
    "assigning": 14,
    "replies": 15,
    "entry": 14,
    "followups": 15,
    "intake": 16,
    "learning": 16,
    "scan": 16,
    "taking": 17,
    "daemon": 18,
    "wiring": 19,
    "commands": 20,
    "texts": 20,
    "demo_scene": 5,
    "demo": 21,
    "cli": 22,
}
ADAPTERS = {"mailboxes", "sources", "store", "clients"}
ADAPTERS_MAY = {
    "errors",
    "message",
    "case",
    "record",
    "plan",
    "memory",
    "codec",
    "datamap",
    "identifiers",
    "ports",
    "config",
    "ledger",
    "clients",
}


def _part(module: str) -> str:
    name = module.split(".")[1] if "." in module else "__init__"
    return (
        name.split("_")[0]
        if name.startswith(("identifiers_", "config_", "commands_", "reader_", "ports_"))
        else name
    )


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(names if node.module == "mailbot" else [node.module])
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name for name in found if name.split(".")[0] == "mailbot"}


def _modules() -> list[tuple[str, Path]]:
    modules = []
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE).with_suffix("")
        if "migrations" not in relative.parts:
            modules.append((".".join(("mailbot", *relative.parts)), path))
    return modules


def test_every_part_has_a_level():
    parts = {_part(name) for name, _ in _modules()} - {"__init__", "__main__"}
    assert parts <= set(LEVELS) | ADAPTERS


def test_imports_go_downward_only():
    wrong = []
    for name, path in _modules():
        here = _part(name)
        if here not in LEVELS:
            continue
        for imported in _imports(path):
            there = _part(imported)
            if there == here or there == "__init__" or there.startswith("__"):
                continue
            if there in ADAPTERS:
                if here not in ("wiring", "demo"):
                    wrong.append(f"{name} imports the adapter {imported}")
            elif LEVELS[there] >= LEVELS[here]:
                wrong.append(f"{name} ({LEVELS[here]}) imports {imported} ({LEVELS[there]})")
    assert wrong == []


def test_adapters_know_values_and_ports_only():
    wrong = []
    for name, path in _modules():
        here = _part(name)
        if here not in ADAPTERS:
            continue
        for imported in _imports(path):
            there = _part(imported)
            if there != here and there not in ADAPTERS_MAY and there != "__init__":
                wrong.append(f"{name} imports {imported}")
    assert wrong == []


def test_no_module_is_longer_than_a_person_can_hold():
    long = {name: n for name, path in _modules() if (n := len(path.read_text().splitlines())) > 420}
    assert long == {}
