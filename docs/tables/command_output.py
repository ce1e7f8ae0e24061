"""What the commands of the guides print, run at each build so that the pages stay true."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from tantala.macro import load_design

BROKEN = """kind = "chip"
name = "broken"
title = "A design with four mistakes"
type = "embedded"
capacity = "8 Mb"
word = "128 bit"
technology = "28nm"
cell = "embeded_28nm"
colour = "blue"

[supply]
core = "0.9 A"
high = "1.8 V"

[environment]
temperature_min = "-40 degC"
temperature_typical = "25 degC"
temperature_max = "85 degC"

[requirements]
retention = { time = "10 years", temperature = "85 degC" }
endurance = 10_000
uber = { max = "1e-15" }
"""
DESIGN = """kind = "chip"
name = "sensor_node"
title = "2 Mibit embedded ReRAM macro, 28 nm"
type = "embedded"
capacity = "2 Mibit"
word = "64 bit"
technology = "28nm"
cell = "embedded_28nm"

[supply]
core = "0.9 V"
high = "1.8 V"

[environment]
temperature_min = "-40 degC"
temperature_typical = "25 degC"
temperature_max = "85 degC"

[requirements]
retention = { time = "10 years", temperature = "85 degC" }
endurance = 10_000
uber = { max = "1e-15" }
read_latency = { max = "25 ns" }
"""
PYTHON = """import tantala as tt

cells = tt.load_cell("hfox_64k").sample(100_000, seed=1)
cells.reset_pulse()                                    # the cell's nominal pulse, or given:
cells.set_pulse(bitline="1.5 V", wordline="2.0 V", width="100 ns")
outcome = cells.write_verify("80 uS", "90 uS", scheme="radar")
print(f"{outcome.pulses.mean():.1f} pulses, {outcome.ok.mean():.2%} in the window")
cells.wait("10 h", temperature="125 degC")
inside = (cells.conductance > 80e-6) & (cells.conductance < 90e-6)
print(f"{inside.mean():.1%} still in it after ten hours at 125 degC")
"""
MACRO = """import tantala as tt

macro = tt.load_design("embedded_8mb_28nm").macro()    # organisation found by search
sheet = macro.evaluate(corner="typical", temperature="25 degC")
print(f"{sheet['read_latency_s'] * 1e9:.1f} ns, {sheet['area_m2'] * 1e6:.2f} mm2")
parts = sorted(sheet.breakdown("area_m2").items(), key=lambda part: -part[1])
for name, area in parts[:3]:
    print(f"  {name}: {area / sheet['area_m2']:.0%}")
"""


def pages() -> Iterator[tuple[str, str]]:
    """(name, Markdown) of each page."""
    yield "run_cells", _block("python", PYTHON) + _block("text", _python(PYTHON))
    yield "run_macro", _block("python", MACRO) + _block("text", _python(MACRO))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "broken.toml"
        file.write_text(BROKEN, encoding="utf-8")
        printed = _command("check", str(file)).replace(folder + "/", "")
    text = _block("toml", BROKEN) + _block("text", "$ tantala check broken.toml\n" + printed)
    yield "run_check", text
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sensor_node.toml"
        file.write_text(DESIGN, encoding="utf-8")
        load_design(file)
    yield "run_design", _block("toml", DESIGN)


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n\n"


def _python(source: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, "documentation", "exec"), {})
    return out.getvalue()


def _command(*arguments: str) -> str:
    from tantala.cli import app

    return CliRunner().invoke(app, list(arguments)).output
