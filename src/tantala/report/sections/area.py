"""Floorplan to scale and the areas it is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tantala.report import floorplan
from tantala.report.document import Figure, Paragraph, Section
from tantala.report.notation import percent, written

if TYPE_CHECKING:
    from tantala.report.page import Datasheet

# Where the parts of the area breakdown stand; what is not named serves the whole macro.
PLACES: dict[str, floorplan.Place] = {
    "data cells": "cells",
    "check cells": "cells",
    "spare, reference and edge cells": "cells",
    "row decoders and word-line drivers": "row",
    "column multiplexers": "column",
    "sense amplifiers and references": "column",
    "write drivers": "column",
    "strip corners": "corner",
    "routing and power rings": "ring",
    "seal ring": "ring",
}


def area(sheet: Datasheet) -> Section:
    """The floorplan, and what of it is cells."""
    org, parts = sheet.organisation, sheet.breakdowns["area_m2"]
    grid = floorplan.Grid(org.bank_columns, org.bank_rows, org.subarray_columns, org.subarray_rows)
    placed = floorplan.plan(
        [floorplan.Part(name, value, PLACES.get(name, "shared")) for name, value in parts.items()],
        grid,
        org.width_m / org.height_m,
    )
    efficiency = sheet.key("array_efficiency")
    text = (
        f"The macro takes {written(sheet.key('area_m2').typical, 'm^2')}, of which"
        f" {percent(efficiency.typical)} are cells."
    )
    picture = Figure(
        "floorplan",
        "Floorplan. Every block has the area its line states, drawn to scale; thick lines"
        " are banks.",
        floorplan.draw(placed),
    )
    return Section("area", "Floorplan and area", (Paragraph(text), picture), "keep")
