"""A bit cell and designs to test the macro with: plain laws, no cell model in between."""

from __future__ import annotations

from typing import Any

from tantala.macro.bit_cell import BitCell, Levels
from tantala.macro.design import Design
from tantala.macro.levels import lognormal
from tantala.macro.write_verify import geometric_train


def bit_cell(
    resistance: float = 1.0, reset_voltage: float = 2.4, reset_energy: float = 2e-11
) -> BitCell:
    """A cell of 9 and 150 kohm at the end of life, both times `resistance`."""
    fresh = Levels(lognormal(1 / (8e3 * resistance), 0.06), lognormal(1 / (2e5 * resistance), 0.3))
    aged = Levels(lognormal(1 / (9e3 * resistance), 0.08), lognormal(1 / (1.5e5 * resistance), 0.3))
    return BitCell(
        name="example",
        width=0.2e-6,
        height=0.2e-6,
        access_width=0.2e-6,
        read_voltage=0.2,
        read_gate_voltage=1.8,
        fresh=fresh,
        aged=aged,
        set=geometric_train(
            0.9, 30, energy=2e-11, voltage=1.8, gate_voltage=2.0, current=1.2e-4, width=1e-7
        ),
        reset=geometric_train(
            0.7,
            30,
            energy=reset_energy,
            voltage=reset_voltage,
            gate_voltage=2.5,
            current=1.5e-4,
            width=1e-6,
        ),
        stuck=1e-8,
    )


def design_data(**changes: Any) -> dict[str, Any]:
    """A 1 Mibit design with a fixed organisation; keyword arguments replace top-level entries."""
    data: dict[str, Any] = {
        "kind": "chip",
        "name": "example",
        "title": "an example",
        "type": "embedded",
        "capacity": "1 Mibit",
        "word": "64 bit",
        "technology": "28nm",
        "cell": "hfox_64k",
        "organisation": {"banks": 1, "subarrays": 2, "rows": 512, "columns": 1152, "mux": 16},
        "correction": {"code": "secded"},
        "write": {"parallel_bits": 8},
        "supply": {"core": "0.9 V", "high": "1.8 V"},
        "environment": {
            "temperature_min": "-40 degC",
            "temperature_typical": "25 degC",
            "temperature_max": "125 degC",
        },
        "requirements": {
            "retention": {"time": "10 years", "temperature": "85 degC"},
            "endurance": 10_000,
            "uber": {"max": 1e-15},
        },
    }
    data.update(changes)
    return data


def design(**changes: Any) -> Design:
    """The validated design of `design_data`."""
    return Design.model_validate(design_data(**changes))
