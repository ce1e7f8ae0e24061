"""The steps from a design to its figures, in order; each reads what earlier ones left."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tantala import __version__
from tantala.base.record import Item
from tantala.cell import load_cell
from tantala.macro.design import Design
from tantala.macro.macro import Macro
from tantala.report import ageing, citations, corners, describe, influence, switching
from tantala.report.aged_levels import AgedLevels, study
from tantala.report.page import Datasheet
from tantala.report.subarray_read import subarray_read

if TYPE_CHECKING:
    from tantala.report.compute import Progress
    from tantala.report.crew import Crew

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
    "raw_bit_error_rate",
    "yield",
)


class Compiler:
    """One datasheet in the making."""

    def __init__(
        self, reference: str | None, design: Design, progress: Progress, crew: Crew
    ) -> None:
        self.reference = reference
        self.design = design
        self.progress = progress
        self.crew = crew
        stated = design.model_dump_json(by_alias=True, exclude_none=True)
        self._aged = crew.start(study, stated)
        progress("Compiling the cell, searching the organisation")
        self.macro = Macro(design)
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

    def datasheet(self) -> Datasheet:
        """All figures."""
        design, macro, progress = self.design, self.macro, self.progress
        found = corners.evaluate_corners(design, macro.evaluate, progress)
        typical = found.typical
        progress("Moving the assumptions")
        influences = influence.influences(influence.Study.of(macro, self.headline), self.crew)
        progress("Ageing the cells")
        levels = AgedLevels(design, self.cell)
        aged, checks = self._aged()
        levels.know(aged)
        ages = ageing.Ages(macro, levels)
        rates = ageing.storage(ages)
        margin = ageing.margin(ages)
        progress("Pulsing cells for the shmoo")
        shmoo, beyond = switching.shmoo(
            self.cell,
            levels.at(0.0, ages.room, 0),
            margin.reference_S,
            design.seed,
            ages.room,
        )
        return Datasheet(
            origin=describe.origin(self.reference, design, __version__),
            identity=describe.identity(design, macro),
            organisation=describe.organisation(macro, typical),
            serial=describe.serial(design),
            key_figures=corners.key_figures(found),
            requirements=corners.outcomes(design, found),
            breakdowns={n: dict(typical.breakdown(n)) for n in BREAKDOWNS if n in typical},
            margin=margin,
            subarray_read=subarray_read(macro, design.seed),
            writing=switching.directions(macro),
            shmoo=shmoo,
            error_rates=rates,
            temperature_sweep=ageing.temperature_sweep(ages),
            retention=ageing.retention(ages, rates, design.requirements.uber.value),
            endurance=ageing.endurance(ages),
            tail_checks=checks,
            headline=self.headline,
            influences=influences,
            not_measured=self.cell.item.not_measured,
            extrapolated=tuple(sorted({*typical.extrapolated, *beyond, *ageing.beyond(rates)})),
            sources=citations.cited(self.items),
        )

    @functools.cached_property
    def headline(self) -> tuple[str, ...]:
        """The figures on which assumptions are ranked, as far as they apply."""
        sheet = self.macro.evaluate("typical", self.design.environment.temperature_typical)
        return tuple(name for name in HEADLINE if name in sheet)
