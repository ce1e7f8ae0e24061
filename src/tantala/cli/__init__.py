"""The command line: one module a command, heavy imports inside the commands.

Exit codes: 0 fine, 1 the design misses a requirement it states, 2 misuse.
"""

from __future__ import annotations

import gc
import sys

import typer

from tantala.cli import check, datasheet, fit, infer, replay, serve, show, silicon

app = typer.Typer(
    name="tantala",
    help="A workbench for ReRAM chips: from one measured cell to a chip's executable datasheet.",
    epilog="Start with: tantala datasheet embedded_8mb_28nm -o datasheet",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from tantala import __version__

        typer.echo(f"tantala {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    pass


app.command("datasheet")(datasheet.datasheet)
app.command("show")(show.show)
app.command("check")(check.check)
app.command("fit")(fit.fit)
app.command("silicon")(silicon.silicon)
app.command("serve")(serve.serve)
app.command("replay")(replay.replay)
app.command("infer")(infer.infer)


def main() -> None:
    """Run the command line; an error of ours becomes one line per problem and its exit code."""
    from tantala.base.errors import TantalaError

    # What a command imports and computes lives until it ends. At Python's own threshold, searching
    # it for unused cycles again and again takes a tenth of the imports' time (measured).
    gc.set_threshold(100_000)
    try:
        app()
    except TantalaError as error:
        for problem in error.problems:
            typer.echo(f"tantala: {problem}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader (head, less) has left; that is its right, not a failure of ours.
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        typer.echo("tantala: interrupted; nothing was left half written", err=True)
        sys.exit(130)
