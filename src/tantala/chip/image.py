"""A whole die in one file, safe against crashes: written aside, synced, then put in place.

    magic, version (uint32), length of the header (uint64), header (JSON), arrays, SHA-256 of all

Arrays are little-endian and follow the order of the header's list, which gives type and length.
Of the cells only those of blocks that have been in use are kept: the others come out of the seed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
import struct
import tempfile
from collections.abc import Iterator
from importlib import metadata
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem
from tantala.cell import load_cell
from tantala.chip.errors import ImageError
from tantala.chip.specification import Direction, Sensing, Specification
from tantala.macro.design import Design

if TYPE_CHECKING:
    from tantala.chip.chip import Chip

MAGIC = b"tantala chip\n"
VERSION = 2
_FIXED = struct.Struct("<IQ")
_DIGEST = 32
_PIECE = 1 << 18  # bytes read and hashed at a time: they stay in the second-level cache
_READS = ("words read", "reads", "reads at the last write")
_CELLS = ("conductance", "written", "age", "writes", "cycles", "damage", "flags")


def save(chip: Chip, path: Path) -> None:
    """Write `chip` to `path`. Raises ImageError where the file system does not take it; a file that
    was there before then stays as it was.
    """
    arrays = dict(_arrays(chip))
    header = json.dumps(_header(chip, arrays)).encode()
    parts: list[bytes | memoryview] = [MAGIC, _FIXED.pack(VERSION, len(header)), header]
    parts += [np.ascontiguousarray(array).data.cast("B") for array in arrays.values()]
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            digest = hashlib.sha256()
            for part in parts:
                digest.update(part)
                file.write(part)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(path))
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise ImageError(
            Problem(
                "the chip cannot be saved",
                str(path),
                because=error.strerror or str(error),
                hint="another place; the image that was there is as it was",
            )
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    _sync_folder(path.parent)


def _mode(path: Path) -> int:
    """Permissions of the file that is replaced, or those of a new one."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(kind: type[Chip], path: Path) -> Chip:
    """The chip of an image. Raises ImageError."""
    try:
        with path.open("rb") as file:
            header, arrays = _parsed(path, file)
    except OSError as error:
        raise _bad(path, "the image cannot be read", error.strerror or str(error)) from error
    chip = kind.__new__(kind)
    try:
        chip._make(_specification(header["specification"]), header["seed"])
        cell = _cell_digest(chip.design.cell)
    except (InputError, ValueError, KeyError, TypeError) as error:
        raise _bad(path, "the image's design cannot be used here", str(error)) from error
    if header["cell"] != cell:
        raise _bad(
            path,
            f"cell {chip.design.cell!r} is another one now",
            "its numbers have changed since the image was made",
        )
    _restore(chip, header, arrays)
    return chip


