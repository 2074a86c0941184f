"""The field's methods and ours: planted truth, identities, and each method's own arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.basis import Drivers
from models.calendar import calendar
from models.methods import (
    Additive,
    Booster,
    CalendarSwap,
    FixedEmission,
    Forest,
    KolmogorovZurbenko,
    MultipleRegression,
    Ours,
    ResampledAll,
    ResampledWeather,
    Separated,
    Stacked,
    Swapped,
    Task,
    Without,
    WithTrees,
    undeclared,
)
from models.methods.additive import FREE, penalised
from models.methods.kolmogorov_zurbenko import filtered
from models.methods.learners import TIME, learned
from models.methods.multiple_regression import block_means, moving_mean, stepwise
from models.methods.resampling import drawn_mean
from models.separation import Settings, separate

DAYS = pd.date_range("2014-01-01", "2018-12-31", name="time")
YEARS = np.arange(2014, 2019)
ROLES = Drivers(("wind", "heat"), {}, ("wind", "heat"))
FOREST = Forest(40)
EVENT = (pd.Timestamp("2017-03-01"), pd.Timestamp("2017-05-09"))

METHODS = {
    "ours": (Ours(members=4), 0.1),
    "without smooth response": (Without(smooth=False), 0.1),
    "without memory": (Without(memory=False), 0.1),
    "white noise": (Without(persistent=False), 0.1),
    "with trees": (WithTrees(), 0.15),
    "additive": (Additive(), 0.1),
    "stacked": (Stacked((Without(), Additive())), 0.1),
    "regression": (MultipleRegression(), 0.15),
    # the filter takes from the emissions' side all that is slower than two years: what is left moves by some of it
    "kz": (KolmogorovZurbenko(), 0.3),
    # trees answer in steps and are pulled towards the mean, forests the more
    "boosting": (ResampledWeather(Booster(), None), 0.25),
    "forest, all": (ResampledAll(FOREST), 0.4),
    "forest, weather": (ResampledWeather(FOREST), 0.4),
    "forest, swapped": (CalendarSwap(FOREST), 0.4),
    "fixed emission": (FixedEmission(FOREST), 0.4),
}
"""Each method, and the error of the weather's part it may have in the additive world, relative to its size."""


