"""Judge: flashrom from Debian identifies, writes, verifies, reads and erases a simulated chip.

Its controls: an image that is not there, a stuck bit, a chip without power, power that fails.
"""

from __future__ import annotations

import random
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serial_memory import PlainMemory, StuckMemory
from serprog_host import serving

from tantala.chip import Chip
from tantala.chip.spi import Slave

MIB = 1 << 20
EEPROM = 256 << 10
NAMES = {"sfdp": "SFDP-capable chip", "m95m02": "M95M02"}
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def flashrom(program: Callable[[str], str]) -> Run:
    """A function that runs flashrom at a port: (exit code, all that it printed)."""
    path = program("flashrom")

    def run(port: int, face: str, *arguments: str | Path) -> tuple[int, str]:
        command = [path, "-p", f"serprog:ip=127.0.0.1:{port}", "-c", NAMES[face]]
        done = subprocess.run(
            [*command, *(str(one) for one in arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        return done.returncode, done.stdout

    return run


@pytest.fixture(scope="module")
def chip() -> Chip:
    """A chip of 1 MiB, every cell simulated; it keeps what one test leaves to the next."""
    return Chip("spi_8mb", seed=21)


@pytest.fixture
def ports() -> Iterator[Callable[[Any, str], int]]:
    """A function that serves a memory with a face and returns the port."""
    open_servers = []

    def serve(memory: Any, face: str) -> int:
        context = serving(Slave(memory, face))
        _, port = context.__enter__()
        open_servers.append(context)
        return port

    yield serve
    for context in open_servers:
        context.__exit__(None, None, None)


def image(size: int, filled: int, seed: int, empty: bytes) -> bytes:
    """`filled` random bytes here and there, in pieces of 512; `empty` elsewhere."""
    draw = random.Random(seed)
    content = bytearray(empty * size)
    for piece in draw.sample(range(size // 512), filled // 512):
        content[512 * piece : 512 * piece + 512] = draw.randbytes(512)
    return bytes(content)


def test_a_part_that_describes_itself(
    flashrom: Run, chip: Chip, ports: Callable[..., int], tmp_path: Path, campaign: Any
) -> None:
    """All of it at random in a campaign; by default 32 KiB of the 1 MiB."""
    port = ports(chip, "sfdp")
    code, text = flashrom(port, "sfdp")
    assert code == 0, text
    assert 'Found Unknown flash chip "SFDP-capable chip" (1024 kB, SPI)' in text
    content = image(MIB, campaign.count(32 << 10, MIB), 1, b"\xff")
    wanted, back = tmp_path / "wanted.bin", tmp_path / "back.bin"
    wanted.write_bytes(content)
    code, text = flashrom(port, "sfdp", "-w", wanted)
    assert (code, "VERIFIED" in text) == (0, True), text
    assert chip.read(0, MIB) == content
    code, text = flashrom(port, "sfdp", "-r", back)
    assert code == 0, text
    assert back.read_bytes() == content
    wanted.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    code, text = flashrom(port, "sfdp", "-v", wanted)
    assert (code, "VERIFIED" in text) == (3, False), text
    assert "FAILED at 0x000fffff" in text
    code, text = flashrom(port, "sfdp", "-E")
    assert code == 0, text
    assert chip.read(0, MIB) == b"\xff" * MIB
    assert chip.statistics.uncorrectable == 0


def test_a_memory_without_erase(
    flashrom: Run, chip: Chip, ports: Callable[..., int], tmp_path: Path, campaign: Any
) -> None:
    """The face shows the first 256 KiB of the chip."""
    port = ports(chip, "m95m02")
    code, text = flashrom(port, "m95m02")
    assert code == 0, text
    assert 'Found ST flash chip "M95M02" (256 kB, SPI)' in text
    content = image(EEPROM, campaign.count(64 << 10, EEPROM), 2, b"\0")
    wanted, back = tmp_path / "wanted.bin", tmp_path / "back.bin"
    wanted.write_bytes(content)
    code, text = flashrom(port, "m95m02", "-w", wanted)
    assert (code, "VERIFIED" in text) == (0, True), text
    code, text = flashrom(port, "m95m02", "-r", back)
    assert code == 0, text
    assert back.read_bytes() == content
    # Bytes are alterable: two of them cost their two pages and no erase.
    changed = bytearray(content)
    changed[300] ^= 0xFF
    changed[70_000] ^= 0xFF
    wanted.write_bytes(changed)
    before = chip.statistics.writes
    code, text = flashrom(port, "m95m02", "-w", wanted)
    assert (code, "VERIFIED" in text) == (0, True), text
    assert chip.statistics.writes - before == 2
    code, text = flashrom(port, "m95m02", "-E")
    assert code == 0, text
    assert chip.read(0, EEPROM) == bytes(EEPROM)


@pytest.mark.parametrize(("face", "size"), [("m95m02", EEPROM), ("sfdp", 64 << 10)])
def test_a_stuck_bit_is_found(
    flashrom: Run, ports: Callable[..., int], tmp_path: Path, face: str, size: int
) -> None:
    wanted = tmp_path / "wanted.bin"
    wanted.write_bytes(image(size, size, 3, b"\0")[:-1] + b"\xff")
    sound = ports(PlainMemory(size, busy=1e-4), face)
    code, text = flashrom(sound, face, "-w", wanted)
    assert (code, "VERIFIED" in text) == (0, True), text
    stuck = ports(StuckMemory(size, size - 1), face)
    code, text = flashrom(stuck, face, "-w", wanted)
    assert code in (2, 3), text
    assert f"FAILED at 0x{size - 1:08x}! Expected=0xff, Found=0xfe" in text


def test_a_bad_cell_is_corrected(
    flashrom: Run, chip: Chip, ports: Callable[..., int], tmp_path: Path
) -> None:
    """What the code corrects, a client does not see."""
    port = ports(chip, "m95m02")
    content = chip.read(0, EEPROM)
    wanted = tmp_path / "wanted.bin"
    wanted.write_bytes(content)
    cell = int(chip.map.places(np.array([40]))[0]) * chip.die.n + 3
    chip.die.cells.conductance[cell] = 1e-7 if content[320] & 8 else 3e-4
    before = chip.statistics.corrected
    code, text = flashrom(port, "m95m02", "-v", wanted)
    assert (code, "VERIFIED" in text) == (0, True), text
    assert chip.statistics.corrected == before + 1


@pytest.mark.parametrize("face", sorted(NAMES))
def test_a_chip_without_power_is_not_there(
    flashrom: Run, ports: Callable[..., int], face: str
) -> None:
    memory = PlainMemory(EEPROM)
    memory.powered = False
    code, text = flashrom(ports(memory, face), face)
    assert code == 1, text
    assert "No EEPROM/flash device found" in text


@pytest.mark.parametrize("face", sorted(NAMES))
def test_power_that_fails_during_a_write_is_reported(
    flashrom: Run, ports: Callable[..., int], chip: Chip, tmp_path: Path, face: str
) -> None:
    """It ends, with a failure: neither an endless loop nor a success."""
    wanted = tmp_path / "wanted.bin"
    size = Slave(chip, face).part.size
    wanted.write_bytes(image(size, EEPROM, 4, b"\0"))
    chip.power_on()
    chip.cut_power_after(200)
    code, text = flashrom(ports(chip, face), face, "-w", wanted)
    assert not chip.powered
    chip.power_on()
    assert code not in (0, None), text
    assert "VERIFIED" not in text


def test_a_second_flashrom_is_refused(flashrom: Run, ports: Callable[..., int]) -> None:
    port = ports(PlainMemory(EEPROM), "m95m02")
    with socket.create_connection(("127.0.0.1", port)) as first:
        first.sendall(b"\x00")
        assert first.recv(1) == b"\x06"
        code, text = flashrom(port, "m95m02")
    assert code == 1
    assert "NAK to query interface version" in text
