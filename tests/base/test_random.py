"""Addressed randomness: the authors' vectors, independence of chunking, uniformity."""

import numpy as np
import pytest
from scipy import special

from tantala.base import random
from tantala.base.errors import InputError

# Known-answer vectors of Philox 4x32-10, from the authors' Random123 distribution (kat_vectors).
VECTORS = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    (
        [0xFFFFFFFF] * 4,
        [0xFFFFFFFF] * 2,
        [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
    ),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), VECTORS)
def test_the_authors_vectors(counter: list[int], key: list[int], expected: list[int]) -> None:
    reference = random.rounds([np.array(c, dtype=np.uint64) for c in counter], *key)
    assert [int(word) for word in reference] == expected
    kernel = random.philox4x32(*(np.uint32(word) for word in counter + key))
    assert [int(word) for word in kernel] == expected


def test_draws_depend_on_the_address_not_on_the_chunk() -> None:
    stream = random.purpose("test.chunks")
    whole = random.normal(7, stream, np.arange(1000))
    halves = [random.normal(7, stream, np.arange(a, a + 500)) for a in (0, 500)]
    assert np.array_equal(whole, np.concatenate(halves))


def test_every_part_of_the_address_matters() -> None:
    base = random.words(1, 2, 3, 4)
    others = [(2, 2, 3, 4), (1, 3, 3, 4), (1, 2, 4, 4), (1, 2, 3, 5)]
    high = [(1 + 2**32, 2, 3, 4), (1, 2, 3 + 2**32, 4), (1, 2, 3, 4 + 2**32)]
    drawn = [tuple(map(int, random.words(*address))) for address in others + high]
    assert len({tuple(map(int, base)), *drawn}) == 1 + len(others) + len(high)


def test_normals_are_normal() -> None:
    # Two-sided five-sigma bounds on mean and variance of 1e6 draws: false alarm 1.1e-6 in all.
    z = random.normal(11, random.purpose("test.normal"), np.arange(1_000_000))
    assert abs(z.mean()) < 5 / 1000
    assert abs(z.var() - 1) < 5 * np.sqrt(2) / 1000


def test_inverse_normal_is_the_quantile() -> None:
    u = np.concatenate([np.geomspace(1e-12, 0.5, 400), 1 - np.geomspace(1e-12, 0.5, 400)])
    ours = np.array([random.inverse_normal(value) for value in u])
    assert np.allclose(ours, special.ndtri(u), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "one", True])
def test_a_bad_seed_is_refused(seed: object) -> None:
    with pytest.raises(InputError, match="bad seed"):
        random.seed_words(seed)  # pyright: ignore[reportArgumentType]
