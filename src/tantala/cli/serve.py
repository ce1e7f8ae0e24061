"""`tantala serve DESIGN`: a simulated chip for programs that talk to real ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from tantala.chip import Chip
    from tantala.chip.block_device import BlockDevice
    from tantala.chip.block_server import BlockServer
    from tantala.chip.nbd import NbdServer
    from tantala.chip.serprog import Server
    from tantala.chip.spi import Slave
    from tantala.macro.design import Design

_REFRESH = 0.25  # s between two looks at the counters
_ANY = ("", "0.0.0.0", "::")
_CACHE = "1 MiB"


class _Wanted(NamedTuple):
    """Where to listen, and for what (None: not for that); `cache`: bytes of NBD's write cache."""

    address: str
    serprog: int
    nbd: int | None
    cache: int
    blocks: int | None
    device: BlockDevice | None


class _Block(NamedTuple):
    """The servers of clients that want blocks."""

    nbd: NbdServer | None
    blocks: BlockServer | None


def serve(
    design: Annotated[str, typer.Argument(help="A design: library name or .toml path.")],
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="Which die. Default: the design's own seed."),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(
            "--image",
            metavar="FILE",
            help="The die's image: loaded if it exists, written on exit. Without it the die is "
            "forgotten.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of serprog; 0 takes a free one.")
    ] = 5040,
    nbd: Annotated[
        int | None,
        typer.Option(
            "--nbd",
            metavar="PORT",
            min=0,
            max=65535,
            help="Serve NBD clients too, at this port; 0 takes a free one.",
        ),
    ] = None,
    nbd_cache: Annotated[
        str,
        typer.Option(
            "--nbd-cache",
            metavar="SIZE",
            help="Volatile write cache of NBD: what clients have not flushed is lost when the "
            "chip's power fails or this program is killed. 0 for none.",
        ),
    ] = _CACHE,
    blocks: Annotated[
        int | None,
        typer.Option(
            "--blocks",
            metavar="PORT",
            min=0,
            max=65535,
            help="Serve the socket protocol of the block device too, for file systems under test "
            "in any language, at this port; 0 takes a free one.",
        ),
    ] = None,
    block_size: Annotated[
        int, typer.Option("--block-size", min=1, help="Bytes of a block of --blocks.")
    ] = 512,
    listen: Annotated[
        str,
        typer.Option("--listen", metavar="ADDRESS", help="Address to listen on."),
    ] = "127.0.0.1",
    face: Annotated[
        str | None,
        typer.Option(
            "--face",
            help="Commands on the SPI bus: sfdp, m95m02, mb85as or rm25c, or a file. "
            "Default: the design's own.",
        ),
    ] = None,
) -> None:
    """Serve a chip over serprog, for flashrom, and as a block device, until interrupted (Ctrl-C or
    SIGTERM).

    Listens on this machine only, unless --listen says otherwise.

    Examples:

      tantala serve spi_8mb --image die.img

      tantala serve rm25c_512k

      tantala serve spi_8mb --face m95m02 --port 5041

      tantala serve spi_8mb --nbd 10809

      tantala serve spi_8mb --blocks 8765
    """
    import asyncio

    from tantala.chip.block_device import BlockDevice
    from tantala.chip.serprog import Server
    from tantala.chip.spi import Slave, load_face
    from tantala.macro import load_design

    if image is not None:
        _check_folder(image)
    cache = _cache_bytes(nbd_cache)
    wanted = load_design(design)
    commands = load_face(_face_name(wanted, face))
    chip = _chip(wanted, seed, image)
    chip.power_on()
    server = Server(Slave(chip, commands))
    device = None if blocks is None else BlockDevice(chip, block_size)
    asyncio.run(_serve(chip, server, _Wanted(listen, port, nbd, cache, blocks, device), image))


def _check_folder(image: Path) -> None:
    """Refuse before serving what could not be saved after it."""
    import os

    from tantala.base.errors import InputError, Problem

    if not image.parent.is_dir():
        raise InputError(Problem("no such folder for the image", str(image.parent)))
    if not os.access(image.parent, os.W_OK):
        raise InputError(Problem("no image can be written into this folder", str(image.parent)))


def _cache_bytes(stated: str) -> int:
    """Whole bytes of a size with or without a unit."""
    from tantala.base.errors import InputError, Problem
    from tantala.base.quantity import to_si

    number = float(stated) if stated.isdigit() else to_si(stated, "bit", name="--nbd-cache") / 8
    if number < 0 or number != int(number):
        raise InputError(
            Problem("bad --nbd-cache", stated, allowed="0 or a whole number of bytes: 1 MiB")
        )
    return int(number)


def _face_name(design: Design, stated: str | None) -> str:
    """The face that is asked for, or the one of the design."""
    from tantala.base.errors import InputError, Problem

    if stated is not None:
        return stated
    if design.interface is None:
        raise InputError(
            Problem(
                "an embedded macro is on no serial bus",
                design.origin,
                hint="--face sfdp, to put it on one all the same, or, for firmware, "
                "tantala.chip.rram_controller in a program of your own",
            )
        )
    return design.interface.face


