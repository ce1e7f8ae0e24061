"""Published compute-in-memory chips beside the prediction of a tile with their inputs."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace

from tantala.base.comparison import Comparison, Row
from tantala.base.library import load_item, names
from tantala.base.record import Item
from tantala.cim.tile import Levels, Tile, load_tile
from tantala.cim.tile_cost import Operands, TileModel, Work, full_tile
from tantala.technology import load_technology

CLASS = "compute in memory"
BASE = "cim_256x256_28nm"  # lends what a row does not publish: cell, wires, converter errors
COMPARED_TAGS = frozenset("PSD")  # a title (T) is no value to compare with


@functools.cache
def bands() -> dict[str, float]:
    """Bands of agreement by figure, factors, from the library's method `cim_rows`."""
    item = load_item("method", "cim_rows")
    return {path.removeprefix("bands."): item.value(path, "1") for path in item.numbers}


def compare_cim(selected: Iterable[str] | None = None) -> tuple[Row, ...]:
    """Compute-in-memory rows of the library (or the named ones), each with its comparisons.

    Raises InputError for an unknown name.
    """
    rows = [load_item("silicon", name) for name in selected or names("silicon")]
    return tuple(compare_cim_row(row) for row in rows if row.text("class") == CLASS)


def compare_cim_row(row: Item) -> Row:
    """The comparisons of one published chip; a row without a tile is only a record."""
    head = (row.name, row.title, str(row.text("use")), str(row.text("why")))
    assumed = {
        path.removeprefix("inputs."): f"{number.value:g} {number.unit}: {number.note}"
        for path, number in row.numbers.items()
        if path.startswith("inputs.") and number.kind == "assumed"
    }
    published = [
        path.removeprefix("published.") for path in row.numbers if path.startswith("published.")
    ]
    if not any(key.startswith("tile_") for key in row.texts):
        return Row(*head, not_predicted={name: head[3] for name in published})
    predictions = _predictions(row)
    found, left = [], {}
    for name in published:
        tag = row.text(f"tags.{name}")
        if name not in predictions:
            left[name] = "not a figure of a tile"
        elif tag not in COMPARED_TAGS:
            left[name] = f"tag {tag}: not a value to compare with"
        else:
            unit, value = predictions[name]
            number = row.numbers[f"published.{name}"].to(unit)
            ends = number if isinstance(number, tuple) else (number, number)
            band = bands()[name.rstrip("0123456789_")]
            found.append(
                Comparison(
                    name,
                    row.text(f"uses.{name}", head[2]),
                    unit,
                    (min(ends), max(ends)),
                    value,
                    tag,
                    band,
                    "one tile with the row's inputs",
                )
            )  # fmt: skip
    return Row(*head, tuple(found), assumed=assumed, not_predicted=left)


def row_tile(row: Item) -> Tile:
    """The tile of a published row: its settings, and what it does not publish from the library."""
    settings = {
        key.removeprefix("tile_"): value
        for key, value in row.texts.items()
        if key.startswith("tile_")
    }
    base = load_tile(BASE, **settings)
    low, high = (row.value(f"inputs.{end}_conductance", "S") for end in ("low", "high"))
    return replace(
        base,
        technology=f"{row.value('inputs.node', 'nm'):g}nm",
        levels=Levels(low, high, base.levels.half_window),
        read=replace(
            base.read,
            voltage=row.value("inputs.voltage", "V"),
            integration=row.value("inputs.integration", "s"),
        ),
    )


def row_model(row: Item) -> TileModel:
    """The tile of a row in its process, at its supply if that is published."""
    tile = row_tile(row)
    supply = row.value("inputs.supply", "V") if row.has("inputs.supply") else None
    return TileModel.of(tile, load_technology(tile.technology).at(supply=supply))


def row_work(row: Item, tile: Tile, rows: int) -> Work:
    """One product of `rows` driven rows, with the row's input coding and weight sparsity.

    A weight that is not zero has the mean digit of even weights in one cell of each pair.
    """
    pulses = row.value("inputs.pulses", "1") > 0.5
    operands = (Operands.pulses if pulses else Operands.even)(tile.bits_per_phase)
    share = 1.0 - row.value("inputs.weight_zeros", "1")
    digit = 1.0 if tile.digit_bits == 1 else 0.5
    mean = tile.levels.lowest
    mean += share * digit * (tile.levels.highest - tile.levels.lowest) / tile.polarities
    return full_tile(tile, rows, operands, mean)


def _predictions(row: Item) -> dict[str, tuple[str, float]]:
    model = row_model(row)
    tile = model.tile
    passes = tile.phases * model.pass_time()
    leakage = model.leakage() * passes
    rows = round(row.value("inputs.rows", "1"))
    predictions = {"area": ("m^2", sum(model.area().values()))}
    driven = {rows, *(round(rows / 2**k) for k in (1, 2, 3))}
    for count in driven:
        work = row_work(row, tile, count)
        energy = model.energy(work)
        total = sum(energy.values()) + leakage
        predictions[f"power_{count}"] = ("W", total / (tile.phases * tile.read.integration))
        predictions[f"array_share_{count}"] = ("1", energy["array"] / total)
        if count == rows:
            predictions["energy_efficiency"] = ("1/J", 2.0 * work.macs / total)
    return predictions
