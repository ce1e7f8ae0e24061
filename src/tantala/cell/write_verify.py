"""Write-verify: pulses and reads in turn until every cell sits in its window.

Three schemes, after cell.md section 5:

- ``ispp`` (incremental step pulse programming): each failed verify raises one voltage by a step,
  the word line in SET and the source line in RESET; a change of direction starts the train again.
- ``fppv`` (fixed pulse, program and verify): one fixed SET and one fixed RESET pulse. The SET word
  line is the one at which the median cell lands in the window. A SET that ends short of a window
  with two edges is tried afresh after a RESET: the same pulse does no more to a closed cell.
- ``radar`` (coarse, then fine; Levy et al., doi:10.1109/TED.2021.3097975): the word line is the
  coarse knob, from where the median cell lands, until the cell is near its window; then bit line
  (SET) and source line (RESET) move in small steps, and the word line once more when they end. A
  window with one edge cannot be overshot: there the lines stay at their largest voltage.

The verify reads with the cell's read noise, so a cell may pass by a lucky read; and relaxation acts
on the population from each cell's last pulse, so what a verify left inside may be outside later
(``Population.wait``). Left out: disturb of half-selected neighbours, and ageing during the loop
itself, which takes microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.errors import InputError, Problem, raise_if
from tantala.base.quantity import to_si
from tantala.cell.write_loop import WriteOutcome, write_loop
from tantala.cell.write_scheme import Scheme

if TYPE_CHECKING:
    from tantala.cell.population import Population

Floats = NDArray[np.float64]


def write_verify(
    population: Population,
    low: ArrayLike | str,
    high: ArrayLike | str,
    scheme: str | Scheme = "ispp",
    temperature: float | str = "25 degC",
    where: NDArray[Any] | None = None,
    max_pulses: int | None = None,
) -> WriteOutcome:
    """Write cells into the window from ``low`` to ``high``.

    ``low`` and ``high`` are conductances in S (0 and infinity leave a side open), one or one a
    selected cell; or texts such as "8.5 kohm" or "110 uS", in either order. ``scheme`` is a name or
    a `Scheme`; ``max_pulses`` overrides the scheme's limit.

    Raises InputError for a window that is empty or no conductance, and for a negative limit.
    """
    if max_pulses is not None and (not isinstance(max_pulses, (int, np.integer)) or max_pulses < 0):
        raise InputError(
            Problem("bad max_pulses", got=repr(max_pulses), allowed="a whole number, 0 or more")
        )
    index = population.select(where)
    low, high = _window(low, high, len(index))
    if isinstance(scheme, str):
        scheme = Scheme.of(population.cell, scheme)
    limit = int(scheme.settings.max_pulses) if max_pulses is None else max_pulses
    kelvin = to_si(temperature, "K")
    return write_loop(population, scheme, index, (low, high), kelvin, limit)[0]


def _window(low: Any, high: Any, count: int) -> tuple[Floats, Floats]:
    """(low, high) as conductances of one entry a cell."""
    given = [_conductance(value, name) for value, name in ((low, "low"), (high, "high"))]
    if isinstance(low, str) and isinstance(high, str):
        given.sort(key=float)
    problems: list[Problem] = []
    for name, value in zip(("low", "high"), given, strict=True):
        if np.shape(value) not in ((), (1,), (count,)):
            allowed = f"one number, or {count} numbers"
            problems.append(Problem(f"{name} fits no window", "", str(np.shape(value)), allowed))
        elif np.isnan(value).any() or (value < 0).any():
            problems.append(Problem(f"{name} is no conductance", "", allowed="0 S or more"))
    raise_if(problems)
    edges = np.broadcast_arrays(*given, np.empty(count))[:2]
    if np.isfinite(edges[0]).all() and (edges[0] > 1.0).any():
        raise InputError(
            Problem(
                "low is no conductance of a cell",
                got=f"{edges[0].max():g} S",
                allowed="conductances in S, or texts with a unit",
                hint=f"'{edges[0].max():g} ohm'",
            )
        )
    if (edges[0] >= edges[1]).any():
        raise InputError(
            Problem("an empty window", got="low >= high", allowed="low < high, conductances in S")
        )
    return edges[0], edges[1]


def _conductance(value: Any, name: str) -> Floats:
    if isinstance(value, str):
        if value.rstrip().lower().endswith(("ohm", "Ω")):
            resistance = to_si(value, "ohm", name=name)
            return np.asarray(1.0 / resistance if resistance else np.inf)
        return np.asarray(to_si(value, "S", name=name))
    return np.asarray(value, dtype=float)
