"""Codes: exhaustive and random error patterns, and `galois` as an independent oracle."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala.base.errors import InputError
from tantala.circuit import Bch, Hsiao, make_code

SECDED = [8, 16, 32, 64, 128, 256]
BCH = [(32, 2), (64, 2), (128, 2), (256, 2), (32, 3), (64, 3), (128, 3), (512, 3)]
BCH += [(64, 1), (32, 4), (64, 4), (512, 4)]


def random_words(code, count, seed):
    data = np.random.default_rng(seed).integers(0, 256, (count, code.data_bytes), np.uint8)
    if code.k % 8:
        data[:, -1] &= (1 << code.k % 8) - 1
    return data


def with_errors(code, data, check, positions):
    """Copies of the words with the bits at `positions` (words, errors) flipped."""
    data, check = data.copy(), check.copy()
    for word, bits in enumerate(positions):
        for bit in bits:
            if bit < code.k:
                data[word, bit // 8] ^= np.uint8(1 << bit % 8)
            else:
                check[word] ^= np.uint64(1 << (bit - code.k))
    return data, check


def check_all_corrected(code, positions):
    data = random_words(code, len(positions), 7)
    check = code.encode(data)
    result = code.decode(*with_errors(code, data, check, positions))
    assert not result.failed.any()
    assert np.array_equal(result.data, data)
    assert np.array_equal(result.check, check)
    assert np.array_equal(result.corrected, [len(bits) for bits in positions])


@pytest.mark.parametrize("bits", SECDED)
def test_secded_sizes(bits):
    assert Hsiao(bits).r == {8: 5, 16: 6, 32: 7, 64: 8, 128: 9, 256: 10}[bits]


@pytest.mark.parametrize(("bits", "t"), BCH)
def test_bch_sizes(bits, t):
    degree = {32: 6, 64: 7, 128: 8, 256: 9, 512: 10}[bits]
    assert Bch(bits, t).r == degree * t


def test_the_word_of_a_published_macro():
    """128 data bits with two corrections fill the 144-bit word of the 22 nm 96K x 144 macro."""
    assert Bch(128, 2).n == 144


@pytest.mark.parametrize("bits", SECDED)
def test_secded_corrects_every_single_error(bits):
    code = Hsiao(bits)
    check_all_corrected(code, [(bit,) for bit in range(code.n)])


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_secded_detects_every_double_error(bits):
    code = Hsiao(bits)
    pairs = list(itertools.combinations(range(code.n), 2))
    data = random_words(code, len(pairs), 1)
    wrong, check = with_errors(code, data, code.encode(data), pairs)
    result = code.decode(wrong, check)
    assert result.failed.all()
    assert np.array_equal(result.data, wrong), "a word that cannot be corrected is left alone"


@pytest.mark.parametrize("bits", SECDED)
def test_secded_check_equations_are_level(bits):
    weights = Hsiao(bits).parity_weights()
    assert weights.max() - weights.min() <= 1


@pytest.mark.parametrize(("bits", "t"), [(16, 2), (32, 2)])
def test_bch_corrects_every_pattern_of_two(bits, t):
    code = Bch(bits, t)
    check_all_corrected(code, [(bit,) for bit in range(code.n)])
    check_all_corrected(code, list(itertools.combinations(range(code.n), 2)))


@pytest.mark.parametrize("t", [3, 4])
def test_bch_corrects_every_pattern_of_three_and_four(t):
    code = Bch(8, t)
    check_all_corrected(code, list(itertools.combinations(range(code.n), t)))


@pytest.mark.parametrize(("bits", "t"), BCH)
def test_bch_corrects_random_patterns(bits, t):
    code = Bch(bits, t)
    rng = np.random.default_rng(bits + t)
    for errors in range(t + 1):
        check_all_corrected(
            code, [tuple(rng.choice(code.n, errors, replace=False)) for _ in range(400)]
        )


@pytest.mark.parametrize(("bits", "t"), [(64, 2), (64, 3), (64, 4)])
def test_bch_beyond_its_power(bits, t):
    """t + 1 errors are reported or miscorrected into another code word, never passed as they are.

    The share that is reported follows from counting: shortened codes detect most of them.
    """
    code = Bch(bits, t)
    rng = np.random.default_rng(3)
    positions = [tuple(rng.choice(code.n, t + 1, replace=False)) for _ in range(2000)]
    data = random_words(code, len(positions), 5)
    result = code.decode(*with_errors(code, data, code.encode(data), positions))
    passed = ~result.failed
    assert not code.syndrome(result.data[passed], result.check[passed]).any()
    assert (result.corrected[passed] >= 1).all()
    assert not np.array_equal(result.data[passed], data[passed])
    assert result.failed.mean() > 0.4


def oracle(code):
    galois = pytest.importorskip("galois", reason="galois is the oracle of the codes")
    degree = code.field.degree
    polynomial = galois.Poly.Int(int(bin_polynomial(degree)))
    field = galois.GF(2**degree, irreducible_poly=polynomial)
    order = 2**degree - 1
    return galois.BCH(order, order - code.r, extension_field=field, alpha=field.primitive_element)


def bin_polynomial(degree):
    from tantala.circuit.galois_field import PRIMITIVE

    return PRIMITIVE[degree]


@pytest.mark.parametrize(
    ("bits", "t"), [(64, 1), (32, 2), (128, 2), (64, 3), (128, 3), (64, 4), (128, 4)]
)
def test_bch_against_galois(bits, t):
    """Same generator, same check bits, same corrections as an independent library."""
    code = Bch(bits, t)
    reference = oracle(code)
    assert reference.t == t
    assert int(reference.generator_poly) == code.generator
    words = random_words(code, 50, 11)
    bits_of = np.unpackbits(words, axis=1, bitorder="little")[:, : code.k]
    # galois writes the highest power first; our data bit i is the coefficient of x^(r + i).
    theirs = np.array(reference.encode(bits_of[:, ::-1]))
    check = code.encode(words)
    ours = (check[:, None] >> np.arange(code.r, dtype=np.uint64) & np.uint64(1)).astype(np.uint8)
    assert np.array_equal(theirs[:, code.k :], ours[:, ::-1])
    rng = np.random.default_rng(2)
    positions = [tuple(rng.choice(code.n, t, replace=False)) for _ in words]
    wrong, wrong_check = with_errors(code, words, check, positions)
    wrong_bits = np.unpackbits(wrong, axis=1, bitorder="little")[:, : code.k]
    check_bits = wrong_check[:, None] >> np.arange(code.r, dtype=np.uint64) & np.uint64(1)
    received = np.concatenate([wrong_bits[:, ::-1], check_bits[:, ::-1].astype(np.uint8)], axis=1)
    decoded = np.array(reference.decode(type(reference.encode(bits_of[:1]))(received)))
    assert np.array_equal(decoded, bits_of[:, ::-1])
    assert np.array_equal(code.decode(wrong, wrong_check).data, words)


def test_a_code_with_a_wrong_table_is_caught():
    """The control of these tests: one wrong column and single errors are no longer corrected."""
    code = Hsiao(32)
    code.columns = code.columns.copy()
    code.columns[3] = code.columns[4]
    with pytest.raises(AssertionError):
        check_all_corrected(code, [(bit,) for bit in range(code.k)])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_codes_are_linear(a, b):
    code = Bch(32, 2)
    words = np.array([[a], [b], [a ^ b]], np.uint32).view(np.uint8).reshape(3, 4)
    check = code.encode(words)
    assert check[0] ^ check[1] == check[2]


def test_words_of_odd_length():
    code = make_code("bch2", 20)
    check_all_corrected(code, list(itertools.combinations(range(code.n), 2)))
    bad = random_words(code, 2, 0)
    bad[0, -1] = 0xFF
    with pytest.raises(InputError, match="beyond"):
        code.encode(bad)


def test_bad_input():
    with pytest.raises(InputError, match="bch2"):
        make_code("bhc2", 64)
    with pytest.raises(InputError, match="1 to 4"):
        Bch(64, 5)
    with pytest.raises(InputError, match="uint8"):
        Hsiao(64).encode(np.zeros((3, 8), np.int64))
    assert make_code("none", 64) is None
