"""Published chips beside our prediction from their own inputs."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tantala.base.comparison import Comparison, Row, summary
from tantala.base.errors import InputError, Problem
from tantala.base.library import load_item, names
from tantala.base.record import Item
from tantala.cell import load_cell
from tantala.circuit import load_circuits
from tantala.macro.bit_cell import BitCell
from tantala.macro.compile_cell import compile_life
from tantala.macro.design import Design
from tantala.macro.macro import Macro
from tantala.macro.published_cell import published_cell
from tantala.macro.row_terms import terms
from tantala.macro.sheet import Sheet
from tantala.technology import HIGHEST_SUPPLY, load_technology

REFUSED_CLASSES = {"gigabit", "array test"}
EXPECTED_TAGS = frozenset("PSTD")  # never M (memory) or A (assumed)
OTHER_MODELS = {"compute in memory"}  # classes compared elsewhere, see `tantala.cim.silicon`
__all__ = ["Comparison", "Row", "compare", "compare_row", "refuse", "sheet_of", "summary"]


def compare(selected: Iterable[str] | None = None) -> tuple[Row, ...]:
    """Rows of the library (or the named ones), each with its comparisons.

    Raises:
        InputError: an unknown name, with the nearest one.
    """
    rows = [load_item("silicon", name) for name in selected or names("silicon")]
    return tuple(compare_row(row) for row in rows if row.text("class") not in OTHER_MODELS)


def compare_row(row: Item) -> Row:
    """The comparisons of one published chip."""
    head = (row.name, row.title, row.text("use"), row.text("why"))
    assumed = {
        path.removeprefix("inputs."): f"{number.value:g} {number.unit}: {number.note}"
        for path, number in row.numbers.items()
        if path.startswith("inputs.") and number.kind == "assumed"
    }
    kind = row.text("class")
    if kind in REFUSED_CLASSES:
        return Row(*head, refused=row.text("why"))
    predictions, left = (_serial if kind == "serial" else _embedded)(row)
    found = []
    for path, number in row.numbers.items():
        name = path.removeprefix("published.")
        if path == name or name not in predictions:
            continue
        unit, value, how = predictions[name]
        published = number.to(unit)
        ends = published if isinstance(published, tuple) else (published, published)
        tag = row.text(f"tags.{name}", "A")
        if tag not in EXPECTED_TAGS:
            left[name] = f"tag {tag}: not a value to compare with"
            continue
        band = terms().bands[name]
        use = row.text(f"uses.{name}", row.text("use"))
        found.append(Comparison(name, use, unit, (min(ends), max(ends)), value, tag, band, how))
    for path in row.numbers:
        name = path.removeprefix("published.")
        if path != name and name not in predictions and name not in left:
            left[name] = "an input or a guarantee, not a figure of the model"
    return Row(*head, tuple(found), assumed=assumed, not_predicted=left)


Predictions = dict[str, tuple[str, float, str]]


def _embedded(row: Item) -> tuple[Predictions, dict[str, str]]:
    """Read time, area and write figures of an embedded macro from its published inputs."""
    missing = [key for key in ("capacity", "word") if not row.has(f"inputs.{key}")]
    if missing:
        return {}, {
            key.removeprefix("published."): f"{' and '.join(missing)} not published"
            for key in row.numbers
            if key.startswith("published.")
        }
    design = row_design(row)
    macro = row_macro(row, design)
    sheet = macro.evaluate("typical", design.environment.temperature_typical)
    organised = "published organisation" if row.has("inputs.cells_per_bit_line") else "searched"
    predictions = {
        "read_time": ("s", sheet["read_latency_s"], organised),
        "area": ("m^2", sheet["area_m2"], organised),
    }
    left = {
        "write_time": "pulse widths not published",
        "raw_bit_error_rate": "that of the borrowed cell says nothing of this one",
        "mlc_write_time": "several bits a cell are not modelled",
    }
    if row.has("inputs.write_cycle"):
        left["write_bandwidth"] = "its word over its write cycle: arithmetic, not a prediction"
    elif row.has("published.write_energy_per_bit"):
        how = "write scheme of the borrowed cell"
        energy, rate = sheet["write_energy_per_bit_J"], sheet["write_bandwidth_bit_per_s"]
        predictions["write_energy_per_bit"] = ("J", energy, how)
        predictions["write_bandwidth"] = ("bit/s", rate, how)
    return predictions, {k: v for k, v in left.items() if row.has(f"published.{k}")}


def _serial(row: Item) -> tuple[Predictions, dict[str, str]]:
    """Currents of a serial chip from the model; page time and byte energy use its own byte time.

    The cells of these products are not 1T1R cells that we know, so their share of the current is
    that of the borrowed cell: small beside what the chip draws anyway.
    """
    predictions: Predictions = {}
    deep = "deep power-down modes are not modelled"
    left = {"sleep_current": deep, "power_down_current": deep}
    sheet = row_macro(row, row_design(row)).evaluate("typical", terms().unpublished.junction)
    supply = row.value("inputs.supply", "V")
    how = "serial chip at its supply"
    predictions["write_current"] = ("A", sheet["serial_write_current_A"], how)
    if row.has("inputs.byte_write_time"):
        byte = row.value("inputs.byte_write_time", "s")
        page = row.value("inputs.page", "bit") / 8.0
        drawn = sheet["serial_write_current_A"] * supply * byte
        predictions["page_write_time"] = ("s", page * byte, "its byte time, bytes in turn")
        predictions["byte_write_energy"] = ("J", drawn, "our write current, its byte time")
    if row.has("inputs.clock"):
        how = "serial chip at its clock"
        predictions["read_current"] = ("A", sheet["serial_read_current_A"], how)
        predictions["read_energy_per_bit"] = ("J", sheet["serial_read_energy_per_bit_J"], how)
        predictions["standby_current"] = ("A", sheet["standby_W"] / supply, how)
    else:
        left["read_current"] = "read clock not published"
    return predictions, {k: v for k, v in left.items() if row.has(f"published.{k}")}


def row_design(row: Item) -> Design:
    """The design of a published macro: its inputs, and a search for what it does not publish."""
    technology = load_technology(row.value("inputs.node", "m"))
    serial, silent = row.text("class") == "serial", terms().unpublished
    core = technology.core.supply
    high = max(silent.high_supply, core)
    if serial:
        high = row.value("inputs.supply", "V")
        core = min(core, high - load_circuits().regulator.dropout)
    elif row.has("inputs.supply"):
        core = min(row.value("inputs.supply", "V"), HIGHEST_SUPPLY * core)
        high = max(high, core)
    organisation: dict[str, Any] = {"spare_rows": 0, "spare_columns": 0}
    for key, name in (("rows", "cells_per_bit_line"), ("columns", "cells_per_word_line")):
        if row.has(f"inputs.{name}"):
            organisation[key] = round(row.value(f"inputs.{name}", "1"))
    if row.has("inputs.mux"):
        organisation["mux"] = round(row.value("inputs.mux", "1"))
    word = round(silent.word) if serial else round(row.value("inputs.word", "bit"))
    # Published capacities are rounded, but an array is rectangular: words in whole blocks of rows.
    words = row.value("inputs.capacity", "bit") / word
    unit = 4096 if words > 4096 else 1
    capacity = round(words / unit) * unit * word
    cycles = row.value("inputs.cycles", "1") if row.has("inputs.cycles") else silent.cycles
    return Design.model_validate(
        {
            "kind": "chip",
            "name": row.name,
            "title": row.title,
            "type": "serial" if serial else "embedded",
            "interface": _interface(row) if serial else None,
            "capacity": capacity,
            "word": word,
            "technology": f"{row.value('inputs.node', 'nm'):g}nm",
            "cell": row.text("cell", "embedded_28nm"),
            "organisation": organisation,
            "aim": terms().aim(row.text("aim", "density")),
            "correction": {"code": row.text("code", "none")},
            "write": {"parallel_bits": min(round(silent.parallel), word)},
            "supply": {"core": core, "high": high},
            "environment": {
                "temperature_min": silent.junction,
                "temperature_typical": silent.junction,
                "temperature_max": silent.junction,
            },
            "requirements": {
                "retention": {"time": silent.time, "temperature": silent.temperature},
                "endurance": round(cycles),
                "uber": {"max": silent.uber},
            },
        }
    )


def _interface(row: Item) -> dict[str, Any]:
    published = row.has("inputs.clock")
    clock = row.value("inputs.clock", "Hz") if published else terms().unpublished.clock
    return {
        "clock": clock,
        "page": round(row.value("inputs.page", "bit")),
    }


def row_macro(row: Item, design: Design) -> Macro:
    """The macro of a published row, with the distributions of the library cell that it borrows."""
    need = design.requirements
    donor = _donor(
        design.cell,
        design.write.scheme,
        need.retention.time,
        need.retention.temperature,
        need.endurance,
    )
    gate = min(design.supply.high, donor.set.gate_voltage)
    return Macro(design, cell=published_cell(row, replace(donor, read_gate_voltage=gate)))


@functools.lru_cache(maxsize=8)
def _donor(cell: str, scheme: str, time: float, temperature: float, cycles: int) -> BitCell:
    """A library cell at the life that published rows are compared at; the same for many rows."""
    return compile_life(load_cell(cell), scheme, (time, temperature, cycles), extrapolate=True)


def refuse(row: Item) -> None:
    """Raise InputError for a row of a class which the model does not cover."""
    if row.text("class") in REFUSED_CLASSES:
        raise InputError(Problem("another class of chip", row.name, row.text("class")))


def sheet_of(name: str) -> Sheet:
    """The sheet predicted for a published embedded macro by its library name."""
    row = load_item("silicon", name)
    refuse(row)
    design = row_design(row)
    return row_macro(row, design).evaluate("typical", design.environment.temperature_typical)