def planted() -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Emissions' and weather's part of log C, and the drivers: two, of one day, with years that differ much."""
    rng = np.random.default_rng(1)
    anomaly = np.array([0.8, -0.9, 0.5, 1.0, -0.7])[np.asarray(DAYS.year) - 2014]
    wind = rng.standard_normal(len(DAYS)) + anomaly
    heat = rng.standard_normal(len(DAYS)) + 1.5 * np.cos(2 * np.pi * np.asarray(DAYS.day_of_year) / 365.25)
    emissions = 3 - 0.02 * np.arange(len(DAYS)) / 365.25
    return emissions, -0.3 * wind + 0.1 * heat, pd.DataFrame({"wind": wind, "heat": heat}, index=DAYS)


def task(*, gaps: bool = False, effect: float = 1.0, interventions: tuple[tuple[pd.Timestamp, pd.Timestamp], ...] = ()):
    emissions, weather, drivers = planted()
    noise = np.random.default_rng(2).normal(0, 0.05, len(DAYS))
    target = pd.Series(np.exp(emissions + weather + noise), index=DAYS)
    target[EVENT[0] : EVENT[1]] *= effect
    if gaps:
        target.iloc[[10, 400, 401, 402]] = np.nan
        drivers.iloc[[20, 800, 801]] = np.nan
    return Task(target, drivers, ROLES, calendar(DAYS), interventions=interventions)


def true_weather_parts() -> list[float]:
    emissions, weather, _ = planted()
    found = []
    for p, q in PAIRS:
        years = calendar(DAYS)
        days = years.of_year(p)
        other = years.match[days, years.column(q)]

        def mean(e: np.ndarray, w: np.ndarray) -> float:
            return float(np.exp(emissions[e] + weather[w]).mean())

        found.append(((mean(days, other) - mean(days, days)) + (mean(other, other) - mean(other, days))) / 2)
    return found


PAIRS = [(int(p), int(q)) for p in YEARS for q in YEARS if p < q]


@pytest.fixture(scope="module")
def results():
    return {name: method(task()) for name, (method, _) in METHODS.items()}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_the_weather_of_an_additive_world(results, name):
    true = np.array(true_weather_parts())
    found = np.array([results[name].parts(p, q).weather[0] for p, q in PAIRS])
    assert np.abs(found - true).sum() < METHODS[name][1] * np.abs(true).sum()


@pytest.mark.parametrize("name", METHODS)
def test_the_index_of_the_reference_year_is_100(results, name):
    base = calendar(DAYS).year == 2015
    actual, reference = results[name].index_days(base)
    assert actual[:, base].sum() == pytest.approx(reference[:, base].sum(), rel=1e-9)


@pytest.mark.parametrize(
    "name", ["ours", "regression", "kz", "boosting", "forest, swapped", "fixed emission", "additive"]
)
def test_missing_days_do_not_stop_a_method(name):
    asked = task(gaps=True)
    result = METHODS[name][0](asked)
    parts = result.parts(2014, 2016)
    assert np.isfinite(parts.weather).all()
    assert np.isfinite(parts.emissions).all()
    assert np.isfinite(result.normalized()[asked.seen]).all()


@pytest.mark.parametrize("name", ["ours", "with trees", "forest, weather", "boosting", "additive"])
def test_the_same_task_gives_the_same_result(results, name):
    again = METHODS[name][0](task())
    assert np.array_equal(again.normalized(), results[name].normalized(), equal_nan=True)


def test_the_filter_counts_no_unexplained_noise_as_weather():
    calm, rough = task(), task()
    noise = np.random.default_rng(8).normal(0, 0.5, len(DAYS))
    noise -= pd.Series(noise).groupby(DAYS.year).transform("mean").to_numpy()
    in_one_year = np.where(DAYS.year == 2016, 0.4, 0.0)  # what neither weather nor a slow trend explains
    loud = Task(rough.target * np.exp(noise + in_one_year), rough.drivers, ROLES, rough.calendar)
    parts = [KolmogorovZurbenko()(asked).parts(2014, 2016) for asked in (calm, loud)]
    observed = [asked.target.groupby(DAYS.year).mean().diff(2)[2016] for asked in (calm, loud)]
    moved = abs(parts[1].weather[0] - parts[0].weather[0])
    assert moved < 0.2 * abs(observed[1] - observed[0])


def test_the_filters_parts_and_index_are_of_the_same_effects(results):
    result = results["kz"]
    np.testing.assert_allclose(result.effect, result.freed * (result.factor - 1), rtol=1e-12)


@pytest.mark.parametrize("name", ["regression", "fixed emission"])
def test_the_parts_of_methods_of_residuals_add_up_to_the_observed_change(results, name):
    observed = task().target.groupby(DAYS.year).mean()
    parts = results[name].parts(2014, 2017)
    assert parts.weather + parts.emissions == pytest.approx(observed[2017] - observed[2014], rel=1e-9)


@pytest.mark.parametrize("name", ["boosting", "forest, all", "forest, weather"])
def test_a_series_of_means_has_no_percentile(results, name):
    assert results[name].parts(2014, 2015, "p90") is None


def test_the_exact_mean_is_where_random_draws_go():
    asked, draws = task(), 60
    exact = ResampledWeather(FOREST, None)(asked).normalized()
    model = learned(asked, FOREST)
    drawn = drawn_mean(model, np.flatnonzero(asked.known), kept=TIME, draws=draws, seed=5)
    rows = np.arange(len(DAYS))
    spread = model.expected(np.zeros_like(rows), rows)[0].std()
    off = (drawn - exact) / (spread / np.sqrt(draws))
    # draws are independent from day to day: their mean error is near 0, their size that of one standard error
    assert abs(off.mean()) < 4 / np.sqrt(len(off))
    assert np.sqrt((off**2).mean()) == pytest.approx(1.0, abs=0.15)


def test_our_ablation_that_leaves_out_nothing_is_our_separation():
    asked = task()
    whole = separate(asked.target, asked.drivers, drivers=ROLES, settings=Settings(members=2))
    same = Without()(asked).separation
    assert same.weather[0] == pytest.approx(whole.weather[0], abs=1e-9)
    assert same.emissions[0] == pytest.approx(whole.emissions[0], abs=1e-9)


@pytest.mark.parametrize("statistic", ["mean", "p90"])
def test_both_readers_read_the_same_of_the_same_separation(statistic):
    asked = task()
    result = Ours(members=2)(asked)
    parts = result.separation

    def expected(e: np.ndarray, w: np.ndarray) -> np.ndarray:
        return np.exp(parts.emissions[:, e] + parts.weather[:, w])

    swapped = Swapped(asked, expected)
    ours, other = (found.parts(2015, 2018, statistic) for found in (result, swapped))
    assert ours.weather == pytest.approx(other.weather, rel=1e-9)
    assert ours.emissions == pytest.approx(other.emissions, rel=1e-9)
    assert swapped.normalized() == pytest.approx(result.normalized(), rel=1e-9)
    base = asked.calendar.year == 2014
    for one, another in zip(swapped.index_days(base), result.index_days(base), strict=True):
        assert one == pytest.approx(another, rel=1e-9)


def test_a_stack_of_one_method_is_that_method():
    asked = task(interventions=(EVENT,))
    alone, stacked = Additive()(asked), Stacked((Additive(),))(asked)
    assert stacked.parts(2014, 2017).weather == pytest.approx(alone.parts(2014, 2017).weather, rel=1e-9)
    assert stacked.declared(EVENT) == pytest.approx(alone.declared(EVENT), rel=1e-9)


def test_a_stack_gives_no_weight_to_what_says_nothing_of_unseen_months():
    rng = np.random.default_rng(6)

    def guess(asked: Task) -> Swapped:
        return Swapped(asked, lambda _, days: rng.lognormal(3, 1, len(days))[None])

    weights = Stacked((Without(), guess)).weights(task())
    assert weights.sum() == pytest.approx(1)
    # noise of 5 % against guesses that are off by more than their mean: the weight of a guess is near 0
    assert 0 <= weights[1] < 0.05


@pytest.mark.parametrize("name", ["boosting", "forest, swapped", "additive", "ours"])
def test_an_intervention_outside_the_record_stops_no_method(name):
    later = (DAYS[-1] + pd.Timedelta(days=100), DAYS[-1] + pd.Timedelta(days=120))
    result = METHODS[name][0](task(interventions=(later,)))
    assert np.isfinite(result.parts(2014, 2016).weather).all()
    assert not abs(result.declared(later)) > 0  # nothing, or not known


def test_lightgbm_runs_on_one_thread():
    model = Booster(trees=2)(np.random.default_rng(0).standard_normal((200, 3)), np.arange(200.0), seed=1)
    assert model.params["num_threads"] == 1
    assert "[num_threads: 1]" in model.model_to_string()


@pytest.mark.parametrize("method", [Ours(members=2), Without(persistent=False), Additive(), CalendarSwap(Forest(40))])
def test_a_declared_intervention_is_measured(method):
    told = task(effect=0.7, interventions=(EVENT,))
    # a forest finds its switch among five columns only now and then: it sees a part of the effect
    least = -0.02 if isinstance(method, CalendarSwap) else -0.25
    size = method(told).declared(EVENT)
    assert -0.35 < size < least


def test_methods_that_cannot_be_told_dates_say_nothing_of_them():
    assert np.isnan(KolmogorovZurbenko()(task(interventions=(EVENT,))).declared(EVENT))


def test_an_undeclared_intervention_is_read_off_a_perfectly_normalized_series():
    season = np.exp(0.3 * np.cos(2 * np.pi * np.asarray(DAYS.day_of_year) / 365.25) - 0.05 * np.arange(len(DAYS)) / 365)
    inside = DAYS.to_series().between(*EVENT).to_numpy()
    size = undeclared(season * np.where(inside, 0.7, 1.0), calendar(DAYS), EVENT)
    assert size == pytest.approx(-0.3, abs=0.005)  # the leap day shifts the season by one


def test_an_intervention_needs_another_year_to_be_read_off():
    days = DAYS[:365]
    dates = (days[150], days[160])
    assert np.isnan(undeclared(np.ones(365), calendar(days), dates))


def test_a_separation_knows_only_what_it_was_told(results):
    assert isinstance(results["ours"], Separated)
    assert np.isnan(results["ours"].declared(EVENT))


def test_the_filter_leaves_a_line_alone_and_is_a_mean_of_means():
    line = np.arange(200.0)[:, None]
    assert filtered(line, 15, 5)[40:-40] == pytest.approx(line[40:-40])
    spike = np.zeros((101, 1))
    spike[50] = 1
    kernel = np.ones(5) / 5
    assert filtered(spike, 5, 2)[46:55, 0] == pytest.approx(np.convolve(kernel, kernel))


def test_block_and_moving_means_are_of_what_is_there():
    values = np.array([[1.0], [np.nan], [3.0], [np.nan], [np.nan], [np.nan]])
    means = block_means(values, np.array([0, 0, 0, 1, 1, 1]))
    assert means[0, 0] == 2
    assert np.isnan(means[1, 0])
    assert moving_mean(values, 3)[:4, 0] == pytest.approx([1, 2, 3, 3])


def test_stepwise_regression_keeps_what_matters_and_leaves_the_rest():
    rng = np.random.default_rng(3)
    columns = rng.standard_normal((400, 4))
    target = 2 * columns[:, 1] - columns[:, 3] + 0.1 * rng.standard_normal(400)
    found = stepwise(columns, target)
    # four standard errors of a coefficient
    assert found[[1, 3]] == pytest.approx([2, -1], abs=4 * 0.1 / np.sqrt(400))
    assert np.abs(found[[0, 2]]).max() < 4 * 0.1 / np.sqrt(400)


def test_stepwise_regression_on_noise_is_nothing():
    rng = np.random.default_rng(4)
    assert not stepwise(rng.standard_normal((50, 1)) * 1e-9 + 1.0, np.zeros(50)).any()


def test_a_penalty_on_bends_leaves_a_line_free():
    from sklearn.preprocessing import SplineTransformer

    values = np.linspace(-1, 3, 300)[:, None]
    columns = penalised(SplineTransformer(8).fit_transform(values), values)
    weights = np.linalg.lstsq(columns, 5 * values[:, 0] + 1 - 5 * values.mean() - 1, rcond=None)[0]
    assert weights[0] * FREE == pytest.approx(5 * values.std(), rel=1e-6)
    assert weights[1:] == pytest.approx(np.zeros(len(weights) - 1), abs=1e-6)


def test_a_task_tells_known_from_seen():
    asked = replace(task(gaps=True))
    assert asked.known.sum() == len(DAYS) - 3
    assert asked.seen.sum() == len(DAYS) - 7
