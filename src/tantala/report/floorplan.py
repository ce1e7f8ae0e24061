"""The floorplan, to scale: every rectangle's area is the area the breakdown states for it.

A slicing layout inside the ring of power and routing. Blocks that serve the whole macro stand in a
strip below the banks; each bank holds its sub-arrays with the row blocks (decoders, word-line
drivers) beside them and the column blocks (multiplexers, sense amplifiers, write drivers) under
them. What the slicing decides is where a block stands, never how large it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tantala.report.notation import capitalised, percent, scaled, written
from tantala.report.style import BLOCKS, GREY
from tantala.report.svg import Drawing

Place = Literal["cells", "row", "column", "corner", "shared", "ring"]
_MOST_TILES = 768
_TILE_PLACES: tuple[Place, ...] = ("cells", "row", "column", "corner")


@dataclass(frozen=True)
class Part:
    """One entry of the area breakdown: its name, area in m^2, and where it stands."""

    name: str
    area: float
    place: Place


@dataclass(frozen=True)
class Rectangle:
    """A placed block; lengths in m, y upwards from the lower left corner of the macro."""

    name: str
    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Area in m^2."""
        return self.width * self.height


@dataclass(frozen=True)
class Floorplan:
    """Placed blocks of a macro of `width` x `height` m, and the outlines of its banks."""

    width: float
    height: float
    rectangles: tuple[Rectangle, ...]
    banks: tuple[Rectangle, ...]
    parts: tuple[Part, ...]

    def areas(self) -> dict[str, float]:
        """Placed area by part, m^2: equal to the breakdown it was made from."""
        sums = {part.name: 0.0 for part in self.parts}
        for rectangle in self.rectangles:
            sums[rectangle.name] += rectangle.area
        return sums


def _strip(
    parts: Sequence[Part], x: float, y: float, width: float, height: float, upright: bool
) -> list[Rectangle]:
    """Divide a rectangle among `parts` in proportion to their areas, along its width or its
    height.
    """
    whole = sum(part.area for part in parts)
    placed: list[Rectangle] = []
    for part in parts:
        share = part.area / whole
        if upright:
            placed.append(Rectangle(part.name, x, y, width, height * share))
            y += height * share
        else:
            placed.append(Rectangle(part.name, x, y, width * share, height))
            x += width * share
    return placed


def _shared(
    parts: Sequence[Part], x: float, y: float, width: float, height: float
) -> list[Rectangle]:
    """Two rows of blocks when there are many, so that none becomes a sliver."""
    ordered = sorted(parts, key=lambda part: -part.area)
    if len(ordered) <= 3:
        return _strip(ordered, x, y, width, height, upright=False)
    half: list[list[Part]] = [[], []]
    for part in ordered:
        half[sum(p.area for p in half[0]) > sum(p.area for p in half[1])].append(part)
    whole = sum(part.area for part in parts)
    placed: list[Rectangle] = []
    for row in half:
        share = height * sum(part.area for part in row) / whole
        placed += _strip(row, x, y, width, share, upright=False)
        y += share
    return placed


@dataclass(frozen=True)
class Grid:
    """How the sub-arrays stand: banks across and up the macro, sub-arrays across and up one
    bank.
    """

    bank_columns: int
    bank_rows: int
    columns: int
    rows: int


