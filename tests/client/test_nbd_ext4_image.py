"""An ext4 image on the block face where nothing can be mounted: e2fsprogs make, fill and check it,
nbdcopy carries it to the chip and back.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbd_client import Served, serving
from program_runs import run
from small_chip import KIBIBIT, changed_cell, design
from stand_in_memories import ForgetfulMemory

from tantala.chip import Chip

Files = dict[str, bytes]


class Ext4:
    """An ext4 image in `folder`, handled by the programs of e2fsprogs."""

    def __init__(self, folder: Path, program: Callable[[str], str]) -> None:
        self.folder = folder
        self._make, self._check, self._debugfs, self._copy = (
            program(name) for name in ("mke2fs", "e2fsck", "debugfs", "nbdcopy")
        )

    def make(self, size: int) -> Path:
        """A fresh file system of `size` bytes; as a kernel would, with a journal where it fits."""
        image = self.folder / "image"
        image.write_bytes(bytes(size))
        self._succeed(self._make, "-q", "-F", "-t", "ext4", "-b", 1024, "-N", 32, image)
        return image

    def write(self, image: Path, files: Files) -> None:
        """Add files by debugfs, which tells errors by its words only."""
        for name, content in files.items():
            source = self.folder / "source"
            source.write_bytes(content)
            told = run(self._debugfs, "-w", "-R", f"write {source} {name}", image)
            assert "Allocated inode" in told.stdout, told.stderr

    def check(self, image: Path, files: Files) -> None:
        """AssertionError unless the file system is clean and every file is whole."""
        self._succeed(self._check, "-f", "-n", image)
        for name, content in files.items():
            target = self.folder / "target"
            target.unlink(missing_ok=True)
            told = run(self._debugfs, "-R", f"dump {name} {target}", image)
            assert target.exists(), told.stderr
            assert target.read_bytes() == content

    def to(self, served: Served, image: Path) -> None:
        self._succeed(self._copy, "--flush", image, served.uri)

    def back(self, served: Served) -> Path:
        image = self.folder / "back"
        image.unlink(missing_ok=True)
        self._succeed(self._copy, served.uri, image)
        return image

    @staticmethod
    def _succeed(*command: object) -> None:
        ended = run(*command)
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"


@pytest.fixture
def ext4(tmp_path: Path, program: Any) -> Ext4:
    return Ext4(tmp_path, program)


def files(first: int, count: int) -> Files:
    """Names and random contents, from 1 byte to 16 KiB."""
    return {
        f"file{k}": random.Random(k).randbytes(1 + 1171 * k) for k in range(first, first + count)
    }


def test_an_ext4_image_outlives_two_decades(ext4: Ext4) -> None:
    chip, contents = Chip(design(2048 * KIBIBIT), seed=11), files(0, 7)
    image = ext4.make(chip.size)
    ext4.write(image, contents)
    with serving(chip) as served:
        ext4.to(served, image)
        chip.elapse("10 years", temperature="85 degC")
        aged = ext4.back(served)
        ext4.check(aged, contents)
        ext4.write(aged, files(7, 7))  # the file system goes on from what came back
        contents |= files(7, 7)
        ext4.to(served, aged)
        chip.elapse("10 years", temperature="85 degC")
        ext4.check(ext4.back(served), contents)
    assert chip.statistics.uncorrectable == 0
    assert chip.statistics.writes > 0


def test_an_image_whose_writes_are_dropped_is_caught(ext4: Ext4) -> None:
    memory = ForgetfulMemory(256 << 10, kept=10**9)
    image = ext4.make(memory.size)
    with serving(memory) as served:
        ext4.to(served, image)
        ext4.check(ext4.back(served), {})
        memory.kept = memory.writes
        ext4.write(image, files(0, 7))
        ext4.to(served, image)
        assert memory.writes > memory.kept
        with pytest.raises(AssertionError):
            ext4.check(ext4.back(served), files(0, 7))


def test_an_image_on_cells_that_forget_is_a_read_error(ext4: Ext4, tmp_path: Path) -> None:
    cell = changed_cell(tmp_path, {"retention.early_spread": 8.0, "retention.late_spread": 10.0})
    chip = Chip(design(512 * KIBIBIT).model_copy(update={"cell": cell}), seed=12)
    image = ext4.make(chip.size)
    with serving(chip) as served:
        ext4.to(served, image)
        chip.elapse("10 years", temperature="150 degC")
        with pytest.raises(AssertionError, match="Input/output error"):
            ext4.back(served)