def _chip(wanted: Design, seed: int | None, image: Path | None) -> Chip:
    """The die of the image, or a fresh one."""
    from tantala.base.errors import InputError, Problem
    from tantala.chip import Chip

    if image is None or not image.exists():
        return Chip(wanted, wanted.seed if seed is None else seed)
    chip = Chip.load(image)
    if chip.design.name != wanted.name:
        raise InputError(
            Problem(
                "the image is of another design",
                str(image),
                repr(chip.design.name),
                repr(wanted.name),
                hint=f"tantala serve {chip.design.name}, or another --image",
            )
        )
    if seed is not None and chip.seed != seed:
        raise InputError(
            Problem(
                "the image is of another die",
                str(image),
                f"seed {chip.seed}",
                f"seed {seed}",
                hint="no --seed, or another --image",
            )
        )
    return chip


async def _serve(chip: Chip, server: Server, wanted: _Wanted, image: Path | None) -> None:
    import asyncio
    import contextlib
    import signal

    from rich.console import Console
    from rich.live import Live

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    opened = await server.start(wanted.address, wanted.serprog)
    block = await _block_servers(chip, wanted)
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    _announce(chip, server.slave, wanted.address, opened)
    _announce_blocks(chip, wanted, block)
    kept = f"saved into {image} on exit" if image else "forgotten on exit (no --image)"
    typer.echo(f"the die is {kept}; Ctrl-C ends")
    console = Console()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not stop.is_set():
            live.update(_counters(chip, server, block), refresh=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _REFRESH)
    console.print(_counters(chip, server, block), highlight=False)
    await server.close()
    for other in block:
        if other:
            other.close()
            await other.wait_closed()
    # Signals are still ours, so that a second one does not tear the saving.
    if image is not None:
        chip.save(image)
        typer.echo(f"saved {image}")


async def _block_servers(chip: Chip, wanted: _Wanted) -> _Block:
    nbd = blocks = None
    if wanted.nbd is not None:
        from tantala.chip.nbd import serve_nbd

        nbd = await serve_nbd(
            chip, wanted.address, wanted.nbd, chip.design.name, cache=wanted.cache
        )
    if wanted.device is not None and wanted.blocks is not None:
        from tantala.chip.block_server import serve_blocks

        blocks = await serve_blocks(wanted.device, wanted.address, wanted.blocks)
    return _Block(nbd, blocks)


def _announce(chip: Chip, slave: Slave, listen: str, port: int) -> None:
    """Where the chip is, and how to reach it."""
    part, face = slave.part, slave.face
    shown = f"{part.size} bytes"
    if part.size < chip.size:
        shown = f"the first {shown} of {chip.size}"
    typer.echo(f"{chip.design.name}, die {chip.seed}, as {face.name}: {shown}")
    typer.echo(f"serprog listens on {listen} port {port}")
    if listen in _ANY:
        typer.echo("every network can reach it: whoever connects may read and write the chip")
    host = "127.0.0.1" if listen in _ANY else listen
    known = face.item.text("flashrom", "")
    if known:
        typer.echo(f'  flashrom -p serprog:ip={host}:{port} -c "{known}" -r content.bin')
    else:
        typer.echo(f"  flashrom knows no chip of this family; drivers reach it at {host}:{port}")


def _announce_blocks(chip: Chip, wanted: _Wanted, block: _Block) -> None:
    listen = wanted.address
    host = "127.0.0.1" if listen in _ANY else listen
    if block.nbd:
        typer.echo(f"NBD listens on {listen} port {block.nbd.port}: all {chip.size} bytes")
        authority = f"[{host}]" if ":" in host else host
        if block.nbd.cache.limit:
            typer.echo(
                f"  behind a volatile write cache of {block.nbd.cache.limit} bytes: what clients "
                "have not flushed is lost with the power (--nbd-cache 0 for none)"
            )
        typer.echo(f"  nbdcopy nbd://{authority}:{block.nbd.port} content.bin")
    if block.blocks and wanted.device:
        typer.echo(
            f"the block protocol listens on {listen} port {block.blocks.port}: "
            f"{wanted.device.block_count} blocks of {wanted.device.block_size} bytes"
        )


def _counters(chip: Chip, server: Server, block: _Block) -> Table:
    from rich.table import Table

    from tantala.base.quantity import format_si

    counts = chip.statistics
    table = Table.grid(padding=(0, 2))
    rows = {
        "clients": f"{server.clients}, {server.refused} refused",
        "SPI windows": f"{server.slave.windows}",
        "simulated time": format_si(counts.time_s, "s", 4),
        "busy": format_si(counts.busy_s, "s", 4),
        "energy": format_si(counts.energy_J, "J", 4),
        "corrected bits": f"{counts.corrected}",
        "uncorrectable words": f"{counts.uncorrectable}",
        "hottest line": f"{counts.hottest_line}, {counts.hottest_writes} writes",
    }
    if block.nbd:
        rows["NBD clients"] = f"{block.nbd.clients} connected"
        cache = block.nbd.cache
        if cache.limit:
            rows["NBD write cache"] = f"{cache.dirty} bytes dirty, {cache.losses} losses"
    if block.blocks:
        rows["block clients"] = f"{block.blocks.clients} connected"
    for name, value in rows.items():
        table.add_row(name, value)
    return table