def plan(parts: Sequence[Part], grid: Grid, aspect: float) -> Floorplan:
    """Place `parts` in a macro whose sub-arrays stand as `grid` says.

    Args:
        parts: the area breakdown; entries of zero area are left out.
        grid: arrangement of banks and sub-arrays.
        aspect: width over height of the whole macro.
    """
    parts = [part for part in parts if part.area > 0]
    total = sum(part.area for part in parts)
    whole = math.sqrt(total * aspect), math.sqrt(total / aspect)
    ring = [part for part in parts if part.place == "ring"]
    rectangles, margin = _ring(ring, *whole)
    width, height = whole[0] - 2 * margin, whole[1] - 2 * margin
    shared = [part for part in parts if part.place == "shared"]
    strip = sum(part.area for part in shared) / width
    rectangles += _shared(shared, margin, margin, width, strip) if shared else []
    bank_width, bank_height = width / grid.bank_columns, (height - strip) / grid.bank_rows
    banks = grid.bank_columns * grid.bank_rows
    # Beyond some hundreds, single sub-arrays are too small to print: a bank is then drawn as one.
    single = banks * grid.columns * grid.rows <= _MOST_TILES
    columns, rows = (grid.columns, grid.rows) if single else (1, 1)
    tile_width, tile_height = bank_width / columns, bank_height / rows
    inner: dict[Place, list[Part]] = {
        place: [
            Part(part.name, part.area / (banks * columns * rows), place)
            for part in parts
            if part.place == place
        ]
        for place in _TILE_PLACES
    }
    outlines: list[Rectangle] = []
    for bank in range(banks):
        x0 = margin + (bank % grid.bank_columns) * bank_width
        y0 = margin + strip + (bank // grid.bank_columns) * bank_height
        outlines.append(Rectangle("bank", x0, y0, bank_width, bank_height))
        for tile in range(columns * rows):
            x = x0 + (tile % columns) * tile_width
            y = y0 + (tile // columns) * tile_height
            rectangles += _tile(inner, x, y, tile_width, tile_height)
    return Floorplan(*whole, tuple(rectangles), tuple(outlines), tuple(parts))


def _ring(parts: Sequence[Part], width: float, height: float) -> tuple[list[Rectangle], float]:
    """Frames of even thickness around everything, the last part outermost, and their thickness
    together.

    A frame of area a in a rectangle w x h is t thick where w h - (w - 2 t)(h - 2 t) = a.
    """
    placed: list[Rectangle] = []
    margin = 0.0
    for part in reversed(parts):
        w, h = width - 2 * margin, height - 2 * margin
        thick = 0.25 * ((w + h) - math.sqrt((w + h) ** 2 - 4 * part.area))
        x = y = margin
        placed += [
            Rectangle(part.name, x, y, w, thick),
            Rectangle(part.name, x, y + h - thick, w, thick),
            Rectangle(part.name, x, y + thick, thick, h - 2 * thick),
            Rectangle(part.name, x + w - thick, y + thick, thick, h - 2 * thick),
        ]
        margin += thick
    return placed, margin


def _tile(
    inner: Mapping[Place, Sequence[Part]], x: float, y: float, width: float, height: float
) -> list[Rectangle]:
    """One sub-array: column blocks below, row blocks at the left of the cells, corners between."""
    sums = {place: sum(part.area for part in parts) for place, parts in inner.items()}
    placed: list[Rectangle] = []
    strip = (sums["column"] + sums["corner"]) / width
    if strip:
        corner = sums["corner"] / strip
        if corner:
            placed += _strip(inner["corner"], x, y, corner, strip, upright=False)
        placed += _strip(inner["column"], x + corner, y, width - corner, strip, upright=True)
    y, height = y + strip, height - strip
    row = sums["row"] / height
    if row:
        placed += _strip(inner["row"], x, y, row, height, upright=False)
    return placed + _strip(inner["cells"], x + row, y, width - row, height, upright=False)


def draw(floorplan: Floorplan, width: float = 172.0) -> str:
    """The floorplan with a scale bar and a key of areas, as an <svg> element `width` mm wide."""
    plan_width = 0.54 * width
    scale = plan_width / floorplan.width
    plan_height = floorplan.height * scale
    parts = sorted(floorplan.parts, key=lambda part: -part.area)
    fill = {part.name: BLOCKS[i % len(BLOCKS)] for i, part in enumerate(floorplan.parts)}
    total = sum(part.area for part in parts)
    step, top = 4.4, 1.0
    drawing = Drawing(
        width, max(plan_height + 7.0, step * (len(parts) + 1) + 4.0), "Floorplan to scale"
    )
    for part in floorplan.parts:
        boxes = [
            (
                box.x * scale + 0.5,
                top + plan_height - (box.y + box.height) * scale,
                box.width * scale,
                box.height * scale,
            )
            for box in floorplan.rectangles
            if box.name == part.name
        ]
        title = f"{capitalised(part.name)}: {written(part.area, 'm^2')}"
        drawing.tiles(boxes, fill[part.name], title)
    for box in floorplan.banks:
        drawing.rectangle(
            box.x * scale + 0.5,
            top + plan_height - (box.y + box.height) * scale,
            box.width * scale,
            box.height * scale,
            line=0.2,
        )
    drawing.rectangle(0.5, top, plan_width, plan_height, line=0.4)
    _scale_bar(drawing, floorplan, scale, top + plan_height + 3.2)
    texts, unit = scaled([*(part.area for part in parts), total], "m^2")
    x, right = plan_width + 5.0, width - 0.5
    for index, part in enumerate(parts):
        y = top + 2.4 + step * index
        drawing.rectangle(x, y - 2.3, 3.0, 3.0, fill=fill[part.name], line=0.1)
        drawing.text(x + 4.4, y, capitalised(part.name), size=6.8)
        drawing.text(right - 11.0, y, texts[index], anchor="end", size=6.8)
        share = percent(part.area / total, 2)
        drawing.text(right, y, share, anchor="end", fill=GREY, size=6.8)
    y = top + 2.4 + step * len(parts)
    drawing.path([(x, y - 3.1), (right, y - 3.1)], line=0.2)
    drawing.text(x + 4.4, y + 0.4, "Total", weight=600, size=6.8)
    drawing.text(right - 11.0, y + 0.4, f"{texts[-1]} {unit}", anchor="end", weight=600, size=6.8)
    return str(drawing)


def _scale_bar(drawing: Drawing, floorplan: Floorplan, scale: float, y: float) -> None:
    step = 10.0 ** math.floor(math.log10(floorplan.width / 3.0))
    length = max(step * factor for factor in (1, 2, 5) if step * factor <= floorplan.width / 3.0)
    start, end = 0.5, 0.5 + length * scale
    drawing.path([(start, y), (end, y)], line=0.4)
    for x in (start, end):
        drawing.path([(x, y - 0.9), (x, y + 0.9)])
    drawing.text(end + 1.5, y + 0.9, written(length, "m"))
    size = f"{written(floorplan.width, 'm')} × {written(floorplan.height, 'm')}"
    drawing.text(0.5 + floorplan.width * scale, y + 0.9, size, anchor="end", fill=GREY)
