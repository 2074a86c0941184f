"""Shapley's rule: its axioms, and games whose answers are known."""

from __future__ import annotations

from itertools import chain, combinations, permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.game import playing, shapley, shares_of

WORTH = st.floats(-100, 100)


def coalitions(players: str) -> list[frozenset[str]]:
    return [frozenset(c) for c in chain.from_iterable(combinations(players, k) for k in range(len(players) + 1))]


def games(players: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(float, 2**players, elements=WORTH)


def test_in_an_additive_game_everyone_gets_what_he_brings():
    brings = {"a": 3.0, "b": -1.0, "c": 0.5}
    found = shapley({c: 7 + sum(brings[p] for p in c) for c in coalitions("abc")})
    assert found == pytest.approx(brings)


def test_the_only_left_glove_gets_two_thirds():
    # one left glove (l), two right ones (r, s); a pair is worth 1
    found = shapley({c: float("l" in c and len(c) > 1) for c in coalitions("lrs")})
    assert found == pytest.approx({"l": 2 / 3, "r": 1 / 6, "s": 1 / 6})


def test_the_airport_is_paid_for_as_littlechild_and_owen_say():
    # landing strips of length 1, 2 and 3: each piece is paid by those who need it, in equal parts
    cost = {"a": 1.0, "b": 2.0, "c": 3.0}
    found = shapley({c: max((cost[p] for p in c), default=0.0) for c in coalitions("abc")})
    assert found == pytest.approx({"a": 1 / 3, "b": 1 / 3 + 1 / 2, "c": 1 / 3 + 1 / 2 + 1})


def test_two_players_share_their_interaction_equally():
    values = {frozenset(): 0.0, frozenset("a"): 1.0, frozenset("b"): 3.0, frozenset("ab"): 10.0}
    assert shapley(values) == pytest.approx({"a": 4.0, "b": 6.0})


@given(games(4))
def test_the_shares_are_means_over_the_orders_of_joining(values):
    players = range(4)
    expected = np.zeros(4)
    for order in permutations(players):
        bits = 0
        for player in order:
            expected[player] += values[bits | 1 << player] - values[bits]
            bits |= 1 << player
    assert shares_of(values) == pytest.approx(expected / factorial(4), abs=1e-9)


@given(st.integers(1, 6).flatmap(games))
def test_the_shares_add_up_to_the_whole(values):
    assert shares_of(values).sum() == pytest.approx(values[-1] - values[0], abs=1e-9)


@given(games(5), st.integers(0, 4))
def test_who_changes_nothing_gets_nothing(values, player):
    bits = np.arange(32)
    without = values[bits & ~(1 << player)]
    assert shares_of(without)[player] == pytest.approx(0, abs=1e-9)


@given(games(4))
def test_who_is_alike_is_treated_alike(values):
    first, second = playing(4)[:, 0], playing(4)[:, 1]
    swapped = (np.arange(16) & ~3) | (first * 2 + second).astype(int)
    shares = shares_of((values + values[swapped]) / 2)
    assert shares[0] == pytest.approx(shares[1], abs=1e-9)


@given(games(3), games(3), WORTH)
def test_shares_of_a_sum_of_games_are_the_sums_of_the_shares(one, other, factor):
    together = shares_of(one + factor * other)
    assert together == pytest.approx(shares_of(one) + factor * shares_of(other), abs=1e-6)


@given(games(3), st.permutations(range(8)))
def test_the_order_in_which_coalitions_are_told_is_of_no_consequence(values, order):
    named = dict(zip(coalitions("abc"), values, strict=True))
    shuffled = {list(named)[i]: list(named.values())[i] for i in order}
    found, again = shapley(named), shapley(shuffled)
    assert all(found[player] == pytest.approx(again[player], abs=1e-9) for player in "abc")


def test_many_games_are_shared_at_once():
    values = np.random.default_rng(1).standard_normal((8, 5, 2))
    assert shares_of(values).shape == (3, 5, 2)
    assert shares_of(values)[:, 3, 1] == pytest.approx(shares_of(values[:, 3, 1]))


def test_a_coalition_without_a_value_is_named():
    with pytest.raises(ValueError, match="2 players need 4 coalitions"):
        shapley({frozenset(): 0.0, frozenset("ab"): 1.0})
