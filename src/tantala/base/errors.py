"""The exception tree, and the form in which every problem is told.

TantalaError
  InputError              the user's file, value or command is wrong (exit code 2)
    RangeViolation        a value outside the range in which a model holds
    FitError              measurements that cannot be read or cannot identify a model
  ConvergenceError        a solver did not reach its tolerance
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what, where, what was found, what is allowed, why, what to try."""

    what: str
    where: str = ""
    got: str = ""
    allowed: str = ""
    because: str = ""
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.got:
            text += f"; got {self.got}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.because:
            text += f" ({self.because})"
        if self.hint:
            text += f". Try: {self.hint}"
        return text


class TantalaError(Exception):
    """Base of every error that tantala raises on purpose; `problems` holds each one found."""

    exit_code = 2

    def __init__(self, problems: Problem | Sequence[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InputError(TantalaError):
    """The user's file, value or command is wrong."""


class RangeViolation(InputError):
    """A value lies outside the range in which a model was calibrated."""


class FitError(InputError):
    """Measurements cannot be read, or do not identify the model."""


class ConvergenceError(TantalaError):
    """A solver did not reach its tolerance; the message gives the residual and the iterations."""


def raise_if(problems: Sequence[Problem], error: type[TantalaError] = InputError) -> None:
    """Raise `error` with all of `problems`, if there is any."""
    if problems:
        raise error(problems)


def nearest(name: str, choices: Iterable[str]) -> str:
    """A hint that names the closest of `choices`, or lists them when they are few, or ''."""
    known = sorted(choices)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"{close[0]!r}"
    return "one of " + ", ".join(known) if 0 < len(known) <= 12 else ""


def unknown(what: str, name: str, choices: Iterable[str], where: str = "") -> Problem:
    """The problem of a name that is not among `choices`."""
    known = sorted(choices)
    return Problem(
        f"unknown {what}",
        where,
        got=repr(name),
        allowed=", ".join(known) if len(known) <= 20 else f"{len(known)} names",
        hint=nearest(name, known),
    )
