"""The numbers of each law: name, meaning, unit, and the values of the measured cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tantala.base.library import load_item
from tantala.cell.cell import LAWS
from tantala.cell.compact.model import PARAMETERS
from tantala.cell.write_verify import PulseSettings

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
        values = number.value if isinstance(number.value, tuple) else (number.value,)
        shown = ", ".join(f"{value:.4g}" for value in values)
        unit = "" if number.unit == "1" else f" {_unit(number.unit)}"
        lines.append(f"| `{field.name}` | {meta['meaning']} | {shown}{unit} | {number.kind} |")
    return "\n".join(lines) + "\n"


def _unit(text: str) -> str:
    return text.replace("ohm", "Ω").replace("^2", "²").replace("^3", "³").replace("u", "µ")
