"""A chip as programs meet it: bytes in, bytes out, through cells alone."""

from __future__ import annotations

import numpy as np
import pytest
from small_chip import design

import tantala as tt
from tantala.base.errors import InputError
from tantala.cell.population import STUCK_LOW
from tantala.chip import Chip, PowerLost, ProtectedError, UncorrectableError
from tantala.chip.cells import DieCells


def random_bytes(count: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).bytes(count)


def test_what_is_written_is_read() -> None:
    chip = Chip(design(), seed=4)
    assert chip.read(0, chip.size) == bytes(chip.size)
    content = bytearray(chip.size)
    rng = np.random.default_rng(1)
    for _ in range(150):
        length = int(rng.integers(1, 400))
        address = int(rng.integers(0, chip.size - length))
        data = rng.bytes(length)
        done = chip.write(address, data)
        content[address : address + length] = data
        assert done.time > 0.0
        assert done.energy > 0.0
    assert chip.read(0, chip.size) == bytes(content)
    assert chip.statistics.uncorrectable == 0


def test_public_name_and_nothing_beside_the_cells() -> None:
    """Data come back through sensing: cells moved behind the controller's back change them."""
    chip = tt.Chip(design(), seed=5)
    chip.write(0, b"\xff" * 64)
    places = chip.map.places(np.arange(8))
    first = int(places[0]) * chip.die.n
    chip.die.cells.conductance[first : first + 64] = 1e-7
    with pytest.raises(tt.TantalaError, match="beyond what the code corrects"):
        chip.read(0, 8)
    assert chip.read(8, 56) == b"\xff" * 56


def test_a_bit_that_is_wrong_is_corrected_counted_and_scrubbed() -> None:
    chip = Chip(design(), seed=5)
    chip.write(0, bytes(64))
    cell = int(chip.map.places(np.array([0]))[0]) * chip.die.n + 3
    chip.die.cells.conductance[cell] = 3e-4
    assert chip.read(0, 8) == bytes(8)
    assert chip.statistics.corrected == 1
    assert chip.statistics.scrubbed == 1
    assert chip.die.cells.conductance[cell] < 5e-5
    assert chip.read(0, 8) == bytes(8)
    assert chip.statistics.corrected == 1
    keeps = Chip(design(scrub="none"), seed=5)
    keeps.write(0, bytes(64))
    keeps.die.cells.conductance[cell] = 3e-4
    for count in (1, 2):
        assert keeps.read(0, 8) == bytes(8)
        assert keeps.statistics.corrected == count


def test_one_seed_is_one_die_in_whatever_order_it_is_used() -> None:
    chips = [Chip(design(), seed=7) for _ in range(2)]
    ends = (0, chips[0].size - 256)
    chips[0].read(0, 256)
    for chip, order in zip(chips, (ends, ends[::-1]), strict=True):
        chip.elapse("1 year")  # over cells of which some were looked at before and some were not
        for address in order:
            chip.read(address, 256)
    for name in ("conductance", "writes", "cycles", "damage"):
        one, other = (getattr(chip.die.cells, name) for chip in chips)
        np.testing.assert_array_equal(one, other)
    other = Chip(design(), seed=8)
    other.read(0, 256)
    assert (other.die.cells.conductance != chips[0].die.cells.conductance).any()
    assert other.unique_id != chips[0].unique_id
    assert len(other.unique_id) == 12


def test_a_cell_takes_less_than_24_bytes() -> None:
    chip = Chip(design(), seed=1)
    arrays = [a for a in vars(chip.die.cells).values() if isinstance(a, np.ndarray)]
    per_cell = sum(array.nbytes for array in arrays if len(array) == len(chip.die.cells))
    assert per_cell / len(chip.die.cells) == 23
    assert sum(array.nbytes for array in arrays) / len(chip.die.cells) < 24


def test_only_changed_bits_are_pulsed() -> None:
    chip = Chip(design(), seed=2)
    chip.write(0, b"\x0f" * 8)
    assert chip.write(0, b"\x0f" * 8).pulses == 0
    few = chip.write(0, b"\x0f" * 7 + b"\x0e")
    assert 0 < few.pulses < 40


