"""`tantala infer MODEL --tile T --data D`: a torch network on tiles of cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tantala.report.inference import Inference

_WIDTH = 110  # columns where there is no terminal


def infer(
    model: Annotated[
        str,
        typer.Argument(help="FILE.py:FUNCTION that returns the network, or a file of torch.save."),
    ],
    data: Annotated[
        Path, typer.Option("--data", help="Inputs and labels: .npz, .npy or .pt.", metavar="FILE")
    ],
    tile: Annotated[
        str, typer.Option("--tile", help="A tile: library name or .toml path.")
    ] = "cim_256x256_28nm",
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="Labels, if not in the data.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Chips to ask, one a seed.")] = 10,
    time: Annotated[
        list[str] | None, typer.Option("--time", help="An age, '10 years'; may be repeated.")
    ] = None,
    temperature: Annotated[
        list[str] | None,
        typer.Option("--temperature", help="Of all ages, or one for each. Default: 25 degC."),
    ] = None,
    recalibrate: Annotated[
        str,
        typer.Option(
            "--recalibrate",
            metavar="WAY",
            help="Correct outputs on the calibration samples at every age: layer or column.",
        ),
    ] = "",
    digital: Annotated[
        list[str] | None,
        typer.Option(
            "--digital",
            metavar="NAME",
            help="A layer, or a pattern of names, that stays digital; may be repeated.",
        ),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Read a saved model although that runs code it holds."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Write inference.html and .json there."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Put a torch network on tiles of cells: accuracy over chips and years, and what costs it.

    Needs torch: pip install 'tantala\\[torch]'.

    Examples:

      tantala infer network.py:build --data test.npz

      tantala infer network.py:build --data test.npz --time "10 years" --temperature "85 degC"

      tantala infer network.py:build --data test.npz --time "1 day" --recalibrate column

      tantala infer mlp.pt --trust --data test.npz --seeds 3 -o report
    """
    ages = (time or [], temperature or [])
    kept = tuple(digital or ())
    found = _measured(model, data, labels, tile, seeds, ages, trust, output, recalibrate, kept)
    if output is not None:
        from tantala.report.inference_page import write_inference

        written = write_inference(found, output)
    else:
        written = []
    if as_json:
        typer.echo(json.dumps(found.as_data(), indent=2, ensure_ascii=False))
    else:
        _print(found)
    for path in written:
        typer.echo(f"wrote {path}", err=True)


def _measured(
    model: str,
    data: Path,
    labels: Path | None,
    tile: str,
    seeds: int,
    ages: tuple[list[str], list[str]],
    trust: bool,
    output: Path | None,
    recalibrate: str,
    digital: tuple[str, ...],
) -> Inference:
    """Everything that can be refused is read before the first chip is written."""
    from dataclasses import replace

    from rich.console import Console

    from tantala.base.errors import InputError, RangeViolation, unknown
    from tantala.cim.effects import WAYS
    from tantala.cim.tile import load_tile
    from tantala.report.inference import checked_ages, require_torch
    from tantala.report.inference import infer as compute

    _folder(output)
    if recalibrate not in ("", *WAYS):
        raise InputError(unknown("way to re-calibrate", recalibrate, WAYS))
    chosen = load_tile(tile)
    when = checked_ages(*ages)
    require_torch()
    from tantala.cim.network_files import load_network, load_samples

    samples = load_samples(data, labels)
    network = load_network(model, trust)
    console = Console(stderr=True)
    names = (Path(model).name, data.name)
    with console.status("Reading the network") as status:
        try:
            return compute(
                network, samples, chosen, seeds, when, names, status.update, recalibrate, digital
            )
        except RangeViolation as error:
            # The cell's own hint names a parameter that this command does not have.
            hint = "a shorter --time or a lower --temperature"
            problems = [replace(problem, hint=hint) for problem in error.problems]
            raise RangeViolation(problems) from error


def _folder(output: Path | None) -> None:
    """Refuse an output before the work, not after it."""
    from tantala.base.errors import InputError, Problem

    if output is not None and output.exists() and not output.is_dir():
        raise InputError(Problem("cannot write here", str(output), "a file", "a folder"))


def _print(found: Inference) -> None:
    from rich.console import Console

    from tantala.report.inference_summary import inference_summary

    console = Console()
    console = console if console.is_terminal else Console(width=_WIDTH)
    console.print(inference_summary(found), highlight=False)
