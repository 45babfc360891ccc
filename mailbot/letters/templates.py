"""The texts: found beside the code or in a folder that overrides them, rendered in a sandbox."""

import datetime
import importlib.resources
import re
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from mailbot.errors import ConfigError, Permanent, Problem
from mailbot.letters.clean import shown
from mailbot.organisation import fallbacks

LANGUAGES = ("nb", "nn", "en", "sv", "da", "de")  # of letters; a folder each
STAFF_LANGUAGES = ("nb", "nn", "en")  # of approval mails
# What an expression of a template may raise: told by the template's name, without its values.
_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_NAME = re.compile(r"[a-z]{2}/[a-z_]+\.(txt|toml)")


def templates_root() -> Traversable:
    """The packaged templates: `_templates` within the wheel, `templates/` in a checkout.

    Raises ConfigError if neither is there.
    """
    packaged = importlib.resources.files("mailbot") / "_templates"
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).resolve().parents[2] / "templates"
    if checkout.is_dir():
        return checkout
    raise ConfigError([Problem("templates", "are not installed", "install mailbot again")])


class _Folders(BaseLoader):
    """Reads LANGUAGE/NAME from the first folder that has it."""

    def __init__(self, folders: tuple[Traversable, ...]) -> None:
        self.folders = folders

    def text(self, name: str) -> str | None:
        if not _NAME.fullmatch(name):
            return None
        language, file = name.split("/")
        for folder in self.folders:
            found = folder / language / file
            if found.is_file():
                try:
                    return found.read_text(encoding="utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    raise Permanent(f"template {name} cannot be read as UTF-8") from error
        return None

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        text = self.text(template)
        if text is None:
            raise TemplateNotFound(template)
        return text, None, None


def _clean(value: object) -> object:
    # Values are data: cleaned as they are printed, and never read as a template.
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


class _Compiled(BytecodeCache):
    """Compiled templates of this process. Jinja names each by its environment's options and checks
    its text, so that a changed template is compiled anew."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        found = self._codes.get(self._name(bucket))
        if found is not None:
            bucket.bytecode_from_string(found)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[self._name(bucket)] = bucket.bytecode_to_string()

    @staticmethod
    def _name(bucket: Bucket) -> str:
        return f"{bucket.key}/{bucket.environment.autoescape}"


_COMPILED = _Compiled()


def _environment(loader: BaseLoader, autoescape: bool) -> Environment:
    return ImmutableSandboxedEnvironment(
        bytecode_cache=_COMPILED,
        loader=loader,
        autoescape=autoescape,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


class Words:
    """The words and patterns of one language (words.toml, and notices.toml for staff)."""

    def __init__(self, language: str, table: Mapping[str, Any]) -> None:
        self.language = language
        self._table = table

    def __call__(self, *path: str, **values: object) -> str:
        """The wording at a path, its {places} filled in. Raises Permanent if there is none."""
        found: Any = self._table
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        if not isinstance(found, str):
            raise Permanent(f"words.toml ({self.language}) has no {'.'.join(path)}")
        try:
            return found.format(**values) if values else found
        except (LookupError, ValueError, AttributeError) as error:
            raise Permanent(
                f"words.toml ({self.language}): {'.'.join(path)} has a {{place}} that is not filled"
            ) from error

    def get(self, *path: str, default: str = "") -> str:
        """The wording at a path, or the default."""
        found: Any = self._table
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, str) else default

    def table(self, name: str) -> Mapping[str, str]:
        """One table of wordings."""
        found = self._table.get(name, {})
        return found if isinstance(found, Mapping) else {}

    def date(self, day: datetime.date) -> str:
        """A date as letters write it: 31. desember 2031."""
        months = self._table["months"]
        return self("date", day=day.day, month=months[day.month - 1], year=day.year)

    def short(self, day: datetime.date) -> str:
        """A date as lists write it: 31.12.2031."""
        return self(
            "short_date", day=f"{day.day:02}", month=f"{day.month:02}", year=f"{day.year:04}"
        )

    def count(self, path: str, number: int, **values: object) -> str:
        """A counted wording: `path`.one or `path`.many."""
        return self(path, "one" if number == 1 else "many", count=number, **values)

    def listed(self, names: tuple[str, ...]) -> str:
        """a, b og c."""
        if len(names) < 2:
            return "".join(names)
        return f"{', '.join(names[:-1])} {self('and')} {names[-1]}"


class Templates:
    """All texts. `override`: a folder of the same shape whose files come first."""

    def __init__(self, override: Path | None = None) -> None:
        folders: tuple[Traversable, ...] = (templates_root(),)
        if override is not None:
            if not override.is_dir():
                raise ConfigError(
                    [Problem("templates", "is not a folder", "name a folder, or leave it empty")]
                )
            folders = (override, *folders)
        self._loader = _Folders(folders)
        self._text = _environment(self._loader, autoescape=False)
        self._html = _environment(self._loader, autoescape=True)
        self._words: dict[str, Words] = {}

    def text(self, language: str, name: str, values: Mapping[str, object]) -> str:
        """Render as plain text; paragraphs one line each, no more than one blank line between."""
        rendered = self._render(self._text, language, name, values)
        lines = [line.rstrip() for line in rendered.split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"

    def html(self, language: str, name: str, values: Mapping[str, object]) -> str:
        """Render with every value escaped."""
        return self._render(self._html, language, name, values)

    def words(self, language: str) -> Words:
        """The words of a language, or of the one that its readers fall back to."""
        language = self.language(language)
        if language not in self._words:
            table = dict(self._toml(f"{language}/words.toml"))
            table["notices"] = self._toml(f"{language}/notices.toml")
            self._words[language] = Words(language, table)
        return self._words[language]

    def language(self, language: str, name: str = "words.toml") -> str:
        """The language in which a reader of `language` gets a text."""
        for choice in fallbacks(language):
            if self._loader.text(f"{choice}/{name}") is not None:
                return choice
        raise Permanent(f"no template {name} for language {language[:8]!r}")

    def check(self) -> tuple[Problem, ...]:
        """Every template that does not compile and every word list that is not TOML."""
        problems = []
        names = ("words.toml", "notices.toml", *(f"{name}.txt" for name in ALL))
        for language in LANGUAGES:
            for name in names:
                path = f"{language}/{name}"
                if self._loader.text(path) is None:
                    continue
                try:
                    if name.endswith(".toml"):
                        self._toml(path)
                    else:
                        self._text.get_template(path)
                except (TemplateError, Permanent) as error:
                    problems.append(Problem(path, _said(error), "mend the template"))
        return tuple(problems)

    def _toml(self, path: str) -> Mapping[str, Any]:
        # The packaged words below, the overriding ones above: a folder need not repeat them all.
        table: dict[str, Any] = {}
        language, file = path.split("/")
        for folder in reversed(self._loader.folders):
            found = folder / language / file
            if found.is_file():
                try:
                    table = _merged(table, tomllib.loads(found.read_text(encoding="utf-8")))
                except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
                    raise Permanent(f"{path} cannot be read as TOML") from error
        return table

    def _render(
        self, environment: Environment, language: str, name: str, values: Mapping[str, object]
    ) -> str:
        path = f"{self.language(language, name)}/{name}"
        try:
            return environment.get_template(path).render(values)
        except (TemplateError, *_FAULTS) as error:
            raise Permanent(f"template {path} cannot be filled in: {_said(error)}") from error


def _said(error: Exception) -> str:
    # Names and lines only: an error's text may quote a value.
    line = getattr(error, "lineno", None)
    return f"{type(error).__name__}" + (f" in line {line}" if line else "")


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for key, value in above.items():
        old = both.get(key)
        both[key] = (
            _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return both


ALL = (
    "access",
    "breach_report",
    "complaint",
    "consent_withdrawal",
    "erasure",
    "extension",
    "identity_code",
    "info",
    "nothing_found",
    "notice",
    "objection",
    "portability",
    "question",
    "recipient",
    "rectification",
    "refusal",
    "restriction",
    "triage",
    "unknown_sender",
)
