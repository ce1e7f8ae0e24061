"""The write cache of the block face: what a power cut may take, and what it may not."""

from __future__ import annotations

import numpy as np
import pytest
from nbd_client import EIO, EPERM, FLUSH, FUA, TRIM, WRITE_ZEROES, connected, serving
from small_chip import design
from stand_in_memories import PlainMemory, PowerlessMemory

from tantala.base.errors import InputError
from tantala.chip import Chip
from tantala.chip.errors import PowerLost, ProtectedError
from tantala.chip.nbd import cache as cached
from tantala.chip.nbd.cache import BLOCK, WriteCache

SIZE = 1 << 16
ROUNDS = 60


class FeigningCache(WriteCache):
    """Control: acknowledges a flush and writes nothing."""

    def flush(self) -> None:
        self._notice_power()


class FeigningAccess(WriteCache):
    """Control: acknowledges forced unit access and keeps the data to itself."""

    def write(self, address: int, data: bytes, through: bool = False) -> None:
        super().write(address, data)


class Stale(WriteCache):
    """Control: reads past the cache."""

    def read(self, address: int, length: int) -> bytes:
        return self._memory.read(address, length)


class Restarting(PlainMemory):
    """Loses nothing itself; its power can be cut."""

    powered, power_cycles = True, 0

    def cut(self) -> None:
        self.power_cycles += 1


def judge(kind: type[WriteCache], seed: int) -> tuple[int, int, int]:
    """Random requests and cuts: (wrong reads, safe bytes lost, unsafe bytes lost).

    After a cut a byte is what was last made safe, or any of the values acknowledged since.
    """
    rng = np.random.default_rng(seed)
    memory = Restarting(SIZE)
    cache = kind(memory, 4 * BLOCK)
    now, safe = bytearray(SIZE), bytearray(SIZE)
    later: list[tuple[int, bytes]] = []
    wrong = lost_safe = lost = 0
    for _ in range(ROUNDS):
        for _ in range(int(rng.integers(1, 8))):
            address = int(rng.integers(SIZE - 1))
            data = rng.bytes(int(rng.integers(1, min(9000, SIZE - address) + 1)))
            through = bool(rng.random() < 0.2)
            cache.write(address, data, through)
            now[address : address + len(data)] = data
            later.append((address, data))
            if through:
                safe[address : address + len(data)] = data
                # An older unsafe write of these bytes can no longer win.
                later.append((address, data))
            first = int(rng.integers(SIZE - 5000))
            wrong += cache.read(first, 5000) != bytes(now[first : first + 5000])
        if rng.random() < 0.5:
            cache.flush()
            safe[:], later = now, []
        memory.cut()
        kept = np.frombuffer(cache.read(0, SIZE), np.uint8)
        allowed = kept == np.frombuffer(bytes(safe), np.uint8)
        for address, data in later:
            part = slice(address, address + len(data))
            allowed[part] |= kept[part] == np.frombuffer(data, np.uint8)
        lost_safe += int((~allowed).sum())
        lost += int((kept != np.frombuffer(bytes(now), np.uint8)).sum())
        now[:] = kept.tobytes()
        safe[:], later = now, []
    return wrong, lost_safe, lost


def test_cuts_take_only_what_was_not_flushed():
    wrong, lost_safe, lost = np.sum([judge(WriteCache, seed) for seed in range(4)], axis=0)
    assert (wrong, lost_safe) == (0, 0)
    assert lost > 0  # the cache is volatile: a judge that never sees a loss tells nothing


@pytest.mark.parametrize("kind", [FeigningCache, FeigningAccess])
def test_a_cache_that_only_acknowledges_is_caught(kind):
    assert judge(kind, 1)[1] > 0


def test_a_cache_that_reads_past_itself_is_caught():
    assert judge(Stale, 1)[0] > 0


def test_writes_are_held_joined_and_written_back_once():
    memory = PlainMemory(SIZE)
    cache = WriteCache(memory, 2 * BLOCK)
    for at in range(0, 2 * BLOCK, 64):
        cache.write(at, b"\x5a" * 64)
    assert (memory.writes, memory.reads, cache.dirty) == (0, 0, 2 * BLOCK)
    assert cache.read(100, 200) == b"\x5a" * 200
    assert memory.reads == 0
    cache.write(3 * BLOCK, b"x")  # no room: the oldest goes
    assert (memory.writes, cache.dirty) == (1, BLOCK + 1)
    cache.flush()
    assert (memory.writes, cache.dirty) == (3, 0)
    cache.flush()
    assert memory.writes == 3


