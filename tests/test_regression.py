"""The penalised regression: planted coefficients, the evidence's choices, honest spread."""

from __future__ import annotations

import numpy as np
import pytest

from models import regression
from models.bootstrap import block_weights, coefficient_draws

DAYS = 1500


def world(seed: int, *, noise: float = 0.2, power: float = 2.0) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    fixed = np.ones((DAYS, 1))
    blocks = {"signal": rng.standard_normal((DAYS, 5)), "nothing": rng.standard_normal((DAYS, 40))}
    mean = np.exp(3 + blocks["signal"] @ np.array([0.5, -0.3, 0.2, 0.1, -0.1]))
    if power == 1:
        return rng.poisson(mean).astype(float) + 0.5, fixed, blocks
    shape = 1 / noise**2
    return mean * rng.gamma(shape, 1 / shape, DAYS), fixed, blocks


def fitted(seed: int, **kwargs: float) -> regression.Fit:
    target, fixed, blocks = world(seed, **kwargs)
    return regression.fit(target, fixed, blocks, np.ones(DAYS, dtype=bool))


def test_planted_coefficients_are_found_within_their_spread():
    found = fitted(1)
    spread = np.sqrt(np.diag(found.covariance) * found.variance)
    off = (found.coefficients[:6] - [3, 0.5, -0.3, 0.2, 0.1, -0.1]) / spread[:6]
    assert np.abs(off).max() < 4


def test_the_evidence_silences_a_block_that_says_nothing():
    found = fitted(2)
    assert found.prior.precision["nothing"] > 50 * found.prior.precision["signal"]
    assert np.abs(found.coefficients[6:]).max() < 0.02


@pytest.mark.parametrize(("power", "low", "high"), [(2.0, 1.7, 2.0), (1.0, 1.0, 1.3)])
def test_the_variance_follows_the_mean_as_planted(power, low, high):
    assert low <= fitted(3, power=power).prior.power <= high


def test_unobserved_days_change_nothing():
    target, fixed, blocks = world(4)
    observed = np.ones(DAYS, dtype=bool)
    observed[::5] = False
    wild = np.where(observed, target, 1e9)
    found = [regression.fit(values, fixed, blocks, observed).coefficients for values in (target, wild)]
    assert (found[0] == found[1]).all()


def test_the_order_of_blocks_changes_no_prediction():
    target, fixed, blocks = world(5)
    everything = np.ones(DAYS, dtype=bool)
    forth = regression.fit(target, fixed, blocks, everything)
    back = regression.fit(target, fixed, dict(reversed(blocks.items())), everything)
    assert forth.coefficients[1:6] == pytest.approx(back.coefficients[-5:], abs=1e-8)


def test_a_start_near_the_answer_leads_to_the_same_answer():
    target, fixed, blocks = world(6)
    everything = np.ones(DAYS, dtype=bool)
    cold = regression.fit(target, fixed, blocks, everything)
    warm = regression.fit(target, fixed, blocks, everything, start=cold.prior, rounds=4)
    assert warm.coefficients == pytest.approx(cold.coefficients, abs=0.01)


def test_members_spread_like_estimates_over_repeated_worlds():
    estimates = np.array([fitted(seed).coefficients[1:6] for seed in range(100, 140)])
    found = fitted(7)
    weights = block_weights(DAYS, block_days=14, members=400, seed=1)
    members = coefficient_draws(found, weights, seed=1)[:, 1:6]
    ratio = members.std(axis=0) / estimates.std(axis=0)
    # a spread of 40 worlds is known to 1 / sqrt(80) = 11 %; four of those, five times
    assert (np.abs(np.log(ratio)) < 4 * 0.11 + 0.05).all()


def test_block_weights_resample_whole_blocks_and_keep_the_total():
    weights = block_weights(100, block_days=10, members=50, seed=3)
    assert (weights.reshape(50, 10, 10).std(axis=2) == 0).all()
    assert (weights.sum(axis=1) == 100).all()
    assert (weights == block_weights(100, block_days=10, members=50, seed=3)).all()


def test_silenced_columns_stand_apart_and_change_no_other():
    rng = np.random.default_rng(8)
    rows = rng.standard_normal((300, 12))
    gram, penalty = rows.T @ rows, np.where(np.arange(12) % 3 == 1, regression.GREATEST_PRECISION, 5.0)
    found = regression._half_inverse(gram, penalty)
    expected = np.linalg.inv(gram + np.diag(penalty))
    # left out are products of a regression between columns, here below one, and a prior variance
    assert found.T @ found == pytest.approx(expected, abs=1 / regression.GREATEST_PRECISION)
    assert (np.triu(found, 1) == 0).all()
