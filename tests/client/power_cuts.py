"""Power cuts in forked processes: a client works on a memory until the power fails under it.

Each child powers the memory on, opens the client's store, compares all of it with what was
acknowledged so far, goes on working, and dies at its cut, inside the write that was torn; so every
child checks the cut before its own, and a cut may fall into a recovery. A life is a row of cuts on
one store, closed by a child that only checks. Processes, because a client in C that loses its
device in mid-call may abort the interpreter, and because nothing of it must outlive the power.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import numpy as np

from tantala.chip.errors import PowerLost

PATIENCE = 60  # s until a child that hangs is ended and counted as a loss
EARLY = 40  # pulses in which a recovery is likely at work
NUMBERS = 100_000  # changes of one life at most, so that each life sees others
CUT, IDLE_CUT, FAILED = 17, 18, 19  # exit codes of a child


@dataclass(frozen=True)
class Cut:
    """When the power of one child fails: `pulses` after its first `changes` changes.

    Without `changes` the pulses count from its power-on, without `pulses` the chip is idle.
    """

    number: int
    pulses: int | None = None
    changes: int | None = None
    way: str = "as the chip tears"


class CutMemory(Protocol):
    """A memory whose writes raise PowerLost at the cut."""

    def read(self, address: int, length: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> object: ...


class Store(Protocol):
    """A client's open store."""

    def contents(self) -> Any:
        """All that it holds, in the form of a workload's states; raises if it is not sound."""

    def apply(self, change: Any) -> None:
        """Make one change; it is acknowledged when this returns."""


class Workload(Protocol):
    """What a client does: its states and changes are functions of their number alone."""

    start: Any

    def create(self, memory: Any) -> None:
        """Make an empty store, in the state `start`."""

    def open(self, memory: Any) -> Store: ...

    def change(self, state: Any, number: int) -> tuple[Any, Any]:
        """The change `number`, and the state after it."""

    def halfway(self, state: Any, change: Any) -> list[Any]:
        """States between `state` and the one after `change` that the client may show."""


class Medium(Protocol):
    """The memory that outlives processes."""

    def renew(self) -> CutMemory:
        """A blank memory, for a new life."""

    def powered(self) -> CutMemory:
        """In a child: the memory as the last cut left it, under power."""

    def set_cut(self, memory: CutMemory, cut: Cut) -> None:
        """Let the power of `memory` fail after `cut.pulses` from now."""

    def keep(self, memory: CutMemory) -> None:
        """In a child that dies: keep what its cut has left."""


@dataclass
class Tally:
    """What a campaign has seen."""

    cuts: int = 0
    idle_cuts: int = 0
    acknowledged: int = 0
    checks: int = 0
    landed: int = 0  # changes that were in flight at a cut and were found whole after it
    recovering: int = 0  # cuts that fell before the child had checked the one before
    lives: int = 0
    lost: list[str] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def __str__(self) -> str:
        ways = ", ".join(f"{way} {count}" for way, count in sorted(self.ways.items()))
        return (
            f"{self.cuts} cuts in writes ({self.recovering} in recoveries), {self.idle_cuts} idle; "
            f"{self.acknowledged} changes acknowledged, {self.landed} more landed; "
            f"{self.checks} checks, {len(self.lost)} losses, {self.lives} lives"
            + (f"; {ways}" if ways else "")
            + f"; {(self.cuts + self.idle_cuts) / max(self.seconds, 1e-9):.0f} cuts/s"
        )


@dataclass
class _Report:
    """What a child told before it died."""

    found: int | None  # changes beyond the acknowledged ones that the check found, or no check
    changes: int
    trouble: str
    code: int


class DyingMemory:
    """The memory of a child, which dies with the power instead of telling its client."""

    def __init__(self, memory: CutMemory, keep: Callable[[CutMemory], None]) -> None:
        self._memory = memory
        self._keep = keep

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)

    def write(self, address: int, data: bytes) -> None:
        try:
            self._memory.write(address, data)
        except PowerLost:
            self._keep(self._memory)
            os._exit(CUT)


def run_cuts(
    workload: Workload,
    medium: Medium,
    cuts: Sequence[Cut],
    *,
    life: int = 25,
    progress: Callable[[str], None] = lambda text: None,
) -> Tally:
    """Cut the power `cuts` times, `life` times on one store, and tell what was lost."""
    tally = Tally()
    began = time.monotonic()
    gc.freeze()  # children share the parent's objects without touching their pages
    for first in range(0, len(cuts), life):
        _live(workload, medium, cuts[first : first + life], tally)
        tally.lives += 1
        tally.seconds = time.monotonic() - began
        if first // 1000 != (first + life) // 1000:
            progress(str(tally))
    gc.unfreeze()
    progress(f"in all: {tally}")
    return tally


