"""Key figures: the table every other section explains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tantala.report.document import Row, Section, Table, Text
from tantala.report.notation import integer, storage_time, written
from tantala.report.sections.common import (
    CHARACTERISTICS,
    changing,
    figure_symbol,
    figure_texts,
    headed,
)

if TYPE_CHECKING:
    from tantala.report.figures import KeyFigure
    from tantala.report.page import Datasheet


def _condition(sheet: Datasheet, figure: KeyFigure) -> Text:
    identity, org = sheet.identity, sheet.organisation
    bits, changed = identity.word_bit, changing(identity)
    if figure.group == "Reliability":
        return (
            f"{integer(identity.endurance_cycles)} cycles,"
            f" {storage_time(identity.retention_time_s)} at"
            f" {written(identity.retention_temperature_K, 'K')}"
        )
    return {
        "read_latency_s": "CLK to Q valid, corrected",
        "read_cycle_s": "random addresses",
        "read_bandwidth_bit_per_s": f"{bits} bit a cycle",
        "write_time_s": f"{bits} bit, {org.parallel_bits} at once, {changed}",
        "write_time_tail_s": "one word in a million is slower",
        "set_energy_per_bit_J": "cell, drivers, pump",
        "reset_energy_per_bit_J": "cell, drivers, pump",
        "write_energy_per_bit_J": f"{changed}, with check bits",
        "page_write_time_s": changed,
        "serial_write_current_A": changed,
        "read_power_W": "one bank, a word a cycle",
        "write_power_W": f"one bank, {changed}",
        "leakage_W": "supplied, no access",
        "standby_W": "periphery gated",
        "area_m2": "cells, periphery, pumps",
        "yield": f"{org.spare_rows} + {org.spare_columns} spares a sub-array",
    }.get(figure.name, "")


def key_figures(sheet: Datasheet) -> Section:
    """Minimum, typical and maximum of every figure, by group."""
    rows: list[Row] = []
    group = ""
    for figure in sheet.key_figures:
        if figure.group != group:
            group = figure.group
            rows.append(headed(group))
        values = (figure.minimum, figure.typical, figure.maximum)
        if figure.minimum == figure.maximum:
            values = (None, figure.typical, None)
        texts, unit = figure_texts(figure.name, values, figure.unit)
        rows.append(
            Row(
                (
                    figure_symbol(figure.name),
                    figure.title,
                    _condition(sheet, figure),
                    *texts,
                    unit,
                )
            )
        )
    notes = (
        "Conditions as in {table:conditions}. A figure that no corner or temperature changes stands"
        " in the typical column alone.",
        "The JSON file beside this page names the corner and temperature of every extreme.",
    )
    if any(math.isinf(figure.maximum) for figure in sheet.key_figures):
        notes += ("∞: no time suffices at that condition, since the sense window is closed.",)
    table = Table("key_figures", "Key figures", CHARACTERISTICS, tuple(rows), notes)
    return Section("key_figures", "Key figures", (table,))
