"""The kernel of a replay: requests through queues, banks and pump, one after another.

A request is cut at lines. Each bank serves its pieces in their order; a bank whose queue is full
keeps its source waiting. Words are written one after another in the whole macro, for it has one
pump, sized for the bits that are pulsed together; reads go on in the other banks meanwhile. With a
write buffer a write waits in it for a moment at which its bank and the pump have nothing to do.
In front of a serial chip is its bus, with one command at a time: while a write goes on, no other
command is taken.

Every function takes a `Model` m and the arrays `real` and `whole` of a `State`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from tantala.base.random import philox4x32, purpose, uniform_from_word
from tantala.chip.replay_state import (
    BINS,
    BUS,
    BUS_SLOT,
    CLOCKED,
    COALESCED,
    DELAY,
    EDGE,
    EDGE_WORDS,
    ENDED,
    FORWARDED,
    GAP,
    GAP_MOVES,
    GUIDES,
    HEAD,
    HELD,
    LEVELLING,
    LONGEST,
    PER_DECADE,
    PUMP,
    PUMPING,
    READ,
    READ_WORDS,
    RESET_ROUNDS,
    SET_ROUNDS,
    SHORTEST,
    SINCE,
    START,
    STORED,
    TAKEN,
    TOTAL,
    WRITE,
    WRITTEN_WORDS,
)

OPTIONS: dict[str, Any] = {"error_model": "numpy", "cache": True, "nogil": True}
_ROUNDS = np.uint32(purpose("chip.replay.rounds"))
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_ZERO, _ONE = np.uint32(0), np.uint32(1)


@njit(**OPTIONS)
def _drawn(m, real, whole, at, word):
    """Rounds of pulses from the distribution `at` and a uniform word."""
    u = uniform_from_word(word)
    first = m.cumulative + whole[m.first + at]
    found = whole[m.guide + at * GUIDES + np.int64(u * GUIDES)]
    while real[first + found] < u:
        found += 1
    return found


@njit(**OPTIONS)
def _place(m, whole, line):
    """Line of the die that holds a logical line."""
    place = whole[m.place + line]
    if m.interval == 0:
        return place
    place = (place + whole[START]) % m.lines
    return place + (place >= whole[GAP])


@njit(**OPTIONS)
def _bank(m, place):
    return place % m.banks


@njit(**OPTIONS)
def _pulsed(m, real, whole, at, one, two):
    """(s, J) of pulsing the words of the distribution `at`; `one`, `two`: random words."""
    sets = _drawn(m, real, whole, at, one)
    resets = _drawn(m, real, whole, m.tables + at, two)
    whole[SET_ROUNDS] += sets
    whole[RESET_ROUNDS] += resets
    time = sets * m.set_period + resets * m.reset_period
    return time, real[m.cells + at] + sets * m.set_energy + resets * m.reset_energy


@njit(**OPTIONS)
def _random(m, number, block):
    """Four random words for the line write of that number."""
    low, high = np.uint32(number & _LOW), np.uint32(number >> _HALF)
    return philox4x32(low, block, _ROUNDS, high, np.uint32(m.k0), np.uint32(m.k1))


@njit(**OPTIONS)
def _words(m, first, last):
    """Words of a line that hold the bytes first ... last - 1."""
    return (last + m.word - 1) // m.word - first // m.word


@njit(**OPTIONS)
def _written(m, real, whole, first, last):
    """(s, J) of writing the bytes first ... last - 1 of a line."""
    words = _words(m, first, last)
    head, tail = -first % m.word, last % m.word
    if words == 1 and (head or tail):
        head, tail = last - first, 0
    full = words - (head > 0) - (tail > 0)
    number = np.uint64(whole[STORED])
    whole[STORED] += 1
    a, b, c, d = _random(m, number, _ZERO)
    time, energy = words * m.start_time, words * m.start_energy
    if full:
        taken, joules = _pulsed(m, real, whole, full - 1, a, b)
        time, energy = time + taken, energy + joules
    if head:
        taken, joules = _pulsed(m, real, whole, m.line + head - 1, c, d)
        time, energy = time + taken, energy + joules
    if tail:
        a, b, c, d = _random(m, number, _ONE)
        taken, joules = _pulsed(m, real, whole, m.line + tail - 1, a, b)
        time, energy = time + taken, energy + joules
    whole[WRITTEN_WORDS] += words
    return time, energy


@njit(**OPTIONS)
def _edges(m, first, last, opens, closes):
    """Words that a write reads first, because it brings a part of them only; `opens`, `closes`: of
    the first, of the last.
    """
    if opens and closes and _words(m, first, last) == 1:
        return 1
    return np.int64(opens) + np.int64(closes)


@njit(**OPTIONS)
def _stored(m, real, whole, line, first, last, edges, starts, earliest):
    """Write a part of a line into the cells: when that ends. `starts`: it starts the pump."""
    place = _place(m, whole, line)
    bank = _bank(m, place)
    begin = max(earliest, real[m.free + bank], real[PUMP])
    time, energy = _written(m, real, whole, first, last)
    time += starts * m.pump_time + edges * m.read_time
    whole[EDGE_WORDS] += edges
    real[EDGE] += edges * m.read_energy
    real[WRITE] += energy + starts * m.pump_energy
    real[PUMPING] += time
    real[m.writing + bank] += time
    real[m.free + bank] = real[PUMP] = begin + time
    whole[m.wear + place] += 1
    whole[m.asked + whole[m.place + line]] += 1
    whole[SINCE] += 1
    return begin + time


@njit(**OPTIONS)
def _level(m, real, whole):
    """Move the gap as often as it is due: when the last step ends, 0 without one."""
    end = 0.0
    while m.interval > 0 and whole[SINCE] >= m.interval:
        whole[SINCE] -= m.interval
        gap = whole[GAP]
        source, target = _bank(m, (gap - 1) % (m.lines + 1)), _bank(m, gap)
        begin = max(real[PUMP], real[m.free + source])
        reading = m.line * m.read_time
        number = np.uint64(whole[STORED])
        whole[STORED] += 1
        a, b, _, _ = _random(m, number, _ZERO)
        time, energy = _pulsed(m, real, whole, m.tables - 1, a, b)
        time += m.pump_time + m.line * m.start_time
        real[LEVELLING] += energy + m.pump_energy + m.line * (m.start_energy + m.read_energy)
        real[m.free + source] = begin + reading
        end = max(begin + reading, real[m.free + target]) + time
        real[m.free + target] = real[PUMP] = end
        real[m.reading + source] += reading
        real[m.writing + target] += time
        real[PUMPING] += time
        real[ENDED] = max(real[ENDED], end)
        whole[READ_WORDS] += m.line
        whole[WRITTEN_WORDS] += m.line
        whole[GAP_MOVES] += 1
        whole[m.wear + gap] += 1
        if gap == 0:
            whole[GAP] = m.lines
            whole[START] = (whole[START] + 1) % m.lines
        else:
            whole[GAP] = gap - 1
    return end


@njit(**OPTIONS)
def _emptied(m, real, whole):
    """Write the oldest entry of the write buffer: when that ends."""
    at = whole[HEAD]
    whole[HEAD] = (at + 1) % m.buffer
    whole[HELD] -= 1
    first, last = whole[m.held_first + at], whole[m.held_last + at]
    edges = _edges(m, first, last, first % m.word != 0, last % m.word != 0)
    line, since = whole[m.held_line + at], real[m.held_since + at]
    end = _stored(m, real, whole, line, first, last, edges, 1, since)
    real[ENDED] = max(real[ENDED], end)
    _level(m, real, whole)
    return end


@njit(**OPTIONS)
def drain(m, real, whole, now):
    """Begin the buffered writes that could begin before `now`."""
    while whole[HELD] > 0:
        at = whole[HEAD]
        bank = _bank(m, _place(m, whole, whole[m.held_line + at]))
        if max(real[m.held_since + at], real[m.free + bank], real[PUMP]) >= now:
            return
        _emptied(m, real, whole)


@njit(**OPTIONS)
def _held(m, whole, line, first, last):
    """Entry of the write buffer that these bytes of a line overlap or touch, or -1."""
    for i in range(whole[HELD]):
        at = whole[HEAD] + i
        at -= m.buffer * (at >= m.buffer)
        if whole[m.held_line + at] != line:
            continue
        if first <= whole[m.held_last + at] and last >= whole[m.held_first + at]:
            return at
    return -1


@njit(**OPTIONS)
def _buffered(m, real, whole, line, first, last, now):
    """Take a part of a line into the write buffer: when there was room."""
    at = _held(m, whole, line, first, last)
    if at >= 0:
        whole[m.held_first + at] = min(first, whole[m.held_first + at])
        whole[m.held_last + at] = max(last, whole[m.held_last + at])
        whole[COALESCED] += 1
        return now
    if whole[HELD] == m.buffer:
        now = max(now, _emptied(m, real, whole))
    at = (whole[HEAD] + whole[HELD]) % m.buffer
    whole[m.held_line + at] = line
    whole[m.held_first + at], whole[m.held_last + at] = first, last
    real[m.held_since + at] = now
    whole[HELD] += 1
    return now


@njit(**OPTIONS)
def _admitted(m, real, whole, bank, now):
    """When the queue of a bank has room."""
    return max(now, real[m.done + bank * m.queue + whole[m.slot + bank]])


@njit(**OPTIONS)
def _queued(m, real, whole, bank, end):
    """Keep the place in the queue until `end`."""
    slot = whole[m.slot + bank]
    real[m.done + bank * m.queue + slot] = end
    whole[m.slot + bank] = (slot + 1) * (slot + 1 < m.queue)
    real[ENDED] = max(real[ENDED], end)


@njit(**OPTIONS)
def _read(m, real, whole, line, first, last, now):
    """(end, taken) of a read of a part of a line."""
    at = _held(m, whole, line, first, last)
    if at >= 0 and first >= whole[m.held_first + at] and last <= whole[m.held_last + at]:
        whole[FORWARDED] += 1
        return now, now
    bank = _bank(m, _place(m, whole, line))
    taken = _admitted(m, real, whole, bank, now)
    words = _words(m, first, last)
    time = words * m.read_time
    free = max(taken, real[m.free + bank]) + time
    real[m.free + bank] = free
    real[m.reading + bank] += time
    real[READ] += words * m.read_energy
    whole[READ_WORDS] += words
    # The last word's way out does not keep the bank.
    end = free - m.read_time + m.read_latency
    _queued(m, real, whole, bank, end)
    return end, taken


@njit(**OPTIONS)
def _write(m, real, whole, line, first, last, now, opens, closes):
    """(end, taken) of a write of a part of a line; with a buffer it ends when it is taken.

    `opens`, `closes`: the request begins, ends in this line; 2 if it begins or ends within a word.
    """
    if m.buffer:
        taken = _buffered(m, real, whole, line, first, last, now)
        return taken, taken
    bank = _bank(m, _place(m, whole, line))
    taken = _admitted(m, real, whole, bank, now)
    edges = _edges(m, first, last, opens == 2, closes == 2)
    end = _stored(m, real, whole, line, first, last, edges, opens > 0, taken)
    _queued(m, real, whole, bank, end)
    return end, taken


@njit(**OPTIONS)
def _request(m, real, whole, now, write, address, size):
    """(end, taken) of a request, whose lines are taken one after another."""
    bytes_of = m.word * m.line
    beyond = address + size
    opening, closing = 1 + (address % m.word != 0), 1 + (beyond % m.word != 0)
    end, at = now, address
    while at < beyond:
        line = at // bytes_of
        first = at - line * bytes_of
        last = min(bytes_of, first + beyond - at)
        if write:
            opens, closes = opening * (at == address), closing * (at + last - first == beyond)
            ended, now = _write(m, real, whole, line, first, last, now, opens, closes)
        else:
            ended, now = _read(m, real, whole, line, first, last, now)
        end = max(end, ended)
        at += last - first
    return end, now


@njit(**OPTIONS)
def _over_bus(m, real, whole, now, write, address, size):
    """(end, taken) of a request over the serial bus: of a write, one command a page.

    Cells are written once the data are in, and the chip takes no command before that has ended.
    Data of a read are put out while the words behind them are read.
    """
    slot = m.bus_done + whole[BUS_SLOT]
    taken = max(now, real[slot])
    end, at = max(taken, real[BUS]), address
    while at < address + size:
        part = address + size - at
        if write:
            part = min(part, m.bus_page - at % m.bus_page)
        clocked = (m.bus_write if write else m.bus_read) + part * m.bus_byte
        out = end + clocked
        begin = out if write else end + m.bus_read
        drain(m, real, whole, begin)
        end, _ = _request(m, real, whole, begin, write, at, part)
        if not m.buffer:
            end = max(end, _level(m, real, whole))
        end = max(end, out)
        real[CLOCKED] += clocked
        at += part
    real[BUS] = real[slot] = end
    real[ENDED] = max(real[ENDED], end)
    whole[BUS_SLOT] = (whole[BUS_SLOT] + 1) % m.queue
    return end, taken


@njit(**OPTIONS)
def _record(m, real, whole, which, latency):
    bin = 0
    if latency > 10.0**SHORTEST:
        bin = min(np.int64((np.log10(latency) - SHORTEST) * PER_DECADE) + 1, BINS - 1)
    whole[m.histogram + which * BINS + bin] += 1
    real[TOTAL + which] += latency
    real[LONGEST + which] = max(real[LONGEST + which], latency)


@njit(**OPTIONS)
def _took(m, real, whole, write, turn, taken, end):
    """Note what a request took."""
    if m.waits:
        real[DELAY] += taken - turn
    real[TAKEN] = taken
    _record(m, real, whole, np.int64(write), end - turn)


# Two kernels, because one in which the macro is asked in two places is a fifth slower.
@njit(**OPTIONS)
def run(m, real, whole, moment, write, address, size):
    """Take requests (n,) at `moment` [s] and let the state follow."""
    for i in range(len(moment)):
        turn = max(moment[i] + real[DELAY], real[TAKEN])
        drain(m, real, whole, turn)
        end, taken = _request(m, real, whole, turn, write[i], address[i], size[i])
        if not m.buffer:
            end = max(end, _level(m, real, whole))
        _took(m, real, whole, write[i], turn, taken, end)


@njit(**OPTIONS)
def run_over_bus(m, real, whole, moment, write, address, size):
    """As `run`, over the bus of a serial chip."""
    for i in range(len(moment)):
        turn = max(moment[i] + real[DELAY], real[TAKEN])
        end, taken = _over_bus(m, real, whole, turn, write[i], address[i], size[i])
        _took(m, real, whole, write[i], turn, taken, end)
