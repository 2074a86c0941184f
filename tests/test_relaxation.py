"""Air that relaxes: known solutions, derivatives against differences, and what is carried over."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from models import relaxation
from models.relaxation import EXTREME

DAYS = 40


def logarithms(seed: int = 1, members: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(3, 0.7, (DAYS, members)), rng.normal(0.2, 0.6, (DAYS, members))


def rates(logarithm: np.ndarray) -> np.ndarray:
    return np.exp(EXTREME * np.tanh(logarithm / EXTREME))


def test_days_solve_the_equation_of_the_box():
    target, rate = logarithms()
    mean, before = relaxation.followed(target, rate[:, 0])
    level = np.exp(target[0, 0])
    for day in range(DAYS):
        goal, speed = np.exp(target[day, 0]), rates(rate)[day, 0]
        # the second component gathers the integral of the first, which is the day's mean
        found = solve_ivp(
            lambda _, y, g=goal, r=speed: [r * (g - y[0]), y[0]], (0, 1), [level, 0.0], rtol=1e-11, atol=1e-9
        )
        assert before[day, 0] == pytest.approx(level, rel=1e-8)
        assert np.exp(mean[day, 0]) == pytest.approx(found.y[1, -1], rel=1e-8)
        level = found.y[0, -1]


def test_a_spell_of_one_weather_ends_at_its_target_whatever_the_rate():
    target = np.full((200, 1), 3.3)
    target[0] = 5.0
    for rate in (-1.5, 0.0, 1.5):
        mean, _ = relaxation.followed(target, np.full(200, rate))
        # what is left after 199 days of the slowest of these rates
        assert mean[-1, 0] == pytest.approx(3.3, abs=1e-12 + np.exp(1.7 - 199 * rates(np.array(-1.5))))


def test_fast_air_forgets_and_slow_air_keeps():
    target, _ = logarithms()
    fast, slow = (relaxation.followed(target, np.full(DAYS, rate))[0] for rate in (50.0, -50.0))
    # the greatest rate, exp(2.5) a day, leaves a twelfth of a day's mean to the day before; the least keeps 0.92
    assert np.abs(np.exp(fast) - np.exp(target)).mean() < 0.1 * np.exp(target).std()
    assert np.exp(slow).std() < 0.35 * np.exp(target).std()


@pytest.mark.parametrize("seed", range(3))
def test_columns_are_derivatives(seed):
    rng = np.random.default_rng(seed)
    of_target, of_rate = rng.normal(0, 0.4, (DAYS, 3)), rng.normal(0, 0.3, (DAYS, 2))
    a, b = rng.normal(0, 1, 3), rng.normal(0, 1, 2)

    def mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return relaxation.columns(of_target @ a, of_rate @ b, of_target, of_rate)[0]

    _, by_target, by_rate = relaxation.columns(of_target @ a, of_rate @ b, of_target, of_rate)
    step = 1e-5
    for j, column in enumerate(np.eye(3)):
        difference = (mean(a + step * column, b) - mean(a - step * column, b)) / (2 * step)
        # central differences err by the square of the step
        np.testing.assert_allclose(by_target[:, j], difference, atol=1e-8)
    for j, column in enumerate(np.eye(2)):
        difference = (mean(a, b + step * column) - mean(a, b - step * column)) / (2 * step)
        np.testing.assert_allclose(by_rate[:, j], difference, atol=1e-8)


def test_members_deviate_by_the_same_derivatives():
    rng = np.random.default_rng(4)
    of_target, of_rate = rng.normal(0, 0.4, (DAYS, 3)), rng.normal(0, 0.3, (DAYS, 2))
    a, b = rng.normal(0, 1, (3, 5)), rng.normal(0, 1, 2)
    mean, _ = relaxation.followed(of_target @ a, of_rate @ b)
    first, by_target, _ = relaxation.columns(of_target @ a[:, 0], of_rate @ b, of_target, of_rate)
    np.testing.assert_allclose(mean, first[:, None] + by_target @ (a - a[:, :1]), atol=1e-10)


def test_single_days_are_the_days_of_the_record():
    (target, _), (_, rate) = logarithms(members=4), logarithms()
    mean, before = relaxation.followed(target, rate[:, 0])
    np.testing.assert_allclose(relaxation.one_day(target[:, None], rate, before)[:, 0], mean, atol=1e-12)


def test_yesterday_is_carried_over_as_a_concentration():
    mean, _ = relaxation.followed(np.log([[100.0], [10.0]]), np.zeros(2))
    share = 1 - np.exp(-1.0)  # (1 - exp(-r)) / r at a rate of one a day
    assert np.exp(mean[1, 0]) == pytest.approx(10 + 90 * share)
