"""The numbers of each law: name, meaning, unit, and the values of the measured cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tantala.base.library import load_item
from tantala.base.quantity import format_si
from tantala.cell.cell import LAWS
from tantala.cell.compact.model import PARAMETERS
from tantala.cell.write_scheme import PulseSettings

CELL = "hfox_64k"
# Compact model -> (kind of item, name of the item, prefix of its numbers).
COMPACT = {
    "sky130": ("cell", "sky130", "compact"),
    "stanford_v1": ("compact", "stanford_v1", "model"),
    "jart_vcm_1b": ("compact", "jart_vcm_1b", "model"),
}


def pages() -> Iterator[tuple[str, str]]:
    """(name, Markdown) of each page."""
    for name, law in {**LAWS, "write": PulseSettings}.items():
        yield f"numbers_{name}", _table(law, "cell", CELL, name)
    for name, (kind, item, prefix) in COMPACT.items():
        yield f"numbers_{name}", _table(PARAMETERS[name], kind, item, prefix)


def _table(law: type, kind: str, name: str, prefix: str) -> str:
    item = load_item(kind, name)
    lines = [f"| number | meaning | `{name}` | kind |", "|---|---|---:|---|"]
    for field in dataclasses.fields(law):
        meta = next(iter(field.metadata.values()), None)
        if meta is None:
            continue
        number = item.numbers[f"{prefix}.{field.name}"]
        shown = _shown(number.to(meta["unit"]), meta["unit"])
        lines.append(f"| `{field.name}` | {meta['meaning']} | {shown} | {number.kind} |")
    return "\n".join(lines) + "\n"


def _shown(value: float | tuple[float, ...], unit: str) -> str:
    """A value, or the values of a list with their unit once, as people write them."""
    if not isinstance(value, tuple):
        text = format_si(value, unit)
        text = f"{value:.4g} {unit}" if "e+" in text and unit != "1" else text
        return text.replace("^2", "²").replace("^3", "³")
    values = ", ".join(f"{part:.3g}" for part in value)
    return values if unit == "1" else f"{values} {unit}"
