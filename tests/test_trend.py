"""Slopes, their intervals and change points: known answers, planted truth, and no alarm where nothing happened."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from models import trend
from models.calendar import calendar
from models.separation import Separation
from pipeline import readings, tables

YEARS = 8


def months(years: int = YEARS) -> pd.DatetimeIndex:
    return pd.date_range("2013-01-01", periods=12 * years, freq="MS")


def persistent(rng: np.random.Generator, count: int, memory: float) -> np.ndarray:
    values = rng.standard_normal(count + 60)
    for i in range(1, len(values)):
        values[i] = memory * values[i - 1] + np.sqrt(1 - memory**2) * values[i]
    return values[60:]


def series(seed: int, *, memory: float, noise: float = 0.1, rate: float = 0.0, years: int = YEARS) -> pd.Series:
    """A season, a steady change of the logarithm by ``rate`` a year, and noise that persists."""
    index = months(years)
    time = np.arange(len(index)) / 12
    noisy = noise * persistent(np.random.default_rng(seed), len(index), memory)
    return pd.Series(np.exp(3.5 + 0.4 * np.cos(2 * np.pi * time) + rate * time + noisy), index)


def stepped(seed: int, size: float, *, memory: float, start: int = 50, end: int | None = None) -> pd.Series:
    values = series(seed, memory=memory, noise=0.08, rate=-0.03)
    values.iloc[start:end] *= 1 + size
    return values


# --- slopes


def test_a_line_with_a_season_has_its_slope_and_no_doubt():
    index = months()
    line = pd.Series(50 - 2.0 * np.arange(len(index)) / 12 + 10 * np.cos(np.arange(len(index)) * np.pi / 6), index)
    found = trend.slope(line)
    assert (found.slope, found.low, found.high) == pytest.approx((-2, -2, -2))
    # eight years that fall in every month: S = -12 * 28, and every month ranks the years alike
    assert found.p_value < 0.001
    assert (found.start, found.end) == (index[0], pd.Timestamp("2020-12-31"))


def test_the_score_of_one_month_is_mann_kendalls():
    # Kendall (1975): n = 10 untied, S = 45 - 2 * discordant pairs, variance n (n - 1) (2 n + 5) / 18 = 125
    values = np.full((10, 12), np.nan)
    values[:, 0] = [1, 3, 2, 4, 6, 5, 7, 9, 8, 10]
    from scipy.stats import norm

    assert trend.mann_kendall(values) == pytest.approx(2 * norm.sf((39 - 1) / np.sqrt(125)))


def test_equal_months_say_no_more_than_one():
    values = np.array([5, 1, 4, 2, 8, 3, 7, 10, 6, 9.0])[:, None]
    one, twelve = np.full((10, 12), np.nan), np.tile(values, 12)
    one[:, :1] = values
    # but for the correction of continuity, one in S = 23 and in 12 * S
    assert trend.mann_kendall(twelve) == pytest.approx(trend.mann_kendall(one), abs=0.02)


def test_a_constant_series_has_no_trend():
    found = trend.slope(pd.Series(3.0, months()))
    assert (found.slope, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_a_missing_month_moves_the_slope_little_and_is_not_imputed():
    values = series(1, memory=0.3, rate=-0.05)
    holes = values.copy()
    holes.iloc[[5, 17, 40, 41]] = np.nan
    full, less = trend.slope(values), trend.slope(holes)
    assert less.slope == pytest.approx(full.slope, abs=0.2 * (full.high - full.low))


def test_two_years_have_no_slope():
    assert trend.slope(series(1, memory=0.0, years=2)) is None
    assert trend.change_points(series(1, memory=0.0, years=2)) == []


@settings(max_examples=20)
@given(st.floats(0.1, 100), st.floats(-50, 50))
def test_a_slope_scales_with_its_series_and_ignores_its_level(factor, level):
    values = series(2, memory=0.3, rate=-0.05)
    plain, changed = trend.slope(values), trend.slope(level + factor * values)
    assert (changed.slope, changed.low) == pytest.approx((factor * plain.slope, factor * plain.low), rel=1e-6)
    assert changed.p_value == pytest.approx(plain.p_value)


@pytest.mark.parametrize("memory", [0.0, 0.4, 0.7])
def test_the_interval_holds_no_trend_where_there_is_none(memory):
    found = [trend.slope(np.log(series(seed, memory=memory))) for seed in range(60)]
    covered = np.mean([one.low < 0 < one.high for one in found])
    # 90 % of 60: one standard deviation is 4 %
    assert covered > 0.9 - 3 * 0.04
    assert np.mean([one.p_value < 0.1 for one in found]) < 0.1 + 3 * 0.04


def test_members_that_differ_widen_the_interval_and_the_doubt():
    values = series(3, memory=0.3, rate=-0.02)
    tilt = np.random.default_rng(1).standard_normal((20, 1)) * np.arange(len(values)) / 12
    alone, wide = trend.slope(values), trend.slope(values, members=values.to_numpy() + tilt)
    assert wide.slope == alone.slope
    assert wide.high - wide.low > 1.5 * (alone.high - alone.low)
    assert wide.p_value > alone.p_value


# --- change points


@pytest.mark.parametrize("memory", [0.0, 0.4, 0.7, 0.9])
def test_noise_that_persists_and_a_steady_change_raise_few_alarms(memory):
    alarms = [len(trend.change_points(series(seed, memory=memory, rate=-0.04))) > 0 for seed in range(60)]
    # the promise is 5 to 10 %; 60 series know it to 4 %
    assert np.mean(alarms) < 0.1 + 0.04


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_a_planted_step_is_found_with_date_and_size(memory):
    found = [trend.change_points(stepped(seed, -0.3, memory=memory)) for seed in range(30)]
    ones = [points[0] for points in found if len(points) == 1]
    assert len(ones) >= 26
    truth = months()[50]
    assert np.mean([point.earliest <= truth <= point.latest for point in ones]) > 0.8
    assert np.mean([point.percent[0] for point in ones]) == pytest.approx(-30, abs=2)
    # 90 %, less three standard deviations of 30
    assert np.mean([point.percent[1] < -30 < point.percent[2] for point in ones]) > 0.9 - 3 * 0.055


def test_two_steps_are_told_apart():
    values = stepped(4, -0.3, memory=0.3, start=30)
    values.iloc[70:] *= 0.7
    found = trend.change_points(values)
    assert [abs((point.month - months()[at]).days) <= 62 for point, at in zip(found, (30, 70), strict=True)] == [
        True
    ] * 2


def test_an_episode_of_three_months_is_a_pair_of_opposite_steps():
    found = trend.change_points(stepped(5, -0.4, memory=0.3, start=49, end=52))
    assert [point.month for point in found] == [months()[49], months()[52]]
    assert found[0].percent[0] < -25 < 25 < found[1].percent[0]


def test_sizes_are_in_the_units_of_the_series():
    small, large = (trend.change_points(stepped(6, -0.3, memory=0.2) * factor)[0] for factor in (1, 1000))
    assert large.size == pytest.approx([1000 * size for size in small.size])
    assert large.percent == pytest.approx(small.percent)
    assert small.size[1] < small.size[0] < small.size[2] < 0


def test_months_not_known_or_at_zero_are_left_out():
    values = stepped(7, -0.3, memory=0.2)
    values.iloc[[10, 11, 60]] = np.nan
    values.iloc[20] = 0.0
    found = trend.change_points(values)
    assert [abs((point.month - months()[50]).days) <= 31 for point in found] == [True]


# --- tables


@pytest.fixture(scope="module")
def place() -> xr.Dataset:
    """Five years without weather: what is observed falls by 25 % on 1 July 2017."""
    days = pd.date_range("2015-01-01", "2019-12-31")
    rng = np.random.default_rng(3)
    season = 0.3 * np.cos(2 * np.pi * np.asarray(days.day_of_year) / 365.25)
    expected = np.log(np.where(days < "2017-07-01", 40.0, 30.0)) + season
    observed = np.exp(expected) * rng.gamma(20, 1 / 20, len(days))
    observed[:20] = np.nan  # January 2015 has too few days
    emissions = expected + 0.01 * rng.standard_normal((6, 1))
    weather = np.zeros((6, len(days)))
    parts = Separation(days, observed, emissions, weather, observed / np.exp(expected))
    read = readings.read_off(parts, calendar(days), statistics=["mean"], base=days.year == 2015)
    return read.assign_attrs({"level": "city", "name": "A", "pollutant": "pm25", "units": "ug m-3"})


def test_the_table_of_trends_has_both_series_per_year(place):
    found = tables.trends([place]).set_index("series")
    assert ["level", "name", "pollutant", *found.columns[3:]] == [name for name in tables.TRENDS if name != "series"]
    assert set(found["units"]) == {"ug m-3 year-1"}
    assert found.loc["observed", "start"] == "2015-02-01"
    assert found.loc["normalized", "start"] == "2015-01-01"
    assert set(found["end"]) == {"2019-12-31"}
    # a step of -10 in the middle of five years: two thirds or so of the pairs of years straddle it
    assert found["slope"].between(-6, -2).all()
    assert (found["slope_low"] < found["slope"]).all()


def test_the_table_of_change_points_has_the_step(place):
    found = tables.changepoints([place])
    assert list(found.columns) == list(tables.CHANGEPOINTS)
    assert list(found["date"]) == ["2017-07-01"]
    row = found.iloc[0]
    assert row["percent"] == pytest.approx(-25, abs=4)
    assert row["size_low"] < row["size"] < row["size_high"] < 0
    assert row["date_low"] <= "2017-07-01" <= row["date_high"]


def test_a_short_record_has_empty_tables_with_their_columns(place):
    short = place.isel(period=slice(0, 2), time=slice(0, 400))
    assert tables.trends([short]).empty
    assert list(tables.changepoints([short]).columns) == list(tables.CHANGEPOINTS)
