"""Claims of the whole datasheet: one set of figures behind page, PDF and JSON; made again exactly;
every change caught.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess

import pytest

from tantala.macro.metrics import METRICS
from tantala.report import compute, render
from tantala.report.check import check, page_lines
from tantala.report.compiler import BREAKDOWNS, HEADLINE
from tantala.report.crew import Crew
from tantala.report.floorplan import Grid, Part, plan
from tantala.report.influence import PRINTED
from tantala.report.sections.area import PLACES

from .conftest import DESIGN


@pytest.fixture(scope="module")
def data(folder):
    return json.loads((folder / f"{DESIGN}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(folder):
    return (folder / f"{DESIGN}.html").read_text(encoding="utf-8")


def test_json_is_complete_and_strict(data):
    assert data["format"] == "tantala datasheet"
    assert data["origin"]["version"]
    assert len(data["origin"]["design_sha256"]) == 64
    assert data["origin"]["command"].startswith("tantala datasheet ")
    assert {row["name"] for row in data["requirements"]} >= {"uber", "read_latency_s"}
    assert set(data["key_figures"]) <= set(METRICS)
    for source in data["sources"]:
        assert source["text"] != source["key"], "a source without an entry in the bibliography"


def test_breakdowns_sum_to_their_figures(data):
    for name in BREAKDOWNS:
        if name in data["breakdowns"]:
            total = math.fsum(data["breakdowns"][name].values())
            assert total == pytest.approx(data["key_figures"][name]["typical"], rel=1e-7)


def test_minimum_typical_maximum_are_in_order(data):
    for name, figure in data["key_figures"].items():
        worst = math.inf if figure["maximum"] is None else figure["maximum"]
        assert figure["minimum"] <= figure["typical"] * (1 + 1e-9), name
        assert figure["typical"] <= worst * (1 + 1e-9), name


def test_requirements_agree_with_key_figures(data):
    for row in data["requirements"]:
        figure = data["key_figures"][row["name"]]
        end = "maximum" if row["side"] == "max" else "minimum"
        assert row["value"] == figure[end]
        if row["value"] is not None:
            below = row["value"] <= row["limit"]
            assert row["met"] == (below if row["side"] == "max" else row["value"] >= row["limit"])


def test_floorplan_fits_its_outline(sheet):
    org = sheet.organisation
    parts = [
        Part(name, area, PLACES.get(name, "shared"))
        for name, area in sheet.breakdowns["area_m2"].items()
    ]
    grid = Grid(org.bank_columns, org.bank_rows, org.subarray_columns, org.subarray_rows)
    placed = plan(parts, grid, org.width_m / org.height_m)
    assert placed.width == pytest.approx(org.width_m, rel=1e-6)
    assert placed.height == pytest.approx(org.height_m, rel=1e-6)
    for part in parts:
        if part.area > 0:
            assert placed.areas()[part.name] == pytest.approx(part.area, rel=1e-9)


def test_places_of_the_floorplan_name_parts_that_exist(sheet):
    only_elsewhere = {"seal ring", "strip corners"}
    assert set(PLACES) - only_elsewhere <= set(sheet.breakdowns["area_m2"])


def test_error_rates_grow_with_time_and_temperature(sheet):
    raw, final = sheet.error_rates.raw, sheet.error_rates.uncorrectable
    assert (raw[:, 1:] >= raw[:, :-1] * (1 - 1e-6)).all()
    assert (final <= raw).all()
    hot = sheet.temperature_sweep.raw[:, 0]
    assert hot[-1] >= hot[0]


def test_retention_and_key_figures_tell_one_story(sheet):
    identity = sheet.identity
    (row,) = [r for r in sheet.retention if r.temperature_K == identity.retention_temperature_K]
    (worn,) = [r for r in sheet.endurance if r.cycles == identity.endurance_cycles]
    assert row.raw == pytest.approx(sheet.key("raw_bit_error_rate").typical, rel=1e-6)
    assert worn.raw_aged == pytest.approx(row.raw, rel=1e-9)
    assert row.uncorrectable == pytest.approx(sheet.key("uber").typical, rel=1e-6)


def test_tail_method_agrees_with_counting(sheet):
    # Sixteen fixed-seed comparisons at most: 1e-4 each leaves a false alarm of 1 in 600.
    for entry in sheet.tail_checks:
        assert entry.probability > 1e-4, entry


def test_influences_are_ranked_and_name_their_numbers(sheet):
    ranks = [entry.rank for entry in sheet.influences]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] > 0.05, "no assumption moves any headline figure"
    for entry in sheet.influences:
        assert entry.low < entry.high
        assert set(entry.effects) == set(HEADLINE) & {f.name for f in sheet.key_figures}
    assert not any(entry.approximate for entry in sheet.influences[:PRINTED])


def test_page_is_self_contained(page):
    assert "<script" not in page
    assert not re.search(r"""(?:src|href|url)\s*=\s*["'](?!#|data:)""", page)
    assert not re.search(r"url\((?!['\"]?(?:data:|#))", page)
    assert page.count("<svg") >= 10


