"""Devices of blocks and bytes: what they store, refuse, and answer to C."""

from __future__ import annotations

import contextlib
import errno
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from littlefs import LittleFS
from small_chip import design
from tearing import TearingMemory

from tantala.base.errors import InputError
from tantala.chip import Chip, PowerLost, ProtectedError, UncorrectableError
from tantala.chip.block_device import BlockDevice, ByteDevice
from tantala.chip.callbacks import BlockCallbacks, ByteCallbacks, LittlefsContext, error_code

SIZE = 4096


def torn(memory: TearingMemory, address: int) -> None:
    """Make the code word at `address` uncorrectable by a cut."""
    memory.tear_by("uncorrectable", 0)
    memory.cut_power_after(0)
    with pytest.raises(PowerLost):
        memory.write(address, b"\x5a" * memory.word_bytes)
    memory.power_on()


def test_blocks_lie_side_by_side_on_the_memory() -> None:
    memory = TearingMemory(SIZE)
    device = BlockDevice(memory, 512, base=512, program_size=16)
    assert device.block_count == 7
    device.program(2, 32, b"0123456789abcdef")
    assert device.read(2, 32, 16) == b"0123456789abcdef"
    assert memory.read(512 + 2 * 512 + 32, 16) == b"0123456789abcdef"
    device.sync()


@pytest.mark.parametrize(
    ("on_erase", "left"), [("keep", b"0123456789abcdef"), ("fill", b"\xff" * 16)]
)
def test_erase_keeps_or_fills(on_erase: Any, left: bytes) -> None:
    device = BlockDevice(TearingMemory(SIZE), 512, program_size=16, on_erase=on_erase)
    device.program(1, 0, b"0123456789abcdef")
    device.erase(1)
    assert device.read(1, 0, 16) == left


def test_an_erased_block_can_be_read_whatever_a_cut_has_left() -> None:
    memory = TearingMemory(SIZE, code_word=16)
    device = BlockDevice(memory, 512)
    torn(memory, 512 + 64)
    with pytest.raises(UncorrectableError):
        device.read(1, 0, 512)
    data, bad = device.salvage(1, 32, 64)
    assert bad == [64]
    assert data == bytes(32) + b"\xff" * 16 + bytes(16)
    device.erase(1)
    assert device.read(1, 0, 512) == b"\xff" * 512


def test_the_unit_of_a_program_is_the_code_word_of_the_chip() -> None:
    chip = Chip(design(), seed=1)
    device = BlockDevice(chip, 512)
    assert device.program_size == chip.word_bytes
    device.program(3, 8, b"unit of 8 bytes.")
    assert device.read(3, 8, 16) == b"unit of 8 bytes."