def _parsed(path: Path, file: BufferedReader) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays, read into their own memory; nothing of them is used unless all is whole.

    The header is believed only as far as the file is long until the checksum has been seen.
    """
    size = os.fstat(file.fileno()).st_size
    start = len(MAGIC) + _FIXED.size
    head = file.read(start)
    if not head.startswith(MAGIC):
        raise _bad(path, "no image of a chip", "it begins with other bytes")
    if size < start + _DIGEST:
        raise _bad(path, "a torn image", f"{size} bytes only")
    version, length = _FIXED.unpack_from(head, len(MAGIC))
    if version != VERSION:
        raise _bad(path, f"an image of version {version}", f"this program reads version {VERSION}")
    torn = _bad(path, "a torn or changed image", "its checksum does not fit")
    room = size - start - length - _DIGEST
    text = file.read(length) if room >= 0 else b""
    try:
        header = json.loads(text)
        arrays = _room(header["arrays"], room)
    except (ValueError, KeyError, TypeError) as error:
        raise torn from error
    digest = hashlib.sha256(head + text)
    for array in arrays.values():
        memory = array.view(np.uint8).data
        for at in range(0, len(memory), _PIECE):
            piece = memory[at : at + _PIECE]
            file.readinto(piece)
            digest.update(piece)
    if file.read() != digest.digest():
        raise torn
    if header["tantala"] != metadata.version("tantala"):
        raise _bad(
            path,
            f"an image of tantala {header['tantala']}",
            f"this is {metadata.version('tantala')}, which may draw other cells for its seed",
        )
    return header, arrays


def _room(listed: list[tuple[str, str, int]], size: int) -> dict[str, NDArray[Any]]:
    """Empty arrays as a header lists them. Raises ValueError unless they fill `size` bytes."""
    shapes = [(name, np.dtype(kind), int(count)) for name, kind, count in listed]
    sizes = [kind.itemsize * count for _, kind, count in shapes]
    if (
        sum(sizes) != size
        or min(sizes) < 0
        or any(kind.kind not in "biuf" for _, kind, _ in shapes)
    ):
        raise ValueError
    return {name: np.empty(count, kind) for name, kind, count in shapes}


def _bad(path: Path, what: str, because: str) -> ImageError:
    return ImageError(
        Problem(what, str(path), because=because, hint="an image that Chip.save has written")
    )


def _header(chip: Chip, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    mapping, meter = chip.map, chip.meter
    return {
        "tantala": metadata.version("tantala"),
        "specification": _stated(chip.specification),
        "cell": _cell_digest(chip.design.cell),
        "seed": chip.seed,
        "reads": chip.die.cells.reads,
        "start": mapping.start,
        "gap": mapping.gap,
        "replaced": list(mapping.replaced.items()),
        "spared": list(mapping.spared.items()),
        "counts": meter.counts,
        "amounts": meter.amounts,
        "since_gap": chip.since_gap,
        "young": chip.young,
        "protected": chip.protected,
        "registers": chip.registers,
        "otp_locked": chip.otp_locked,
        "powered": chip.powered,
        "arrays": [(name, array.dtype.str, array.size) for name, array in arrays.items()],
    }


def _arrays(chip: Chip) -> Iterator[tuple[str, NDArray[Any]]]:
    cells, die = chip.die.cells, chip.die
    yield "born", die.born
    yield "bad", die.bad
    yield "aged", cells.aged
    yield "ages", cells.ages
    yield "wear", chip.meter.wear
    yield from zip(_READS, die.stress.state(), strict=True)
    for name in _CELLS:
        array = getattr(cells, name)
        kept = [array[part] for part in die.parts(np.flatnonzero(die.born))]
        yield name, np.concatenate(kept) if kept else array[:0]


def _restore(chip: Chip, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    cells, die, mapping = chip.die.cells, chip.die, chip.map
    die.born, die.bad = arrays["born"], arrays["bad"]
    cells.aged, cells.ages = arrays["aged"], arrays["ages"]
    chip.meter.wear = arrays["wear"]
    die.stress.restore(*(arrays[name] for name in _READS))
    for name in _CELLS:
        if die.born.all():
            setattr(cells, name, arrays[name])
            continue
        at = 0
        for part in die.parts(np.flatnonzero(die.born)):
            size = part.stop - part.start
            getattr(cells, name)[part] = arrays[name][at : at + size]
            at += size
    cells.reads = header["reads"]
    mapping.start, mapping.gap = header["start"], header["gap"]
    mapping.replaced, mapping.spared = dict(header["replaced"]), dict(header["spared"])
    chip.meter.counts, chip.meter.amounts = header["counts"], header["amounts"]
    chip.since_gap, chip.young = header["since_gap"], header["young"]
    chip.protected = tuple(header["protected"])
    chip.registers = header["registers"]
    chip.otp_locked, chip.writer.powered = header["otp_locked"], header["powered"]


def _cell_digest(name: str) -> str:
    """What tells a cell's numbers apart from others."""
    numbers = load_cell(name).item.numbers
    text = repr(sorted((path, number.value, number.unit) for path, number in numbers.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _stated(spec: Specification) -> dict[str, Any]:
    plain = {
        field.name: getattr(spec, field.name)
        for field in dataclasses.fields(spec)
        if field.name not in ("design", "sensing", "set", "reset")
    }
    sensing = {name: np.asarray(value).tolist() for name, value in vars(spec.sensing).items()}
    return plain | {
        "design": spec.design.model_dump(mode="json", by_alias=True, exclude_none=True),
        "sensing": sensing,
        "set": vars(spec.set),
        "reset": vars(spec.reset),
    }


def _specification(stated: dict[str, Any]) -> Specification:
    sensing = stated["sensing"]
    edges = {name: np.array(sensing[name]) for name in ("z", "low", "high")}
    return Specification(
        **{
            **stated,
            "design": Design.model_validate(stated["design"]),
            "sensing": Sensing(**edges, voltage=sensing["voltage"]),
            "set": Direction(**stated["set"]),
            "reset": Direction(**stated["reset"]),
        }
    )
