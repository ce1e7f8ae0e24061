"""The macro's figures: sums of parts, and the answers which peer tools get wrong."""

from __future__ import annotations

import dataclasses
import math

import pytest
from example_macro import bit_cell, design
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala.base.errors import InputError, RangeViolation
from tantala.macro.macro import Macro
from tantala.macro.metrics import METRICS

SERIAL = {"type": "serial", "interface": {"clock": "20 MHz", "page": "256 B"}}


@pytest.fixture(scope="module")
def macro():
    return Macro(design(), cell=bit_cell())


@pytest.mark.parametrize("changes", [{}, SERIAL], ids=["embedded", "serial"])
@pytest.mark.parametrize(("corner", "temperature"), [("typical", 298.15), ("slow", 398.15)])
def test_every_figure_is_exactly_the_sum_of_its_parts(changes, corner, temperature):
    sheet = Macro(design(**changes), cell=bit_cell()).evaluate(corner, temperature)
    assert set(sheet) <= set(METRICS)
    for name in sheet:
        value = 0.0
        for part in sheet.breakdown(name).values():
            value += part
        assert value == sheet[name]
        assert sheet[name] > 0.0, name


def test_a_serial_chip_reports_every_registered_figure():
    assert set(Macro(design(**SERIAL), cell=bit_cell()).evaluate()) == set(METRICS)


def test_area_parts_tile_the_floorplan(macro):
    sheet = macro.evaluate()
    parts, facts = sheet.breakdown("area_m2"), sheet.facts
    inside = sum(
        parts[name]
        for name in (
            "data cells",
            "check cells",
            "spare, reference and edge cells",
            "row decoders and word-line drivers",
            "column multiplexers",
            "sense amplifiers and references",
            "write drivers",
        )
    )
    tiles = facts["subarrays"] * facts["subarray_width_m"] * facts["subarray_height_m"]
    assert inside == pytest.approx(tiles, rel=1e-9)
    assert facts["width_m"] * facts["height_m"] == pytest.approx(tiles, rel=1e-9)


def test_an_unknown_figure_names_the_nearest(macro):
    with pytest.raises(InputError, match="read_latency_s"):
        macro.evaluate()["read_latency"]


def test_a_sheet_cannot_be_changed(macro):
    sheet = macro.evaluate()
    with pytest.raises(dataclasses.FrozenInstanceError):
        sheet.corner = "fast"
    with pytest.raises(TypeError):
        sheet.breakdown("area_m2")["data cells"] = 0.0


# Reference page macro.md, MA2: defects of the peers that must not be repeated.


def test_read_time_responds_to_the_cell_s_resistances(macro):
    slow = Macro(design(), cell=bit_cell(resistance=100.0))
    ratio = slow.evaluate()["read_latency_s"] / macro.evaluate()["read_latency_s"]
    assert ratio > 1.2  # NVSim: 1.004


@settings(max_examples=8, deadline=None)
@given(st.floats(1.0, 30.0), st.floats(1.05, 3.0))
def test_read_time_grows_with_resistance(resistance, step):
    times = [
        Macro(design(), cell=bit_cell(resistance=r)).evaluate()["read_latency_s"]
        for r in (resistance, resistance * step)
    ]
    assert times[1] > times[0]


@settings(max_examples=8, deadline=None)
@given(st.floats(1e-12, 1e-10), st.floats(1.5, 10.0))
def test_reset_energy_follows_the_cell_s_linearly(energy, factor):
    def reset(value):
        macro = Macro(design(), cell=bit_cell(reset_energy=value))
        return macro.evaluate()["reset_energy_per_bit_J"]

    base, middle, high = reset(energy), reset(energy * (1 + factor) / 2), reset(energy * factor)
    assert high > base
    assert middle == pytest.approx(0.5 * (base + high), rel=1e-9)


def test_set_energy_does_not_follow_the_reset_energy(macro):
    other = Macro(design(), cell=bit_cell(reset_energy=2e-10)).evaluate()
    assert other["set_energy_per_bit_J"] == macro.evaluate()["set_energy_per_bit_J"]
    assert other["write_energy_per_bit_J"] > macro.evaluate()["write_energy_per_bit_J"]


@settings(max_examples=8, deadline=None)
@given(st.floats(1.9, 2.6), st.floats(0.02, 0.3))
def test_area_grows_with_the_write_voltage(voltage, step):
    areas = [
        Macro(design(), cell=bit_cell(reset_voltage=v)).evaluate()["area_m2"]
        for v in (voltage, voltage + step)
    ]
    assert areas[1] > areas[0]


def test_a_write_voltage_beyond_the_devices_is_an_error():
    with pytest.raises(InputError, match=r"limit of the thick-oxide|more voltage than the devices"):
        Macro(design(), cell=bit_cell(reset_voltage=3.25))


def test_the_cells_of_a_read_draw_their_mean_over_data_not_their_tails():
    """By hand: half of the cells in each state, each with its mean current, for as long as the
    tails need.
    """
    cell = bit_cell()
    macro = Macro(design(), cell=cell)
    blocks = macro.blocks("typical", 298.15)
    column, array = blocks.column, blocks.array
    series = array.bit_line.resistance + column.mux.read_resistance
    mean = 0.5 * sum(
        0.2 / (1.0 / (median * math.exp(0.5 * sigma**2)) + series)
        for median, sigma in ((1 / 8e3, 0.06), (1 / 2e5, 0.3))
    )
    other = Macro(design(), cell=dataclasses.replace(cell, fresh=cell.aged), plan=macro.plan)
    older = 0.5 * sum(
        0.2 / (1.0 / (median * math.exp(0.5 * sigma**2)) + series)
        for median, sigma in ((1 / 9e3, 0.08), (1 / 1.5e5, 0.3))
    )
    parts = [m.evaluate().breakdown("read_energy_per_bit_J") for m in (macro, other)]
    name = "cells and sense amplifiers"
    flowing = (mean - older) * (column.time.total - column.time.latch) * 0.9
    share = macro.plan.together * column.amplifiers / 64
    assert parts[0][name] - parts[1][name] == pytest.approx(share * flowing, rel=1e-6)