def random_cuts(count: int, pulses: int, seed: int, ways: Sequence[str]) -> list[Cut]:
    """Cuts at pulses drawn evenly below `pulses`, each of `ways` in turn.

    One in four is drawn among the first few pulses, where a client recovers from the cut before.
    """
    draw = np.random.default_rng(seed)
    below = np.where(draw.random(count) < 0.25, min(EARLY, pulses), pulses)
    at = draw.integers(0, below)
    return [Cut(n, int(at[n]), way=ways[n % len(ways)]) for n in range(count)]


def idle_cuts(count: int, changes: int, seed: int) -> list[Cut]:
    """Cuts between two changes, after 1 to `changes` of them."""
    draws = np.random.default_rng(seed).integers(1, changes, count, endpoint=True)
    return [Cut(n, changes=int(after)) for n, after in enumerate(draws)]


def early_cuts(count: int, changes: int, pulses: int, seed: int, way: str) -> list[Cut]:
    """Cuts below `pulses` of a change, after 1 to `changes` others."""
    draw = np.random.default_rng(seed)
    after = draw.integers(1, changes, count, endpoint=True)
    at = draw.integers(0, pulses, count)
    return [Cut(n, int(at[n]), int(after[n]), way) for n in range(count)]


def _live(workload: Workload, medium: Medium, cuts: Sequence[Cut], tally: Tally) -> None:
    """One life of a store; it ends early with a loss."""
    workload.create(medium.renew())
    state, number = workload.start, tally.lives * NUMBERS
    for cut in [*cuts, None]:
        report = _child(workload, medium, state, number, cut)
        if cut is not None and report.code == CUT:
            tally.cuts += 1
            tally.recovering += report.found is None
            tally.ways[cut.way] += 1
        elif cut is not None and report.code == IDLE_CUT:
            tally.idle_cuts += 1
        if report.trouble or report.code not in (CUT, IDLE_CUT):
            at = f"cut {cut.number}" if cut else "the last check of a life"
            tally.lost.append(f"{at}: {report.trouble or f'child ended by {report.code}'}")
            return
        if report.found is None:
            continue
        tally.checks += 1
        tally.landed += report.found
        tally.acknowledged += report.changes
        for _ in range(report.found + report.changes):
            _, state = workload.change(state, number)
            number += 1


def _child(workload: Workload, medium: Medium, state: Any, number: int, cut: Cut | None) -> _Report:
    """Run one child to its death and read what it told."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(workload, medium, state, number, cut, writer)
    os.close(writer)
    told = b""
    while part := os.read(reader, 65536):
        told += part
    os.close(reader)
    _, status = os.waitpid(child, 0)
    checked, _, rest = told.partition(b"\n")
    found = {b"as acknowledged": 0, b"one more": 1}.get(checked)
    trouble = "" if found is not None or not checked else checked.decode(errors="replace")
    changes = rest.count(b"+")
    if b"!" in rest:
        trouble = rest[rest.index(b"!") :].decode(errors="replace")
    return _Report(found, changes, trouble, os.waitstatus_to_exitcode(status))


def _work(
    workload: Workload, medium: Medium, state: Any, number: int, cut: Cut | None, writer: int
) -> NoReturn:
    """What a child does: check, then change and acknowledge until the power fails."""
    signal.alarm(PATIENCE)
    try:
        memory = medium.powered()
        if cut is not None and cut.changes is None:
            medium.set_cut(memory, cut)
        store = workload.open(DyingMemory(memory, medium.keep))
        change, after = workload.change(state, number)
        contents = store.contents()
        if contents == state or contents in workload.halfway(state, change):
            os.write(writer, b"as acknowledged\n")
        elif contents == after:
            os.write(writer, b"one more\n")
            state, number = after, number + 1
        else:
            os.write(writer, f"not what was acknowledged: {number} changes\n".encode())
            os._exit(FAILED)
        done = 0
        while cut is not None:
            if done == cut.changes:
                if cut.pulses is None:
                    break
                medium.set_cut(memory, cut)
            change, state = workload.change(state, number)
            store.apply(change)
            os.write(writer, b"+")
            done, number = done + 1, number + 1
        medium.keep(memory)
        os._exit(IDLE_CUT)
    except BaseException as error:
        os.write(writer, f"!{type(error).__name__}: {error}\n".encode())
        os._exit(FAILED)
