"""Claim: a job gives the same result and the same error whichever process does it."""

from __future__ import annotations

import math

import pytest

from tantala.report.crew import Crew


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_tasks(workers):
    with Crew(workers, "math") as crew:
        later = crew.start(math.factorial, 20)
        assert crew.each(math.hypot, [(3.0, 4.0 * n) for n in range(40)]) == [
            math.hypot(3.0, 4.0 * n) for n in range(40)
        ]
        assert later() == math.factorial(20)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_reaches_whoever_asks_for_the_result(workers):
    with Crew(workers, "math") as crew, pytest.raises(ValueError, match="math domain error"):
        crew.each(math.sqrt, [(1.0,), (-1.0,)])
