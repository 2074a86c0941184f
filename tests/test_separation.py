"""Separation and counterfactual table: identities, planted truth, and what must not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models import counterfactual
from models.basis import Drivers
from models.calendar import calendar
from models.separation import Separation, Settings, design, held_out_predictions, separate

DAYS = pd.date_range("2015-01-01", "2018-12-31")
SETTINGS = Settings(members=10)
ROLES = Drivers(("wind", "temperature"), {}, ("wind", "temperature"))


def planted(seed: int = 0, *, decline: float = 0.1, noise: float = 0.15) -> tuple[pd.Series, pd.DataFrame, np.ndarray]:
    """A world in which log C = trend + season - 0.5 wind + 0.3 temperature + 0.1 wind^2, and the weather's part."""
    rng = np.random.default_rng(seed)
    years = np.arange(len(DAYS)) / 365.25
    anomaly = rng.normal(0, 0.5, 4)[DAYS.year - 2015]
    wind = rng.standard_normal(len(DAYS)) + anomaly
    temperature = rng.standard_normal(len(DAYS)) + 2 * np.cos(2 * np.pi * years)
    weather = -0.5 * wind + 0.3 * temperature + 0.1 * wind**2
    expected = np.exp(3 - decline * years + 0.2 * np.cos(2 * np.pi * years) + weather)
    shape = 1 / noise**2
    observed = expected * rng.gamma(shape, 1 / shape, len(DAYS))
    table = pd.DataFrame({"wind": wind, "temperature": temperature}, index=DAYS)
    return pd.Series(observed, index=DAYS), table, weather


@pytest.fixture(scope="module")
def separation() -> Separation:
    target, table, _ = planted()
    return separate(target, table, drivers=ROLES, settings=SETTINGS)


@pytest.fixture(scope="module")
def years():
    return calendar(DAYS)


def true_meteorology(first: int, second: int) -> float:
    _, _, weather = planted()
    time = np.arange(len(DAYS)) / 365.25
    emissions = 3 - 0.1 * time + 0.2 * np.cos(2 * np.pi * time)
    found = calendar(DAYS)
    p = found.of_year(first)
    q = found.match[p, found.column(second)]

    def mean(e: np.ndarray, w: np.ndarray) -> float:
        return float(np.exp(emissions[e] + weather[w]).mean())

    return ((mean(p, q) - mean(p, p)) + (mean(q, q) - mean(q, p))) / 2


@pytest.mark.parametrize(("first", "second"), [(2015, 2016), (2015, 2018), (2016, 2017)])
def test_the_planted_weather_part_lies_in_the_interval(separation, years, first, second):
    found = counterfactual.parts(separation, years, first, second, "mean")
    low, high = counterfactual.interval(found.meteorology)
    truth = true_meteorology(first, second)
    # three pairs at 90 % would fail by chance one time in four: widened to 99.9 %
    half = 2 * (high - low) / 2
    assert abs(found.meteorology[0] - truth) < half


@pytest.mark.parametrize("statistic", ["mean", "p90"])
def test_parts_add_up_to_the_predicted_change_in_every_member(separation, years, statistic):
    found = counterfactual.parts(separation, years, 2015, 2018, statistic)
    p, q = counterfactual.paired_days(separation, years, 2015, 2018)
    before = counterfactual.statistic_of(separation, years, p, p, statistic)
    after = counterfactual.statistic_of(separation, years, q, q, statistic)
    assert found.meteorology + found.emissions == pytest.approx(after - before, rel=1e-12)


def test_the_change_back_is_minus_the_change_forth(separation, years):
    forth = counterfactual.parts(separation, years, 2015, 2017, "mean")
    back = counterfactual.parts(separation, years, 2017, 2015, "mean")
    assert back.meteorology == pytest.approx(-forth.meteorology, rel=1e-9)


def test_the_index_of_the_base_period_is_100_in_every_member(separation, years):
    base = years.year == 2016
    actual, reference = counterfactual.index_days(separation, years, base)
    for month in range(1, 13):
        days = base & (DAYS.month == month)
        assert 100 * actual[:, days].sum(axis=1) / reference[:, days].sum(axis=1) == pytest.approx(100, rel=1e-12)


def test_the_yearly_index_reads_the_table(separation, years):
    table = counterfactual.table(separation, years, "mean")[..., 0]
    actual, reference = counterfactual.index_days(separation, years, years.year == 2015)
    days = years.of_year(2017)
    index = actual[0, days].sum() / reference[0, days].sum()
    assert index == pytest.approx(table[0, 2] / table[0, 0], rel=1e-9)


def test_scaling_all_observations_scales_no_index_and_every_part(years):
    target, table, _ = planted()
    one, ten = (separate(target * factor, table, drivers=ROLES, settings=SETTINGS) for factor in (1, 10))
    base = years.year == 2015
    indices = []
    for found in (one, ten):
        actual, reference = counterfactual.index_days(found, years, base)
        indices.append(actual / reference)
    assert indices[0] == pytest.approx(indices[1], rel=1e-6)
    parts = [counterfactual.parts(found, years, 2015, 2018, "mean").meteorology[0] for found in (one, ten)]
    assert parts[1] == pytest.approx(10 * parts[0], rel=1e-6)


