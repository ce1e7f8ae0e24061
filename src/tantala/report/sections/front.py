"""The first page: what it is, what it does at a glance, and whether it meets what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from tantala.report.corners import narrowest
from tantala.report.document import Front, Text
from tantala.report.notation import integer, percent, storage_time, written
from tantala.report.sections.common import distance, figure_texts, temperatures

if TYPE_CHECKING:
    from tantala.report.page import Datasheet

_GLANCE = (
    "read_latency_s",
    "read_energy_per_bit_J",
    "write_time_s",
    "page_write_time_s",
    "write_energy_per_bit_J",
    "serial_read_current_A",
    "standby_W",
    "area_m2",
    "uber",
    "yield",
)


def front(sheet: Datasheet) -> Front:
    """Everything above the contents list."""
    identity = sheet.identity
    missed = [row for row in sheet.requirements if not row.met]
    words = f"{integer(identity.capacity_bit / identity.word_bit)} × {identity.word_bit} bit"
    return Front(
        maker="tantala",
        status=f"Computed datasheet · model {sheet.origin.version}",
        title=identity.title,
        subtitle=f"{identity.name}  ·  {words}  ·  {identity.technology_title}",
        origin=f"tantala {sheet.origin.version} · {identity.name} · seed {sheet.origin.seed}",
        features=_features(sheet),
        description=tuple(_description(sheet)),
        verdict=_verdict(sheet),
        missed=bool(missed),
        glance=tuple(_glance(sheet)),
    )


def _features(sheet: Datasheet) -> tuple[Text, ...]:
    identity = sheet.identity
    tolerance = percent(identity.supply_tolerance, 2)
    return (
        "1T1R resistive memory, altered in place: no erase",
        *_speed(sheet),
        f"{integer(identity.endurance_cycles)} write cycles, then"
        f" {storage_time(identity.retention_time_s)} at"
        f" {written(identity.retention_temperature_K, 'K')}",
        f"Supplies {written(identity.core_supply_V, 'V')} and"
        f" {written(identity.high_supply_V, 'V')}, ±{tolerance}; write voltages made on chip",
    )


def _speed(sheet: Datasheet) -> tuple[Text, ...]:
    """Capacity, code and times, as the kind of chip has them."""
    identity, serial = sheet.identity, sheet.serial
    capacity = written(identity.capacity_bit, "bit")
    span = temperatures(identity.temperature_min_K, identity.temperature_max_K)
    if serial is not None:
        page = sheet.key("page_write_time_s")
        return (
            f"{capacity}, {_code(sheet)} in {identity.word_bit} bit",
            f"Serial peripheral interface at {written(serial.clock_Hz, 'Hz')}, {span}",
            f"Page of {serial.page_bit // 8} bytes written in {written(page.typical, 's')} typical",
        )
    read, write = sheet.key("read_latency_s"), sheet.key("write_time_s")
    return (
        f"{capacity} in words of {identity.word_bit} bit, {_code(sheet)}",
        f"Random read in {written(read.typical, 's')} typical,"
        f" {written(read.maximum, 's')} at most over {span}",
        f"Word write in {written(write.typical, 's')} typical, by pulse and verify",
    )


def _code(sheet: Datasheet) -> str:
    identity = sheet.identity
    if identity.correctable == 0:
        return "no error correction"
    errors = "error" if identity.correctable == 1 else "errors"
    return f"{identity.code} corrects {identity.correctable} {errors}"


def _description(sheet: Datasheet) -> list[Text]:
    identity = sheet.identity
    made = Markup(
        "Every figure here is computed from the design file, the cell {} and the"
        " {} cited numbers"
        " of {{section:sources}}; no silicon of this design exists. {} of these numbers are"
        " assumed: {{section:assumptions}} lists them by their influence."
    )
    counts = [entry.numbers for entry in sheet.sources]
    cited = sum(sum(kinds.values()) for kinds in counts)
    assumed = sum(kinds.get("assumed", 0) for kinds in counts)
    named = made.format(identity.cell, integer(cited), integer(assumed))
    return [" ".join(identity.description.split()), named]


def _verdict(sheet: Datasheet) -> Text:
    rows = sheet.requirements
    missed = [row for row in rows if not row.met]
    if not missed:
        least = narrowest(rows)
        return Markup(
            "<strong>All {} stated requirements are met.</strong> Narrowest: {}, inside its limit"
            " by {} ({{table:requirements}})."
        ).format(len(rows), least.title[0].lower() + least.title[1:], distance(least))
    worst = narrowest(missed)
    return Markup(
        "<strong>{} of {} stated requirements missed.</strong> Furthest: {}, beyond its limit by {}"
        " ({{table:requirements}})."
    ).format(len(missed), len(rows), worst.title[0].lower() + worst.title[1:], distance(worst))


def _glance(sheet: Datasheet) -> list[tuple[Text, Text, Text]]:
    rows: list[tuple[Text, Text, Text]] = []
    for figure in sheet.key_figures:
        if figure.name not in _GLANCE:
            continue
        worst = figure.maximum if figure.better == "lower" else figure.minimum
        texts, unit = figure_texts(figure.name, (figure.typical, worst), figure.unit)
        sign = {"lower": "≤", "higher": "≥"}[figure.better]
        rows.append((figure.title, f"{texts[0]} {unit}", f"{sign} {texts[1]} {unit}"))
    return rows