def test_page_shows_the_figures_of_the_json(page, sheet):
    text = "\n".join(page_lines(page))
    latency = sheet.key("read_latency_s")
    assert f"{latency.typical * 1e9:.3g}"[:4] in text
    for row in sheet.requirements:
        assert row.title in text
    assert sheet.origin.design_sha256 in text


def test_references_are_not_left_open(page):
    assert not re.search(r"\{(table|figure|section):", page)
    for target in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{target}"' in page


def test_same_design_and_seed_give_the_same_figures_and_page(folder):
    # A second process takes part here: the figures are the same whoever computes them.
    with Crew(workers=2) as crew:
        assert check(folder, crew=crew) == []


@pytest.fixture
def computed(sheet, monkeypatch):
    """The check with its computing done already."""
    monkeypatch.setattr(compute, "datasheet", lambda *args, **kwargs: sheet)


@pytest.mark.usefixtures("computed")
def test_check_catches_a_tampered_figure(folder, tmp_path):
    copy = tmp_path / f"{DESIGN}.json"
    data = json.loads((folder / copy.name).read_text(encoding="utf-8"))
    data["key_figures"]["read_latency_s"]["maximum"] *= 0.98
    data["requirements"][0]["met"] = not data["requirements"][0]["met"]
    copy.write_text(json.dumps(data), encoding="utf-8")
    found = [str(one) for one in check(copy)]
    assert len(found) == 2
    assert found[0].startswith("key_figures.read_latency_s.maximum: ")
    assert ".met: " in found[1]


@pytest.mark.usefixtures("computed")
def test_check_catches_a_tampered_page(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    page = tmp_path / "copy" / f"{DESIGN}.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("Read access time</td>", "Read excess time</td>", 1), "utf-8")
    found = [str(one) for one in check(page)]
    assert any("in the file" in line and "Read excess time" in line for line in found)


def test_pdf_prints_all_sections_with_its_own_font(sheet, tmp_path, program):
    sheet.write(tmp_path)
    path = tmp_path / f"{DESIGN}.pdf"
    text = subprocess.run(
        [program("pdftotext"), "-layout", path, "-"], capture_output=True, text=True, check=True
    ).stdout
    for section in sheet.document().sections:
        assert section.title in text
    pages = text.count("\f")
    assert 8 <= pages <= 20
    assert re.search(rf"\b{pages} / {pages}\b", text)
    fonts = subprocess.run([program("pdffonts"), path], capture_output=True, text=True, check=True)
    assert "DejaVu" in fonts.stdout


def test_without_the_system_library_page_and_figures_are_written(sheet, tmp_path, monkeypatch):
    def absent(page: str) -> bytes:
        raise render.PrintUnavailable("no PDF: weasyprint cannot load the Pango system library")

    monkeypatch.setattr(render, "pdf", absent)
    written = sheet.write(tmp_path)
    assert "Pango" in written.no_pdf
    assert sorted(path.name for path in written.paths) == [f"{DESIGN}.html", f"{DESIGN}.json"]


@pytest.mark.parametrize("error", [ImportError("weasyprint"), OSError("cannot load libpango")])
def test_each_reason_for_no_pdf_is_told_with_its_remedy(error, monkeypatch):
    import builtins

    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "weasyprint":
            raise error
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(render.PrintUnavailable, match=r"no PDF: .*(pip install|apt install)"):
        render.pdf("<p>x</p>")
