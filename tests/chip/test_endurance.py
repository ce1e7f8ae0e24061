"""Hammering lines past their endurance, with and without wear levelling."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom
from small_chip import changed_cell, design

import tantala as tt
from tantala.cell.population import STUCK_LOW
from tantala.cell.write_wear import write_wear
from tantala.chip import Chip
from tantala.chip.replay import replay
from tantala.chip.service import timing
from tantala.chip.traces import trace_of
from tantala.macro.design import Design

WRITES = 400
WORDS = 128
Z = 4.0


@pytest.fixture(scope="module")
def short_lived(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cell of a four-hundred-thousandth of the life."""
    folder: Path = tmp_path_factory.mktemp("cells")
    return changed_cell(folder, {"endurance.life": 2.5e-6})


def of(cell: str, **controller: object) -> Design:
    chosen = design(scrub="none", **controller)
    modest = chosen.requirements.model_copy(update={"endurance": 10})
    return chosen.model_copy(update={"cell": cell, "requirements": modest})


def hammered(chip: Chip, writes: int) -> tuple[bytes, bytes]:
    """The first words written again and again with data and their complement, so that each cell is
    SET in every second write.
    """
    data = np.random.default_rng(1).bytes(WORDS * chip.word_bytes)
    other = bytes(255 - byte for byte in data)
    for _ in range(writes // 2):
        chip.write(0, data)
        chip.write(0, other)
    return data, other


def expected_to_fail(chip: Chip, cell: str, data: bytes, other: bytes, sets: int) -> float:
    """Words of which more cells are stuck than the code corrects, in data that need them open."""
    model = tt.load_cell(cell)
    share, _ = write_wear(model).stuck(model.law("endurance"), sets)
    sound = np.ones(WORDS)
    for content in (data, other):
        words = np.frombuffer(content, np.uint8).reshape(WORDS, -1)
        check = chip.die.code.encode(words)
        zeros = chip.die.n - np.unpackbits(words, axis=1).sum(1).astype(int)
        zeros -= np.array([int(bits).bit_count() for bits in check])
        sound *= binom.cdf(chip.die.code.t, zeros, share)
    return float((1.0 - sound).sum())


def test_words_fail_as_the_endurance_law_predicts(short_lived: str) -> None:
    chip = Chip(of(short_lived), seed=21)
    data, other = hammered(chip, WRITES)
    expected = expected_to_fail(chip, short_lived, data, other, WRITES // 2)
    assert 8 < expected < 0.8 * WORDS
    failed = chip.statistics.replaced
    # The share that `write_wear` predicts is right within a tenth, and its fourth power counts.
    assert abs(failed - expected) < math.hypot(Z * math.sqrt(expected), 0.3 * expected)
    assert chip.statistics.hottest_writes >= WRITES // 2
    # The control: cells that do not wear.
    fresh = Chip(of("embedded_28nm"), seed=21)
    hammered(fresh, 100)
    assert fresh.statistics.replaced == 0
    missed = abs(fresh.statistics.replaced - expected)
    assert missed > math.hypot(Z * math.sqrt(expected), 0.3 * expected)


def test_when_spares_end_failed_writes_are_told() -> None:
    chip = Chip(design(scrub="none"), seed=21)
    words = 200
    places = chip.writer.settled(chip.map.places(np.arange(words)))
    chip.die.cells.flags[(places[:, None] * chip.die.n + np.arange(8)).ravel()] |= STUCK_LOW
    chip.die.cells.conductance[(places[:, None] * chip.die.n + np.arange(8)).ravel()] = 3e-4
    spares = chip.specification.set_spares
    done = chip.write(0, b"\x00" + bytes(words * chip.word_bytes - 1))
    assert 0 < chip.statistics.replaced <= spares * chip.die.groups
    assert done.unwritten == chip.statistics.unwritten == words - chip.statistics.replaced


def test_wear_levelling_spreads_what_hammers_one_line(short_lived: str) -> None:
    options = {"line": 1024, "gap_interval": 1, "wear_levelling": "start_gap", "scramble": True}
    small = of(short_lived, **options).model_copy(update={"capacity": 1 << 14})
    chip = Chip(small, seed=22)
    line = chip.map.line * chip.word_bytes
    data = np.random.default_rng(2).bytes(line)
    other = bytes(255 - byte for byte in data)
    kept = np.random.default_rng(3).bytes(chip.size - line)
    chip.write(line, kept)
    for _ in range(WRITES // 2):
        chip.write(0, data)
        chip.write(0, other)
    assert chip.read(0, line) == other
    assert chip.read(line, len(kept)) == kept
    statistics = chip.statistics
    assert statistics.gap_moves >= WRITES
    # Without levelling the hammered line alone would have all of it.
    assert statistics.hottest_writes < 0.4 * WRITES
    assert statistics.wear.min() > 0


@pytest.mark.parametrize("levelling", ["none", "start_gap"])
def test_the_predicted_lifetime_holds(levelling: str) -> None:
    """Writes of one line until a line has the endurance, on a chip and as a replay predicts."""
    options = {"line": 512, "gap_interval": 5, "wear_levelling": levelling, "scramble": True}
    chosen = of("embedded_28nm", **options).model_copy(update={"capacity": 1 << 14})
    endurance = 300
    modest = chosen.requirements.model_copy(update={"endurance": endurance})
    chosen = chosen.model_copy(update={"requirements": modest})
    chip = Chip(chosen, seed=23)
    line = chip.map.line * chip.word_bytes
    writes = 0
    while chip.statistics.hottest_writes < endurance:
        chip.write(0, bytes([writes % 256]) * line)
        writes += 1
    trace = trace_of(np.zeros(5000, np.int64), True, line, line, "none")

    def predicted(interval: int) -> float:
        found = replay(trace, timing(chosen, 0.5, gap_interval=interval), bus=False)
        assert found.lifetime is not None
        lasts = found.lifetime.levelled if levelling == "start_gap" else found.lifetime.unlevelled
        return lasts / found.duration * 5000

    assert writes == pytest.approx(predicted(5), rel=0.05)
    if levelling == "start_gap":
        assert writes > 5 * endurance
        assert writes != pytest.approx(predicted(50), rel=0.05)  # the control: another interval
    else:
        assert writes == endurance


def test_a_library_chip_hammered_past_its_endurance_keeps_its_data() -> None:
    """The law of its cells predicts a share of stuck ones below 1e-8 then: none fails."""
    chip = Chip("rm25c_512k", seed=24)
    stated = chip.design.requirements.endurance
    assert stated == 10_000
    kept = np.random.default_rng(5).bytes(256)
    chip.write(256, kept)
    for number in range(stated + 500):
        chip.write(0, bytes([number % 256]) * 4)
    assert chip.statistics.hottest_writes == stated + 500
    assert chip.read(0, 4) == bytes([(stated + 499) % 256]) * 4
    assert chip.read(256, 256) == kept
    statistics = chip.statistics
    assert statistics.replaced == statistics.unwritten == statistics.uncorrectable == 0
    model = tt.load_cell(chip.design.cell)
    share, _ = write_wear(model).stuck(model.law("endurance"), stated + 500)
    assert share * chip.die.n < 1e-5
