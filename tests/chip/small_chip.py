"""Small chips for tests, a cell whose data do not last, and a chip that lies."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import tantala as tt
from tantala.base.library import LIBRARY
from tantala.chip import Chip
from tantala.chip.meter import Operation
from tantala.macro.design import Design

KIBIBIT = 1 << 10


class ForgetfulChip(Chip):
    """A control: it acknowledges every third write without doing it."""

    def write(self, address: int, data: bytes) -> Operation:
        if self.statistics.writes % 3 == 2:
            data = self.read(address, len(data))
        return super().write(address, data)


@functools.cache
def design(capacity: int = 256 * KIBIBIT, name: str = "spi_8mb", **controller: Any) -> Design:
    """A library design with a smaller capacity [bit]; the other keywords are its controller's."""
    full = tt.load_design(name)
    changed = {
        "capacity": capacity,
        "extrapolate": True,
        "controller": full.controller.model_copy(update=controller),
    }
    return full.model_copy(update=changed)


def changed_cell(folder: Path, factors: dict[str, float], name: str = "changed") -> str:
    """A file of the product cell with numbers multiplied; its path."""
    text = (LIBRARY / "cells" / "embedded_28nm.toml").read_text(encoding="utf-8")
    for number, factor in factors.items():

        def scaled(match: re.Match[str], factor: float = factor) -> str:
            values = [float(part) * factor for part in match[2].strip("[]").split(",")]
            shown = str(values if match[2].startswith("[") else values[0])
            return match[1] + shown

        text, found = re.subn(rf"(\[{re.escape(number)}\]\nvalue = )(.*)", scaled, text)
        assert found == 1, number
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)
