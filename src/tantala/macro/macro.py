"""A memory macro: one design with organisation, cell and technology compiled."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tantala.base.errors import InputError, Problem, RangeViolation, raise_if
from tantala.base.quantity import to_si
from tantala.cell import load_cell
from tantala.circuit import Circuits, load_circuits
from tantala.circuit.ecc import make_code
from tantala.macro import figures, serial
from tantala.macro.bit_cell import BitCell, Levels
from tantala.macro.blocks import Blocks, build
from tantala.macro.coding import allowed_bit_error
from tantala.macro.compile_cell import compile_cell, levels_of
from tantala.macro.constants import Assembly, load_assembly
from tantala.macro.metrics import METRICS
from tantala.macro.plan import Plan, space
from tantala.macro.reliability import ErrorRates, error_rates, reach, shortcomings
from tantala.macro.search import AIMED, Found, search, weights
from tantala.macro.setting import Setting
from tantala.macro.sheet import Sheet
from tantala.macro.subarray import cell_array, column_path
from tantala.macro.write_verify import tail_pulses
from tantala.macro.yields import macro_yield
from tantala.technology import Technology, load_technology

if TYPE_CHECKING:
    from tantala.macro.design import Design


class Macro:
    """One macro, compiled: the cell's statistics and the search of the organisation are done once.

    Args:
        design: what is wanted.
        cell: a compiled cell in place of the design's own (for published rows and studies).
        technology, circuits, assembly: in place of the library's (for influence studies).
        plan: an organisation to keep, in place of the search.

    Raises:
        InputError: no organisation fits, or the cell's window is closed.
    """

    def __init__(
        self,
        design: Design,
        *,
        cell: BitCell | None = None,
        technology: Technology | None = None,
        circuits: Circuits | None = None,
        assembly: Assembly | None = None,
        plan: Plan | None = None,
    ) -> None:
        self.design = design
        self.technology = load_technology(design.technology) if technology is None else technology
        self.circuits = load_circuits() if circuits is None else circuits
        self.assembly = load_assembly() if assembly is None else assembly
        self.cell = compile_cell(design) if cell is None else cell
        self.code = design.code
        self._settings: dict[tuple[str, float], Setting] = {}
        self._blocks: dict[tuple[str, float], Blocks] = {}
        self._gates = make_code(self.code.kind, self.code.data_bits)
        self.allowed_error = allowed_bit_error(
            self.code, design.requirements.uber.value, self.cell.stuck
        )
        self.low_tail, self.high_tail, self.tail = reach(
            self.cell.aged, self.assembly.read, self.allowed_error, design.origin
        )
        self.found: Found | None = None
        self.plan = self._plan() if plan is None else plan
        # Devices are drawn once, at typical conditions: no corner changes area or yield.
        typical = ("typical", design.environment.temperature_typical)
        setting = self.setting(*typical)
        self._drawn = self.blocks(*typical)
        raise_if(shortcomings(setting, self._drawn, design.origin))
        self._fixed = self._fixed_parts(setting)

    @functools.cached_property
    def _beyond(self) -> tuple[str, ...]:
        """Ranges of the cell model which the required life exceeds, with the design's consent."""
        if self.cell.model is None or not self.design.extrapolate:
            return ()
        need = self.design.requirements
        age = (need.retention.time, need.retention.temperature, need.endurance)
        try:
            levels_of(self.cell.model, self.design.write.scheme, *age)
        except RangeViolation as violation:
            return tuple(str(problem) for problem in violation.problems)
        return ()

    def levels(
        self, time: float | str, temperature: float | str, cycles: int | None = None
    ) -> Levels:
        """Both levels of the design's cell, `time` after a write at `temperature`.

        Args:
            time: since the write, "10 years" or s.
            temperature: of storage, "85 degC" or K.
            cycles: writes before; None: the endurance which the design requires.
        """
        worn = self.design.requirements.endurance if cycles is None else cycles
        return levels_of(
            load_cell(self.design.cell) if self.cell.model is None else self.cell.model,
            self.design.write.scheme,
            to_si(time, "s", name="time"),
            to_si(temperature, "K", name="temperature"),
            worn,
            self.design.extrapolate,
        )

    def setting(self, corner: str, temperature: float) -> Setting:
        """What the blocks see at a corner and a temperature (K); made once for each."""
        if (corner, temperature) not in self._settings:
            self._settings[corner, temperature] = self._setting(corner, temperature)
        return self._settings[corner, temperature]

    def blocks(self, corner: str, temperature: float) -> Blocks:
        """The blocks of the macro at a corner and a temperature (K); built once for each."""
        if (corner, temperature) not in self._blocks:
            setting = self.setting(corner, temperature)
            self._blocks[corner, temperature] = build(setting, self.plan)
        return self._blocks[corner, temperature]

    def _setting(self, corner: str, temperature: float) -> Setting:
        design = self.design
        return Setting(
            process=self.technology.at(corner, temperature, design.supply.core),
            circuits=self.circuits,
            assembly=self.assembly,
            cell=self.cell,
            low_tail=self.low_tail,
            high_tail=self.high_tail,
            code=self.code,
            gates=self._gates,
            words=design.words,
            high_supply=design.supply.high,
            spare_rows=design.organisation.spare_rows,
            spare_columns=design.organisation.spare_columns,
            changed=design.write.changed,
        )

    def _plan(self) -> Plan:
        candidates = space(self.design)
        if candidates.size == 1:
            return candidates.candidate(0)
        for find in (self._within_limits, lambda: self.search(front=False)):
            # A design whose requirements no organisation meets still has a sheet, which says what
            # is missed; unless nothing can be built at all.
            with contextlib.suppress(InputError):
                self.found = find()
                return self.found.plan
        return candidates.candidate(0)

    def _within_limits(self) -> Found:
        """The optimum that meets the requirements at every extreme, not only at typical.

        Candidates are compared at typical conditions. The limits there are tightened by what the
        last optimum lost at its worst extreme, until one holds there too.

        Raises:
            InputError: no organisation does, or none was found in a few rounds.
        """
        required = self.searchable_limits()
        limits = dict(required)
        for _ in range(6):
            found = self.search(front=False, limits=limits)
            worst = self._worst(found.plan, required)
            over = {
                name: worst[name] / limit
                for name, limit in required.items()
                if not METRICS[name].meets(worst[name], limit)
            }
            if not over:
                return found
            limits = {name: limit / over.get(name, 1.0) for name, limit in limits.items()}
        raise InputError(Problem("no organisation meets the limits at every extreme"))

    def _worst(self, plan: Plan, names: Iterable[str]) -> dict[str, float]:
        sheets = [figures.searchable(s, plan, build(s, plan)) for s in self._extremes()]
        # Area is drawn once and does not change with the corner.
        return {
            name: METRICS[name].worst(float(sheet[name]) for sheet in sheets)
            for name in names
            if name != "area_m2"
        } | ({"area_m2": self._drawn_area(plan)} if "area_m2" in names else {})

    def _drawn_area(self, plan: Plan) -> float:
        setting = self.setting("typical", self.design.environment.temperature_typical)
        return float(figures.sum_parts(figures.area_parts(setting, plan, build(setting, plan))))

    def _extremes(self) -> list[Setting]:
        """Corners and temperatures at the edges of what the design must bear."""
        env = self.design.environment
        edges = {env.temperature_min, env.temperature_max}
        corners = [corner for corner in env.corners if corner != "typical"] or ["typical"]
        return [self.setting(corner, edge) for corner in corners for edge in sorted(edges)]

    def searchable_limits(self) -> dict[str, float]:
        """The requirements that a search can obey, metric name -> limit."""
        stated = self.design.requirements.limits()
        return {name: limit for name, limit in stated.items() if name in AIMED.values()}

    def search(self, front: bool = True, limits: Mapping[str, float] | None = None) -> Found:
        """The best organisation for the design's aim at typical conditions.

        Candidates must also be readable and writable at every corner and extreme temperature.

        Args:
            front: also collect the Pareto front of the aimed figures.
            limits: metric name -> limit that a candidate must meet at typical conditions.

        Raises:
            InputError: no organisation meets the limits, or none can be built.
        """
        exponents = weights(self.design.aim)
        return search(space(self.design), self.equations(), exponents, limits, front)

    def equations(self) -> Callable[[Plan], dict[str, Any]]:
        """The searchable figures of any plan at typical conditions, and whether it is feasible."""
        setting = self.setting("typical", self.design.environment.temperature_typical)
        extremes = self._extremes()

        def evaluate(plan: Plan) -> dict[str, Any]:
            values = figures.searchable(setting, plan, build(setting, plan))
            for extreme in extremes:
                column = column_path(extreme, plan, cell_array(extreme, plan))
                values["feasible"] = values["feasible"] & figures.feasible(extreme, column)
            return values

        return evaluate

    @functools.cached_property
    def records(self) -> tuple[Any, ...]:
        """The cited numbers on which this macro's figures rest."""
        items = [*self.technology.items, *self.circuits.items, self.assembly.item]
        used = [number for item in items for number in item.numbers.values()]
        return (*self.cell.records, *used)

    def evaluate(self, corner: str = "typical", temperature: float | str = "25 degC") -> Sheet:
        """All figures at a process corner and a junction temperature.

        Raises:
            InputError: an unknown corner; the write voltage is beyond what the devices bear.
            RangeViolation: a temperature outside the transistor models.
        """
        kelvin = to_si(temperature, "K", name="temperature")
        setting = self.setting(corner, kelvin)
        blocks = self.blocks(corner, kelvin)
        raise_if(shortcomings(setting, blocks, self.design.origin))
        return Sheet(
            design=self.design.name,
            corner=corner,
            temperature=kelvin,
            parts=self._parts(setting, blocks),
            facts=self._facts(blocks),
            records=self.records,
            extrapolated=(*self._beyond, *setting.process.extrapolated),
        )

    def _parts(self, setting: Setting, blocks: Blocks) -> dict[str, dict[str, float]]:
        plan = self.plan
        cycle = figures.read_cycle_parts(blocks)
        write_time = figures.write_time_parts(setting, blocks)
        word = self.code.data_bits
        rates = error_rates(setting, blocks, self.cell.aged)
        read = figures.read_energy_parts(setting, plan, blocks)
        up, down = (
            figures.switch_energy_parts(setting, plan, blocks, name) for name in ("set", "reset")
        )
        parts: dict[str, dict[str, Any]] = {
            **self._fixed,
            "read_latency_s": figures.read_latency_parts(setting, blocks),
            "read_cycle_s": cycle,
            "read_bandwidth_bit_per_s": {"one bank": word / figures.sum_parts(cycle)},
            "read_margin_A": {
                "weakest low-resistance cell": blocks.column.currents.low_resistance,
                "strongest high-resistance cell": -blocks.column.currents.high_resistance,
            },
            "read_energy_per_bit_J": read,
            "write_time_s": write_time,
            "write_time_tail_s": self._tail_parts(setting, blocks, write_time),
            "write_bandwidth_bit_per_s": {"one word": word / figures.sum_parts(write_time)},
            "set_energy_per_bit_J": up,
            "reset_energy_per_bit_J": down,
            "write_energy_per_bit_J": figures.write_energy_of(setting, blocks, read, up, down),
            "leakage_W": figures.leakage_parts(plan, blocks),
            "standby_W": figures.standby_parts(setting, plan, blocks),
            "raw_bit_error_rate": {
                "low-resistance state read as high": 0.5 * rates.low_resistance,
                "high-resistance state read as low": 0.5 * rates.high_resistance,
                "cells stuck by wear": 0.5 * rates.worn,
                "cells no pulse writes any more": 0.5 * rates.unwritten,
            },
            "word_failure_probability": {"words beyond the code": rates.word_failure},
            "uber": {"words beyond the code per data bit": rates.uber},
        }
        parts["read_power_W"] = figures.power_parts(
            word, parts["read_energy_per_bit_J"], cycle, parts["leakage_W"]
        )
        parts["write_power_W"] = figures.power_parts(
            word, parts["write_energy_per_bit_J"], write_time, parts["leakage_W"]
        )
        interface = self.design.interface
        if interface is not None:
            where = (setting, plan, blocks, interface)
            parts["standby_W"] = serial.standby_parts(setting, interface, parts["standby_W"])
            parts["page_write_time_s"] = serial.page_write_time_parts(*where)
            parts["serial_read_current_A"] = serial.read_current_parts(*where)
            parts["serial_read_energy_per_bit_J"] = serial.read_energy_parts(*where)
            parts["serial_write_current_A"] = serial.write_current_parts(*where)
        return {name: _plain(value) for name, value in parts.items()}

    def _fixed_parts(self, setting: Setting) -> dict[str, dict[str, float]]:
        """Figures of the drawn macro: the same at every corner and temperature."""
        area = figures.area_parts(setting, self.plan, self._drawn)
        interface = self.design.interface
        if interface is not None:
            area = serial.area_parts(setting, self.plan, self._drawn, interface, area)
        total = figures.sum_parts(area)
        self.yield_ = macro_yield(setting, self.plan, self._drawn, total)
        cells = ("data cells", "check cells")
        return {
            "area_m2": area,
            "array_efficiency": {name: area[name] / total for name in cells},
            "density_bit_per_m2": {"data bits over area": self.design.capacity / total},
            "yield": {
                "dies without a fault": self.yield_.untouched,
                "dies saved by spares": self.yield_.saved,
            },
        }

    @functools.cached_property
    def _tail_counts(self) -> tuple[int, int]:
        """SET and RESET pulses of the slowest word that the tail figure admits."""
        groups = math.ceil(self.code.word_bits / self.plan.parallel)
        share, tail = 0.5 * self.design.write.changed, self.assembly.write.tail
        up, down = (
            tail_pulses(train, self.plan.parallel, groups, share, 0.5 * tail)
            for train in (self.cell.set, self.cell.reset)
        )
        return up, down

    def _tail_parts(self, setting: Setting, blocks: Blocks, mean: dict[str, Any]) -> dict[str, Any]:
        parts = {name: mean[name] for name in ("address and encoding", "read before write")}
        trains = (("SET", self.cell.set), ("RESET", self.cell.reset))
        for (name, train), count in zip(trains, self._tail_counts, strict=True):
            period = figures.pulse_period(setting, blocks, train)
            parts[f"{name} pulses"] = count * train.width
            parts[f"{name} verify and switching"] = count * (period - train.width)
        return parts

    def error_rates(
        self,
        levels: Levels | None = None,
        corner: str = "typical",
        temperature: float | str = "25 degC",
    ) -> ErrorRates:
        """Error rates of a read of cells with the given levels (None: at the end of life)."""
        kelvin = to_si(temperature, "K", name="temperature")
        chosen = self.cell.aged if levels is None else levels
        return error_rates(self.setting(corner, kelvin), self.blocks(corner, kelvin), chosen)

    def _facts(self, blocks: Blocks) -> dict[str, float]:
        plan, column, supplies = self.plan, blocks.column, blocks.supplies
        facts = {
            "width_m": self._drawn.core_width,
            "height_m": self._drawn.core_height,
            "subarray_width_m": self._drawn.subarray_width,
            "subarray_height_m": self._drawn.subarray_height,
            "cell_array_width_m": self._drawn.array.width,
            "cell_array_height_m": self._drawn.array.height,
            "reference_current_A": column.currents.reference,
            "low_tail_current_A": column.currents.low_resistance,
            "high_tail_current_A": column.currents.high_resistance,
            "sense_offset_A": column.offset,
            "tail_probability": self.tail,
            "allowed_raw_bit_error_rate": self.allowed_error,
            "pump_voltage_V": supplies.line_voltage,
            "pump_stages": supplies.line.stages,
            "pump_efficiency": supplies.line.efficiency,
            "pump_start_up_s": supplies.line.start_up,
            "set_pulses_mean": self.cell.set.mean_pulses,
            "reset_pulses_mean": self.cell.reset.mean_pulses,
            "subarrays": plan.subarrays,
        }
        return {name: float(np.asarray(value)) for name, value in facts.items()}


def _plain(parts: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in parts.items()}
