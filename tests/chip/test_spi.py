"""Serial faces command by command, on a plain memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from serial_memory import PlainMemory
from small_chip import design

from tantala.base.errors import InputError
from tantala.base.library import LIBRARY, names
from tantala.chip import Chip
from tantala.chip.spi import Slave, load_face

KIB = 1024
SIZES = {"mb85as": 1024 * KIB, "rm25c": 64 * KIB, "sfdp": 64 * KIB, "m95m02": 256 * KIB}
WREN, RDSR, WRSR, READ, WRITE = (bytes([code]) for code in (0x06, 0x05, 0x01, 0x03, 0x02))


def slave(face: str, size: int | None = None) -> Slave:
    return Slave(PlainMemory(size or SIZES[face]), face)


def at(device: Slave, address: int) -> bytes:
    return address.to_bytes(device.part.address, "big")


def status(device: Slave) -> int:
    return device.transfer(RDSR, 1)[0]


def write(device: Slave, address: int, data: bytes) -> None:
    """Write one page's worth and wait until it is done."""
    device.transfer(WREN)
    device.transfer(WRITE + at(device, address) + data)
    device.idle(device.busy)


def read(device: Slave, address: int, length: int) -> bytes:
    return device.transfer(READ + at(device, address), length)


@pytest.mark.parametrize("face", names("face"))
def test_every_face_writes_and_reads(face: str) -> None:
    device = slave(face)
    data = os.urandom(device.part.page)
    write(device, 3 * device.part.page, data)
    assert read(device, 3 * device.part.page - 1, len(data) + 2) == b"\0" + data + b"\0"
    write(device, 3 * device.part.page + 5, b"\xff\x00\x0f")
    assert read(device, 3 * device.part.page + 4, 5) == data[4:5] + b"\xff\x00\x0f" + data[8:9]