def test_busy_time_depends_on_the_data_and_scatters() -> None:
    chip = Chip(design(), seed=3)
    page = random_bytes(256, 5)
    times = []
    for k in range(20):
        times.append(chip.write(256 * k, page).time)
    assert np.std(times) > 0.0
    assert chip.write(0, page).time < 0.3 * np.mean(times)
    assert chip.time >= sum(times)


def test_times_and_energies_are_those_of_the_datasheet() -> None:
    """Pages of random data over random data, against the sheet for half of the bits changed."""
    chosen = design()
    chip = Chip(chosen, seed=6)
    chip.write(0, random_bytes(chip.size, 1))
    time, energy = chip.time, chip.statistics.write_energy_J
    pages = random_bytes(chip.size, 2)
    for at in range(0, chip.size, 256):
        chip.write(at, pages[at : at + 256])
    half = chosen.model_copy(update={"write": chosen.write.model_copy(update={"changed": 0.5})})
    sheet = half.macro().evaluate()
    count = chip.size // 256
    assert (chip.time - time) / count == pytest.approx(sheet["page_write_time_s"], rel=0.08)
    per_bit = (chip.statistics.write_energy_J - energy) / (8 * chip.size)
    assert per_bit == pytest.approx(sheet["write_energy_per_bit_J"], rel=0.08)
    before = chip.statistics.read_energy_J
    chip.read(0, chip.size)
    read = (chip.statistics.read_energy_J - before) / (8 * chip.size)
    assert read == pytest.approx(sheet["read_energy_per_bit_J"], rel=1e-6)


def test_what_lies_outside_is_refused() -> None:
    chip = Chip(design(), seed=1)
    for address, length in ((chip.size, 1), (-1, 1), (0, chip.size + 1), (5, -1)):
        with pytest.raises(InputError, match="beyond the chip"):
            chip.read(address, length)
    with pytest.raises(InputError, match="beyond the chip"):
        chip.write(chip.size - 1, b"ab")
    with pytest.raises(InputError, match="no whole number"):
        chip.read("10", 1)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="no bytes"):
        chip.write(10, "ab")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="absolute zero"):
        chip.elapse("1 h", temperature="-300 degC")
    assert chip.read(10, 0) == b""
    assert chip.write(10, b"").pulses == 0
    with pytest.raises(InputError, match="whole number of words"):
        Chip(design(line=1000))


def test_protected_blocks_and_the_area_that_is_written_once() -> None:
    chip = Chip(design(), seed=1)
    chip.write(100, b"before")
    chip.protect(64, 128)
    for address, data in ((100, b"x"), (60, b"12345"), (127, b"xy")):
        with pytest.raises(ProtectedError, match="protected"):
            chip.write(address, data)
    assert chip.read(100, 6) == b"before"
    chip.write(128, b"free")
    chip.protect(0, 0)
    chip.write(100, b"after")
    chip.write_otp(b"serial 1")
    assert chip.read_otp().startswith(b"serial 1")
    with pytest.raises(ProtectedError):
        chip.write_otp(b"serial 2")
    assert chip.read_otp().startswith(b"serial 1")


def test_without_power_nothing_answers() -> None:
    chip = Chip(design(), seed=1)
    chip.write(0, b"kept")
    chip.power_off()
    with pytest.raises(PowerLost):
        chip.read(0, 4)
    with pytest.raises(PowerLost):
        chip.write(0, b"lost")
    for use in (chip.read_otp, lambda: chip.write_otp(b"lost")):
        with pytest.raises(PowerLost):
            use()
    chip.elapse("1 day")
    assert chip.statistics.standby_energy_J == 0.0
    chip.power_on()
    assert not chip.read_otp().strip(b"\0")
    assert chip.read(0, 4) == b"kept"


def test_a_code_of_none_gives_back_what_the_cells_say() -> None:
    plain = design().model_copy(
        update={"correction": design().correction.model_copy(update={"code": "none"})}
    )
    chip = Chip(plain, seed=1)
    chip.write(3, b"no check bits")
    assert chip.read(3, 13) == b"no check bits"


def test_short_operations_count_after_long_waits() -> None:
    chip = Chip(design(), seed=1)
    chip.elapse("10 years")
    before = chip.statistics.busy_s
    for _ in range(100):
        chip.read(0, 8)
    assert chip.statistics.busy_s - before == pytest.approx(100 * chip.specification.read_time)
    assert chip.write(0, b"12345678").time > 0.0
    for seconds in (-5.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="bad time"):
            chip.wait(seconds)
    with pytest.raises(InputError, match="bad time"):
        chip.elapse(-1.0)


