"""NBD clients that nobody here wrote, against the block face; each with servers it must catch."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from nbd_client import Served, serving
from program_runs import fio_job, run
from stand_in_memories import FailingMemory, FlippingMemory, ForgetfulMemory, PlainMemory

SIZE = 1_572_864  # the 12 Mbit part: not a power of two
BLOCKS = SIZE // 4096
EIO = 5


@pytest.fixture
def fio(program, tmp_path):
    """A function that runs one fio job on a server; returns its exit code and its JSON."""
    path = program("fio")

    def job(served: Served, **options: object) -> tuple[int, dict[str, Any]]:
        return fio_job(path, served, tmp_path, **options)

    return job


@pytest.mark.parametrize(
    ("options", "writes"),
    [
        ({}, BLOCKS),
        ({"iodepth": 1, "fsync": 1, "size": 400 << 10}, 100),
        ({"bs": "256k", "rw": "write"}, SIZE // (256 << 10)),
        ({"verify": "sha256", "rw": "write", "bs": "512"}, SIZE // 512),
    ],
)
def test_fio_verifies_what_it_wrote(fio, options, writes):
    memory = PlainMemory(SIZE)
    with serving(memory) as served:
        code, job = fio(served, **options)
    assert (code, job["error"]) == (0, 0)
    assert job["write"]["total_ios"] == memory.writes == writes
    assert job["read"]["total_ios"] == memory.reads == writes  # every block was read back


def test_fio_with_four_clients_at_once(fio):
    memory = PlainMemory(SIZE)
    share = SIZE // 4
    with serving(memory) as served:
        code, job = fio(served, numjobs=4, size=share, offset_increment=share, group_reporting=1)
    assert (code, job["error"]) == (0, 0)
    assert (memory.writes, memory.reads) == (BLOCKS, BLOCKS)


def test_fio_trims(fio):
    memory = PlainMemory(SIZE)
    with serving(memory) as served:
        code, job = fio(served, rw="randtrim", verify=0)
    assert (code, job["error"]) == (0, 0)
    assert job["trim"]["total_ios"] == BLOCKS
    assert (memory.writes, memory.reads) == (0, 0)


@pytest.mark.parametrize(
    "memory",
    [FlippingMemory(SIZE, 777_777), ForgetfulMemory(SIZE), ForgetfulMemory(SIZE, kept=BLOCKS - 1)],
    ids=["one bit flipped", "no write kept", "last write lost"],
)
def test_fio_catches_lies(fio, memory):
    with serving(memory) as served:
        code, job = fio(served)
    assert code != 0
    assert job["error"] != 0
    assert memory.writes == BLOCKS


def test_fio_stops_at_an_error_in_mid_run(fio):
    memory = FailingMemory(SIZE, fine=BLOCKS // 2)
    with serving(memory) as served:
        code, job = fio(served)
    assert (code, job["error"]) == (1, EIO)
    assert memory.writes == BLOCKS // 2


def test_nbdinfo(program):
    path = program("nbdinfo")
    with serving(PlainMemory(SIZE), name="spi_12mb") as served:
        told = json.loads(run(path, "--json", served.uri).stdout)
        listed = json.loads(run(path, "--json", "--list", served.uri).stdout)
        assert run(path, "--size", f"{served.uri}/spi_12mb").stdout.strip() == str(SIZE)
        assert run(path, f"{served.uri}/spi_8mb").returncode != 0
    assert told["protocol"] == "newstyle-fixed"
    (export,) = told["exports"]
    assert export["export-size"] == SIZE
    sizes = [export[f"block_size_{which}"] for which in ("minimum", "preferred", "maximum")]
    assert sizes == [1, 4096, 32 << 20]
    assert all(export[f"can_{what}"] for what in ("flush", "fua", "trim", "zero", "multi_conn"))
    assert [each["export-name"] for each in listed["exports"]] == ["spi_12mb"]


@pytest.fixture
def image(tmp_path):
    """A file of random bytes as large as the memory."""
    file = tmp_path / "image"
    file.write_bytes(random.Random(12).randbytes(SIZE))
    return file


@pytest.mark.parametrize("options", [[], ["--synchronous"], ["--request-size=4096", "--flush"]])
def test_nbdcopy_round_trip(program, image, tmp_path, options):
    path, back = program("nbdcopy"), tmp_path / "back"
    memory = PlainMemory(SIZE)
    with serving(memory) as served:
        assert run(path, *options, image, served.uri).returncode == 0
        assert memory.content == image.read_bytes()
        assert run(path, *options, served.uri, back).returncode == 0
    assert back.read_bytes() == image.read_bytes()


@pytest.mark.parametrize(
    "memory",
    [FlippingMemory(SIZE, SIZE - 1), ForgetfulMemory(SIZE, kept=3), FailingMemory(SIZE, fine=3)],
    ids=["one bit flipped", "writes dropped", "error in mid-run"],
)
def test_nbdcopy_round_trip_catches_lies(program, image, tmp_path, memory):
    path, back = program("nbdcopy"), tmp_path / "back"
    with serving(memory) as served:
        first = run(path, image, served.uri).returncode
        second = run(path, served.uri, back).returncode
    assert first or second or back.read_bytes() != image.read_bytes()
    # Only the server that tells an error may make the program itself fail.
    assert bool(first or second) == isinstance(memory, FailingMemory)


@pytest.mark.parametrize(
    ("memory", "same"),
    [(PlainMemory(SIZE), True), (FlippingMemory(SIZE, 4711), False)],
    ids=["plain", "one bit flipped"],
)
def test_nbdkit_compares_image_and_memory(program, image, memory, same):
    """nbdkit as a client: its checkwrite filter fails writes that differ from what it reads."""
    nbdkit, nbdcopy = program("nbdkit"), program("nbdcopy")
    memory.content[:] = image.read_bytes()
    with serving(memory) as served:
        copy = f'{nbdcopy} {image} "$uri"'
        ended = run(
            nbdkit, "-U", "-", "--filter=checkwrite", "nbd", f"uri={served.uri}", "--run", copy
        )
    assert (ended.returncode == 0) == same, ended.stderr
    assert memory.writes == 0
    assert memory.reads > 0
