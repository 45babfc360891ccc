"""What a wheel holds: every package, and what lies beside them in a checkout."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def setuptools() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_package_is_named():
    found = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "mailbot").rglob("*.py")
    }
    assert found | set(setuptools()["package-dir"]) == set(setuptools()["packages"])


def test_what_lies_elsewhere_has_files_to_take_along():
    for name, place in setuptools()["package-dir"].items():
        patterns = setuptools()["package-data"].get(name, ["*.py"])
        assert any(next((ROOT / place).glob(pattern), None) for pattern in patterns), name
