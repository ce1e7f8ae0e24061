"""`tantala replay TRACE DESIGN`: latency, energy, wear and lifetime of a trace on a design."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tantala.chip.replay_result import Replay

_WIDTH = 110  # columns where there is no terminal


def replay(
    trace: Annotated[Path, typer.Argument(help="The trace: text, or gzip with a name in .gz.")],
    design: Annotated[str, typer.Argument(help="A design: library name or .toml path.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="csv, nvmain, ramulator-cpu, -memory or -loadstore. Default: as it looks."
        ),
    ] = None,
    clock: Annotated[
        str | None, typer.Option(help="Clock of the trace's cycles or instructions, '100 MHz'.")
    ] = None,
    fold: Annotated[
        str, typer.Option(help="Addresses beyond the chip: refuse, modulo or first_touch.")
    ] = "refuse",
    changed: Annotated[
        str | None, typer.Option(help="Share of a write's bits that change. Default: the design's.")
    ] = None,
    banks: Annotated[int | None, typer.Option(help="Banks. Default: the design's.")] = None,
    queue: Annotated[int, typer.Option(help="Requests that a bank's queue holds.")] = 32,
    write_buffer: Annotated[int, typer.Option(help="Lines that the write buffer holds.")] = 0,
    bus: Annotated[
        bool, typer.Option("--bus/--no-bus", help="Requests to a serial chip come over its bus.")
    ] = True,
    line: Annotated[
        str | None, typer.Option(help="Line of wear levelling, '1024 bit'. Default: the design's.")
    ] = None,
    scramble: Annotated[
        bool | None, typer.Option("--scramble/--no-scramble", help="Default: the design's.")
    ] = None,
    wear_levelling: Annotated[
        str | None, typer.Option(help="none or start_gap. Default: the design's.")
    ] = None,
    gap_interval: Annotated[
        int | None, typer.Option(help="Line writes for a step of Start-Gap. Default: the design's.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of pulses and scrambling.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.svg", help="Plot of latencies and wear map."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Replay a trace on a design's timing and energy: latencies, joules, wear, lifetime.

    Examples:

      tantala replay accesses.csv spi_8mb

      tantala replay 403.gcc.gz embedded_8mb_28nm --clock "100 MHz" --fold modulo -o gcc.svg

      tantala replay log.csv spi_8mb --wear-levelling start_gap --changed "30 %" --json
    """
    from tantala.base.errors import InputError, Problem

    _writable(output)
    controller = {
        "line": line,
        "scramble": scramble,
        "wear_levelling": wear_levelling,
        "gap_interval": gap_interval,
    }
    stated = {key: value for key, value in controller.items() if value is not None}
    surroundings = {
        "clock": clock,
        "fold": fold,
        "banks": banks,
        "queue": queue,
        "write_buffer": write_buffer,
        "seed": seed,
        "bus": bus,
    }
    found = _replayed(trace, design, format, changed, stated, surroundings)
    if output is not None:
        from tantala.report.replay_plots import replay_plot

        try:
            output.write_text(replay_plot(found), encoding="utf-8")
        except OSError as error:
            got = error.strerror or str(error)
            raise InputError(Problem("cannot write here", str(output), got)) from error
    if as_json:
        typer.echo(json.dumps(found.as_data(), indent=2, ensure_ascii=False))
    else:
        _print(found)
    if output is not None:
        typer.echo(f"wrote {output}", err=True)


def _writable(output: Path | None) -> None:
    """Refuse an output before the work, not after it."""
    from tantala.base.errors import InputError, Problem

    if output is None:
        return
    if output.suffix != ".svg":
        raise InputError(
            Problem("a plot is an SVG file", "--output", str(output), "a name in .svg")
        )
    if not output.parent.is_dir():
        hint = "an existing folder"
        raise InputError(Problem("cannot write here", str(output), "no such folder", hint=hint))


def _replayed(
    trace: Path,
    design: str,
    format: str | None,
    changed: str | None,
    controller: dict[str, Any],
    surroundings: dict[str, Any],
) -> Replay:
    from rich.console import Console

    from tantala.base.quantity import to_si
    from tantala.chip.replay import conditions
    from tantala.chip.replay import replay as run
    from tantala.chip.service import timing
    from tantala.chip.traces import read_trace
    from tantala.macro import load_design

    read = read_trace(trace, format)
    conditions(read, **surroundings)  # before the search of the design's macro, not after it
    loaded = load_design(design)
    share = None if changed is None else to_si(changed, "1", name="share", where="--changed")
    console = Console(stderr=True)
    with console.status("Reading the design") as status:
        times = timing(loaded, share, **controller)
        status.update("Replaying the trace")
        return run(
            read,
            times,
            lambda done: status.update(f"Replaying the trace: {done:,} requests"),
            **surroundings,
        )


def _print(found: Replay) -> None:
    from rich.console import Console

    from tantala.report.replay_summary import replay_summary

    console = Console()
    console = console if console.is_terminal else Console(width=_WIDTH)
    console.print(replay_summary(found), highlight=False)
