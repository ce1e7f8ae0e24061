"""Figures of a data sheet measured on a simulated chip: energy over time over voltage."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom

import tantala as tt
from tantala.cell import load_cell
from tantala.cell.write_wear import write_wear
from tantala.chip import Chip
from tantala.chip.spi import Slave

HERE = Path(__file__).parent
PAGES = 32
BYTES = 200
SEED = 1
LOST_WORD = 1e-6  # share of words beyond their code at which an endurance ends
UNITS = {"current": "A", "time": "s", "energy": "J", "endurance": "1"}
READ = b"\x03"  # of every face
EMBEDDED_PAGE = 256  # bytes written at once where there is no page


@dataclass(frozen=True)
class Row:
    """One figure: measured, and published with its source, or neither source nor band."""

    figure: str
    measured: float
    published: float | None
    source: str
    where: str
    band: float
    miss: str

    @property
    def unit(self) -> str:
        return UNITS[self.figure.rpartition("_")[2]]

    @property
    def ratio(self) -> float:
        assert self.published is not None
        return self.measured / self.published

    @property
    def met(self) -> bool:
        """Within the band; an endurance at least the published one."""
        if self.figure == "endurance":
            return self.ratio >= 1.0
        return 1.0 / self.band <= self.ratio <= self.band


def parts() -> dict[str, dict]:
    """The claims, by design."""
    return tomllib.loads((HERE / "parts.toml").read_text(encoding="utf-8"))["parts"]


def bands() -> dict[str, float]:
    """Factors by figure."""
    return tomllib.loads((HERE / "parts.toml").read_text(encoding="utf-8"))["bands"]


def rows(name: str) -> list[Row]:
    """All figures of a design of the library, beside the published ones."""
    claims, factors, found = parts()[name], bands(), []
    for figure, measured in measure(name).items():
        claim = claims.get(figure, {})
        found.append(
            Row(
                figure,
                measured,
                claim.get("published"),
                claim.get("source", ""),
                claim.get("where", ""),
                factors.get(figure, 1.0),
                claim.get("miss", ""),
            )
        )
    return found


def measure(name: str) -> dict[str, float]:
    """What the chip of a design shows, in the units of a data sheet."""
    chip = Chip(tt.load_design(name), seed=SEED)
    supply = chip.design.supply.high
    found = {"standby_current": _standby(chip) / supply}
    if chip.design.interface is not None:
        found["read_current"] = _read_power(chip) / supply
    return found | _pages(chip, supply) | _bytes(chip) | {"endurance": endurance(chip)}


def _standby(chip: Chip) -> float:
    """W of an idle hour."""
    before = chip.statistics.energy_J
    chip.wait(3600.0)
    return (chip.statistics.energy_J - before) / 3600.0


def _read_power(chip: Chip) -> float:
    """W while the design's face reads random data in one window, at the design's clock."""
    interface = chip.design.interface
    length = PAGES * interface.page // 8
    data = np.random.default_rng(0).bytes(length)
    chip.write(0, data)
    bus = Slave(chip, interface.face)
    bus.set_clock(interface.clock)
    before = chip.statistics.energy_J, chip.time
    assert bus.transfer(READ + bytes(bus.part.address), length) == data
    return (chip.statistics.energy_J - before[0]) / (chip.time - before[1])


def _pages(chip: Chip, supply: float) -> dict[str, float]:
    """Current, and times of page writes."""
    interface = chip.design.interface
    page = EMBEDDED_PAGE if interface is None else interface.page // 8
    random = np.random.default_rng(1)
    data = [random.bytes(page) for _ in range(PAGES)]
    inverted = [bytes(255 - byte for byte in content) for content in data]
    other = [random.bytes(page) for _ in range(PAGES)]
    for number, content in enumerate(data):
        chip.write(number * page, content)
    times, before = {}, (chip.statistics.energy_J, chip.time)
    for kind, contents in (("page", inverted), ("random_page", other)):
        taken = [chip.write(at * page, content).time for at, content in enumerate(contents)]
        times[f"{kind}_write_time"] = float(np.mean(taken))
        times[f"slowest_{kind}_write_time"] = max(taken)
    drawn = chip.statistics.energy_J - before[0]
    return {"write_current": drawn / (chip.time - before[1]) / supply, **times}


def _bytes(chip: Chip) -> dict[str, float]:
    """Time and energy of writing single bytes, all energy of the chip counted."""
    random = np.random.default_rng(2)
    at = random.choice(chip.size, BYTES, replace=False)
    for place in at:
        chip.write(int(place), random.bytes(1))  # blocks come into being at their first use
    before = chip.statistics.energy_J, chip.time
    for place in at:
        chip.write(int(place), random.bytes(1))
    energy, time = chip.statistics.energy_J - before[0], chip.time - before[1]
    return {"byte_write_time": time / BYTES, "byte_write_energy": energy / BYTES}


def endurance(chip: Chip) -> float:
    """Writes after which one word in a million is lost, by the law that hammered chips obey
    (`tests/chip/test_endurance.py`). A bit is SET in every second write, in every one where words
    go to ones before their data.
    """
    model = load_cell(chip.design.cell)
    wear = write_wear(model)
    zeros = chip.die.n // 2
    sets = 1.0 if chip.design.controller.order == "ones_first" else 0.5

    def lost(logarithm: float) -> float:
        share, _ = wear.stuck(model.law("endurance"), sets * 10.0**logarithm)
        beyond = binom.sf(chip.design.code.correctable, zeros, share)
        return float(np.log(max(float(beyond), 1e-300)) - np.log(LOST_WORD))

    return float(10.0 ** brentq(lost, 2.0, 12.0, xtol=1e-3))


def hammered(name: str, writes: int) -> tuple[int, bool]:
    """Words given up, and whether the data are right, after so many writes of one line's words."""
    chip = Chip(tt.load_design(name), seed=SEED)
    data = np.random.default_rng(3).bytes(chip.map.line * chip.word_bytes)
    inverted = bytes(255 - byte for byte in data)
    for number in range(writes):
        chip.write(0, data if number % 2 else inverted)
    held = inverted if writes % 2 else data
    return chip.statistics.replaced, chip.read(0, len(data)) == held
