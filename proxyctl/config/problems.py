"""What is wrong with a config file: every problem at once, each with its line.

    ConfigError(path, problems)
      ├─ EditError                          the file is fine, an edit of it is not
      └─ ConfigProblem(line, column, key_path, message, hint)

A problem's text never holds the value of a key or header: people paste keys where references belong, and errors end up
in logs and bug reports.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong.

    `line` and `column` count from 1; line 0 means the file as a whole (it cannot be read, say). `key_path` is dotted as
    TOML would write it, `""` when no key is to blame. `message` says what is wrong, `hint` (`""` when there is none)
    what would help.
    """

    line: int
    column: int | None
    key_path: str
    message: str
    hint: str = ""

    @override
    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        key = f"{self.key_path}: " if self.key_path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{key}{self.message}{hint}"


class ConfigError(Exception):
    """A config file that cannot be used, with every problem in the order of its lines. Nothing was changed."""

    code = "config_invalid"

    def __init__(self, path: Path, problems: tuple[ConfigProblem, ...]) -> None:
        super().__init__(path, problems)
        self.path = path
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column or 0)))

    @override
    def __str__(self) -> str:
        return "\n".join(f"{self.path}: {problem}" for problem in self.problems)


class EditError(ConfigError):
    """An edit that may not be made of a file that is fine. Nothing was changed."""

    code = "edit_refused"


class Refusal(ValueError):  # noqa: N818 - pydantic wants a ValueError; it is caught in `load` and never seen outside
    """A value that a validator refuses. `key` names the field when the validator sees several."""

    def __init__(self, message: str, hint: str = "", *, key: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.key = key


def did_you_mean(word: object, known: tuple[str, ...]) -> str:
    """A hint with the nearest known word, or `""` when none is near."""
    near = get_close_matches(str(word).lower(), known, n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""
