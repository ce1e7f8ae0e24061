"""The embedded face: registers, the write buffer and its commits, counted on the memory."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_chip import KIBIBIT, design
from stand_in_memories import FailingMemory, PlainMemory, PowerlessMemory, ProtectedMemory

from tantala.base.errors import InputError
from tantala.chip import Chip, PowerLost, UncorrectableError
from tantala.chip.rram_controller import BusFault, Register, RramController

SIZE = 4096
# Written out from the datasheet: WEN is bit 0, WRITEBUFSIZE bits 13:8.
UNBUFFERED, ONE_LINE, ALL_LINES = 0x0001, 0x0101, 0x2001


class Recorder(PlainMemory):
    """Keeps the addresses and lengths of writes, and lets time pass."""

    def __init__(self) -> None:
        super().__init__(SIZE)
        self.written: list[tuple[int, int]] = []

    def write(self, address: int, data: bytes) -> None:
        super().write(address, data)
        self.written.append((address, len(data)))


@pytest.fixture
def memory():
    return Recorder()


def controller_of(memory, config: int) -> RramController:
    one = RramController(memory)
    one.write_register(Register.CONFIG, config)
    return one


def empty(controller: RramController) -> bool:
    return controller.read_register(Register.BUFSTATUS_WRITEBUFEMPTY) == 1


def test_offsets_and_values_after_reset(memory):
    controller = RramController(memory)
    expected = {
        **{0x000: 0, 0x004: 0, 0x008: 0, 0x100: 0, 0x104: 0, 0x108: 0, 0x10C: 0},
        **{0x400: 1, 0x404: 1, 0x408: 0xFFFFFF, 0x418: 1, 0x420: 0xFFFFFF},
        **{0x500: 0, 0x50C: 0x80, 0x540: 0},
    }
    assert {offset: controller.read_register(offset) for offset in expected} == expected


@pytest.mark.parametrize(
    ("offset", "value", "told"),
    [
        (0x501, 0, "unknown register"),
        (0x510, 0, "unknown register"),
        (0x500, 0x2101, "0 to 32 lines"),
        (0x500, 1 << 32, "32-bit"),
        (0x500, -1, "32-bit"),
    ],
)
def test_bad_registers_and_values(memory, offset, value, told):
    with pytest.raises(InputError, match=told):
        RramController(memory).write_register(offset, value)


def test_read_only_registers_and_reserved_bits_stay(memory):
    controller = RramController(memory)
    for offset in (0x400, 0x404, 0x408, 0x418, 0x420):
        before = controller.read_register(offset)
        controller.write_register(offset, 0x5A5A)
        assert controller.read_register(offset) == before
    controller.write_register(0x500, 0xFFFF_C0FF | 0x2000)
    assert controller.read_register(0x500) == 0x2001


# Without a buffer.


@pytest.mark.parametrize(
    ("address", "length", "width", "written"),
    [
        (0, 16, 4, [(0, 4), (4, 4), (8, 4), (12, 4)]),
        (0, 16, 8, [(0, 8), (8, 8)]),
        (3, 6, 4, [(3, 1), (4, 4), (8, 1)]),
        (5, 2, 1, [(5, 1), (6, 1)]),
        (2, 2, 2, [(2, 2)]),
    ],
)
def test_without_a_buffer_each_access_is_a_write(memory, address, length, width, written):
    controller = controller_of(memory, UNBUFFERED)
    controller.store(address, bytes(range(1, length + 1)), width)
    assert memory.written == written
    assert controller.load(address, length) == bytes(range(1, length + 1))
    assert empty(controller)


def test_a_width_that_no_bus_has(memory):
    with pytest.raises(InputError, match="1, 2, 4, 8"):
        controller_of(memory, UNBUFFERED).store(0, b"abc", 3)


# The three causes of a commit, the two tasks, and the timeout.


def test_a_full_buffer_is_committed_as_one_write(memory):
    controller = controller_of(memory, ALL_LINES)
    data = bytes(i % 255 + 1 for i in range(512))
    controller.store(64, data[:-1])
    assert (memory.written, empty(controller)) == ([], False)
    controller.store(64 + 511, data[-1:], 1)
    assert (memory.written, empty(controller)) == ([(64, 512)], True)
    assert memory.content[64 : 64 + 512] == data
    assert controller.read_register(Register.EVENTS_READY) == 1


@pytest.mark.parametrize("outside", [0, 15, 64, 1000])
def test_a_store_outside_the_area_commits_what_came_before(memory, outside):
    controller = controller_of(memory, 0x0301)  # three lines
    controller.store(20, b"abcd")  # the area is 16 to 63
    controller.store(60, b"efgh")
    assert memory.written == []
    controller.store(outside, b"x", 1)
    assert memory.written == [(20, 4), (60, 4)]  # the line between was not stored, so not written
    assert not empty(controller)


def test_a_load_from_a_stored_line_commits_and_another_does_not(memory):
    controller = controller_of(memory, ALL_LINES)
    controller.store(32, b"abcd")
    for address, length in ((0, 32), (48, 100), (16, 16)):
        controller.load(address, length)
        assert memory.written == []
    assert controller.load(47, 1) == b"\0"  # another byte of the same line
    assert memory.written == [(32, 4)]
    assert empty(controller)


def test_the_tasks_commit_and_clear(memory):
    controller = controller_of(memory, ALL_LINES)
    controller.store(0, b"kept")
    controller.write_register(Register.TASKS_COMMITWRITEBUF, 0)
    assert memory.written == []
    controller.write_register(Register.TASKS_COMMITWRITEBUF, 1)
    assert memory.written == [(0, 4)]
    controller.store(0, b"gone")
    controller.write_register(Register.TASKS_CLRWRITEBUF, 1)
    assert empty(controller)
    controller.write_register(Register.TASKS_COMMITWRITEBUF, 1)
    assert controller.load(0, 4) == b"kept"
    assert memory.written == [(0, 4)]


def test_the_tail_of_an_image_is_lost_without_a_commit(memory):
    """As in a loader of early boards, which reported success (zephyr issue 117724)."""
    controller = controller_of(memory, ONE_LINE)
    image = bytes(range(100, 140))
    controller.store(0, image)
    controller.write_register(Register.CONFIG, 0)
    assert memory.written == [(0, 16), (16, 16)]
    controller.reset()
    assert controller.load(0, 40) == image[:32] + bytes(8)


def test_the_timeout_commits_when_enabled(memory):
    controller = controller_of(memory, ALL_LINES)
    controller.store(0, b"abcd")
    controller.wait(1.0)
    assert memory.written == []  # off after reset
    controller.write_register(Register.READYNEXTTIMEOUT, 1 << 31 | 128)
    controller.wait(0.99e-6)  # 128 cycles of 128 MHz are 1 us
    controller.store(4, b"efgh")
    controller.wait(0.99e-6)
    assert memory.written == []  # each store starts it anew
    controller.wait(0.02e-6)
    assert memory.written == [(0, 8)]
    assert memory.time == pytest.approx(1.0 + 2e-6)


def test_a_timeout_that_ends_elsewhere_is_seen_at_the_next_access(memory):
    controller = controller_of(memory, ALL_LINES)
    controller.write_register(Register.READYNEXTTIMEOUT, 1 << 31 | 1)
    controller.store(0, b"abcd")
    memory.wait(1.0)
    assert empty(controller)
    assert memory.written == [(0, 4)]


# Lines and their wear.


def test_many_stores_in_a_line_are_one_write(memory):
    controller = controller_of(memory, ONE_LINE)
    memory.content[0:16] = b"0123456789abcdef"
    for address in (1, 9, 5, 1):
        controller.store(address, b"X", 1)
    controller.write_register(Register.TASKS_COMMITWRITEBUF, 1)
    assert memory.written == [(1, 9)]
    assert memory.content[0:16] == b"0X234X678Xabcdef"


@pytest.mark.parametrize(("config", "writes"), [(UNBUFFERED, 64), (ONE_LINE, 16), (ALL_LINES, 16)])
def test_a_buffer_spares_the_lines_of_a_real_chip(config, writes):
    """256 bytes in words: each line is written four times without a buffer, once with one."""
    chip = Chip(design(8 * KIBIBIT, "embedded_8mb_28nm", line=128), seed=1)
    controller = controller_of(chip, config)
    data = bytes(range(256))
    controller.store(0, data)
    controller.write_register(Register.TASKS_COMMITWRITEBUF, 1)
    assert chip.statistics.wear.sum() == writes
    assert controller.load(0, 256) == data


# Errors.


def test_a_store_without_write_enable_is_refused(memory):
    controller = RramController(memory)
    with pytest.raises(BusFault, match="0x20: writes are not enabled") as fault:
        controller.store(0x20, b"abcd")
    assert fault.value.address == 0x20
    assert memory.written == []


def test_the_first_access_error_stays_until_its_event_is_cleared(memory):
    controller = controller_of(memory, UNBUFFERED)
    for address, length in ((SIZE - 2, 4), (SIZE, 1), (1 << 25, 1)):
        with pytest.raises(BusFault, match="beyond"):
            controller.load(address, length)
    assert controller.read_register(Register.EVENTS_ACCESSERROR) == 1
    assert controller.read_register(Register.ACCESSERRORADDR) == SIZE - 2
    controller.write_register(Register.EVENTS_ACCESSERROR, 0)
    assert controller.read_register(Register.ACCESSERRORADDR) == SIZE - 2
    with pytest.raises(BusFault):
        controller.store(SIZE + 4, b"abcd")
    assert controller.read_register(Register.ACCESSERRORADDR) == SIZE + 4


def test_a_protected_block_is_an_access_error():
    controller = controller_of(ProtectedMemory(SIZE), UNBUFFERED)
    with pytest.raises(BusFault, match="protected"):
        controller.store(8, b"abcd")
    assert controller.read_register(Register.ACCESSERRORADDR) == 8


def test_uncorrectable_data_are_told_with_their_address():
    controller = controller_of(FailingMemory(SIZE, fine=0), ONE_LINE)
    for address in (0x30, 0x40):
        with pytest.raises(UncorrectableError):
            controller.load(address, 4)
    assert controller.read_register(Register.ECC_ERRORADDR) == 0x30
    controller.store(0, b"abcd")
    with pytest.raises(UncorrectableError):
        controller.write_register(Register.TASKS_COMMITWRITEBUF, 1)
    assert not empty(controller)  # nothing was dropped silently


def test_the_buffer_is_lost_with_the_power():
    memory = PowerlessMemory(SIZE)
    controller = controller_of(memory, ALL_LINES)
    controller.store(0, b"abcd")
    memory.powered = False
    with pytest.raises(PowerLost):
        controller.write_register(Register.TASKS_COMMITWRITEBUF, 1)
    memory.powered = True
    assert empty(controller)
    assert controller.read_register(Register.CONFIG) == 0
    assert controller.load(0, 4) == bytes(4)


def test_erase_all_sets_every_bit_and_drops_the_buffer(memory):
    controller = controller_of(memory, ALL_LINES)
    controller.store(0, b"abcd")
    controller.write_register(Register.ERASE_ERASEALL, 1)
    assert memory.content == b"\xff" * SIZE
    assert empty(controller)
    assert controller.read_register(Register.EVENTS_READY) == 1


def test_wake_up_is_answered(memory):
    controller = RramController(memory)
    controller.write_register(Register.TASKS_WAKEUP, 1)
    assert controller.read_register(Register.EVENTS_WOKENUP) == 1


# Any order of accesses.

ACCESSES = st.lists(
    st.tuples(
        st.sampled_from(["store", "store", "load", "commit", "config"]),
        st.integers(0, 80),
        st.binary(min_size=1, max_size=40),
        st.sampled_from([0, 1, 3, 32]),
        st.sampled_from([1, 2, 4, 8]),
    ),
    min_size=8,
    max_size=40,
)


def lines_of(address: int, length: int) -> range:
    return range(address // 16, (address + length - 1) // 16 + 1)


@settings(max_examples=200, deadline=None)
@given(ACCESSES)
def test_loads_see_every_store_and_lines_are_spared(accesses):
    memory, stored = Recorder(), bytearray(SIZE)
    controller = controller_of(memory, ONE_LINE)
    accesses_of_lines = 0
    for what, address, data, lines, width in accesses:
        if what == "store":
            controller.store(address, data, width)
            stored[address : address + len(data)] = data
            accesses_of_lines += len(data)
        elif what == "load":
            assert controller.load(address, len(data)) == stored[address : address + len(data)]
        elif what == "commit":
            controller.write_register(Register.TASKS_COMMITWRITEBUF, 1)
            assert memory.content == stored
        else:
            controller.write_register(Register.CONFIG, 1 | lines << 8)
    controller.write_register(Register.TASKS_COMMITWRITEBUF, 1)
    assert memory.content == stored
    assert sum(len(lines_of(*each)) for each in memory.written) <= accesses_of_lines
