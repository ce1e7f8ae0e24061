"""The reference of design files: types, limits and defaults read from the schema itself.

The meanings stand here; a key without one, or a meaning without its key, stops the build.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tantala.base import schema
from tantala.base.schema import FileModel
from tantala.macro import design
from tantala.macro.conflicts import REQUIRED_METRICS
from tantala.macro.metrics import METRICS
from tantala.technology import CORNERS

MEANINGS: dict[str, dict[str, str]] = {
    "Design": {
        "kind": "says that the file describes a chip",
        "name": "name of the files that are written, by convention that of the file",
        "title": "title of the datasheet",
        "description": "a paragraph of plain text for the first page",
        "type": "a macro in a larger chip, or a serial chip of its own",
        "capacity": "data bits; a whole number of words",
        "word": "data bits read and written at once, without check bits",
        "technology": "node: a library name, a size between the library's nodes, or a path",
        "cell": "cell: a library name or a path",
        "extrapolate": "allow ages beyond those the cell was calibrated for; the sheet marks them",
        "seed": "seed of every random draw",
    },
    "Organisation": {
        "banks": "banks of the macro",
        "subarrays": "sub-arrays of one bank",
        "rows": "rows of a sub-array, along its bit lines",
        "columns": "columns of a sub-array, data and check bits, without spares",
        "mux": "columns that share a sense amplifier",
        "spare_rows": "spare rows of a sub-array",
        "spare_columns": "spare columns of a sub-array",
    },
    "Aim": {
        "area": "weight of the logarithm of the area",
        "read_latency": "weight of the read latency",
        "read_energy": "weight of the read energy",
        "write_time": "weight of the write time",
        "write_energy": "weight of the write energy",
        "standby": "weight of the standby power",
    },
    "Correction": {"code": "code over one word: none, Hsiao, or BCH of so many errors"},
    "Write": {
        "scheme": "write-verify scheme of the cell: `ispp`, `fppv` or `radar`",
        "parallel_bits": "bits that are pulsed at once",
        "changed": "share of a word's bits that need a pulse on average",
    },
    "Controller": {
        "line": "what wear levelling moves and the wear map counts; a whole number of words",
        "scramble": "lines lie in a keyed random order",
        "wear_levelling": "`start_gap`: lines turn slowly through one line more than is used",
        "gap_interval": "line writes between two steps of the gap",
        "scrub": "`on_read`: words are rewritten when a read had to correct them",
        "compare": "only bits that differ from what is read first are pulsed",
        "order": "`ones_first`: a word is written to ones before its data",
        "otp": "area that can be written once",
    },
    "Supplies": {
        "core": "supply of logic and sensing",
        "high": "supply of the charge pumps, at least the core's",
        "tolerance": "stated on the datasheet; figures are at the nominal supplies",
    },
    "Environment": {
        "corners": "process corners to evaluate",
        "temperature_min": "lowest junction temperature",
        "temperature_typical": "temperature of typical figures",
        "temperature_max": "highest junction temperature",
    },
    "Interface": {
        "clock": "clock of the serial interface",
        "lines": "data lines",
        "page": "page of a page write",
        "pads": "pads of the chip",
        "face": "[command set](chip/spi.md) on the bus: library name, or file",
    },
    "Retention": {"time": "how long data must last", "temperature": "at which temperature"},
    "Requirements": {
        "endurance": "cycles after which all other requirements must still hold",
        "uber": "uncorrected errors a read data bit, at the end of life",
        "raw_bit_error_rate": "errors a bit before correction, at the end of life",
        "read_latency": "address to corrected data",
        "read_cycle": "time between two reads",
        "read_energy_per_bit": "energy of a read a data bit",
        "write_time": "mean time to write a word",
        "write_time_tail": "time that one word in a million exceeds",
        "write_energy_per_bit": "energy of a write a data bit",
        "area": "area of macro or chip",
        "array_efficiency": "area of the data cells over that of the macro",
        "leakage_power": "power of the idle, powered macro",
        "standby_power": "power in standby",
        "yield": "share of good dies after repair",
        "page_write_time": "time to write a page (serial chip)",
        "serial_read_current": "supply current of a continuous read (serial chip)",
    },
}
# Table of the file -> (model, heading, what stands in front of its keys).
TABLES = (
    ("Top level", design.Design, ""),
    ("`[organisation]`", design.Organisation, "organisation"),
    ("`[aim]`", design.Aim, "aim"),
    ("`[correction]`", design.Correction, "correction"),
    ("`[write]`", design.Write, "write"),
    ("`[supply]`", design.Supplies, "supply"),
    ("`[environment]`", design.Environment, "environment"),
    ("`[interface]`", design.Interface, "interface"),
    ("`[requirements]`", design.Requirements, "requirements"),
    ("`requirements.retention`", design.Retention, "requirements.retention"),
)
# Unit type of the schema -> words for it, unit of its limits.
UNITS = {
    "Volt": ('voltage, `"0.9 V"`', "V"),
    "Ampere": ('current, `"5 mA"`', "A"),
    "Second": ('time, `"25 ns"`', "s"),
    "Kelvin": ('temperature, `"85 degC"`', "K"),
    "SquareMetre": ('area, `"2 mm^2"`', "m²"),
    "Joule": ('energy, `"1 pJ"`', "J"),
    "Watt": ('power, `"10 uW"`', "W"),
    "Hertz": ('frequency, `"20 MHz"`', "Hz"),
    "Fraction": ('number or `"10 %"`', ""),
    "Bits": ('size, `"8 Mibit"`', ""),
}


def pages() -> Iterator[tuple[str, str]]:
    """(name, Markdown) of each page."""
    lines: list[str] = []
    for heading, model, prefix in TABLES:
        lines += ["", f"## {heading}", "", _docstring(model), ""]
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
        meanings = dict(MEANINGS[model.__name__])
        for name, field in model.model_fields.items():
            key = field.alias or name
            if _is_table(field):
                continue
            lines.append(
                f"| `{key}` | {_allowed(model, name, field)} | {_default(field)} "
                f"| {meanings.pop(key)} |"
            )
        if meanings:
            raise ValueError(f"{prefix}: meanings without a key: {sorted(meanings)}")
    yield "design_keys", "\n".join(lines) + "\n"


def _docstring(model: type[FileModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _parts(annotation: Any) -> list[Any]:
    """The alternatives of a union without None."""
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    parts = typing.get_args(annotation) if union else (annotation,)
    return [part for part in parts if part is not type(None)]


def _is_table(field: FieldInfo) -> bool:
    """Whether the key is a TOML table of its own, with its own section here."""
    for part in _parts(field.annotation):
        if isinstance(part, type) and issubclass(part, FileModel):
            return not issubclass(part, design.Limit)
    return False


def _allowed(model: type[FileModel], name: str, field: FieldInfo) -> str:
    if name == "corners":
        return "list of " + ", ".join(f"`{corner}`" for corner in CORNERS)
    told = [_one(part, [*field.metadata]) for part in _parts(field.annotation)]
    text = " or ".join(dict.fromkeys(told))
    if model is design.Requirements and "{" in text:
        side = "max" if METRICS[REQUIRED_METRICS[field.alias or name]].better == "lower" else "min"
        text = text.replace("SIDE", side)
    return text


def _one(part: Any, metadata: list[Any]) -> str:
    if typing.get_origin(part) is typing.Literal:
        return ", ".join(f"`{choice!r}`".replace("'", '"') for choice in typing.get_args(part))
    if typing.get_origin(part) is typing.Annotated:
        inner, *more = typing.get_args(part)
        return _one(inner, [*more, *metadata])
    if isinstance(part, type) and issubclass(part, design.Limit):
        value = part.model_fields["max"].annotation
        inner = _one(_parts(value)[0], list(part.model_fields["max"].metadata))
        return f"`{{ SIDE = ... }}`: {inner}"
    base = _quantity(metadata) or {int: "whole number", float: "number", str: "text"}.get(part)
    base = base or ("`true`, `false`" if part is bool else str(part))
    limits = _limits(metadata, _unit(base))
    return f"{base}, {limits}" if limits else base


def _quantity(metadata: list[Any]) -> str:
    """The words for the unit type whose converter is among the metadata."""
    for name, (text, _) in UNITS.items():
        converters = typing.get_args(getattr(schema, name))[1:]
        if any(found is known for found in metadata for known in converters):
            return text
    return ""


def _unit(words: str) -> str:
    return next((unit for text, unit in UNITS.values() if text == words), "")


def _limits(metadata: list[Any], unit: str) -> str:
    bounds: dict[str, float] = {}
    for entry in metadata:
        for part in getattr(entry, "metadata", [entry]):
            for sign in ("gt", "ge", "lt", "le"):
                if getattr(part, sign, None) is not None:
                    bounds[sign] = getattr(part, sign)
    words = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}
    told = [f"{words[sign]} {_number(bounds[sign])}" for sign in words if sign in bounds]
    return f"{' '.join(told)} {unit}".rstrip() if told else ""


def _number(value: float) -> str:
    return {2**40: "2⁴⁰", 2**64: "2⁶⁴", 10**9: "10⁹", 10**16: "10¹⁶"}.get(int(value), f"{value:g}")


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "**needed**"
    if field.default is None:
        return "none"
    if isinstance(field.default, tuple):
        return ", ".join(f"`{part}`" for part in field.default)
    text = f'"{field.default}"' if isinstance(field.default, str) else str(field.default)
    return f"`{text.lower() if isinstance(field.default, bool) else text}`"
