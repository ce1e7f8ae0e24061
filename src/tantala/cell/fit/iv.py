"""Fit of conduction: read current against voltage of many cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import FitError, Problem
from tantala.cell.conduction import Conduction
from tantala.cell.fit import matching
from tantala.cell.fit.held import held
from tantala.cell.fit.result import Curve, FitResult, FittedNumber, Goodness
from tantala.cell.fit.tables import MeasurementTable

Array = NDArray[np.float64]
GROUPS = 14  # of cells with like conductance
LOWEST = 0.1  # V; below it the offset of the current is a large part of it
_NAMES = ("gap_voltage", "closed_conductance", "closing_exponent")
_UNITS = ("V", "S", "1")


def fit_iv(table: MeasurementTable) -> FitResult:
    """Fit `Conduction` to a table of kind ``iv``: cells at voltages from 0 V.

    Each cell's current at 0 V is taken off as an offset. Medians of G(V) / G(V_ref) over groups of
    cells with like G(V_ref) are matched. Raises FitError without 0 V, V_ref or a higher voltage.
    """
    reference_voltage = held().conduction.reference_voltage
    voltage, current = _by_cell(table, reference_voltage)
    at_reference = int(np.argmin(np.abs(voltage - reference_voltage)))
    conductance = current[:, at_reference] / voltage[at_reference]
    used = np.flatnonzero((voltage >= LOWEST - 1e-9) & (np.arange(len(voltage)) != at_reference))
    ratio = current[:, used] / voltage[used] / conductance[:, None]
    order = np.argsort(conductance)
    groups = [order[part] for part in np.array_split(np.arange(len(order)), GROUPS)]
    centre = np.array([np.median(conductance[g]) for g in groups])
    measured = np.array([np.median(ratio[g], axis=0) for g in groups])
    error = np.array([1.25 * np.std(ratio[g], axis=0) / np.sqrt(len(g)) for g in groups])

    def law(x: Array) -> Conduction:
        return Conduction(reference_voltage, *np.exp(x).tolist())

    def residual(x: Array) -> Array:
        model = law(x).chord(centre[:, None], voltage[used]) / centre[:, None]
        return ((model - measured) / np.hypot(error, 0.01)).ravel()

    start = np.log([0.3, 5e-5, 4.0])
    x, errors, chi = matching.solve(residual, start, start - 2.0, start + 2.0, 60)
    extent = {
        "voltage": (0.0, float(voltage.max()), "V"),
        "conductance": (float(conductance.min()), float(conductance.max()), "S"),
    }
    model = law(x).chord(centre[:, None], voltage[used]) / centre[:, None]
    misses = float(np.max(np.abs(model[:, -1] / model[:, 0] - measured[:, -1] / measured[:, 0])))
    return FitResult(
        law="conduction",
        numbers=tuple(
            FittedNumber(f"conduction.{n}", float(np.exp(v)), u, float(e * np.exp(v)), extent)
            for n, u, v, e in zip(_NAMES, _UNITS, x, errors, strict=True)
        ),
        goodness=(
            Goodness("reduced chi square of median G(V) / G(V_ref)", chi, "1", measured.size),
            Goodness(f"largest error of G({voltage[-1]:g} V) / G({LOWEST:g} V)", misses, "1",
                     GROUPS),
        ),
        curves=tuple(
            Curve(
                "nonlinearity of the read current", f"{volts:g} V", "G at V_ref [S]",
                "G(V) / G(V_ref)", centre, measured[:, k], model[:, k], x_log=True,
            )
            for k, volts in enumerate(voltage[used])
            if k in (0, len(used) // 2, len(used) - 1)
        ),
        where=f"{len(conductance)} cells; current at 0 V taken off",
    )  # fmt: skip


def _by_cell(table: MeasurementTable, reference: float) -> tuple[Array, Array]:
    """Voltages [V] and offset-free currents [cell, voltage] of the cells read at all of them."""
    voltage = np.unique(table["voltage"])
    address, row = np.unique(table["address"], return_inverse=True)
    column = np.searchsorted(voltage, table["voltage"])
    current = np.full((len(address), len(voltage)), np.nan)
    current[row, column] = table["current"]
    problems = []
    if voltage[0] != 0.0:
        problems.append(Problem("no current at 0 V", str(table.path), hint="it gives the offset"))
    if np.abs(voltage - reference).min() > 1e-6:
        problems.append(Problem(f"no current at {reference:g} V", str(table.path)))
    if voltage[-1] <= reference:
        problems.append(Problem("no voltage above the reference", str(table.path)))
    if problems:
        raise FitError(problems)
    current = current - current[:, :1]
    whole = np.isfinite(current).all(axis=1) & (current[:, voltage >= LOWEST] > 0.0).all(axis=1)
    if whole.sum() < 3 * GROUPS:
        raise FitError(
            Problem("too few cells", str(table.path), f"{whole.sum()}", f"{3 * GROUPS} or more")
        )
    return voltage, current[whole]