def test_only_written_bytes_reach_the_memory():
    memory = PlainMemory(SIZE)
    cache = WriteCache(memory, BLOCK)
    cache.write(10, b"ab")
    cache.write(20, b"cd")
    memory.content[15] = 7
    assert cache.read(8, 16) == bytes(2) + b"ab" + bytes(3) + b"\7" + bytes(4) + b"cd" + bytes(2)
    cache.flush()
    assert (memory.writes, memory.content[15]) == (2, 7)


def test_without_a_cache_every_write_goes_through():
    memory = PlainMemory(SIZE)
    cache = WriteCache(memory)
    cache.write(0, b"now")
    assert (memory.writes, cache.dirty) == (1, 0)


@pytest.mark.parametrize("limit", [-1, cached.LARGEST + 1])
def test_sizes_that_are_none(limit):
    with pytest.raises(InputError, match="size of a write cache"):
        WriteCache(PlainMemory(SIZE), limit)


def test_a_chip_cut_in_the_write_back():
    chip = Chip(design(), seed=3)
    cache = WriteCache(chip, chip.size)
    cache.write(0, b"\xa5" * 64)
    cache.flush()
    cache.write(256, bytes(range(64)))
    chip.cut_power_after(3)
    with pytest.raises(PowerLost):
        cache.flush()
    assert (cache.dirty, cache.losses) == (0, 1)
    with pytest.raises(PowerLost):
        cache.write(0, b"off")
    chip.power_on()
    assert cache.read(0, 64) == b"\xa5" * 64


def test_protected_blocks_refuse_at_once():
    chip = Chip(design(), seed=3)
    cache = WriteCache(chip, chip.size)
    chip.protect(0, 64)
    with pytest.raises(ProtectedError):
        cache.write(32, b"no")
    assert cache.dirty == 0


def test_a_client_is_told_once_of_data_that_were_lost(monkeypatch):
    monkeypatch.setattr("tantala.chip.nbd.server.TICK", 3600.0)
    memory = PowerlessMemory(SIZE)
    with serving(memory, cache=SIZE) as served, connected(served) as one, connected(served) as two:
        assert one.write(0, b"gone") == 0
        assert two.write(100, b"kept", flags=FUA) == 0
        memory.powered = False
        assert one.write(0, b"off") == EIO
        memory.powered = True
        assert [one.other(FLUSH), one.other(FLUSH)] == [EIO, 0]
        assert [two.other(FLUSH), two.other(FLUSH)] == [EIO, 0]
        assert one.read(0, 4) == (0, bytes(4))
        assert one.read(100, 4) == (0, b"kept")
    assert memory.content[100:104] == b"kept"


def test_trim_keeps_and_zeroes_are_written():
    memory = PlainMemory(SIZE)
    with serving(memory, cache=SIZE) as served, connected(served) as one:
        assert one.write(0, b"\xff" * 100) == 0
        assert one.other(TRIM, 0, 100) == 0
        assert one.read(0, 100) == (0, b"\xff" * 100)
        assert one.other(WRITE_ZEROES, 10, 20) == 0
        assert one.read(0, 40) == (0, b"\xff" * 10 + bytes(20) + b"\xff" * 10)
        assert one.other(FLUSH) == 0
        assert memory.content[:40] == b"\xff" * 10 + bytes(20) + b"\xff" * 10


def test_what_a_client_leaves_behind_is_written_back(monkeypatch):
    monkeypatch.setattr("tantala.chip.nbd.server.TICK", 3600.0)
    memory = PlainMemory(SIZE)
    with serving(memory, cache=SIZE) as served:
        with connected(served) as one:
            assert one.write(5, b"left") == 0
            assert memory.writes == 0
        assert served.settled()
        assert memory.content[5:9] == b"left"


def test_idle_time_is_used_to_write_back():
    memory = PlainMemory(SIZE)
    with serving(memory, cache=SIZE) as served, connected(served) as one:
        assert one.write(5, b"idle") == 0
        for _ in range(1000):
            if memory.writes:
                break
            served.count()
    assert memory.content[5:9] == b"idle"


def test_a_protected_write_is_told():
    chip = Chip(design(), seed=3)
    chip.protect(0, 64)
    with serving(chip, cache=BLOCK) as served, connected(served) as one:
        assert one.write(0, b"no") == EPERM
