"""Noise that persists, and rows freed of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from models.noise import WHITE, ages, autoregression


def ar1(persistence: float, length: int, seed: int = 0) -> np.ndarray:
    shocks = np.random.default_rng(seed).standard_normal(length + 100) * np.sqrt(1 - persistence**2)
    return lfilter([1.0], [1.0, -persistence], shocks)[100:]


def test_ages_count_the_consecutive_days_before():
    assert list(ages(np.array([3, 4, 5, 9, 10, 20]))) == [0, 1, 2, 0, 1, 0]


@pytest.mark.parametrize("persistence", [0.0, 0.4, 0.8])
def test_planted_persistence_is_found(persistence):
    noise = ar1(persistence, 20_000)
    found = autoregression(noise, ages(np.arange(20_000)))
    # the standard error of an autocorrelation of n values is below 1 / sqrt(n)
    assert found.coefficients[1][0] == pytest.approx(persistence, abs=4 / np.sqrt(20_000))
    assert found.coefficients[3][0] == pytest.approx(persistence, abs=4 / np.sqrt(20_000))


def test_whitened_noise_has_no_memory_left_and_one_variance_everywhere():
    noise = ar1(0.8, 20_000)
    days = np.setdiff1d(np.arange(20_000), np.arange(5, 20_000, 7))
    age = ages(days)
    white = autoregression(noise[days], age).whitened(noise[days], age)
    together = age[1:] > 0
    pairs = white[1:][together] * white[:-1][together]
    assert abs(pairs.mean() / white.var()) < 4 / np.sqrt(together.sum())
    alone, after = white[age == 0].std(), white[age >= 3].std()
    assert alone == pytest.approx(after, rel=4 / np.sqrt(2 * (age == 0).sum()) * 1.5)


def test_white_noise_is_left_as_it_is():
    rows = np.arange(12.0).reshape(6, 2)
    assert (WHITE.whitened(rows, ages(np.arange(6))) == rows).all()


def test_gaps_are_not_bridged():
    found = autoregression(ar1(0.8, 5_000), ages(np.arange(5_000)))
    rows = np.array([1.0, 100.0])
    alone = found.whitened(rows, ages(np.array([0, 5])))
    assert alone[1] == pytest.approx(100 * np.sqrt(found.remaining[-1]))
