"""What a simulation on tiles can leave out, one by one, to learn its share of the loss."""

from __future__ import annotations

# programming: what write-verify leaves between a cell and its level, failed cells included
# failed_cells: cells that their verify gave up, stuck ones among them
# ageing: relaxation and retention since the write
# tile_variation: read voltage and reference of a tile, one gain for all its columns
# wires: resistance of rows and columns, drivers and sense nodes
EFFECTS: tuple[str, ...] = (
    "programming",
    "failed_cells",
    "ageing",
    "read_noise",
    "wires",
    "tile_variation",
    "adc_quantisation",
    "adc_errors",
    "input_quantisation",
)
# How outputs are corrected digitally (`recalibration`).
WAYS = ("layer", "column")
OF_COLUMNS = frozenset({"programming", "failed_cells", "ageing", "wires"})  # what changes columns
