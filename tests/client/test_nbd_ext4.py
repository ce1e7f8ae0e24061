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
from stand_in_memories import ForgetfulMemory, PlainMemory

SIZE = 16 << 20
FILES = {f"file{number}": random.Random(number).randbytes(200_000) for number in range(20)}


def run(*command: object) -> None:
    """A program that must succeed."""
    words = [str(word) for word in command]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if ended.returncode:
        raise RuntimeError(f"{words}: {ended.stderr}")


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
            run("mount", "-t", "tmpfs", "tmpfs", probe)
            run("umount", probe)
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
            run("umount", place)
            process.wait(30)


@contextlib.contextmanager
def mounted(file: Path, folder: Path, options: str) -> Iterator[Path]:
    """The file system in the file."""
    place = folder / "mounted"
    place.mkdir(exist_ok=True)
    run("mount", "-o", f"loop,{options}", file, place)
    try:
        yield place
    finally:
        run("umount", place)


def write_files(file: Path, folder: Path) -> None:
    """Fill the file system in the file; each of its files is synchronised."""
    with mounted(file, folder, "rw") as place:
        for name, content in FILES.items():
            with open(place / name, "wb") as target:
                target.write(content)
                target.flush()
                os.fsync(target.fileno())


def check_files(file: Path, folder: Path) -> None:
    """The file system is clean and every file whole; else RuntimeError, OSError, AssertionError."""
    run("e2fsck", "-f", "-n", file)
    with mounted(file, folder, "ro") as place:
        for name, content in FILES.items():
            assert (place / name).read_bytes() == content


@pytest.fixture
def nbdfuse(program):
    """The path of nbdfuse, where the programs of ext4 are there too."""
    program("mkfs.ext4")
    program("e2fsck")
    return program("nbdfuse")


def test_ext4_keeps_every_file(nbdfuse, folder):
    memory = PlainMemory(SIZE)
    with serving(memory) as served:
        with as_file(nbdfuse, served, folder) as file:
            run("mkfs.ext4", "-q", "-F", file)
            write_files(file, folder)
        assert memory.writes > len(FILES)
        memory.reads = 0
        with as_file(nbdfuse, served, folder) as file:
            check_files(file, folder)
        assert memory.reads > len(FILES)


def test_ext4_catches_a_server_that_drops_writes(nbdfuse, folder):
    """The empty file system is kept; the files that follow are acknowledged and lost."""
    memory = ForgetfulMemory(SIZE, kept=10**9)
    with serving(memory) as served:
        with as_file(nbdfuse, served, folder) as file:
            run("mkfs.ext4", "-q", "-F", file)
            memory.kept = memory.writes
            write_files(file, folder)
        assert memory.writes > memory.kept
        with as_file(nbdfuse, served, folder) as file, pytest.raises((RuntimeError, OSError)):
            check_files(file, folder)
