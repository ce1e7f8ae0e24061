"""Read disturb: counts, falls of high-resistance cells, and what the code makes of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from small_chip import design

from tantala.cell import load_cell
from tantala.cell.disturb import DisturbLaw
from tantala.chip import Chip, UncorrectableError
from tantala.chip.read_stress import NEVER, ReadStress
from tantala.macro.design import Design

WORDS = 512
Z = 4.0  # standard errors: a false alarm in 16,000
BILLION = 10**9
OWN = 0.2  # V


def stressed(
    voltage: float, law: DisturbLaw | None = None, chosen: Design | None = None
) -> tuple[Chip, bytes]:
    """A chip with `WORDS` written words, read at `voltage`, and what they hold."""
    chip = Chip(chosen or design(scrub="none"), seed=6)
    content = np.random.default_rng(1).bytes(WORDS * chip.word_bytes)
    chip.write(0, content)
    die = chip.die
    read_time = chip.specification.read_time
    law = law or die.cell.disturb
    die.stress = ReadStress(die.words, die.n, law, voltage, read_time)
    return chip, content


def read_often(chip: Chip, times: int) -> None:
    chip.die.stress.add(chip.die.cells, chip.map.places(np.arange(WORDS)), times)


def wrong_bits(chip: Chip, content: bytes) -> int:
    sensed = chip.die.sense(chip.map.places(np.arange(WORDS)))
    wanted = np.frombuffer(content, np.uint8).reshape(sensed.data.shape)
    return int(np.unpackbits(sensed.data ^ wanted).sum())


@pytest.mark.parametrize(("shape", "voltage"), [(0.7, 0.78), (1.0, 0.82), (2.0, 0.92)])
def test_a_billion_reads_at_a_high_voltage_flip_the_bits_of_the_law(
    shape: float, voltage: float
) -> None:
    law = load_cell("embedded_28nm").disturb
    assert law is not None
    law = dataclasses.replace(law, shape=shape)
    chip, content = stressed(voltage, law)
    stress = BILLION * chip.specification.read_time
    share = float(law.disturbed(voltage, stress))
    zeros = 8 * len(content) - int(np.unpackbits(np.frombuffer(content, np.uint8)).sum())
    for _ in range(4):  # in parts, which come to the same
        read_often(chip, BILLION // 4)
    flipped = wrong_bits(chip, content)
    assert share * zeros > 10
    assert abs(flipped - share * zeros) < Z * np.sqrt(share * zeros)


def test_flips_are_corrected_or_reported() -> None:
    chip, content = stressed(0.82)
    read_often(chip, BILLION)
    assert wrong_bits(chip, content) > 0
    size, lost = chip.word_bytes, 0
    for at in range(0, len(content), size):
        try:
            assert chip.read(at, size) == content[at : at + size]
        except UncorrectableError as error:
            lost += error.address == at
    statistics = chip.statistics
    assert statistics.corrected > 0
    assert statistics.uncorrectable == lost
    # Far beyond the law's life every zero falls, and no word can be read.
    read_often(chip, 10**15)
    with pytest.raises(UncorrectableError):
        chip.read(0, len(content))


def test_ten_years_of_reads_at_the_designs_own_voltage_change_nothing() -> None:
    chip = Chip(design(), seed=6)
    content = np.random.default_rng(1).bytes(WORDS * chip.word_bytes)
    chip.write(0, content)
    # Ten years of nothing but reads go round all words that are read.
    reads = int(3.156e8 / chip.specification.read_time / WORDS)
    assert reads > BILLION
    read_often(chip, reads)
    assert chip.read(0, len(content)) == content
    assert chip.statistics.uncorrectable == 0


def test_a_write_renews_the_word_that_it_pulses() -> None:
    chip, content = stressed(0.82)
    chip.read(0, 16)
    read_often(chip, BILLION)
    chip.write(0, bytes(255 - byte for byte in content))
    chip.write(0, content)
    assert wrong_bits(chip, content) == 0
    place = int(chip.map.places(np.array([0]))[0])
    assert chip.die.stress.start[place] >= BILLION


def test_reads_of_lines_are_counted() -> None:
    chip = Chip(design(scrub="none", scramble=True), seed=6)
    size = chip.map.line * chip.word_bytes
    for _ in range(20):
        chip.read(3 * size + 8, 8)
    chip.read(0, chip.size)
    statistics = chip.statistics
    assert statistics.hottest_reads == 21
    assert statistics.hottest_read_line == int(chip.map.lines_of(np.array([3]))[0])


def test_an_image_keeps_the_counts(tmp_path: Path) -> None:
    chip = Chip(design(scrub="none"), seed=6)
    chip.write(0, b"data")
    for _ in range(3):
        chip.read(0, 64)
    chip.write(0, b"Data")
    chip.read(0, 8)
    chip.save(tmp_path / "die.img")
    other = Chip.load(tmp_path / "die.img")
    np.testing.assert_array_equal(other.die.stress.reads, chip.die.stress.reads)
    np.testing.assert_array_equal(other.die.stress.start, chip.die.stress.start)
    assert other.statistics.hottest_reads == chip.statistics.hottest_reads


def test_a_loaded_chip_falls_as_the_saved_one(tmp_path: Path) -> None:
    chip, content = stressed(0.82)
    read_often(chip, BILLION // 2)
    chip.save(tmp_path / "die.img")
    other = Chip.load(tmp_path / "die.img")
    seen = other.die.stress.state()
    other.die.stress = ReadStress(
        other.die.words, other.die.n, other.die.cell.disturb, 0.82, other.specification.read_time
    )
    other.die.stress.restore(*seen)
    for one in (chip, other):
        read_often(one, BILLION // 2)
    np.testing.assert_array_equal(chip.die.cells.conductance, other.die.cells.conductance)
    assert wrong_bits(chip, content) == wrong_bits(other, content) > 0


def test_without_a_law_nothing_falls() -> None:
    chip, content = stressed(OWN)
    die = chip.die
    die.stress = ReadStress(die.words, die.n, None, OWN, chip.specification.read_time)
    read_often(chip, int(NEVER) - 1000)
    assert chip.read(0, len(content)) == content
    assert chip.statistics.hottest_reads > BILLION
