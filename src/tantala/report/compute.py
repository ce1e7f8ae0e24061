"""From a design to its datasheet: every figure computed once, in a fixed order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tantala import __version__
from tantala.base.errors import InputError, Problem
from tantala.base.record import Item
from tantala.cell import load_cell
from tantala.macro.bit_cell import BitCell
from tantala.macro.design import Design, load_design
from tantala.macro.macro import Macro
from tantala.macro.plan import Plan
from tantala.report import ageing, citations, corners, describe, influence, switching, tails
from tantala.report.figures import Influence
from tantala.report.page import Datasheet

Progress = Callable[[str], Any]
# The figures on which the assumptions are ranked.
HEADLINE = (
    "area_m2",
    "read_latency_s",
    "read_energy_per_bit_J",
    "write_time_s",
    "write_energy_per_bit_J",
    "standby_W",
    "raw_bit_error_rate",
)
BREAKDOWNS = (
    "area_m2",
    "read_latency_s",
    "read_cycle_s",
    "read_energy_per_bit_J",
    "write_time_s",
    "set_energy_per_bit_J",
    "reset_energy_per_bit_J",
    "write_energy_per_bit_J",
    "leakage_W",
    "standby_W",
    "yield",
)


def _silent(step: str) -> None:
    """Progress that nobody watches."""


def datasheet(
    design: str | Path | Design,
    seed: int | None = None,
    progress: Progress = _silent,
    workers: int = 1,
) -> Datasheet:
    """The datasheet of a design: a library name, a TOML path, or a design already read.

    Args:
        design: what to compute.
        seed: of every random draw; None takes the design's own.
        progress: called with a short text at the start of each step.
        workers: 2 lets a second process study the cell's assumptions meanwhile; the calling program
            must then guard its main module, as multiprocessing asks.

    Raises:
        InputError: the design, or a library file it names, is wrong; with every problem.
    """
    progress("Reading the design")
    reference = None if isinstance(design, Design) else str(design)
    if not isinstance(design, Design):
        design = load_design(design)
    if seed is not None:
        if not 0 <= seed < 2**64:
            raise InputError(Problem("bad seed", got=repr(seed), allowed="0 to 2**64 - 1"))
        design = design.model_copy(update={"seed": seed})
    progress("Compiling the cell, searching the organisation")
    compiler = _Compiler(reference, design, Macro(design), progress)
    if workers < 2:
        return compiler.datasheet(compiler.influences)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        cells = pool.submit(influence.influences, *compiler.study("cell"))
        return compiler.datasheet(
            lambda: [*compiler.influences("technology", "circuit"), *cells.result()]
        )


class _Compiler:
    """The steps of one datasheet, in order; each reads what earlier ones left."""

    def __init__(
        self, reference: str | None, design: Design, macro: Macro, progress: Progress
    ) -> None:
        self.reference = reference
        self.design = design
        self.macro = macro
        self.progress = progress
        self.cell = load_cell(design.cell)

    @property
    def items(self) -> tuple[Item, ...]:
        """The library items behind the macro, its cell first."""
        macro = self.macro
        return (
            self.cell.item,
            *macro.technology.items,
            *macro.circuits.items,
            macro.assembly.item,
        )

    def datasheet(self, influences: Callable[[], list[Influence]]) -> Datasheet:
        """All figures; `influences` gives those of the assumptions."""
        design, macro, progress = self.design, self.macro, self.progress
        found = corners.evaluate_corners(design, macro.evaluate, progress)
        typical = found.typical
        progress("Ageing the cells")
        ages = ageing.Ages(macro, self.cell)
        rates = ageing.storage(ages)
        margin = ageing.margin(ages)
        progress("Pulsing cells for the shmoo")
        shmoo, beyond = switching.shmoo(
            self.cell,
            ages.levels(0.0, ages.room, 0),
            margin.reference_S,
            design.seed,
            ages.room,
        )
        progress("Counting tails")
        checks = tails.controls(self.cell, ages, design)
        return Datasheet(
            origin=describe.origin(self.reference, design, __version__),
            identity=describe.identity(design, macro),
            organisation=describe.organisation(macro, typical),
            serial=describe.serial(design),
            key_figures=corners.key_figures(found),
            requirements=corners.outcomes(design, found),
            breakdowns={n: dict(typical.breakdown(n)) for n in BREAKDOWNS if n in typical},
            margin=margin,
            writing=switching.directions(macro),
            shmoo=shmoo,
            error_rates=rates,
            temperature_sweep=ageing.temperature_sweep(ages),
            retention=ageing.retention(ages, rates, design.requirements.uber.value),
            endurance=ageing.endurance(ages),
            tail_checks=checks,
            headline=self.headline,
            influences=influence.ranked(self._waited(influences)),
            not_measured=self.cell.item.not_measured,
            extrapolated=tuple(sorted({*typical.extrapolated, *beyond, *ageing.beyond(rates)})),
            sources=citations.cited(self.items),
        )

    def _waited(self, influences: Callable[[], list[Influence]]) -> list[Influence]:
        self.progress("Moving the assumptions")
        return influences()

    @functools.cached_property
    def headline(self) -> tuple[str, ...]:
        """The figures on which assumptions are ranked, as far as they apply."""
        sheet = self.macro.evaluate("typical", self.design.environment.temperature_typical)
        return tuple(name for name in HEADLINE if name in sheet)

    def study(self, *kinds: str) -> tuple[str, Plan, BitCell, tuple[str, ...], tuple[str, ...]]:
        """The arguments of `influence.influences` for the items of `kinds`."""
        bit_cell = replace(self.macro.cell, model=None, records=())
        stated = self.design.model_dump_json(by_alias=True, exclude_none=True)
        return stated, self.macro.plan, bit_cell, kinds, self.headline

    def influences(self, *kinds: str) -> list[Influence]:
        """Influence of every assumed number, or of those in the items of `kinds`."""
        chosen = kinds or ("cell", "technology", "circuit")
        return influence.influences(*self.study(*chosen))
