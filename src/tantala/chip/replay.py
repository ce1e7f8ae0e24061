"""Replay of a trace on a chip's timing and energy, without its cells.

The same operations as those of a `Chip`, with the service times of `Timing` in place of cells: what
a trace of millions of requests costs in time, joules and wear, in seconds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.base.quantity import to_si
from tantala.base.random import seed_words
from tantala.chip import replay_kernel as kernel
from tantala.chip.lifetime import lifetime
from tantala.chip.mapping import Scramble
from tantala.chip.placement import FOLDS, PAGE, Placement
from tantala.chip.replay_result import Replay, latencies
from tantala.chip.replay_state import (
    BINS,
    CLOCKED,
    COALESCED,
    EDGE,
    EDGE_WORDS,
    ENDED,
    FORWARDED,
    GAP,
    GAP_MOVES,
    LEVELLING,
    LONGEST,
    PUMPING,
    READ,
    READ_WORDS,
    RESET_ROUNDS,
    SET_ROUNDS,
    TAKEN,
    TOTAL,
    WRITE,
    WRITTEN_WORDS,
    Model,
    State,
)
from tantala.chip.serial_bus import DIRECT, serial_bus
from tantala.chip.service import Timing
from tantala.chip.traces import Trace

QUEUE = 32  # entries, as in the comparison of simulators in Ramulator's README.md
COUNTS = {"banks": (1, 1 << 8), "queue": (1, 1 << 16), "write_buffer": (0, 1 << 12)}
CLOCKS = (1.0, 1e12)  # Hz


@dataclass(frozen=True)
class Conditions:
    """What surrounds the memory.

    Attributes:
        clock: Hz of the trace's cycles or instructions; None for a trace in seconds or without
            moments.
        fold: what becomes of addresses beyond the chip: "refuse", "modulo" or "first_touch".
        banks: that work side by side, in which lines lie in turn; None: the design's.
        queue: requests that a bank holds before its source has to wait.
        write_buffer: lines that wait for the pump, of all banks together; 0: a write occupies its
            bank's queue until it is in the cells.
        seed: of the rounds of pulses, and of the scrambling as on a `Chip`.
        bus: whether requests to a serial chip come over its bus; False: to its macro at once.
    """

    clock: float | None = None
    fold: str = "refuse"
    banks: int | None = None
    queue: int = QUEUE
    write_buffer: int = 0
    seed: int = 0
    bus: bool = True


def conditions(trace: Trace, clock: float | str | None = None, **others: Any) -> Conditions:
    """`Conditions` that suit a trace; `clock` may be text, such as "100 MHz".

    Raises:
        InputError: a clock missing or not wanted, an unknown fold, counts below their least; all
            that is wrong together.
    """
    hertz = None if clock is None else to_si(clock, "Hz", name="clock", where=trace.name)
    used = Conditions(hertz, **others)
    problems = [*_clock_problems(trace, hertz), *_number_problems(used)]
    if used.fold not in FOLDS:
        problems.append(unknown("way to fold addresses", used.fold, FOLDS))
    raise_if(problems)
    seed_words(used.seed)
    return used


def replay(
    trace: Trace,
    timing: Timing,
    progress: Callable[[int], None] | None = None,
    **surroundings: Any,
) -> Replay:
    """The latencies, energy and wear of a trace on a design.

    Lines, scrambling and wear levelling are those of the design's `[controller]`; `service.timing`
    takes others. Time begins with the first request, or with a processor's first instruction.

    Args:
        trace: what comes; it may be larger than the memory.
        timing: of the design.
        progress: told how many requests are done, batch by batch.
        surroundings: fields of `Conditions`, as `conditions` takes them.

    Raises:
        InputError: as `conditions`; addresses beyond the chip; a face of the design that does not
            suit it; a fault in the trace's file.
    """
    used = conditions(trace, **surroundings)
    if used.banks is None:
        used = dataclasses.replace(used, banks=timing.specification.banks)
    model, state = _prepared(timing, used, waits=trace.arrival == "instructions")
    run = kernel.run_over_bus if model.bus_page else kernel.run
    place = Placement(timing.size, used.fold, trace.name)
    period = 1.0 if used.clock is None else 1.0 / used.clock
    done, fetched, start, moment = 0, 0.0, 0.0, np.zeros(1)
    sizes: list[int] = []
    for batch in filter(len, trace):
        if not done and trace.arrival != "instructions":
            start = float(batch.moment[0])
        moment = 0.0 * batch.moment if trace.arrival == "none" else (batch.moment - start) * period
        address = place(batch.address, batch.size)
        run(model, state.real, state.whole, moment, batch.write, address, batch.size)
        done += len(batch)
        sizes = [min([*sizes, int(batch.size.min())]), max([*sizes, int(batch.size.max())])]
        fetched += float(batch.size[~batch.write].sum())
        if progress is not None:
            progress(done)
    if not done:
        raise InputError(Problem("a trace without requests", trace.name))
    lateness = float(state.real[TAKEN] - moment[-1])
    kernel.drain(model, state.real, state.whole, np.inf)
    return _outcome(trace, timing, used, state, lateness, (sizes[0], sizes[1]), fetched)


def _clock_problems(trace: Trace, clock: float | None) -> list[Problem]:
    counted = trace.arrival in ("cycles", "instructions")
    if counted and clock is None:
        what = f"the trace counts {trace.arrival}; it needs a clock"
        return [Problem(what, trace.name, hint="a clock such as '100 MHz'")]
    if not counted and clock is not None:
        has = "moments in s" if trace.arrival == "s" else "no moments"
        what = f"the trace has {has}; it takes no clock"
        return [Problem(what, trace.name, f"{clock:g} Hz", hint="no clock")]
    low, high = CLOCKS
    if clock is not None and not low <= clock <= high:
        return [Problem("bad clock", "", f"{clock:g} Hz", f"{low:g} to {high:g} Hz")]
    return []


def _number_problems(used: Conditions) -> list[Problem]:
    problems = []
    for name, (least, most) in COUNTS.items():
        value = getattr(used, name)
        if name == "banks" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            allowed = f"a whole number, {least} to {most}"
            problems.append(Problem(f"bad number: {name}", got=repr(value), allowed=allowed))
    return problems


def _prepared(timing: Timing, used: Conditions, waits: bool) -> tuple[Model, State]:
    """What the kernel works on, before the first request."""
    spec, controller = timing.specification, timing.design.controller
    banks, buffer = used.banks or 1, used.write_buffer
    lines = timing.lines + timing.levels
    place = np.arange(timing.lines)
    if controller.scramble:
        place = Scramble(timing.lines, used.seed)(place)
    up, down = timing.set, timing.reset
    state = State(
        free=np.zeros(banks),
        reading=np.zeros(banks),
        writing=np.zeros(banks),
        done=np.zeros((banks, used.queue)),
        bus_done=np.zeros(used.queue),
        held_since=np.zeros(buffer),
        cumulative=np.concatenate([up.cumulative, down.cumulative]),
        cells=timing.cells,
        slot=np.zeros(banks, np.int64),
        place=place,
        wear=np.zeros(lines, np.int64),
        asked=np.zeros(timing.lines, np.int64),
        held_line=np.zeros(buffer, np.int64),
        held_first=np.zeros(buffer, np.int64),
        held_last=np.zeros(buffer, np.int64),
        first=np.concatenate([up.first, down.first + len(up.cumulative)]),
        guide=np.concatenate([up.guide, down.guide]),
        histogram=np.zeros((2, BINS), np.int64),
    )
    state.whole[GAP] = timing.lines
    k0, k1 = seed_words(used.seed)
    bus = serial_bus(timing.design) if used.bus else DIRECT
    model = Model(
        word=timing.word,
        line=timing.line,
        lines=timing.lines,
        banks=banks,
        queue=used.queue,
        buffer=buffer,
        interval=controller.gap_interval if timing.levels else 0,
        waits=waits,
        read_time=spec.read_time,
        read_latency=spec.read_latency,
        read_energy=spec.read_energy,
        start_time=spec.start_time,
        start_energy=spec.start_energy,
        pump_time=spec.pump_time,
        pump_energy=spec.pump_energy,
        set_period=spec.set.period,
        reset_period=spec.reset.period,
        set_energy=spec.set.pulse_energy,
        reset_energy=spec.reset.pulse_energy,
        tables=len(timing.cells),
        k0=k0,
        k1=k1,
        bus_page=bus.page,
        bus_read=bus.read,
        bus_write=bus.write,
        bus_byte=bus.byte,
        **state.offsets,
    )
    return model, state


def _outcome(
    trace: Trace,
    timing: Timing,
    used: Conditions,
    state: State,
    lateness: float,
    sizes: tuple[int, int],
    fetched: float,
) -> Replay:
    """`sizes`: bytes of the smallest and the largest request; `fetched`: of all reads together."""
    spec, design, real, whole, parts = (
        timing.specification,
        timing.design,
        state.real,
        state.whole,
        state.parts,
    )
    duration = float(real[ENDED])
    writing = float(real[PUMPING]) - int(whole[EDGE_WORDS]) * spec.read_time
    reads, writes = (
        latencies(parts["histogram"][k], float(real[TOTAL + k]), float(real[LONGEST + k]))
        for k in (0, 1)
    )
    keys = ("line", "scramble", "wear_levelling", "gap_interval")
    controller = {key: getattr(design.controller, key) for key in keys}
    return Replay(
        trace=trace.name,
        format=trace.format,
        sizes=sizes,
        design=design.name,
        parameters={"changed": timing.changed, **asdict(used), **controller},
        assumptions=_assumptions(trace, timing, used, duration),
        reads=reads,
        writes=writes,
        duration=duration,
        lateness=lateness,
        read_words=int(whole[READ_WORDS]),
        written_words=int(whole[WRITTEN_WORDS]),
        edge_words=int(whole[EDGE_WORDS]),
        set_rounds=int(whole[SET_ROUNDS]),
        reset_rounds=int(whole[RESET_ROUNDS]),
        gap_moves=int(whole[GAP_MOVES]),
        forwarded=int(whole[FORWARDED]),
        coalesced=int(whole[COALESCED]),
        energy={
            "reads": float(real[READ]),
            "writes": float(real[WRITE]),
            "reads before partial writes": float(real[EDGE]),
            "wear levelling": float(real[LEVELLING]),
            "interface": 8.0 * fetched * spec.transfer_energy + writing * spec.program_power,
            "standby": spec.standby_power * duration,
        },
        wear=parts["wear"],
        written=parts["asked"],
        reading=parts["reading"] / duration,
        writing=parts["writing"] / duration,
        pump=float(real[PUMPING]) / duration,
        bus=float(real[CLOCKED]),
        lifetime=lifetime(
            parts["asked"], duration, design.requirements.endurance, design.controller.gap_interval
        ),
    )


def _about_the_bus(counted: bool) -> str:
    if not counted:
        return "the serial bus is left out: requests reach the macro of this serial chip at once"
    return (
        "one command at a time on the serial bus; its master sends the next one as soon as the "
        "chip takes it, and needs no polls to know when a write has ended"
    )


def _assumptions(
    trace: Trace, timing: Timing, used: Conditions, duration: float
) -> tuple[str, ...]:
    """What the outcome rests on beside the design."""
    design = timing.design
    said = [
        f"a trace tells no data: {timing.changed:.0%} of the data bits of each write change, half "
        "of them in each direction; check bits follow from the code",
        "cells are new: the pulses that they need do not grow with wear",
        "one write at a time in the whole macro, whose pump is sized for it",
    ]
    if trace.arrival == "instructions":
        said.append(
            "the processor executes one instruction a cycle and waits while a queue is full"
        )
    if trace.arrival == "none":
        said.append("requests come as soon as the queues take them")
    if used.fold == "modulo":
        said.append("addresses are taken modulo the size of the chip, so lines may share a place")
    if used.fold == "first_touch":
        said.append(f"each page of {PAGE} bytes has the next free place at its first touch")
    if timing.levels:
        said.append("half of the bits of a line change when wear levelling copies it onto another")
    if design.interface is not None:
        said.append(_about_the_bus(used.bus))
    said.append(
        f"lifetime: the trace comes again at once, every {duration:.3g} s, and a line bears "
        f"{design.requirements.endurance:,} writes, the endurance that the design requires"
    )
    return tuple(said)