@pytest.mark.parametrize(
    ("face", "size", "sent", "answer"),
    [
        ("mb85as", 512 * KIB, "9f", "047fc903"),
        ("mb85as", 1024 * KIB, "9f", "047faa0300"),
        ("mb85as", 1536 * KIB, "9f", "047f0003"),
        ("mb85as", 1024 * KIB, "83", "047faa03" + bytes(range(100, 108)).hex() + "00"),
        ("sfdp", 64 * KIB, "9f", "555252"),
        ("m95m02", 256 * KIB, "83000000", "200012ff"),
        ("m95m02", 256 * KIB, "83000001", "0012"),
        ("m95m02", 256 * KIB, "9f", "000000"),
        ("rm25c", 64 * KIB, "9f", "000000"),
    ],
)
def test_identification(face: str, size: int, sent: str, answer: str) -> None:
    assert slave(face, size).transfer(bytes.fromhex(sent), len(answer) // 2).hex() == answer


@pytest.mark.parametrize(
    ("size", "page", "address"),
    [(8 * KIB, 32, 2), (16 * KIB, 64, 2), (64 * KIB, 128, 2), (128 * KIB, 256, 3)],
)
def test_parts_of_a_family_by_size(size: int, page: int, address: int) -> None:
    part = slave("rm25c", size).part
    assert (part.page, part.address) == (page, address)


def test_memories_that_cannot_have_a_face() -> None:
    for face, size, said in (
        ("m95m02", 128 * KIB, "too small"),
        ("mb85as", 1000, "multiple of 256"),
        ("mb85as", 32 * KIB * KIB, "16777216"),
        ("rm25c", 32 * KIB * KIB, "16777216"),
        ("sfdp", 256, "multiple of 4096"),
    ):
        with pytest.raises(InputError, match=said):
            slave(face, size)
    with pytest.raises(InputError, match="mb85as"):
        load_face("mb85")


def test_a_face_of_ones_own(tmp_path: Path) -> None:
    text = (LIBRARY / "faces" / "m95m02.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("0x83", "0x84", 1), encoding="utf-8")
    assert slave(str(path), 256 * KIB).transfer(b"\x84\0\0\0", 3) == b"\x20\x00\x12"
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace('"write_enable"', '"write_enabel"'), encoding="utf-8")
    with pytest.raises(InputError, match=r"WREN.*write_enable"):
        slave(str(path), 256 * KIB)


def test_a_write_needs_to_be_enabled() -> None:
    device = slave("mb85as")
    device.transfer(WRITE + bytes(3) + b"x")
    assert read(device, 0, 1) == b"\0"
    device.transfer(WREN + b"\0")  # chip select must rise after the opcode
    assert status(device) == 0
    device.transfer(WREN)
    assert status(device) == 0x02
    device.transfer(b"\x04")
    assert status(device) == 0
    write(device, 0, b"x")
    assert status(device) == 0
    assert read(device, 0, 1) == b"x"
    for short in (WRITE, WRITE + bytes(2), WRITE + bytes(3)):
        device.transfer(WREN)
        device.transfer(short)
        assert status(device) == 0x02  # nothing to write: still enabled


def test_busy_lasts_as_long_as_the_memory_says() -> None:
    device = slave("mb85as")
    device.transfer(WREN)
    device.transfer(WRITE + bytes(3) + b"data")
    byte = 8 / device.clock
    polls = device.transfer(RDSR, 2000)
    still = polls.index(0x00)
    assert set(polls[:still]) == {0x03}
    assert set(polls[still:]) == {0x00}
    # The first status byte comes one byte after chip select fell.
    assert still == pytest.approx(1e-3 / byte - 1, abs=1.0)
    slow = slave("mb85as")
    assert slow.set_clock(1e5) == 1e5
    slow.transfer(WREN)
    slow.transfer(WRITE + bytes(3) + b"data")
    assert slow.transfer(RDSR, 20).index(0x00) == pytest.approx(1e-3 * 1e5 / 8 - 1, abs=1.0)


def test_while_busy_only_the_status_answers() -> None:
    device = slave("mb85as")
    write(device, 0, b"old")
    device.transfer(WREN)
    device.transfer(WRITE + bytes(3) + b"new")
    assert read(device, 0, 3) == bytes(3)
    assert device.transfer(b"\x9f", 4) == bytes(4)
    device.transfer(b"\xb9")
    device.transfer(b"\x04")
    device.transfer(WRITE + bytes(3) + b"bad")
    assert status(device) == 0x03
    device.idle(1e-3)
    assert status(device) == 0x00
    assert read(device, 0, 3) == b"new"


def test_time_is_that_of_the_bus() -> None:
    device = slave("mb85as")
    memory = device.memory
    read(device, 0, 96)
    assert memory.time == pytest.approx(100 * 8 / device.clock)
    device.transfer(WREN)
    device.transfer(WRITE + bytes(3) + b"data")
    begun = memory.time
    device.transfer(RDSR, 99)
    assert memory.time == begun  # its own write took longer than the window
    device.idle(1.0)
    assert memory.time == pytest.approx(begun + 1.0 - 1e-3 + 100 * 8 / device.clock)
    device.pause = 0.5
    before = memory.time
    device.transfer(WREN)
    assert memory.time == pytest.approx(before + 0.5 + 8 / device.clock)
    device.pause = 0.0
    device.transfer(WRITE + bytes(3) + b"data")
    memory.time += 3600.0  # time that passes elsewhere
    assert status(device) == 0
    assert device.set_clock(1e12) == device.part.clock
    with pytest.raises(InputError, match="bad clock"):
        device.set_clock(0)


@pytest.mark.parametrize("face", names("face"))
def test_writes_wrap_within_their_page(face: str) -> None:
    device = slave(face)
    page = device.part.page
    write(device, 2 * page - 2, b"abcd")
    assert read(device, page, 3) == b"cd\0"
    assert read(device, 2 * page - 2, 3) == b"ab\0"
    long = os.urandom(page + 7)
    write(device, 4 * page + 3, long)
    expected = bytearray(page)
    for index, byte in enumerate(long):
        expected[(3 + index) % page] = byte
    assert read(device, 4 * page, page) == expected
    assert device.memory.writes == 3


def test_reading_goes_on_from_the_first_byte() -> None:
    device = slave("mb85as")
    write(device, 0, b"first")
    write(device, device.part.size - 4, b"last")
    assert read(device, device.part.size - 4, 9) == b"lastfirst"
    assert read(device, device.part.size * 3, 5) == b"first"  # bits above the size are ignored
    device.transfer(WREN)
    device.transfer(WRITE + bytes(3), 5)  # a master sends zeros while it reads
    device.idle(1.0)
    assert read(device, 0, 5) == bytes(5)
    with pytest.raises(InputError, match="bad window"):
        device.transfer(b"", -1)
    with pytest.raises(InputError, match="bad window"):
        device.transfer(b"", (1 << 24) + 1)


def test_the_hole_above_a_part_that_is_no_power_of_two() -> None:
    device = slave("mb85as", 1536 * KIB)
    write(device, 0, b"first")
    for address in (1536 * KIB, 2048 * KIB - 256):
        write(device, address, b"hole")
        assert read(device, address, 4) == bytes(4)
    assert read(device, 1536 * KIB - 1, 6) == b"\0first"
    assert device.memory.writes == 1


@pytest.mark.parametrize("face", names("face"))
def test_block_protection(face: str) -> None:
    device = slave(face)
    size, page = device.part.size, device.part.page
    for blocks, share in enumerate((0.0, 0.25, 0.5, 1.0)):
        device.transfer(WREN)
        device.transfer(WRSR + bytes([blocks << 2 | 0x73]))
        assert status(device) & 0x03 == 0x03
        device.idle(device.busy)
        assert status(device) & 0x0F == blocks << 2  # WIP and WEL cannot be written
        border = size - int(share * size)
        if share:
            write(device, size - page, bytes([0xF0 + blocks]))
            assert status(device) & 0x02  # refused: still enabled
            assert read(device, size - page, 1) != bytes([0xF0 + blocks])
        if border:
            write(device, border - page, bytes([0xF0 + blocks]))
            assert read(device, border - page, 1) == bytes([0xF0 + blocks])
        if border < size:
            write(device, border, bytes([0xF0 + blocks]))
            assert read(device, border, 1) != bytes([0xF0 + blocks])


def test_a_locked_status_register() -> None:
    device = slave("m95m02")
    device.write_protect = True
    for value, kept in ((0x8C, 0x8C), (0x00, 0x8C)):
        device.transfer(WREN)
        device.transfer(WRSR + bytes([value]))
        device.idle(1.0)
        assert status(device) & 0x8C == kept
    device.write_protect = False
    device.transfer(WREN)
    device.transfer(WRSR + b"\0")
    device.idle(1.0)
    assert status(device) == 0


def test_the_status_register_outlives_power_and_image(tmp_path: Path) -> None:
    chip = Chip(design(), seed=3)
    device = Slave(chip, "mb85as")
    write(device, chip.size - 8, b"kept")
    device.transfer(WREN)
    device.transfer(WRSR + b"\x04")
    chip.save(tmp_path / "die.img")
    again = Slave(Chip.load(tmp_path / "die.img"), "mb85as")
    assert status(again) == 0x04
    write(again, chip.size - 8, b"lost")
    assert read(again, chip.size - 8, 4) == b"kept"


def test_a_chip_protected_by_another_hand() -> None:
    device = slave("mb85as")
    device.memory.protect(0, 256)
    write(device, 0, b"x")
    assert read(device, 0, 1) == b"\0"
    assert status(device) == 0x02


@pytest.mark.parametrize("opcode", [0xB9, 0xE2])
def test_sleep_ends_at_a_pulse_of_chip_select(opcode: int) -> None:
    device = slave("mb85as")
    write(device, 0, b"x")
    device.transfer(bytes([opcode]))
    device.idle(1.0)
    device.transfer(b"")
    assert device.transfer(b"\x9f", 4) == bytes(4)  # too early
    device.idle(device.face.wake_time)
    assert read(device, 0, 1) == b"x"


@pytest.mark.parametrize("opcode", [0xB9, 0x79])
def test_power_down_ends_at_its_command(opcode: int) -> None:
    device = slave("rm25c")
    write(device, 0, b"x")
    device.transfer(bytes([opcode]))
    for sent in (b"", RDSR, READ + bytes(2)):
        assert device.transfer(sent, 2) == bytes(2)
        device.idle(1.0)
    device.transfer(b"\xab")
    assert read(device, 0, 1) == b"\0"
    device.idle(device.face.wake_time)
    assert read(device, 0, 1) == b"x"


@pytest.mark.parametrize(
    ("face", "sent", "erased"),
    [
        ("rm25c", "420190", range(0x180, 0x200)),
        ("rm25c", "60", range(65536)),
        ("sfdp", "20001800", range(0x1000, 0x2000)),
        ("sfdp", "d8001800", range(65536)),
        ("sfdp", "60", range(65536)),
        ("sfdp", "c7", range(65536)),
    ],
)
def test_erasing_sets_ff(face: str, sent: str, erased: range) -> None:
    device = slave(face)
    device.transfer(bytes.fromhex(sent))
    assert not device.memory.writes
    device.transfer(WREN)
    device.transfer(bytes.fromhex(sent) + b"\0")  # longer than the command
    assert not device.memory.writes
    device.transfer(bytes.fromhex(sent))
    assert status(device) == 0x03
    device.idle(1.0)
    content = bytearray(65536)
    content[erased.start : erased.stop] = b"\xff" * len(erased)
    assert read(device, 0, 65536) == content
    write(device, erased.start, b"\x0f")
    write(device, erased.start, b"\xf0")  # ones over zeros: no erase is needed
    assert read(device, erased.start, 1) == b"\xf0"


def test_no_part_of_a_protected_chip_is_erased() -> None:
    device = slave("sfdp")
    device.transfer(WREN)
    device.transfer(WRSR + b"\x04")
    device.idle(1.0)
    device.transfer(WREN)
    device.transfer(b"\xc7")
    assert not device.memory.writes


@pytest.mark.parametrize("size", [64 * KIB, 1024 * KIB, 1536 * KIB, 36 * KIB])
def test_the_table_of_a_part_that_describes_itself(size: int) -> None:
    device = slave("sfdp", size)
    space = device.transfer(b"\x5a\0\0\0\0", 300)
    # The dummy byte may be counted as received.
    assert device.transfer(b"\x5a\0\0\0", 9)[1:] == space[:8]
    assert device.transfer(b"\x5a\0\0\x30\0", 4) == space[0x30:0x34]
    assert space[256:] == space[:44]
    assert space[:8] == b"SFDP\0\x01\0\xff"
    assert space[8:16] == bytes([0, 0, 1, 9, 0x30, 0, 0, 0xFF])
    words = [int.from_bytes(space[k : k + 4], "little") for k in range(0x30, 0x30 + 36, 4)]
    assert words[0] & 0b11 == 0b01
    assert words[0] >> 2 & 1
    assert words[0] >> 8 & 0xFF == 0x20
    assert words[0] >> 17 & 0b11 == 0
    assert words[1] == size * 8 - 1
    types = words[7].to_bytes(4, "little") + words[8].to_bytes(4, "little")
    assert types[:2] == bytes([12, 0x20])
    assert types[2:4] == (bytes([16, 0xD8]) if size % (64 * KIB) == 0 else bytes(2))


def test_without_power_the_bus_reads_zeros() -> None:
    device = slave("mb85as")
    write(device, 0, b"\xff" * 256)
    device.transfer(WREN)
    device.memory.powered = False
    for sent in (RDSR, b"\x9f", READ + bytes(3), WREN, b""):
        assert device.transfer(sent, 4) == bytes(4)
    device.memory.power_on()
    assert status(device) == 0  # WEL is gone
    assert read(device, 0, 4) == b"\xff" * 4


def test_power_that_fails_during_a_write() -> None:
    device = slave("mb85as")
    memory = device.memory
    memory.cut_after = 3
    device.transfer(WREN)
    device.transfer(WRITE + bytes(3) + b"\xff" * 8)
    assert device.transfer(RDSR, 2) == bytes(2)
    memory.power_on()
    assert status(device) == 0
    assert read(device, 0, 4) == b"\xff\xff\xff\0"


def test_lost_words_read_as_an_undriven_bus_and_are_counted() -> None:
    device = slave("mb85as")
    for page in range(4):
        write(device, 256 * page, b"\xff" * 256)
    device.memory.lost = {3, 40, 41}
    content = bytearray(b"\xff" * 1024)
    content[24:32] = bytes(8)
    content[320:336] = bytes(16)
    assert read(device, 0, 1024) == content
    assert device.lost == 3
    assert read(device, 27, 2) == bytes(2)
    assert device.lost == 4
    # A write in part gives the word a content again, of what the bus showed.
    write(device, 26, b"ab")
    assert read(device, 24, 8) == b"\0\0ab\0\0\0\0"
    assert device.memory.lost == {40, 41}


@pytest.mark.parametrize("face", names("face"))
def test_commands_that_do_not_exist(face: str) -> None:
    device = slave(face)
    for code in set(range(256)) - set(device.face.commands):
        assert device.transfer(bytes([code]) + b"\xff" * 8, 5) == bytes(5)
        assert status(device) == 0
    assert device.transfer(b"", 5) == bytes(5)
    assert not device.memory.writes
