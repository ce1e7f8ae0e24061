"""Dickson pump equations against ngspice: output voltage, efficiency and start-up.

The equations come from a review by way of our reference page, where they are marked unverified;
here a switched-capacitor pump with near-ideal switches is simulated on its own.
"""

import pytest
from blocks import circuits, process

from tantala.circuit import charge_pump


def simulate(ngspice, pump, supply, load, buffer, measures, duration, start):
    """Measured values of a pump of `pump.stages` stages; `start` is the output voltage at 0."""
    stages = int(pump.stages)
    capacitor = pump.capacitance / stages
    parasitic = process().capacitor.bottom_plate * capacitor
    period = 1.0 / circuits().pump.clock
    on = 0.48 * period
    edge = 0.002 * period
    lines = [
        "switched-capacitor pump",
        f"vin in 0 {supply}",
        f"va a 0 pulse(0 1 0 {edge} {edge} {on} {period})",
        f"vb b 0 pulse(0 1 {0.5 * period} {edge} {edge} {on} {period})",
        ".model sw sw(ron=10 roff=1e12 vt=0.5 vh=0)",
    ]
    nodes = ["in", *(f"n{stage}" for stage in range(1, stages + 1)), "out"]
    for stage in range(1, stages + 2):
        # A switch conducts while its right-hand stage is low and its left-hand one is lifted.
        low = "b" if stage % 2 else "a"
        lines.append(f"s{stage} {nodes[stage - 1]} {nodes[stage]} {low} 0 sw")
        if stage <= stages:
            high = "a" if stage % 2 else "b"
            lines += [
                f"c{stage} n{stage} p{stage} {capacitor} ic={stage * start / (stages + 1)}",
                f"cp{stage} p{stage} 0 {parasitic} ic=0",
                f"sh{stage} in p{stage} {high} 0 sw",
                f"sl{stage} p{stage} 0 {low} 0 sw",
            ]
    lines += [
        f"cout out 0 {buffer} ic={start}",
        f"iout out 0 {load}",
        f".tran {period / 200} {duration} 0 {period / 200} uic",
        *measures,
        ".end",
    ]
    return ngspice("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("voltage", "supply", "stages"), [(2.4, 1.8, 1), (3.2, 1.8, 2), (2.5, 0.9, 4), (3.0, 0.8, 6)]
)
def test_output_voltage_and_efficiency(ngspice, voltage, supply, stages):
    load = 200e-6
    pump = charge_pump(process(), circuits(), voltage, load, supply)
    assert pump.stages == stages
    buffer = 20e-12
    period = 1.0 / circuits().pump.clock
    settle = 12.0 * pump.output_resistance * (buffer + pump.capacitance / 3.0)
    end = settle + 20 * period
    window = f"from={end - 10 * period} to={end}"
    measured = simulate(
        ngspice,
        pump,
        supply,
        load,
        buffer,
        [f".meas tran level avg v(out) {window}", f".meas tran drawn avg i(vin) {window}"],
        end,
        voltage,
    )
    assert measured["level"] == pytest.approx(voltage, rel=0.02)
    efficiency = measured["level"] * load / (supply * -measured["drawn"])
    assert efficiency == pytest.approx(pump.efficiency, rel=0.03)


def test_start_up_time(ngspice):
    pump = charge_pump(process(), circuits(), 2.9, 1e-3, 1.8, 60e-12)
    measured = simulate(
        ngspice,
        pump,
        1.8,
        0.0,
        pump.output_capacitance,
        [".meas tran rise when v(out)=2.9 rise=1"],
        4.0 * pump.start_up,
        0.0,
    )
    assert pump.start_up == pytest.approx(measured["rise"], rel=0.15)
