"""Years in a moment: what a die forgets, against the rates that its macro predicts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from retention_rates import CYCLES, expected
from small_chip import KIBIBIT, changed_cell, design

from tantala.chip import Chip, UncorrectableError

Z = 4.0  # standard errors: a false alarm in 16,000


def counted(chip: Chip, content: bytes) -> np.ndarray:
    """Wrong bits of each word, as sensed."""
    places = chip.writer.settled(chip.map.places(np.arange(chip.specification.words)))
    sensed = chip.die.sense(places)
    wanted = np.frombuffer(content, np.uint8).reshape(sensed.data.shape)
    checks = sensed.check ^ chip.die.code.encode(wanted)
    wrong = np.unpackbits(sensed.data ^ wanted, axis=1).sum(1).astype(int)
    return wrong + np.array([int(bits).bit_count() for bits in checks])


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cell whose states spread three to five times as far."""
    folder = tmp_path_factory.mktemp("cells")
    return changed_cell(folder, {"retention.early_spread": 4.0, "retention.late_spread": 4.0})


@pytest.mark.parametrize("temperature", ["85 degC", "150 degC"])
def test_errors_after_ten_years_are_those_that_the_macro_predicts(
    forgetful: str, temperature: str
) -> None:
    chosen = design(1024 * KIBIBIT, scrub="none").model_copy(update={"cell": forgetful})
    chip = Chip(chosen, seed=3)
    content = np.random.default_rng(1).bytes(chip.size)
    chip.write(0, content)
    assert counted(chip, content).sum() == 0
    chip.elapse("10 years", temperature=temperature)
    wrong = counted(chip, content)
    bits = len(wrong) * chip.die.n
    levels = chosen.macro().levels("10 years", temperature, CYCLES)
    rate = expected(chip, levels.low, levels.high)
    assert rate * bits > 100
    # Amplifiers keep their offsets, so words of a group share them: a tenth more scatter.
    spread = math.hypot(math.sqrt(rate * bits), 0.1 * rate * bits)
    assert abs(wrong.sum() - rate * bits) < Z * spread
    # No corrected word is wrong unless more bits are than the code corrects.
    lost = 0
    for word in np.flatnonzero(wrong > 0)[:200]:
        at = int(word) * chip.word_bytes
        try:
            data = chip.read(at, chip.word_bytes)
        except UncorrectableError as error:
            located = error.address == at and wrong[word] > chip.die.code.t - 1
            lost += located
            continue
        if wrong[word] < chip.die.code.t:
            assert data == content[at : at + chip.word_bytes]
    assert chip.statistics.uncorrectable == lost
    assert chip.statistics.corrected > 0


def test_a_read_error_tells_where(forgetful: str) -> None:
    chosen = design(scrub="none").model_copy(update={"cell": forgetful})
    chip = Chip(chosen, seed=4)
    content = np.random.default_rng(2).bytes(chip.size)
    chip.write(0, content)
    chip.elapse("10 years", temperature="250 degC", extrapolate=True)
    wrong = counted(chip, content)
    assert wrong.max() > chip.die.code.t
    with pytest.raises(UncorrectableError, match="beyond what the code corrects") as caught:
        chip.read(0, chip.size)
    first = int(np.flatnonzero(wrong > chip.die.code.t - 1)[0])
    assert caught.value.address >= first * chip.word_bytes


def test_the_product_cell_keeps_its_data() -> None:
    chip = Chip(design(1024 * KIBIBIT), seed=3)
    content = np.random.default_rng(3).bytes(chip.size)
    chip.write(0, content)
    chip.elapse("10 years", temperature="85 degC")
    assert chip.read(0, chip.size) == content
    assert chip.statistics.uncorrectable == 0


def test_waits_add_up_and_a_rewrite_starts_anew(forgetful: str) -> None:
    chosen = design(scrub="none").model_copy(update={"cell": forgetful})
    content = np.random.default_rng(4).bytes(chosen.capacity // 8)
    at_once, in_parts, renewed = (Chip(chosen, seed=5) for _ in range(3))
    for chip in (at_once, in_parts, renewed):
        chip.write(0, content)
    at_once.elapse("3 years", temperature="125 degC")
    for _ in range(3):
        in_parts.elapse("1 year", temperature="125 degC")
        in_parts.die.prepare(np.arange(10))
    one, other = (chip.die.cells for chip in (at_once, in_parts))
    places = at_once.map.places(np.arange(64))
    for chip in (at_once, in_parts):
        chip.die.prepare(places)
    cells = (places[:, None] * at_once.die.n + np.arange(at_once.die.n)).ravel()
    np.testing.assert_allclose(one.conductance[cells], other.conductance[cells], rtol=1e-4)
    renewed.elapse("3 years", temperature="125 degC")
    renewed.write(0, bytes(renewed.size))
    renewed.write(0, content)
    assert counted(renewed, content).sum() < counted(at_once, content).sum()
