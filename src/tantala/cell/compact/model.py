"""A compact model as an object: its cited parameters, operating points and transients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tantala.base.binding import bind
from tantala.base.errors import (
    ConvergenceError,
    InputError,
    Problem,
    RangeViolation,
    unknown,
)
from tantala.base.library import load_item, names, read_toml
from tantala.base.quantity import to_si
from tantala.base.record import Item
from tantala.cell.compact.integrate import operating_points, transients
from tantala.cell.compact.jart import JartParameters
from tantala.cell.compact.operating_point import coordinates_at
from tantala.cell.compact.rosenbrock import Setting
from tantala.cell.compact.series import Gated, series_kernel
from tantala.cell.compact.sky130 import Sky130Parameters
from tantala.cell.compact.stanford import StanfordParameters
from tantala.cell.compact.transient import Transient, Waveform

PARAMETERS: dict[str, Any] = {
    "sky130": Sky130Parameters,
    "stanford_v1": StanfordParameters,
    "jart_vcm_1b": JartParameters,
}
TOLERANCE = 1e-6  # local error of a step, relative to the stroke and to the temperature
STEPS_A_STROKE = 100

Series = float | str | Gated | None


@dataclass(frozen=True)
class OperatingPoint:
    """Steady points of a compact model, each an array of the broadcast shape of the inputs.

    ``current`` A, ``cell_voltage`` V, ``temperature`` K, ``rate`` in units of state a second.
    """

    current: np.ndarray
    cell_voltage: np.ndarray
    temperature: np.ndarray
    rate: np.ndarray


@dataclass(frozen=True)
class CompactModel:
    """One compact model with the numbers of one library item.

    The state is the filament length (SKY130, m), the gap (Stanford, m) or the vacancy density
    (JART, 1/m^3). A positive voltage SETs, except in JART, where a negative one does (`polarity`).
    """

    item: Item
    parameters: Any
    read_voltage: float
    ambient_range: tuple[float, float] | None

    @staticmethod
    def of(item: Item, prefix: str = "model") -> CompactModel:
        """The model of a library item: its text `PREFIX.equations` names it."""
        name = item.text(f"{prefix}.equations")
        if name not in PARAMETERS:
            raise InputError(unknown("compact model", str(name), PARAMETERS, item.path.name))
        parameters = bind(PARAMETERS[name], item, prefix)
        limits = [
            number.limits("temperature", "K")
            for path, number in item.numbers.items()
            if path.startswith(f"{prefix}.")
        ]
        return CompactModel(
            item,
            parameters,
            item.value(f"{prefix}.read_voltage", "V"),
            next((pair for pair in limits if pair is not None), None),
        )

    @property
    def polarity(self) -> int:
        """The sign of a voltage that SETs."""
        return self.parameters.polarity

    @property
    def states(self) -> tuple[float, float]:
        """The state at its high-resistance and at its low-resistance end."""
        ends = self.parameters.state(np.array(self.parameters.limits))
        return float(ends[0]), float(ends[1])

    def operating_point(
        self,
        voltage: ArrayLike,
        state: ArrayLike,
        temperature: ArrayLike | str,
        series: Series = None,
        self_heating: bool = True,
    ) -> OperatingPoint:
        """Current, cell voltage, steady temperature and rate of the state; inputs broadcast.

        ``voltage`` (V) lies over cell and series element, ``temperature`` (K or text) is ambient.
        """
        kelvin = to_si(temperature, "K") if isinstance(temperature, str) else temperature
        volts, states, ambient = np.broadcast_arrays(
            np.asarray(voltage, float), np.asarray(state, float), np.asarray(kelvin, float)
        )
        if np.any(ambient <= 0.0):
            raise InputError(Problem("a temperature must be above 0 K", got=repr(temperature)))
        answer = np.empty((volts.size, 4))
        coordinates = np.array(self.parameters.coordinate(states), float).ravel()
        operating_points(
            self.parameters.kernel(),
            series_kernel(series, self.polarity),
            coordinates,
            np.array(ambient).ravel(),
            np.array(volts).ravel(),
            self_heating,
            answer,
        )
        current, slope, warm, share = (answer[:, k].reshape(volts.shape) for k in range(4))
        # The kernels move the coordinate; the chain rule brings back the state.
        per_coordinate = self.parameters.state_per_coordinate(states)
        return OperatingPoint(current, share, warm, slope * per_coordinate)

    def conductance(self, state: ArrayLike, temperature: float | str = 300.0) -> np.ndarray:
        """Conductance [S] of states at the read voltage, without self-heating."""
        volts = self.polarity * self.read_voltage
        point = self.operating_point(volts, state, temperature, self_heating=False)
        return point.current / volts

    def state_at(self, conductance: ArrayLike, temperature: float | str = 300.0) -> np.ndarray:
        """The states that have conductances [S] at the read voltage.

        Raises RangeViolation for a conductance that no state has.
        """
        wanted = np.asarray(conductance, float)
        kelvin = to_si(temperature, "K", name="temperature")
        low, high = self.conductance(np.array(self.states), kelvin)
        # A stored float32 conductance at either end is that end.
        if not np.all((wanted >= low * (1 - 1e-6)) & (wanted <= high * (1 + 1e-6))):
            raise RangeViolation(
                Problem(
                    "no state of the model has this conductance",
                    self.item.name,
                    f"{np.min(wanted):.4g} to {np.max(wanted):.4g} S",
                    f"{low:.4g} to {high:.4g} S",
                )
            )
        found = np.empty(wanted.size)
        volts = self.polarity * self.read_voltage
        first, last = self.parameters.limits
        coordinates_at(
            self.parameters.kernel(),
            np.array(wanted.clip(low, high)).ravel() * abs(volts),
            volts,
            kelvin,
            first,
            last,
            found,
        )
        return self.parameters.state(found).reshape(wanted.shape)

    def transient(
        self,
        voltage: float | str | Waveform,
        duration: float | str | None = None,
        *,
        state: ArrayLike | None = None,
        conductance: ArrayLike | None = None,
        temperature: float | str = 300.0,
        series: Series = None,
        scale: ArrayLike = 1.0,
        dynamic_temperature: bool = False,
        times: Sequence[float] | np.ndarray | None = None,
        steps_a_stroke: int = STEPS_A_STROKE,
        extrapolate: bool = False,
    ) -> Transient:
        """Traces of one or many cells under a constant voltage for ``duration``, or a waveform.

        The start is ``state`` or ``conductance`` [S] (default: the high-resistance end); ``scale``
        multiplies the voltage of each cell. ``times`` [s] are the sampling times (default: equal
        ratios of time between the corners). ``dynamic_temperature`` integrates the thermal time
        constant, where the model has one, instead of taking the steady temperature.

        Raises RangeViolation when a cell's temperature leaves the model's range, unless
        ``extrapolate``; ConvergenceError when a step cannot meet its tolerance.
        """
        wave = _waveform(voltage, duration)
        ambient = to_si(temperature, "K", name="temperature")
        start = self._start(state, conductance, ambient)
        begin, scales = np.broadcast_arrays(start, np.asarray(scale, float))
        wanted = wave.samples() if times is None else _sampling(times, wave)
        stretches = wave.stretches(wanted)
        record = np.empty((begin.size, len(stretches) + 1, 5))
        arrivals = np.empty(begin.size)
        stalled = transients(
            self.parameters.kernel(),
            self.setting(series, ambient, dynamic_temperature, steps_a_stroke),
            np.array(begin).ravel(),
            np.array(scales).ravel(),
            stretches,
            record,
            arrivals,
        )
        self.check_stalled(stalled, begin.size)
        extrapolated = self.check_temperature(record[:, :, 1], extrapolate)
        ends = np.concatenate([[0.0], np.cumsum(stretches[:, 0])])
        chosen = np.searchsorted(ends, wanted * (1 - 1e-9))
        traces = np.moveaxis(record[:, chosen, :], 2, 0)
        traces = traces.reshape((5, *begin.shape, chosen.size))
        volts = np.concatenate([stretches[:1, 1], stretches[:, 2]])[chosen]
        states = self.parameters.state(traces[0])
        return Transient(
            time=ends[chosen],
            conductance=self.conductance(states, ambient),
            current=traces[3],
            temperature=traces[1],
            voltage=volts * scales[..., np.newaxis],
            cell_voltage=traces[2],
            energy=traces[4],
            state=states,
            extrapolated=extrapolated,
        )

    def switching_time(
        self,
        voltage: ArrayLike,
        start: float,
        stop: float,
        *,
        temperature: float | str = 300.0,
        series: Series = None,
        dynamic_temperature: bool = False,
        steps_a_stroke: int = STEPS_A_STROKE,
        longest: float | str = 1e12,
    ) -> np.ndarray:
        """Time [s] from state ``start`` to state ``stop`` at constant voltages (V).

        Infinite where ``stop`` is not reached within ``longest`` (s or text).
        """
        volts = np.atleast_1d(np.asarray(voltage, float))
        ambient = to_si(temperature, "K", name="temperature")
        ends = self.parameters.coordinate(np.array([start, stop], float))
        setting = self.setting(series, ambient, dynamic_temperature, steps_a_stroke)
        setting = setting._replace(low=float(np.min(ends)), high=float(np.max(ends)))
        setting = setting._replace(largest_step=(setting.high - setting.low) / steps_a_stroke)
        stretches = np.array([[to_si(longest, "s", name="longest"), 1.0, 1.0]])
        record = np.empty((volts.size, 2, 5))
        arrivals = np.empty(volts.size)
        stalled = transients(
            self.parameters.kernel(),
            setting,
            np.full(volts.size, ends[0]),
            np.array(volts).ravel(),
            stretches,
            record,
            arrivals,
        )
        self.check_stalled(stalled, volts.size)
        reached = np.where(record[:, 1, 0] == ends[1], arrivals, np.inf)
        return reached.reshape(np.shape(voltage))

    def setting(
        self,
        series: Series,
        ambient: float,
        dynamic: bool = False,
        steps: int = STEPS_A_STROKE,
    ) -> Setting:
        """What the kernels need to know of a run (`rosenbrock.Setting`)."""
        if ambient <= 0.0:
            raise InputError(Problem("a temperature must be above 0 K", got=f"{ambient:g} K"))
        if steps < 1:
            raise InputError(Problem("steps_a_stroke must be at least 1", got=repr(steps)))
        thermal_time = self.parameters.thermal_time
        if dynamic and thermal_time is None:
            raise InputError(
                Problem(
                    "the model has no thermal time constant",
                    self.item.name,
                    hint="dynamic_temperature=False",
                )
            )
        low, high = sorted(self.parameters.limits)
        return Setting(
            series=series_kernel(series, self.polarity),
            ambient=ambient,
            thermal_time=float(thermal_time) if dynamic else 0.0,
            low=low,
            high=high,
            largest_step=(high - low) / steps,
            tolerance=TOLERANCE,
        )

    def _start(
        self, state: ArrayLike | None, conductance: ArrayLike | None, ambient: float
    ) -> np.ndarray:
        if state is not None and conductance is not None:
            raise InputError(Problem("give the state or the conductance at the start, not both"))
        if conductance is not None:
            state = self.state_at(conductance, ambient)
        if state is None:
            return np.asarray(self.parameters.limits[0])
        start = self.parameters.coordinate(np.asarray(state, float))
        low, high = sorted(self.parameters.limits)
        slack = 1e-9 * (high - low)
        if not np.all((start >= low - slack) & (start <= high + slack)):
            raise RangeViolation(
                Problem(
                    "a start outside the states of the model",
                    self.item.name,
                    repr(state),
                    f"{self.states[0]:.4g} to {self.states[1]:.4g}",
                )
            )
        return np.clip(start, low, high)

    def check_stalled(self, stalled: int, cells: int) -> None:
        """Raise ConvergenceError if any cell's step did not meet the tolerance."""
        if stalled:
            raise ConvergenceError(
                Problem(
                    "the transient stalled: no step met the tolerance",
                    self.item.name,
                    f"{stalled} of {cells} cells",
                    f"local error {TOLERANCE:g}",
                )
            )

    def check_temperature(self, kelvin: np.ndarray, extrapolate: bool) -> tuple[str, ...]:
        """What leaves the model's range of temperature; raises RangeViolation where not allowed."""
        if self.ambient_range is None:
            return ()
        low, high = self.ambient_range
        if np.all((kelvin >= low) & (kelvin <= high)):
            return ()
        problem = Problem(
            "the cell's temperature leaves the model's range",
            self.item.name,
            f"{np.min(kelvin):.4g} to {np.max(kelvin):.4g} K",
            f"{low:g} to {high:g} K",
            hint="a series resistor or select transistor, or extrapolate=True",
        )
        if not extrapolate:
            raise RangeViolation(problem)
        return (str(problem),)


