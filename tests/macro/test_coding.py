"""Codes: check bits and failure rates against direct sums and known codes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from tantala.macro import coding


@pytest.mark.parametrize(
    ("kind", "data", "check"),
    [
        ("none", 64, 0),
        ("secded", 8, 5),
        ("secded", 32, 7),
        ("secded", 64, 8),
        ("secded", 128, 9),
        ("bch2", 128, 16),
        ("bch2", 64, 14),
        ("bch3", 512, 30),
    ],
)
def test_check_bits_of_known_codes(kind, data, check):
    assert coding.code(kind, data).check_bits == check


@given(st.integers(0, 4), st.integers(5, 300), st.floats(1e-4, 0.3, allow_nan=False))
def test_failure_rate_is_the_binomial_tail(t, n, p):
    mine = coding.log_more_than(t, n, math.log(p))
    assert mine == pytest.approx(binom.logsf(t, n, p), rel=1e-6, abs=1e-9)


def test_tails_far_below_counting_follow_the_leading_term():
    word = coding.code("bch2", 128)
    log_p = math.log(1e-12)
    leading = math.log(math.comb(144, 3)) + 3 * log_p
    assert coding.log_word_failure(word, log_p) == pytest.approx(leading, abs=1e-9)


def test_monte_carlo_agrees_where_counting_is_possible():
    word = coding.code("secded", 64)
    rng = np.random.default_rng(1)
    errors = (rng.random((200_000, word.word_bits)) < 0.01).sum(axis=1)
    counted = np.count_nonzero(errors > word.correctable)
    p = math.exp(coding.log_word_failure(word, math.log(0.01)))
    # Five standard deviations: a false alarm once in 1.7 million runs.
    assert abs(counted - 200_000 * p) < 5 * math.sqrt(200_000 * p * (1 - p))


@given(st.sampled_from(["secded", "bch2", "bch3"]), st.floats(1e-18, 1e-6))
def test_allowed_error_gives_back_the_uber(kind, uber):
    word = coding.code(kind, 128)
    p = coding.allowed_bit_error(word, uber)
    assert coding.log_uber(word, math.log(p)) == pytest.approx(math.log(uber), rel=1e-6)


def test_no_errors_and_certain_errors():
    word = coding.code("secded", 64)
    assert coding.log_word_failure(word, -math.inf) == -math.inf
    assert coding.log_word_failure(word, 0.0) == 0.0


@pytest.mark.parametrize("kind", ["secded", "bch2", "bch3"])
@pytest.mark.parametrize("data", [8, 32, 64, 128, 256])
def test_the_chip_s_real_code_has_the_same_shape(kind, data):
    from tantala.circuit import make_code

    real, counted = make_code(kind, data), coding.code(kind, data)
    assert (real.n, real.t) == (counted.word_bits, counted.correctable)


def test_faulty_cells_leave_fewer_corrections_counted():
    word = coding.code("bch2", 64)
    hard, soft, n = 2e-3, 4e-3, 400_000
    rng = np.random.default_rng(9)
    faults = rng.binomial(word.word_bits, hard, n)
    errors = faults + rng.binomial(word.word_bits - faults, soft)
    counted = np.count_nonzero((faults <= word.reserved) & (errors > word.correctable)) / n
    p = math.exp(coding.log_word_failure(word, math.log(soft), hard))
    assert abs(counted - p) < 5 * math.sqrt(p / n)
    beyond = np.count_nonzero(faults > word.reserved) / n
    q = coding.hard_failure(word, hard)
    assert abs(beyond - q) < 5 * math.sqrt(q / n)


@given(st.floats(0.0, 1e-2), st.floats(1e-9, 1e-2))
def test_faulty_cells_never_help_the_code(hard, soft):
    word = coding.code("bch3", 128)
    kept = 1.0 - coding.hard_failure(word, hard)
    clean = math.exp(coding.log_word_failure(word, math.log(soft)))
    faulty = math.exp(coding.log_word_failure(word, math.log(soft), hard))
    assert faulty >= clean * kept * (1 - 1e-9)