@pytest.mark.parametrize(("node", "share"), [("130nm", 1.0), ("65nm", 0.03)])
def test_only_leaky_nodes_have_power_switches(node, share):
    chosen = design(technology=node, supply={"core": "1.2 V", "high": "1.8 V"})
    sheet = Macro(chosen, cell=bit_cell()).evaluate()
    powered, standby = (sheet.breakdown(name) for name in ("leakage_W", "standby_W"))
    for name in set(standby) - {"control"}:
        assert standby[name] == pytest.approx(share * powered[name], rel=1e-12), name
    assert "bandgap" not in standby


# Shapes that physics fixes.


def test_corners_and_temperature(macro):
    typical = macro.evaluate("typical", "25 degC")
    assert macro.evaluate("slow", "25 degC")["read_latency_s"] > typical["read_latency_s"]
    assert macro.evaluate("fast", "25 degC")["leakage_W"] > typical["leakage_W"]
    assert macro.evaluate("typical", "125 degC")["leakage_W"] > 3 * typical["leakage_W"]
    assert macro.evaluate("slow", "125 degC")["area_m2"] == typical["area_m2"]


def test_outside_the_transistor_models_is_an_error(macro):
    with pytest.raises(RangeViolation):
        macro.evaluate("typical", "200 degC")
    with pytest.raises(InputError, match="typical"):
        macro.evaluate("typicl")


def test_a_stronger_code_lowers_the_uber_and_costs_area():
    sheets = [
        Macro(design(correction={"code": code}, organisation={"rows": 512}), cell=bit_cell())
        for code in ("none", "secded", "bch2", "bch3")
    ]
    sheets = [macro.evaluate() for macro in sheets]
    ubers = [sheet["uber"] for sheet in sheets]
    gates = [sheet.breakdown("area_m2")["error correction"] for sheet in sheets]
    assert ubers[0] > ubers[1]
    assert gates == sorted(gates)


def test_more_bits_at_once_write_faster_and_need_a_larger_pump(macro):
    wide = Macro(design(write={"parallel_bits": 72}), cell=bit_cell()).evaluate()
    narrow = macro.evaluate()
    assert wide["write_time_s"] < narrow["write_time_s"]
    assert wide.breakdown("area_m2")["charge pumps"] > narrow.breakdown("area_m2")["charge pumps"]


def test_the_tail_is_slower_than_the_mean(macro):
    sheet = macro.evaluate()
    assert sheet["write_time_tail_s"] > sheet["write_time_s"]


def test_spares_raise_the_yield():
    def yields(rows, columns):
        organisation = {
            "banks": 1,
            "subarrays": 2,
            "rows": 512,
            "columns": 1152,
            "mux": 16,
            "spare_rows": rows,
            "spare_columns": columns,
        }
        return Macro(design(organisation=organisation), cell=bit_cell()).evaluate()["yield"]

    assert yields(0, 0) < yields(2, 0) < yields(2, 2)


def test_records_are_the_cited_numbers(macro):
    paths = {number.path for number in macro.evaluate().records}
    assert {"core.supply", "calibration.timing_guard", "defects.clustering"} <= paths


@pytest.mark.parametrize(("node", "area"), [(22, 0.215185), (28, 0.348563), (32, 0.455267)])
def test_the_cells_alone_are_what_every_tool_must_agree_on(node, area):
    # Reference page macro.md, MA1: 8 Mbit of 53 F^2, mm^2.
    pitch = math.sqrt(53.0) * node * 1e-9
    cell = dataclasses.replace(bit_cell(), width=pitch, height=pitch)
    chosen = design(capacity="8 Mibit", technology=f"{node}nm", organisation={"rows": 512})
    sheet = Macro(chosen, cell=cell).evaluate()
    assert sheet.breakdown("area_m2")["data cells"] == pytest.approx(area * 1e-6, rel=1e-5)


def test_a_serial_page_is_written_word_by_word():
    macro = Macro(design(**SERIAL), cell=bit_cell())
    sheet = macro.evaluate()
    words = 256 * 8 / 64
    start = sheet.breakdown("page_write_time_s")["pump start-up"]
    assert sheet["page_write_time_s"] - start == pytest.approx(words * sheet["write_time_s"])
    rate = 20e6
    current = sheet["serial_read_energy_per_bit_J"] * rate / 1.8
    assert sheet["serial_read_current_A"] == pytest.approx(current)


def test_a_faster_serial_clock_shares_the_standing_current():
    def energy(clock):
        serial = {"type": "serial", "interface": {"clock": clock, "page": "256 B"}}
        macro = Macro(design(**serial), cell=bit_cell())
        return macro.evaluate()["serial_read_energy_per_bit_J"]

    assert energy("5 MHz") > energy("20 MHz") > energy("80 MHz")


def test_dies_are_either_good_or_lost(macro):
    found = macro.yield_
    assert found.untouched + found.saved + sum(found.lost.values()) == pytest.approx(1.0)
    assert all(share >= 0.0 for share in (found.untouched, found.saved, *found.lost.values()))