def stuck(chip: Chip, place: int, count: int, low: bool = True) -> None:
    """Make cells of a word immovable."""
    first = place * chip.die.n
    chip.die.prepare(np.array([place]))
    chip.die.cells.flags[first : first + count] |= STUCK_LOW if low else np.uint8(0)
    if low:
        chip.die.cells.conductance[first : first + count] = 3e-4
    else:
        chip.die.cells.flags[first : first + count] = 0
        chip.die.cells.conductance[first : first + count] = 1e-6


@pytest.mark.parametrize("cut_ahead", [False, True])
def test_a_word_that_fails_to_write_moves_to_a_spare_and_again_if_that_fails(
    cut_ahead: bool,
) -> None:
    chip = Chip(design(scrub="none"), seed=5)
    place = int(chip.map.places(np.array([1]))[0])
    if cut_ahead:
        chip.cut_power_after(10**6)
    data = b"\x40\x00\x00\x55fgh\x99"
    stuck(chip, place, 8)
    chip.write(8, data)
    assert chip.read(8, 8) == data
    spare = int(chip.writer.settled(np.array([place]))[0])
    assert spare != place
    stuck(chip, spare, 8)
    chip.write(8, data[::-1])
    assert chip.read(8, 8) == data[::-1]
    assert chip.statistics.replaced == 1
    assert sum(chip.map.spared.values()) == 2


@pytest.mark.parametrize("order", ["changed", "ones_first"])
def test_cells_that_cannot_be_set_move_their_word(order: str) -> None:
    chip = Chip(design(scrub="none", order=order), seed=5)
    place = int(chip.map.places(np.array([1]))[0])
    stuck(chip, place, 8, low=False)
    chip.write(8, b"\xff" * 8)
    assert chip.read(8, 8) == b"\xff" * 8
    assert chip.statistics.replaced == 1


def test_a_lost_word_stays_lost_when_wear_levelling_moves_it() -> None:
    chosen = design(wear_levelling="start_gap", gap_interval=1, scrub="none")
    chip = Chip(chosen, seed=6)
    source = int(chip.map.moved()[0])
    logical = int(np.flatnonzero(chip.map.lines_of(np.arange(chip.map.lines)) == source)[0])
    address = logical * chip.map.line * chip.word_bytes
    first = int(chip.map.places(np.array([address // chip.word_bytes]))[0]) * chip.die.n
    chip.read(address, 8)
    chip.die.cells.conductance[first : first + 5] = 3e-4
    with pytest.raises(UncorrectableError):
        chip.read(address, 8)
    chip.write(0 if address else chip.size // 2, b"moves the gap")
    assert chip.statistics.gap_moves == 1
    with pytest.raises(UncorrectableError):
        chip.read(address, 8)


def test_only_words_written_in_part_are_read_first() -> None:
    chip = Chip(design(scrub="none"), seed=5)
    first = int(chip.map.places(np.array([0]))[0]) * chip.die.n
    chip.read(0, 8)
    chip.die.cells.conductance[first : first + 5] = 3e-4
    with pytest.raises(UncorrectableError):
        chip.write(0, b"part")
    assert chip.read(3, 0) == b""
    chip.write(0, b"y" * 12)
    assert chip.read(0, 12) == b"y" * 12


def test_epochs_of_one_age_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    """More waits than there are numbers for: ages stay right within a step of the merging."""
    monkeypatch.setattr("tantala.chip.cells.MOST_EPOCHS", 40)
    monkeypatch.setattr("tantala.chip.cells.MERGED_EPOCHS", 200)
    cells = DieCells(tt.load_cell("embedded_28nm"), 400, seed=1, block=100)
    cells.bring_up(0, 400)
    written = {}
    for step in range(130):
        cells.written_at(np.array([step]))
        written[step] = step
        cells.elapse(3600.0, 358.15, True)
    assert len(cells.ages) <= 42
    youngest, oldest = (float(cells.ages[cells.age[at]]) for at in (129, 0))
    assert youngest < oldest
    ages = [float(cells.ages[cells.age[at]]) for at in range(130)]
    assert ages == sorted(ages, reverse=True)
