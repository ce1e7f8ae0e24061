"""The image of a die: whole or refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from small_chip import design

from tantala.chip import Chip, ImageError


@pytest.fixture
def chip() -> Chip:
    made = Chip(design(wear_levelling="start_gap", scramble=True, gap_interval=3), seed=np.int64(9))
    made.write(5, np.random.default_rng(1).bytes(5000))
    made.elapse("2 years", temperature="85 degC")
    made.write(777, b"newer")
    made.write_otp(b"id")
    made.protect(*np.array([16, 32]))
    made.map.replace(int(made.map.places(np.array([600]))[0]))
    made.write(600 * made.word_bytes, b"at a spare")
    return made


def test_a_loaded_chip_goes_on_as_the_saved_one(chip: Chip, tmp_path: Path) -> None:
    chip.save(tmp_path / "die.img")
    other = Chip.load(tmp_path / "die.img")
    assert other.read_otp() == chip.read_otp()
    assert (other.protected, other.otp_locked) == ((16, 32), True)
    for one in (chip, other):
        one.protect(0, 0)
        one.write(2000, b"after" * 50)
        one.elapse("1 year", temperature="105 degC")
    assert chip.read(0, chip.size) == other.read(0, other.size)
    for name in ("conductance", "written", "age", "writes", "cycles", "damage", "flags"):
        a, b = (getattr(one.die.cells, name) for one in (chip, other))
        np.testing.assert_array_equal(a, b)
    one, two = vars(chip.statistics), vars(other.statistics)
    assert {k: v for k, v in one.items() if k != "wear"} == {
        k: v for k, v in two.items() if k != "wear"
    }


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign", "version", "tail"])
def test_a_torn_or_foreign_image_is_refused(chip: Chip, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "die.img"
    chip.save(path)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flip":
        content[len(content) // 2] ^= 4
    elif damage == "empty":
        content = bytearray()
    elif damage == "foreign":
        content = bytearray(b"\x7fELF" * 100)
    elif damage == "version":
        content[13] = 99
    else:
        content += b"more"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"die\.img") as caught:
        Chip.load(path)
    assert len(caught.value.problems) == 1


def test_no_changed_byte_of_the_header_gets_past(chip: Chip, tmp_path: Path) -> None:
    path = tmp_path / "die.img"
    chip.save(path)
    content = path.read_bytes()
    header = 25 + int.from_bytes(content[17:25], "little")
    rng = np.random.default_rng(5)
    places = [*range(25), *rng.integers(25, header, 150).tolist()]
    listed = content.index(b'"arrays"')
    for at in [*places, *range(listed, header)]:
        changed = bytearray(content)
        changed[at] ^= int(rng.integers(1, 256))
        path.write_bytes(changed)
        with pytest.raises(ImageError, match=r"die\.img"):
            Chip.load(path)


def test_another_release_may_draw_another_die(
    chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip.save(tmp_path / "die.img")
    monkeypatch.setattr("tantala.chip.image.metadata.version", lambda name: "99.0")
    with pytest.raises(ImageError, match="may draw other cells"):
        Chip.load(tmp_path / "die.img")


def test_an_image_keeps_the_permissions_of_its_file(chip: Chip, tmp_path: Path) -> None:
    path = tmp_path / "die.img"
    chip.save(path)
    path.chmod(0o640)
    chip.save(path)
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_image_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        Chip.load(tmp_path / "none.img")


def test_a_full_disk_leaves_the_old_image(
    chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "die.img"
    chip.save(path)
    before = path.read_bytes()
    chip.write(0, b"more")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ImageError, match="No space left"):
        chip.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