def load_compact(name: str | Path) -> CompactModel:
    """A compact model by library name ("sky130", "stanford_v1", "jart_vcm_1b") or path.

    A cell file that holds a compact model (as `sky130` does) is accepted too.
    """
    if str(name) in names("cell") or _is_cell(Path(name)):
        return CompactModel.of(load_item("cell", name), "compact")
    return CompactModel.of(load_item("compact", name))


def _is_cell(path: Path) -> bool:
    return path.suffix == ".toml" and path.is_file() and read_toml(path).get("kind") == "cell"


def _waveform(voltage: float | str | Waveform, duration: float | str | None) -> Waveform:
    if isinstance(voltage, Waveform):
        if duration is not None:
            raise InputError(Problem("a waveform has its own duration", got=repr(duration)))
        return voltage
    if duration is None:
        raise InputError(Problem("a constant voltage needs a duration"))
    return Waveform.constant(voltage, duration)


def _sampling(times: Sequence[float] | np.ndarray, wave: Waveform) -> np.ndarray:
    wanted = np.unique(np.asarray(times, float))
    if wanted.size == 0 or wanted[0] < 0.0 or wanted[-1] > wave.time[-1]:
        raise InputError(
            Problem(
                "sampling times must lie within the waveform", allowed=f"0 to {wave.time[-1]} s"
            )
        )
    return wanted
