"""The block face over real cells: clients verify, lose the power, and read years later."""

from __future__ import annotations

import random

import pytest
from nbd_client import EIO, WRITE, connected, serving
from program_runs import fio_job, run
from small_chip import KIBIBIT, changed_cell, design

from tantala.chip import Chip

PAGE = 256  # bytes


@pytest.fixture
def chip():
    return Chip(design(256 * KIBIBIT), seed=5)


def test_fio_verifies_a_chip(program, chip, tmp_path):
    with serving(chip) as served:
        code, job = fio_job(program("fio"), served, tmp_path, bs=PAGE, size=chip.size, fsync=8)
    assert (code, job["error"]) == (0, 0)
    assert chip.statistics.writes == job["write"]["total_ios"] == chip.size // PAGE
    assert chip.statistics.uncorrectable == 0
    assert chip.time > 0.0


def test_nbdcopy_round_trip_of_a_chip(program, chip, tmp_path):
    image, back = tmp_path / "image", tmp_path / "back"
    image.write_bytes(random.Random(1).randbytes(chip.size))
    with serving(chip) as served:
        assert run(program("nbdcopy"), image, served.uri).returncode == 0
        assert run(program("nbdcopy"), served.uri, back).returncode == 0
    assert back.read_bytes() == image.read_bytes() == chip.read(0, chip.size)


def test_acknowledged_writes_survive_a_power_cut(chip):
    """Ten cuts; what was acknowledged before one is whole after it, whatever was under way."""
    draw = random.Random(7)
    content = bytearray(chip.size)
    acknowledged = torn = 0
    with serving(chip) as served, connected(served) as client:
        for _ in range(10):
            chip.cut_power_after(draw.randrange(1000))
            while True:
                at, data = 16 * draw.randrange(chip.size // 16), draw.randbytes(16)
                error = client.write(at, data)
                if error:
                    break
                content[at : at + 16] = data
                acknowledged += 1
            assert error == EIO
            assert client.read(0, 1) == (EIO, b"")  # no power, no answer
            chip.power_on()
            torn += client.read(at, 16) != (0, bytes(content[at : at + 16]))
            assert client.write(at, data) == 0
            content[at : at + 16] = data
            assert client.read(0, chip.size) == (0, bytes(content))
    assert acknowledged > 10
    assert torn > 0


def test_fio_stops_when_the_power_fails(program, chip, tmp_path):
    with serving(chip) as served:
        chip.cut_power_after(1000)
        code, job = fio_job(program("fio"), served, tmp_path, bs=64)
    assert (code, job["error"]) == (1, EIO)
    assert not chip.powered
    assert 0 < chip.statistics.writes < chip.size // 64


def test_a_forgotten_chip_is_a_read_error(program, tmp_path):
    """Cells that spread far too fast: nbdcopy is told, and no file of wrong data comes out."""
    cell = changed_cell(tmp_path, {"retention.early_spread": 8.0, "retention.late_spread": 10.0})
    chip = Chip(design(64 * KIBIBIT).model_copy(update={"cell": cell}), seed=3)
    image, back = tmp_path / "image", tmp_path / "back"
    image.write_bytes(random.Random(2).randbytes(chip.size))
    with serving(chip) as served:
        assert run(program("nbdcopy"), image, served.uri).returncode == 0
        assert run(program("nbdcopy"), served.uri, back).returncode == 0
        chip.elapse("10 years", temperature="150 degC")
        ended = run(program("nbdcopy"), served.uri, back)
    assert ended.returncode != 0
    assert "Input/output error" in ended.stderr
    assert chip.statistics.uncorrectable > 0


def test_a_large_request_on_a_chip_is_whole_or_nothing_until_it_has_come(chip):
    with serving(chip) as served, connected(served) as client:
        client.ask(WRITE, 0, chip.size, payload=b"\xff" * (chip.size - 1))
        client.vanish()
        assert served.settled()
    assert chip.statistics.writes == 0