def test_units_of_the_drivers_do_not_matter():
    target, table, _ = planted()
    kelvin = separate(target, table * [1, 1.8] + [0, 273], drivers=ROLES, settings=SETTINGS)
    plain = separate(target, table, drivers=ROLES, settings=SETTINGS)
    assert kelvin.weather[0] == pytest.approx(plain.weather[0], abs=1e-6)


def test_without_weather_change_there_is_no_weather_part():
    target, table, _ = planted()
    same = pd.concat([table.iloc[:365]] * 4, ignore_index=True).reindex(range(len(DAYS))).ffill().set_index(DAYS)
    found = separate(target, same, drivers=ROLES, settings=SETTINGS)
    part = counterfactual.parts(found, calendar(DAYS), 2015, 2017, "mean")
    # the first days have no yesterday: ten days of 365 may differ, each by a few per cent
    assert part.meteorology[0] == pytest.approx(0, abs=10 / 365 * 0.03 * target.mean())


def test_days_without_weather_or_observation_are_left_out(years):
    target, table, _ = planted()
    target.iloc[100:130] = np.nan
    table.iloc[500:520] = np.nan
    found = separate(target, table, drivers=ROLES, settings=SETTINGS)
    assert np.isnan(found.weather[:, 500:520]).all()
    assert np.isfinite(found.weather[:, 100:130]).all()
    assert counterfactual.parts(found, years, 2015, 2016, "mean").days == 365 - 20


def test_normalized_is_the_mean_over_the_years_of_the_calendar_day(separation, years):
    day = 400
    expected = np.exp(separation.emissions[0, day] + separation.weather[0, years.match[day]]).mean()
    assert counterfactual.normalized(separation, years)[day] == pytest.approx(expected)


def test_held_out_predictions_find_the_signal_and_know_nothing_of_the_noise():
    target, table, weather = planted()
    time = np.arange(len(DAYS)) / 365.25
    expected = np.exp(3 - 0.1 * time + 0.2 * np.cos(2 * np.pi * time) + weather)
    predicted, outside = held_out_predictions(target, table, drivers=ROLES, settings=SETTINGS)
    noise, error = np.log(target / expected), np.log(predicted / expected)
    # a day whose own noise was seen would carry some of it; by chance independent days correlate by 1 / sqrt(n)
    assert abs(np.corrcoef(noise, error)[0, 1]) < 3 / len(DAYS) ** 0.5
    # estimating shape and trend costs less than a quarter of the variance of the noise
    assert (error**2).mean() < 0.25 * noise.var()
    assert 0 <= outside < 5


def test_pure_noise_has_no_skill():
    rng = np.random.default_rng(5)
    _, table, _ = planted()
    noise = pd.Series(rng.gamma(4, 5, len(DAYS)), index=DAYS)
    predicted, _ = held_out_predictions(noise, table, drivers=ROLES, settings=SETTINGS)
    assert 1 - ((noise - predicted) ** 2).mean() / noise.var() < 0.02


def test_an_index_with_a_hole_is_refused():
    target, table, _ = planted()
    with pytest.raises(ValueError, match="consecutive days"):
        separate(target.drop(DAYS[10]), table.drop(DAYS[10]), drivers=ROLES, settings=SETTINGS)


def test_a_percentile_carries_what_the_model_leaves_unexplained(separation, years):
    carried, smooth = [], []
    for year in years.years:
        days = years.of_year(int(year))
        observed = np.quantile(separation.observed[days], 0.9)
        carried.append(abs(counterfactual.statistic_of(separation, years, days, days, "p90")[0] - observed))
        smooth.append(abs(np.quantile(separation.predicted[days], 0.9) - observed))
    assert np.mean(carried) < np.mean(smooth)


def test_years_that_share_less_than_a_month_are_not_compared():
    target, table, _ = planted()
    short = slice("2015-01-01", "2017-01-20")
    found = separate(target[short], table[short], drivers=ROLES, settings=SETTINGS)
    dates = calendar(found.days)
    assert counterfactual.parts(found, dates, 2015, 2017, "mean") is None
    assert counterfactual.parts(found, dates, 2015, 2016, "mean").days == 365


def test_a_driver_may_have_a_sharp_bend_of_its_own():
    _, table, _ = planted()
    rng = np.random.default_rng(9)
    bent = 0.6 * np.maximum(table["wind"].to_numpy(), 0)
    target = pd.Series(np.exp(3 + bent) * rng.gamma(44, 1 / 44, len(DAYS)), index=DAYS)
    found = separate(target, table, drivers=ROLES, settings=SETTINGS).weather[0]
    left = (found - found.mean()) - (bent - bent.mean())
    line = np.polyfit(table["wind"], bent, 1)
    # a noise of 15 % leaves a curve of ten coefficients open by 0.15 sqrt(10 / n), a corner by some more; a line by 0.2
    assert left.std() < 0.25 * (bent - np.polyval(line, table["wind"])).std()


def test_only_smooth_main_drivers_have_curves():
    _, table, _ = planted()
    plans = [design(table, Drivers(("wind", "temperature"), {}, smooth), SETTINGS) for smooth in ((), ("wind",))]
    curves = [[name for name in plan.weather if name.startswith("curve")] for plan in plans]
    assert curves == [[], ["curve of wind"]]