@pytest.mark.parametrize(
    ("settings_of", "message"),
    [
        ({"block_size": 0}, "have a size"),
        ({"block_size": 512, "program_size": 3}, "whole programs"),
        ({"block_size": 512, "block_count": 9}, "do not fit"),
        ({"block_size": 512, "base": SIZE}, "do not fit"),
        ({"block_size": 8192}, "do not fit"),
        ({"block_size": 512, "on_erase": "none"}, "way to erase"),
    ],
)
def test_a_geometry_that_does_not_fit_is_refused(settings_of: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        BlockDevice(TearingMemory(SIZE), **settings_of)


class Silent:
    """A memory that does not tell its code word."""

    size = SIZE


def test_a_memory_that_does_not_tell_its_code_word_is_refused() -> None:
    with pytest.raises(InputError, match="code word"):
        ByteDevice(Silent())
    with pytest.raises(InputError, match="code word"):
        BlockDevice(Silent(), 512)


@pytest.mark.parametrize(
    "access",
    [(8, 0, 16), (-1, 0, 16), (0, 512, 16), (0, -16, 16), (0, 500, 16), (0, 8, 16), (0, 0, 8)],
)
def test_programs_outside_or_off_the_grid_are_refused(access: tuple[int, int, int]) -> None:
    device = BlockDevice(TearingMemory(SIZE), 512, program_size=16)
    block, offset, length = access
    with pytest.raises(InputError):
        device.program(block, offset, bytes(length))
    assert BlockCallbacks(device).program(block, offset, bytes(length)) == -errno.EINVAL


def test_callbacks_answer_with_numbers() -> None:
    memory = TearingMemory(SIZE, code_word=16)
    calls = BlockCallbacks(BlockDevice(memory, 512))
    assert calls.program(0, 0, bytes(16)) == 0
    assert calls.read(0, 0, 4) == bytes(4)
    assert calls.erase(0) == calls.sync() == 0
    torn(memory, 0)
    assert calls.read(0, 0, 4) == -errno.EILSEQ
    memory.cut_power_after(0)
    assert calls.program(0, 16, b"\x01" * 16) == -errno.EIO
    assert calls.read(0, 16, 4) == -errno.EIO
    with pytest.raises(UncorrectableError):  # the first of all
        calls.raise_failure()
    calls.raise_failure()


def test_numbers_of_errors() -> None:
    assert error_code(ProtectedError(0)) == -errno.EROFS
    assert error_code(RuntimeError("of nobody's")) == -errno.EIO


def test_byte_callbacks_answer_with_numbers() -> None:
    memory = TearingMemory(SIZE, code_word=16)
    calls = ByteCallbacks(ByteDevice(memory))
    assert calls.size() == SIZE
    assert calls.write(3, b"abc") == calls.sync() == 0
    assert calls.read(2, 5) == b"\x00abc\x00"
    assert calls.read(SIZE - 1, 2) == -errno.EINVAL
    torn(memory, 0)
    assert calls.write(3, b"abc") == -errno.EILSEQ
    assert calls.heal(0, SIZE) == 1
    assert calls.write(3, b"abc") == 0


def test_littlefs_gets_sound_bytes_around_a_torn_unit_and_the_failure_is_kept() -> None:
    memory = TearingMemory(SIZE, code_word=16)
    context = LittlefsContext(BlockDevice(memory, 512))
    context.prog(None, 1, 0, b"0123456789abcdef")
    torn(memory, 512 + 16)
    assert context.read(None, 1, 0, 32) == b"0123456789abcdef" + b"\xff" * 16
    with pytest.raises(UncorrectableError) as failure:
        context.raise_failure()
    assert failure.value.address == 512 + 16
    context.raise_failure()
    memory.powered = False
    assert context.read(None, 1, 0, 16) == b"\xff" * 16
    assert context.prog(None, 1, 0, bytes(16)) == context.erase(None, 1) == -errno.EIO
    assert context.sync(None) == -errno.EIO
    with pytest.raises(PowerLost):
        context.raise_failure()


def test_littlefs_on_a_chip() -> None:
    context = LittlefsContext(BlockDevice(Chip(design(), seed=2), 512))
    system = LittleFS(context=context, **context.geometry)
    with system.open("hello.txt", "w") as file:
        file.write("hello")
    system.unmount()
    again = LittleFS(context=context, mount=False, **context.geometry)
    again.mount()
    with again.open("hello.txt", "r") as file:
        assert file.read() == "hello"
    context.raise_failure()


def test_the_cache_holds_writes_until_sync_and_reads_see_them() -> None:
    memory = TearingMemory(SIZE)
    device = ByteDevice(memory, cache=1024)
    device.write(250, b"over two lines")
    assert device.unsynced == 14
    assert memory.read(250, 14) == bytes(14)
    assert device.read(248, 18) == b"\x00\x00over two lines\x00\x00"
    device.sync()
    assert device.unsynced == 0
    assert memory.read(250, 14) == b"over two lines"


def test_a_full_cache_drains_its_oldest_line() -> None:
    memory = TearingMemory(SIZE)
    device = ByteDevice(memory, cache=512)
    for line in (3, 1, 2):
        device.write(256 * line, b"x")
    assert memory.read(256 * 3, 1) == b"x"
    assert device.unsynced == 2


def test_the_cache_is_lost_with_the_power() -> None:
    memory = TearingMemory(SIZE)
    device = ByteDevice(memory, cache=1024)
    device.write(0, b"lost")
    memory.powered = False
    with pytest.raises(PowerLost):
        device.sync()
    with pytest.raises(PowerLost):  # nothing is left to write, and nothing was kept either
        device.sync()
    memory.power_on()
    device.sync()
    assert device.read(0, 4) == bytes(4)


def test_a_power_cycle_that_no_call_has_met_loses_the_cache_too() -> None:
    chip = Chip(design(), seed=4)
    device = ByteDevice(chip, cache=1024)
    device.write(0, b"kept")
    device.sync()
    device.write(0, b"lost")
    chip.power_off()
    chip.power_on()
    with pytest.raises(PowerLost):
        device.sync()
    device.sync()
    assert device.read(0, 4) == b"kept"


def test_without_power_no_sync_is_acknowledged() -> None:
    memory = TearingMemory(SIZE)
    device = BlockDevice(memory, 512)
    device.sync()
    memory.powered = False
    with pytest.raises(PowerLost):
        device.sync()
    assert BlockCallbacks(device).sync() == -errno.EIO


@pytest.mark.parametrize(
    "settings_of",
    [{"base": -4}, {"base": 4, "size": SIZE}, {"base": 2}, {"cache": -1}, {"code_word": 0}],
)
def test_a_byte_device_that_does_not_fit_is_refused(settings_of: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        ByteDevice(TearingMemory(SIZE), **settings_of)


ACCESS = st.tuples(
    st.sampled_from(["read", "write", "sync", "cut"]),
    st.integers(0, 1100),
    st.binary(min_size=1, max_size=600),
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([0, 256, 700, 4096]), st.sampled_from([1, 4, 16]), st.lists(ACCESS, max_size=40)
)
def test_a_byte_device_is_a_byte_array_and_sync_is_a_barrier(
    cache: int, code_word: int, accesses: list[tuple[str, int, bytes]]
) -> None:
    size = 1700
    memory = TearingMemory(4096, code_word=16)
    device = ByteDevice(memory, base=64, size=size, cache=cache, code_word=code_word)
    content, synced = bytearray(size), bytearray(size)
    for kind, at, data in accesses:
        if kind == "read":
            assert device.read(at, len(data)) == content[at : at + len(data)]
        elif kind == "write":
            device.write(at, data)
            content[at : at + len(data)] = data
        elif kind == "sync":
            device.sync()
            synced[:] = content
            assert memory.read(64, size) == content
        else:
            memory.powered = False
            with contextlib.suppress(PowerLost):
                device.read(0, size)
            memory.power_on()
            # Each byte is as synced or as written since, never anything else.
            now = device.read(0, size)
            assert all(
                byte in (old, new) for byte, old, new in zip(now, synced, content, strict=True)
            )
            content[:], synced[:] = now, now
    device.sync()
    assert memory.read(64, size) == content
    assert memory.read(0, 64) == bytes(64)
    assert memory.read(64 + size, 100) == bytes(100)
