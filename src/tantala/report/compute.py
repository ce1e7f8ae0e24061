"""From a design to its datasheet: every figure computed once, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tantala.base.errors import InputError, Problem
from tantala.report.crew import Crew

if TYPE_CHECKING:
    from tantala.macro.design import Design
    from tantala.report.page import Datasheet

Progress = Callable[[str], Any]


def _silent(step: str) -> None:
    """Progress that nobody watches."""


def datasheet(
    design: str | Path | Design,
    seed: int | None = None,
    progress: Progress = _silent,
    crew: Crew | None = None,
) -> Datasheet:
    """The datasheet of a design: a library name, a TOML path, or a design already read.

    Args:
        design: what to compute.
        seed: of every random draw; None takes the design's own.
        progress: called with a short text at the start of each step.
        crew: whose second process takes part, if it has one; None: this process does all.

    Raises:
        InputError: the design, or a library file it names, is wrong; with every problem.
    """
    # Imported only now, so that both processes of a crew import at the same time.
    from tantala.macro.design import Design, load_design
    from tantala.report.compiler import Compiler

    progress("Reading the design")
    reference = None if isinstance(design, Design) else str(design)
    if not isinstance(design, Design):
        design = load_design(design)
    if seed is not None:
        if not 0 <= seed < 2**64:
            raise InputError(Problem("bad seed", got=repr(seed), allowed="0 to 2**64 - 1"))
        design = design.model_copy(update={"seed": seed})
    return Compiler(reference, design, progress, crew or Crew()).datasheet()
