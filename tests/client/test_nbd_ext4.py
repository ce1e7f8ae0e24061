"""An ext4 file system on the block face, through nbdfuse and a loop device.

The kernel writes and reads here, so the test needs /dev/fuse, loop devices and the right to mount.
Between writing and checking, nbdfuse ends and starts anew: nothing is read from a cache.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbd_client import Served, serving
from program_runs import run
from small_chip import KIBIBIT, design
from stand_in_memories import ForgetfulMemory, PlainMemory

from tantala.chip import Chip

SIZE = 16 << 20


def files(count: int, length: int) -> dict[str, bytes]:
    """Names and random contents."""
    return {f"file{number}": random.Random(number).randbytes(length) for number in range(count)}


def succeed(*command: object) -> None:
    """Run a program; RuntimeError unless it succeeds."""
    ended = run(*command)
    if ended.returncode:
        raise RuntimeError(f"{command}: {ended.stderr}")


@pytest.fixture
def folder(tmp_path):
    """A folder to mount in, or a loud skip where nothing can be mounted."""
    lacking = [
        f"no {path}" for path in ("/dev/fuse", "/dev/loop-control") if not os.path.exists(path)
    ]
    probe = tmp_path / "probe"
    probe.mkdir()
    if not lacking:
        try:
            succeed("mount", "-t", "tmpfs", "tmpfs", probe)
            succeed("umount", probe)
        except (RuntimeError, OSError) as error:
            lacking.append(f"no right to mount ({error})")
    if lacking:
        message = f"NO MOUNTS HERE: {'; '.join(lacking)}; ext4 over NBD is not tested"
        warnings.warn(message, stacklevel=2)
        pytest.skip(message)
    return tmp_path


@contextlib.contextmanager
def as_file(nbdfuse: str, served: Served, folder: Path) -> Iterator[Path]:
    """The memory as a file, as long as nbdfuse runs."""
    place = folder / "nbdfuse"
    place.mkdir(exist_ok=True)
    with subprocess.Popen([nbdfuse, str(place), served.uri], stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(500):
                if (place / "nbd").exists():
                    break
                assert process.poll() is None, "nbdfuse did not start"
                time.sleep(0.01)
            yield place / "nbd"
        finally:
            succeed("umount", place)
            process.wait(30)


@contextlib.contextmanager
def mounted(file: Path, folder: Path, options: str) -> Iterator[Path]:
    """The file system in the file."""
    place = folder / "mounted"
    place.mkdir(exist_ok=True)
    succeed("mount", "-o", f"loop,{options}", file, place)
    try:
        yield place
    finally:
        succeed("umount", place)


def write_files(file: Path, folder: Path, contents: dict[str, bytes]) -> None:
    """Fill the file system in the file; each of its files is synchronised."""
    with mounted(file, folder, "rw") as place:
        for name, content in contents.items():
            with open(place / name, "wb") as target:
                target.write(content)
                target.flush()
                os.fsync(target.fileno())


def check_files(file: Path, folder: Path, contents: dict[str, bytes]) -> None:
    """The file system is clean and every file whole; else RuntimeError, OSError, AssertionError."""
    succeed("e2fsck", "-f", "-n", file)
    with mounted(file, folder, "ro") as place:
        for name, content in contents.items():
            assert (place / name).read_bytes() == content


@pytest.fixture
def nbdfuse(program):
    """The path of nbdfuse, where the programs of ext4 are there too."""
    program("mkfs.ext4")
    program("e2fsck")
    return program("nbdfuse")


def test_ext4_keeps_every_file(nbdfuse, folder):
    memory, contents = PlainMemory(SIZE), files(20, 200_000)
    with serving(memory) as served:
        with as_file(nbdfuse, served, folder) as file:
            succeed("mkfs.ext4", "-q", "-F", file)
            write_files(file, folder, contents)
        assert memory.writes > len(contents)
        memory.reads = 0
        with as_file(nbdfuse, served, folder) as file:
            check_files(file, folder, contents)
        assert memory.reads > len(contents)


def test_ext4_on_a_chip_that_ages_ten_years(nbdfuse, folder):
    chip, contents = Chip(design(2048 * KIBIBIT), seed=9), files(12, 6000)
    with serving(chip) as served:
        with as_file(nbdfuse, served, folder) as file:
            succeed("mkfs.ext4", "-q", "-F", "-b", 1024, "-N", 32, "-O", "^has_journal", file)
            write_files(file, folder, contents)
        chip.elapse("10 years", temperature="85 degC")
        with as_file(nbdfuse, served, folder) as file:
            check_files(file, folder, contents)
    assert chip.statistics.uncorrectable == 0


def test_ext4_catches_a_server_that_drops_writes(nbdfuse, folder):
    """The empty file system is kept; the files that follow are acknowledged and lost."""
    memory, contents = ForgetfulMemory(SIZE, kept=10**9), files(20, 200_000)
    with serving(memory) as served:
        with as_file(nbdfuse, served, folder) as file:
            succeed("mkfs.ext4", "-q", "-F", file)
            memory.kept = memory.writes
            write_files(file, folder, contents)
        assert memory.writes > memory.kept
        with as_file(nbdfuse, served, folder) as file, pytest.raises((RuntimeError, OSError)):
            check_files(file, folder, contents)
