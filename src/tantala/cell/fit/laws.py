"""Which tables identify which laws: the fits, in the order in which a cell file lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tantala.base.errors import FitError, Problem
from tantala.base.quantity import to_si
from tantala.cell.fit.result import FitResult, Standing, nothing_stands
from tantala.cell.fit.tables import MeasurementTable


@dataclass(frozen=True)
class Tables:
    """The tables of one fit, the full-scale conductance [S], and the cell's nominal pulses.

    `nominal` holds records by name ("reset_width" ...), each with value and unit: the pulses of a
    cycling table, which its rows do not state. `standing` (path, unit) is what another cell says of
    a number, or None: it stands in where the tables leave the number open.
    """

    tables: tuple[MeasurementTable, ...]
    full_scale: float | None = None
    nominal: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    standing: Standing = nothing_stands

    def of(self, *kinds: str) -> list[MeasurementTable]:
        """The tables of these kinds."""
        return [table for table in self.tables if table.kind in kinds]

    def one(self, kind: str) -> MeasurementTable | None:
        """The table of a kind, or None. Raises FitError for several."""
        found = self.of(kind)
        if len(found) > 1:
            files = ", ".join(str(table.path) for table in found)
            raise FitError(Problem(f"several tables of kind {kind}", files, hint="join them first"))
        return found[0] if found else None

    def cycled(self) -> tuple[MeasurementTable | None, MeasurementTable | None]:
        """Of the cycling tables, the one of many cells and the one of many cycles."""
        many = [t for t in self.of("cycling") if len(np.unique(t["address"])) >= 30]
        long = [t for t in self.of("cycling") if len(np.unique(t["cycle"])) >= 300]
        return (many[0] if many else None), (long[0] if long else None)


@dataclass(frozen=True)
class Fit:
    """One fit: the tables that it would use (none: it does not run), and what it finds."""

    tables: Callable[[Tables], list[MeasurementTable]]
    run: Callable[[Tables], tuple[FitResult, ...]]


def _conduction(tables: Tables) -> tuple[FitResult, ...]:
    from tantala.cell.fit.iv import fit_iv

    table = tables.one("iv")
    return (fit_iv(table),) if table else ()


def _set(tables: Tables) -> tuple[FitResult, ...]:
    from tantala.cell.fit.set_sweep import fit_set

    table = tables.one("set_pulses")
    return (fit_set(table, tables.standing),) if table else ()


def _reset_tables(tables: Tables) -> list[MeasurementTable]:
    many, _ = tables.cycled()
    return (
        [*tables.of("reset_pulses"), *([many] if many else [])] if tables.of("reset_pulses") else []
    )


def _reset(tables: Tables) -> tuple[FitResult, ...]:
    from tantala.cell.fit.reset_state import NominalReset
    from tantala.cell.fit.reset_sweep import fit_reset

    table, (many, _) = tables.one("reset_pulses"), tables.cycled()
    if table is None:
        return ()
    pulse = {
        name: tables.nominal.get(f"reset_{name}") for name in ("sourceline", "wordline", "width")
    }
    if many is None or None in pulse.values():
        raise FitError(
            Problem(
                "RESET pulses alone do not tell how deep a full RESET goes",
                str(table.path),
                allowed="a cycling table of 30 cells or more beside them, and its RESET pulse",
                hint="add the table, and a base cell or recipe that gives nominal.reset_...",
            )
        )
    units = {"sourceline": "V", "wordline": "V", "width": "s"}
    nominal = {
        name: to_si(f"{record['value']} {record['unit']}", units[name], name=name)
        for name, record in pulse.items()
        if record is not None
    }
    return (fit_reset(table, many, NominalReset(**nominal)),)


def _variability_tables(tables: Tables) -> list[MeasurementTable]:
    many, long = tables.cycled()
    return [many, long] if many is not None and long is not None else []


def _variability(tables: Tables) -> tuple[FitResult, ...]:
    from tantala.cell.fit.cycling import fit_cycling

    many, long = tables.cycled()
    return (fit_cycling(many, long),) if many is not None and long is not None else ()


def _endurance_tables(tables: Tables) -> list[MeasurementTable]:
    _, long = tables.cycled()
    found = tables.of("endurance")
    return [*found, *([long] if long is not None else [])] if found else []


def _endurance(tables: Tables) -> tuple[FitResult, ...]:
    from tantala.cell.fit.window import fit_endurance

    table = tables.one("endurance")
    return (fit_endurance(table, tables.cycled()[1]),) if table else ()


def _ageing(tables: Tables) -> tuple[FitResult, ...]:
    from tantala.cell.ageing_tables import fit_ageing

    if tables.full_scale is None:
        files = ", ".join(str(t.path) for t in tables.of("relaxation", "bake", "verified_writes"))
        raise FitError(
            Problem(
                "ageing needs the conductance of the highest level",
                files,
                hint='--full-scale "128 uS"',
            )
        )
    return fit_ageing(
        tables.full_scale,
        tables.one("relaxation"),
        tables.one("bake"),
        tables.one("verified_writes"),
    )


def _noise(tables: Tables) -> tuple[FitResult, ...]:
    from tantala.cell.noise import fit_noise

    levels, series = tables.one("noise_levels"), tables.one("noise_series")
    if levels is not None:
        if levels.sample_rate is None:
            raise FitError(
                Problem(
                    "a noise series needs its rate", str(levels.path), hint='--sample-rate "400 Hz"'
                )
            )
        return (fit_noise(levels["conductance"], levels.sample_rate),)
    if series is not None:
        # From the whole span: stamps are often coarser than the time between two reads.
        times = series["sample_time"]
        span = float(times[-1] - times[0])
        if span <= 0.0:
            raise FitError(Problem("the sample times do not advance", str(series.path)))
        rate = (len(times) - 1) / span
        return (fit_noise(series["conductance"][None, :], rate),)
    return ()


FITS: tuple[Fit, ...] = (
    Fit(lambda tables: tables.of("iv"), _conduction),
    Fit(lambda tables: tables.of("set_pulses"), _set),
    Fit(_reset_tables, _reset),
    Fit(_variability_tables, _variability),
    Fit(_endurance_tables, _endurance),
    Fit(lambda tables: tables.of("relaxation", "bake", "verified_writes"), _ageing),
    Fit(lambda tables: tables.of("noise_levels", "noise_series"), _noise),
)
