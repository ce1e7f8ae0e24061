"""Nodes: no step between them, scaling in the right direction, ranges as errors."""

import numpy as np
import pytest

from tantala.base.errors import InputError, RangeViolation
from tantala.base.library import load_item
from tantala.technology import CORNERS, load_technology
from tantala.technology.node import from_item, interpolate

NODES = ("22nm", "28nm", "40nm", "65nm", "130nm", "180nm")

# What must grow with the feature size (+1) or shrink (-1); others only must not jump.
FIGURES = {
    "fan-out-of-four delay": (+1, lambda p: p.fo4),
    "gate energy": (+1, lambda p: p.gate_energy),
    "gate area": (+1, lambda p: p.gate_area),
    "core gate pitch": (+1, lambda p: p.core.parameters.contacted_pitch),
    "core mismatch": (+1, lambda p: p.core.parameters.mismatch),
    "thick-oxide delay": (+1, lambda p: p.io.fo4),
    "core off current": (-1, lambda p: p.core.off_current(1.0)),
    "local wire resistance": (-1, lambda p: p.local.resistance),
    "intermediate wire resistance": (-1, lambda p: p.intermediate.resistance),
    "top wire resistance": (-1, lambda p: p.top.resistance),
    "local wire capacitance": (+1, lambda p: p.local.capacitance),
    "capacitor density": (-1, lambda p: p.capacitor.density),
    "n drive": (0, lambda p: p.core.current(p.supply, 1.0)),
    "switching resistance": (0, lambda p: p.core.inverter_resistance),
    "top wire capacitance": (0, lambda p: p.top.capacitance),
}


@pytest.fixture(scope="module")
def sweep():
    """Typical processes on 400 nodes from 22 to 180 nm, evenly in log."""
    anchors = [from_item(load_item("technology", name)) for name in NODES]
    nodes = np.geomspace(22e-9, 180e-9, 400)
    return [interpolate(anchors, node).at() for node in nodes]


@pytest.mark.parametrize("name", FIGURES)
def test_scaling_is_smooth_and_monotone(sweep, name):
    direction, figure = FIGURES[name]
    log = np.log([float(figure(process)) for process in sweep])
    steps = np.diff(log)
    # One step of the sweep is 0.53 % in node; the steepest law here goes as node^2 to node^3.
    assert np.max(np.abs(steps)) < 0.03
    assert np.max(np.abs(np.diff(steps))) < 0.001, "a kink"
    if direction:
        assert np.all(direction * steps >= -1e-12)


@pytest.mark.parametrize("name", NODES)
def test_interpolation_meets_the_library(name):
    anchors = [from_item(load_item("technology", other)) for other in NODES]
    exact = load_technology(name)
    blended = interpolate(anchors, exact.node)
    assert blended.core.on_current_n == pytest.approx(exact.core.on_current_n, rel=1e-12)
    assert blended.local.pitch == pytest.approx(exact.local.pitch, rel=1e-12)


def test_names_of_nodes():
    assert load_technology("28nm").node == load_technology("28 nm").node == pytest.approx(28e-9)
    assert load_technology(28e-9).name == "28nm"
    between = load_technology("35nm")
    assert between.node == pytest.approx(35e-9)
    assert {item.name for item in between.items} == {"28nm", "40nm"}


@pytest.mark.parametrize("name", ["14nm", "250nm", 10e-9])
def test_nodes_outside(name):
    with pytest.raises(RangeViolation, match="22 to 180 nm"):
        load_technology(name)


def test_unknown_name():
    with pytest.raises(InputError, match="28nm"):
        load_technology("28nmm")


def test_unknown_corner():
    with pytest.raises(InputError, match="typical"):
        load_technology("28nm").at("typicl")


@pytest.mark.parametrize("temperature", ["-41 degC", "151 degC", 423.2])
def test_temperature_outside_is_an_error_not_an_index(temperature):
    node = load_technology("28nm")
    with pytest.raises(RangeViolation, match="-40 to 150"):
        node.at(temperature=temperature)
    allowed = node.at(temperature=temperature, extrapolate=True)
    assert allowed.extrapolated


def test_supply_outside():
    node = load_technology("28nm")
    with pytest.raises(RangeViolation, match="supply"):
        node.at(supply="0.4 V")
    with pytest.raises(InputError):
        node.at(supply=-1.0, extrapolate=True)


@pytest.mark.parametrize("name", NODES)
def test_order_of_corners(name):
    at = {corner: load_technology(name).at(corner) for corner in CORNERS}
    assert at["slow"].fo4 > at["typical"].fo4 > at["fast"].fo4
    leak = {corner: p.gate_leakage for corner, p in at.items()}
    assert leak["slow"] < leak["typical"] < leak["fast"]
    assert at["slow"].local.resistance > at["typical"].local.resistance
    for mixed in ("slow_fast", "fast_slow"):
        assert at["fast"].fo4 < at[mixed].fo4 < at["slow"].fo4


@pytest.mark.parametrize("name", NODES)
def test_fan_out_of_four_is_what_designers_know(name):
    """A fan-out-of-four delay is 0.3 to 0.8 ps per nm of node in planar processes."""
    process = load_technology(name).at()
    assert 0.3e-3 < process.fo4 / process.node < 0.8e-3  # s/m: 1e-3 is 1 ps per nm


def own_file(folder, change):
    """A user's copy of the 28 nm file with `change` applied to its text."""
    from tantala.base.library import locate

    path = folder / "own.toml"
    path.write_text(change(locate("technology", "28nm").read_text(encoding="utf-8")))
    return path


def test_a_users_own_process(tmp_path):
    own = load_technology(
        own_file(tmp_path, lambda text: text.replace("value = 650\n", "value = 700\n"))
    )
    assert own.core.on_current_n == pytest.approx(700.0)


def test_a_broken_process_file_tells_everything_at_once(tmp_path):
    def breaking(text):
        text = text.replace("[core.alpha]", "[core.alfa]")
        return text.replace('value = 2.2\nunit = "mV*um"', 'value = 2.2\nunit = "mV"')

    with pytest.raises(InputError) as caught:
        load_technology(own_file(tmp_path, breaking))
    assert "core.alpha" in str(caught.value)
    assert "core.mismatch" in str(caught.value)
