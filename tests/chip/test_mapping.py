"""Addresses: permutations that lose no word."""

from __future__ import annotations

import numpy as np
import pytest

from tantala.chip.mapping import AddressMap, Scramble


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1000, 4097])
def test_scrambling_is_a_permutation(count: int) -> None:
    numbers = np.arange(count)
    out = Scramble(count, seed=3)(numbers)
    assert sorted(out) == list(numbers)
    if count > 60:
        assert abs(np.corrcoef(numbers, out)[0, 1]) < 0.35
        assert (Scramble(count, seed=4)(numbers) != out).any()


def test_start_gap_visits_every_line_and_never_two_at_once() -> None:
    mapping = AddressMap(40, 4, (20, 2), None, rotates=True)
    held = {int(place): word for word, place in enumerate(mapping.lines_of(np.arange(10)))}
    visited: list[set[int]] = [set() for _ in range(10)]
    for _ in range(11 * 11):
        source, target = mapping.moved()
        assert target not in held
        if source in held:
            held[target] = held.pop(source)
        mapping.step()
        where = mapping.lines_of(np.arange(10))
        assert len(set(where.tolist())) == 10
        assert {int(place): word for word, place in enumerate(where)} == held
        for word, place in enumerate(where):
            visited[word].add(int(place))
    assert all(places == set(range(11)) for places in visited)


def test_spares_of_a_group_are_given_once() -> None:
    mapping = AddressMap(40, 4, (20, 2), None, rotates=False)
    assert mapping.place_of(np.array([0, 19, 20, 39])).tolist() == [0, 19, 22, 41]
    assert mapping.settled(np.array([2, 3])).tolist() == [2, 3]
    assert [mapping.replace(place) for place in (3, 5, 7, 25)] == [True, True, False, True]
    assert mapping.settled(np.array([2, 3, 4, 5, 25])).tolist() == [2, 20, 4, 21, 42]
    again = AddressMap(40, 4, (20, 2), None, rotates=False)
    assert [again.replace(3), again.replace(3)] == [True, True]
    assert again.settled(np.array([3])).tolist() == [21]
