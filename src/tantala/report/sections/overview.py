"""Block diagram, organisation, interface and operating conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from tantala.report import diagrams
from tantala.report.document import Block, Column, Figure, Paragraph, Row, Section, Table, Text
from tantala.report.notation import integer, percent, storage_time, symbol, written
from tantala.report.sections.common import CHARACTERISTICS

if TYPE_CHECKING:
    from tantala.report.page import Datasheet


def overview(sheet: Datasheet) -> Section:
    """Block diagram and organisation."""
    org, identity = sheet.organisation, sheet.identity
    subarrays = org.subarray_columns * org.subarray_rows
    voltages = (direction.voltage_V for direction in sheet.writing)
    labels = diagrams.BlockLabels(
        array=(
            "Cell array",
            f"{_count(org.banks, 'bank')} × {_count(subarrays, 'sub-array')}",
            f"of {integer(org.rows)} rows × {integer(org.columns)} columns",
            f"and {org.spare_rows} spare rows, {org.spare_columns} spare columns",
        ),
        word=f"{identity.word_bit} bit",
        code=_code_label(sheet),
        sense=f"{identity.word_stored_bit} with reference",
        pump=f"up to {written(max(voltages), 'V')}",
        verify=f"{org.parallel_bits} bit at once",
        serial=sheet.serial is not None,
    )
    picture = Figure(
        "block",
        "Block diagram. The sense amplifiers also verify: what they read decides whether a driver"
        " pulses again (blue).",
        diagrams.block_diagram(labels),
    )
    return Section("overview", "Block diagram and organisation", (picture, _organisation(sheet)))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _code_label(sheet: Datasheet) -> str:
    identity = sheet.identity
    if not identity.correctable:
        return "none"
    return f"{identity.code.split()[0]} ({identity.word_stored_bit}, {identity.word_bit})"


def _organisation(sheet: Datasheet) -> Table:
    org, identity = sheet.organisation, sheet.identity
    words = identity.capacity_bit // identity.word_bit
    check = identity.word_stored_bit - identity.word_bit
    rows: list[tuple[Text, Text, Text]] = [
        (
            "Capacity",
            written(identity.capacity_bit, "bit"),
            f"{integer(words)} words, without check bits",
        ),
        ("Word", f"{identity.word_bit} bit", f"and {check} check bits: {identity.code}"),
        ("Banks", str(org.banks), f"{org.bank_columns} across, {org.bank_rows} up"),
        (
            "Sub-arrays of a bank",
            str(org.subarray_columns * org.subarray_rows),
            f"{org.subarray_columns} across, {org.subarray_rows} up;"
            f" {org.subarrays_per_word} read together for one word",
        ),
        (
            "Sub-array",
            f"{integer(org.rows)} × {integer(org.columns)}",
            f"rows × columns of data and check bits, beside {org.spare_rows} spare rows and"
            f" {org.spare_columns} spare columns",
        ),
        ("Column multiplexer", f"{org.mux} : 1", "columns that share a sense amplifier"),
        ("Bits written at once", str(org.parallel_bits), "limited by the pump's current and area"),
        (
            "Macro",
            f"{written(org.width_m, 'm')} × {written(org.height_m, 'm')}",
            "width × height ({section:area})",
        ),
    ]
    note = (
        f"The best of {integer(org.candidates)} organisations for the aim the design states; a"
        " search over the whole space."
        if org.candidates > 1
        else "As the design file states it."
    )
    columns = (Column("Property", width="24%"), Column("Value", width="24%"), Column("Remark"))
    return Table("organisation", "Organisation", columns, tuple(Row(r) for r in rows), (note,))


def interface(sheet: Datasheet) -> Section:
    """Ports of an embedded macro, or pins and commands of a serial chip."""
    blocks = _serial_interface(sheet) if sheet.serial is not None else _ports(sheet)
    return Section("interface", "Interface", blocks, "" if sheet.serial else "keep")


def _ports(sheet: Datasheet) -> tuple[Block, ...]:
    identity = sheet.identity
    words = identity.capacity_bit // identity.word_bit
    address = (words - 1).bit_length()
    top, data = address - 1, identity.word_bit - 1
    rows: list[tuple[Text, ...]] = [
        ("CLK", "in", "1", "Clock; inputs are taken at its rising edge"),
        ("CE", "in", "1", "Chip enable; low keeps the macro idle"),
        ("WE", "in", "1", "High starts a word write, low a read"),
        (f"A[{top}:0]", "in", str(address), f"Word address, {integer(words)} words"),
        (f"D[{data}:0]", "in", str(identity.word_bit), "Data to write"),
        (
            f"Q[{data}:0]",
            "out",
            str(identity.word_bit),
            Markup("Data read and corrected, valid after {}").format(symbol("t_AA")),
        ),
        ("BUSY", "out", "1", "High while a write pulses and verifies"),
        ("ERR[1:0]", "out", "2", "Corrected; uncorrectable or write not verified"),
        ("SLEEP", "in", "1", "High gates the periphery: standby"),
        ("VDD", "supply", "–", f"Core supply, {written(identity.core_supply_V, 'V')}"),
        ("VDDH", "supply", "–", f"Pump and driver supply, {written(identity.high_supply_V, 'V')}"),
        ("VSS", "supply", "–", "Ground"),
    ]
    columns = (
        Column("Port", width="16%"),
        Column("Direction", width="12%"),
        Column("Width", "right", "9%"),
        Column("Function"),
    )
    table = Table("ports", "Ports of the macro", columns, tuple(Row(r) for r in rows))
    return (Paragraph(_WRITE_RULE), table)


_WRITE_RULE = (
    "The memory is altered in place: a write sets and resets only the bits of the addressed"
    " word that"
    " differ, each by pulses that are verified and repeated until it reads as wanted. There is no"
    " erase. A write that loses its supply leaves the word in an undefined state."
)


def _serial_interface(sheet: Datasheet) -> tuple[Block, ...]:
    assert sheet.serial is not None
    serial, identity = sheet.serial, sheet.identity
    pins: list[tuple[Text, ...]] = [
        ("CS#", "in", "Chip select, active low; a write starts at its rising edge"),
        ("SCK", "in", f"Serial clock, up to {written(serial.clock_Hz, 'Hz')}"),
        ("SI", "in", "Serial data in, taken at the rising edge"),
        ("SO", "out", "Serial data out, driven after the falling edge"),
        ("WP#", "in", "Write protect, active low"),
        ("HOLD#", "in", "Suspends a transfer, active low"),
        ("VDD, VDDH", "supply",
         f"{written(identity.core_supply_V, 'V')}, {written(identity.high_supply_V, 'V')}"),
        ("VSS", "supply", "Ground"),
    ]  # fmt: skip
    page = serial.page_bit // 8
    commands: list[tuple[Text, ...]] = [
        ("WREN", "06h", "–", "–", "Allow the next write"),
        ("WRDI", "04h", "–", "–", "Forbid writes"),
        ("RDSR", "05h", "–", "1 …", "Status: bit 0 write in progress, bit 1 write enable"),
        ("WRSR", "01h", "–", "1", "Write the status register"),
        ("READ", "03h", "3 bytes", "1 …", "Read on from the address"),
        ("WRITE", "02h", "3 bytes", f"1 … {page}", "Write bytes in a page; no erase before it"),
        ("RDID", "9Fh", "–", "1 …", "Read the identification"),
    ]
    pin_columns = (Column("Pin", width="16%"), Column("Direction", width="12%"), Column("Function"))
    command_columns = (
        Column("Command", width="13%"),
        Column("Code", width="9%"),
        Column("Address", width="11%"),
        Column("Bytes", width="11%"),
        Column("Function"),
    )
    return (
        Paragraph(_WRITE_RULE),
        Table("pins", "Pins", pin_columns, tuple(Row(r) for r in pins)),
        Table("commands", "Commands", command_columns, tuple(Row(r) for r in commands)),
    )


def conditions(sheet: Datasheet) -> Section:
    """Supplies, temperatures and the stated life: the conditions of every figure that follows."""
    identity = sheet.identity
    core, high, share = (
        identity.core_supply_V,
        identity.high_supply_V,
        identity.supply_tolerance,
    )

    def supply(sign: str, name: str, volts: float) -> Row:
        low, top = volts * (1 - share), volts * (1 + share)
        texts = tuple(f"{value:.3g}" for value in (low, volts, top))
        return Row((symbol(sign), name, f"±{percent(share, 2)}", *texts, "V"))

    *number, unit = storage_time(identity.retention_time_s).split()
    years = " ".join(number)
    rows = (
        supply("V_DD", "Core supply", core),
        supply("V_DDH", "Supply of pumps and drivers", high),
        Row(
            (
                symbol("T_j"),
                "Junction temperature",
                "",
                *(
                    f"{kelvin - 273.15:.4g}".replace("-", "−")
                    for kelvin in (
                        identity.temperature_min_K,
                        identity.temperature_typical_K,
                        identity.temperature_max_K,
                    )
                ),
                "°C",
            )
        ),
        Row(
            (
                symbol("N"),
                "Write cycles of any word",
                "",
                "",
                "",
                integer(identity.endurance_cycles),
                "cycles",
            )
        ),
        Row(
            (
                symbol("t_ret"),
                "Data retention after these cycles",
                f"at {written(identity.retention_temperature_K, 'K')}",
                years,
                "",
                "",
                unit,
            )
        ),
    )
    corners = ", ".join(identity.corners)
    text = (
        f"Minimum and maximum columns hold over the process corners {corners} and the three"
        " junction"
        " temperatures below, with the supply moving with the corner; typical columns hold for the"
        f" typical corner at {written(identity.temperature_typical_K, 'K')}."
    )
    table = Table("conditions", "Operating conditions", CHARACTERISTICS, rows)
    return Section("conditions", "Operating conditions", (Paragraph(text), table), "keep")
