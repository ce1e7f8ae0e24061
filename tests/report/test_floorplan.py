"""Claim: the floorplan is to scale; its areas are the area breakdown, and nothing overlaps."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tantala.report.floorplan import Floorplan, Grid, Part, Rectangle, draw, plan

AREAS = st.floats(1e-9, 1e-6)
PARTS = st.lists(
    st.tuples(AREAS, st.sampled_from(["row", "column", "corner", "shared", "ring"])),
    min_size=0,
    max_size=10,
)


def _parts(cells: float, others: list[tuple[float, str]]) -> list[Part]:
    named = [Part(f"block_{i}", area, place) for i, (area, place) in enumerate(others)]
    return [Part("cells", cells, "cells"), *named]


def _overlap(a: Rectangle, b: Rectangle, slack: float) -> bool:
    across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    up = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return across > slack and up > slack


@given(AREAS, PARTS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3))
def test_areas_equal_the_breakdown(cells, others, bank_columns, bank_rows, columns, rows):
    parts = _parts(cells, others)
    placed = plan(parts, Grid(bank_columns, bank_rows, columns, rows), aspect=1.4)
    for part in parts:
        assert placed.areas()[part.name] == pytest.approx(part.area, rel=1e-9)
    total = sum(part.area for part in parts)
    assert placed.width * placed.height == pytest.approx(total, rel=1e-12)


@given(AREAS, PARTS)
def test_blocks_lie_inside_and_do_not_overlap(cells, others):
    placed = plan(_parts(cells, others), Grid(2, 1, 2, 2), aspect=1.0)
    slack = 1e-9 * placed.width
    for index, box in enumerate(placed.rectangles):
        assert box.x >= -slack
        assert box.y >= -slack
        assert box.x + box.width <= placed.width + slack
        assert box.y + box.height <= placed.height + slack
        assert not any(_overlap(box, other, slack) for other in placed.rectangles[:index])


def test_overlap_judge_catches_two_blocks_on_one_spot():
    box = Rectangle("a", 0.0, 0.0, 1.0, 1.0)
    assert _overlap(box, Rectangle("b", 0.5, 0.5, 1.0, 1.0), 1e-9)
    assert not _overlap(box, Rectangle("b", 1.0, 0.0, 1.0, 1.0), 1e-9)


def test_drawing_states_every_block_and_the_total():
    parts = _parts(3e-7, [(5e-8, "row"), (4e-8, "column"), (2e-8, "shared")])
    placed: Floorplan = plan(parts, Grid(1, 1, 2, 2), aspect=1.0)
    drawing = draw(placed)
    assert "Cells" in drawing
    assert "Block_2" in drawing
    assert "0.410 mm²" in drawing
    assert math.isclose(placed.width, placed.height)
