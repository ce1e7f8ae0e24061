"""The search finds what evaluating every candidate on its own finds."""

from __future__ import annotations

import numpy as np
import pytest
from example_macro import bit_cell, design

from tantala.base.errors import InputError
from tantala.macro import search
from tantala.macro.macro import Macro
from tantala.macro.pareto import front_reference
from tantala.macro.plan import space

AIMS = [
    {"area": 1, "read_latency": 0, "read_energy": 0, "write_time": 0},
    {"area": 0, "read_latency": 1, "read_energy": 0, "write_time": 0},
    {"area": 0, "read_latency": 1, "read_energy": 1, "write_time": 0},
    {"area": 2, "read_latency": 0.5, "read_energy": 1, "write_energy": 1, "standby": 0.3},
]
REDUCED = {"banks": 1, "mux": 8}
WRITE = {"parallel_bits": 8}


@pytest.fixture(scope="module")
def one_by_one():
    """Every candidate of a reduced space, evaluated on its own."""
    chosen = design(organisation=REDUCED, write=WRITE, capacity="512 Kibit")
    macro = Macro(chosen, cell=bit_cell())
    equations = macro.equations()
    candidates = space(chosen)
    values = []
    for index in range(candidates.size):
        found = equations(candidates.candidate(index))
        values.append({name: float(value) for name, value in found.items()})
        if not found["feasible"]:
            values[-1] = dict.fromkeys(found, np.inf)
    return chosen, candidates, values


def test_the_reduced_space_is_worth_searching(one_by_one):
    _, candidates, _ = one_by_one
    assert candidates.size > 1500
    assert len(np.unique(candidates.structure["rows"])) > 3


@pytest.mark.parametrize("aim", AIMS)
def test_same_optimum_and_front_as_exhaustive_evaluation(one_by_one, aim):
    chosen, _, values = one_by_one
    aimed = design(organisation=REDUCED, write=WRITE, capacity="512 Kibit", aim=aim)
    found = Macro(aimed, cell=bit_cell()).search()
    weights = search.weights(aimed.aim)
    scores = np.array([search.score(one, weights) for one in values])
    best = int(np.argmin(scores))
    # The same equations on arrays and on numbers may differ in the last bit, so equal scores tie.
    assert found.score == pytest.approx(scores[best], rel=1e-12)
    assert scores[found.index] == pytest.approx(scores[best], rel=1e-12)
    points = np.array([[one[name] for name in found.figures] for one in values])
    reference = points[front_reference(points)]
    assert found.front == pytest.approx(reference, rel=1e-12)
    assert chosen.words == aimed.words


def test_limits_cut_the_space_and_out_of_reach_says_so(one_by_one):
    chosen, _, values = one_by_one
    macro = Macro(chosen, cell=bit_cell())
    times = np.array([one["read_latency_s"] for one in values])
    limit = float(np.quantile(times, 0.2))
    found = macro.search(limits={"read_latency_s": limit})
    assert found.feasible == np.count_nonzero(times <= limit)
    weights = search.weights(chosen.aim)
    scores = np.array([search.score(one, weights) for one in values])
    assert found.score == pytest.approx(scores[times <= limit].min(), rel=1e-12)
    with pytest.raises(InputError, match=r"read_latency_s.*best of the space"):
        macro.search(limits={"read_latency_s": 1e-12})


def test_every_candidate_holds_the_capacity():
    for chosen in (design(organisation={}), design(organisation={}, word="32 bit")):
        s = space(chosen).structure
        assert np.all(s["banks"] * s["sets"] * s["rows"] * s["mux"] == chosen.words)
        stored = s["together"] * s["columns"] / s["mux"]
        assert np.all(stored == chosen.code.word_bits)


def test_what_the_file_fixes_stays_fixed():
    fixed = {"rows": 256, "mux": 8}
    plan = Macro(design(organisation=fixed), cell=bit_cell()).plan
    assert (plan.rows, plan.mux, plan.parallel) == (256, 8, 8)


def test_the_found_plan_evaluates_to_its_score():
    chosen = design(organisation={})
    macro = Macro(chosen, cell=bit_cell())
    found = macro.search()
    sheet = macro.evaluate("typical", "25 degC")
    assert search.score(sheet, search.weights(chosen.aim)) == pytest.approx(found.score, rel=1e-12)


def test_words_without_a_fitting_organisation():
    with pytest.raises(InputError, match="no organisation holds the capacity"):
        Macro(design(capacity=64 * 10007, organisation={}), cell=bit_cell())
