"""A replayed trace on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tantala.base.quantity import format_si
from tantala.chip.replay_result import SHOWN

if TYPE_CHECKING:
    from tantala.chip.replay_result import Latencies, Replay


def replay_summary(found: Replay) -> RenderableType:
    """Everything of a replay that a reader wants first, as a rich renderable."""
    parts: list[RenderableType] = [
        Text(f"{found.trace} on {found.design}", style="bold"),
        _facts(found),
        Text("\nLatency", style="bold"),
        _latencies(found),
        Text("\nEnergy", style="bold"),
        _energy(found),
        Text("\nAssumptions", style="bold"),
        *(Text(f"  {sentence}", style="yellow") for sentence in found.assumptions),
    ]
    return Group(*parts)


def _plain_table(*titles: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for number, title in enumerate(titles):
        table.add_column(title, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _facts(found: Replay) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    late = format_si(found.lateness, "s", 3) if found.lateness > 0.0 else "never"
    rows = [
        *_format(found),
        ("requests", f"{found.reads.count:,} reads, {found.writes.count:,} writes; {_size(found)}"),
        ("time", f"{format_si(found.duration, 's')}; behind the trace at its end: {late}"),
        ("words", f"{found.read_words:,} read, {found.written_words:,} written"),
        *_buffer(found),
        ("banks", f"reading {found.reading.mean():.2%}, writing {found.writing.mean():.2%}"),
        ("a write going on", f"{found.pump:.1%} of the time"),
        *_bus(found),
        ("wear", _wear(found)),
        *_lifetime(found),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _format(found: Replay) -> list[tuple[str, str]]:
    return [("format", found.format)] if found.format else []


def _size(found: Replay) -> str:
    smallest, largest = found.sizes
    return (
        f"{smallest:,} bytes each" if smallest == largest else f"{smallest:,} to {largest:,} bytes"
    )


def _buffer(found: Replay) -> list[tuple[str, str]]:
    if not found.parameters["write_buffer"]:
        return []
    text = f"{found.coalesced:,} writes joined, {found.forwarded:,} reads answered"
    return [("write buffer", text)]


def _bus(found: Replay) -> list[tuple[str, str]]:
    if not found.bus:
        return []
    return [("serial bus", f"clocked {found.bus / found.duration:.1%} of the time")]


def _wear(found: Replay) -> str:
    hottest, lines = int(found.wear.argmax()), len(found.wear)
    text = f"line {hottest} of {lines:,} written {found.wear[hottest]:,} times"
    text += f", {found.wear.mean():.4g} on average"
    return text + (f"; {found.gap_moves:,} lines moved" if found.gap_moves else "")


def _lifetime(found: Replay) -> list[tuple[str, str]]:
    life = found.lifetime
    if life is None:
        return [("lifetime", "without end: nothing is written")]
    levelled = format_si(life.levelled, "s", 3)
    return [
        ("lifetime", f"{format_si(life.unlevelled, 's', 3)} without wear levelling"),
        ("", f"{levelled} with Start-Gap at a step in {life.gap_interval} line writes"),
        ("", f"{format_si(life.even, 's', 3)} if every line were written alike"),
    ]


def _latencies(found: Replay) -> Table:
    table = _plain_table("", "mean", *(f"{percent:g} %" for percent in SHOWN), "longest")
    for name, of in (("reads", found.reads), ("writes", found.writes)):
        if of.count:
            table.add_row(name, *_latency(of))
    return table


def _latency(of: Latencies) -> list[str]:
    values = [of.mean, *(of.percentile(percent) for percent in SHOWN), of.longest]
    return [format_si(value, "s", 3) for value in values]


def _energy(found: Replay) -> Table:
    table = _plain_table("", "energy", "share")
    total = found.total_energy
    for name, joules in found.energy.items():
        if joules:
            table.add_row(name, format_si(joules, "J", 4), f"{joules / total:.1%}")
    table.add_row("total", format_si(total, "J", 4), "")
    return table
