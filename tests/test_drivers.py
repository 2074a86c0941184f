"""The driver groups' shares: they add up, remember consistently, and find what was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from models import counterfactual, game
from models.basis import Drivers
from models.calendar import calendar
from models.separation import Separation, Settings, separate
from pipeline import readings, tables

DAYS = pd.date_range("2015-01-01", "2018-12-31")
CALENDAR = calendar(DAYS)
GROUPS = [["wind", "wind_lag1"], ["temperature"], ["rain"]]
ROLES = Drivers(("wind", "temperature", "rain"), {"lag1": ("wind_lag1",)}, ("wind", "temperature", "rain"))
SETTINGS = Settings(members=4)
SINGLE = 10 * float(np.finfo(np.float32).eps)
"""Coalitions are evaluated in single precision."""


def world(*, rain: float = 0.0, seed: int = 0) -> tuple[pd.Series, pd.DataFrame]:
    """log C falls by 0.1 a year, - 0.5 wind + 0.3 temperature - rain * rain."""
    rng = np.random.default_rng(seed)
    years = np.arange(len(DAYS)) / 365.25
    anomaly = rng.normal(0, 0.4, (3, 4))[:, DAYS.year - 2015]
    wind, temperature, shower = rng.standard_normal((3, len(DAYS))) + anomaly
    expected = np.exp(3 - 0.1 * years - 0.5 * wind + 0.3 * temperature - rain * shower)
    observed = expected * rng.gamma(50, 1 / 50, len(DAYS))
    table = pd.DataFrame({"wind": wind, "temperature": temperature, "rain": shower}, index=DAYS)
    return pd.Series(observed, index=DAYS), table.assign(wind_lag1=table["wind"].shift(1).bfill())


def separated(**changes: float) -> Separation:
    target, table = world(**changes)
    return separate(target, table, drivers=ROLES, settings=SETTINGS)


@pytest.fixture(scope="module")
def separation() -> Separation:
    return separated()


def test_the_response_gives_back_the_weathers_part_of_the_record(separation):
    fitted = separation.fitted
    np.testing.assert_allclose(fitted.weather.effects(fitted.drivers), separation.weather, atol=1e-10)
    np.testing.assert_allclose(fitted.weather.effect(fitted.drivers), separation.weather[0], atol=1e-10)


def test_the_response_knows_days_without_drivers():
    target, table = world()
    table.iloc[300:310] = np.nan
    found = separate(target, table, drivers=ROLES, settings=SETTINGS)
    np.testing.assert_allclose(found.fitted.weather.effects(table), found.weather, atol=1e-10)


def test_the_response_answers_for_a_part_of_the_record_once_it_remembers(separation):
    fitted, start = separation.fitted, 700
    part = fitted.weather.effects(fitted.drivers.iloc[start:])
    # memory fades by a quarter a day: after a month it is 0.75 ** 30 = 2e-4 of a spread of one
    spread = separation.weather.std()
    np.testing.assert_allclose(part[:, 30:], separation.weather[:, start + 30 :], atol=2e-4 * 5 * spread)


def test_the_emissions_part_is_given_back_and_its_last_level_held(separation):
    response = separation.fitted.emissions
    np.testing.assert_allclose(response.effects(DAYS), separation.emissions, atol=1e-10)
    later = pd.date_range("2019-01-01", "2022-12-31")
    held = response.effects(later)
    # common years: the same calendar days differ by the weekend alone
    years = [held[:, (later.year == year) & (later.day_of_week < 5)].mean(axis=1) for year in (2019, 2021)]
    assert years[0] == pytest.approx(years[1], abs=0.002)


def test_coalitions_are_what_mixed_tables_give(separation):
    fitted = separation.fitted
    first, second = fitted.drivers.iloc[20:100], fitted.drivers.iloc[20 + 365 : 100 + 365]
    found = game.coalition_effects(fitted.weather, first, second, GROUPS)
    for bits, effects in enumerate(found):
        mixed = first.copy()
        for i, group in enumerate(GROUPS):
            if bits >> i & 1:
                mixed[group] = second[group].to_numpy()
        np.testing.assert_allclose(effects.T, fitted.weather.effects(mixed), atol=SINGLE)


@pytest.mark.parametrize("years", [(2015, 2016), (2016, 2018), (2018, 2015)])
def test_the_shares_add_up_to_the_weathers_part_in_every_member(separation, years):
    shares = game.driver_shares(separation, CALENDAR, years, GROUPS)
    whole = counterfactual.parts(separation, CALENDAR, *years, "mean").meteorology
    assert shares.sum(axis=0) == pytest.approx(whole, rel=SINGLE, abs=SINGLE)


def test_the_order_of_groups_is_of_no_consequence(separation):
    forth = game.driver_shares(separation, CALENDAR, (2015, 2017), GROUPS)
    back = game.driver_shares(separation, CALENDAR, (2015, 2017), GROUPS[::-1])
    assert forth == pytest.approx(back[::-1], abs=SINGLE * np.abs(forth).max())


def test_the_shares_of_the_change_back_are_those_forth_with_the_other_sign(separation):
    forth = game.driver_shares(separation, CALENDAR, (2015, 2017), GROUPS)
    back = game.driver_shares(separation, CALENDAR, (2017, 2015), GROUPS)
    # the month before is run in both, but only one of the two may begin with the record
    assert forth == pytest.approx(-back, abs=0.02 * np.abs(forth).max())


def test_the_shares_of_the_days_add_up_day_by_day(separation):
    first, second = counterfactual.paired_days(separation, CALENDAR, 2016, 2017)
    weight = np.exp(separation.emissions[:, first])
    shares = game.daily_driver_shares(separation, CALENDAR, (first, second), GROUPS, weight)
    change = np.exp(separation.weather[:, second]) - np.exp(separation.weather[:, first])
    np.testing.assert_allclose(shares.sum(axis=0), weight * change, atol=1e-9)


def test_the_planted_drivers_share_as_planted(separation):
    shares = game.driver_shares(separation, CALENDAR, (2015, 2018), GROUPS)
    found = dict(zip(("wind", "temperature", "rain"), shares, strict=True))
    _, table = world()
    p, q = (np.flatnonzero(DAYS.year == year) for year in (2015, 2018))
    years = np.arange(len(DAYS)) / 365.25
    slopes = {"wind": -0.5, "temperature": 0.3, "rain": 0.0}

    def value(players: frozenset[str]) -> float:
        rows = sum(slope * table[name].to_numpy()[q if name in players else p] for name, slope in slopes.items())
        return float(np.mean([np.exp(3 - 0.1 * years[days] + rows).mean() for days in (p, q)]))

    names = list(slopes)
    coalitions = [frozenset(n for i, n in enumerate(names) if bits >> i & 1) for bits in range(8)]
    truth = game.shapley({c: value(c) for c in coalitions})
    # 1461 days of 14 % noise know a mean to 0.4 %, a slope of a driver likewise: 2 % of the level is four of those
    for name, shares in found.items():
        assert shares[0] == pytest.approx(truth[name], abs=0.02 * 20)


def test_years_that_share_no_day_have_no_shares(separation):
    weather = separation.weather.copy()
    weather[:, DAYS.year == 2016] = np.nan
    assert game.driver_shares(replace(separation, weather=weather), CALENDAR, (2015, 2016), GROUPS) is None


def test_parts_from_elsewhere_have_no_shares_and_say_so(separation):
    bare = replace(separation, fitted=None)
    with pytest.raises(ValueError, match="without one"):
        game.driver_shares(bare, CALENDAR, (2015, 2016), GROUPS)
    read = readings.read_off(bare, CALENDAR, statistics=["mean"], base=DAYS.year == 2016)
    assert tables.drivers([_place(read)]).empty


def _place(read: xr.Dataset, name: str = "A") -> xr.Dataset:
    return read.assign_attrs({"level": "city", "name": name, "pollutant": "pm25", "units": "ug m-3"})


@pytest.fixture(scope="module")
def places() -> list[xr.Dataset]:
    found = []
    for seed, rain in ((1, 0.0), (2, 0.3)):
        target, table = world(rain=rain, seed=seed)
        names = {"wind": "wind_speed", "temperature": "t2m", "rain": "tp", "wind_lag1": "wind_speed_lag1"}
        roles = Drivers(("wind_speed", "t2m", "tp"), {"lag1": ("wind_speed_lag1",)}, ("wind_speed", "t2m", "tp"))
        if not rain:  # the first city has no rain gauge
            names.pop("rain")
            roles = Drivers(roles.main[:2], roles.families, roles.smooth[:2])
        own = separate(target, table.rename(columns=names)[[*names.values()]], drivers=roles, settings=SETTINGS)
        read = readings.read_off(own, CALENDAR, statistics=["mean"], base=DAYS.year == 2016)
        found.append(_place(read.assign(reporting=("time", np.ones(len(DAYS)))), f"city {seed}"))
    return found


def test_the_table_adds_up_to_the_attribution_for_cities_and_their_region(places):
    region = readings.mean_of(places).assign_attrs({**places[0].attrs, "level": "region", "name": "R"})
    everything = [region, *places]
    keys = ["level", "name", "pollutant", "statistic", "period_from", "period_to"]
    shares = tables.drivers(everything).groupby(keys)["share"].sum()
    whole = tables.attribution(everything).set_index(keys)["meteorology"]
    pd.testing.assert_series_equal(shares, whole.loc[shares.index], check_names=False, rtol=1e-9)


def test_consecutive_years_the_base_and_the_last_whole_year_with_each_are_in_the_table(places):
    found = tables.drivers(places)
    assert list(found.columns) == list(tables.DRIVERS)
    pairs = set(zip(found["period_from"], found["period_to"], strict=True))
    assert pairs == {(2015, 2016), (2016, 2017), (2017, 2018), (2016, 2018), (2015, 2018)}
    assert (found["share_low"] < found["share"]).all()
    assert (found["share"] < found["share_high"]).all()


def test_a_group_without_drivers_is_left_out(places):
    groups = tables.drivers(places).groupby("name")["group"].unique()
    assert list(groups["city 1"]) == ["temperature", "wind"]
    assert list(groups["city 2"]) == ["temperature", "wind", "moisture"]


def test_the_normalized_value_of_a_period_is_the_mean_of_its_days(places):
    place = places[0]
    years = place["time"].dt.year
    for year in (2015, 2018):
        expected = place["normalized"].where(years == year, drop=True).mean()
        found = place["normalized_value"].sel(period=f"year {year}", member=0)
        assert float(found) == pytest.approx(float(expected), rel=1e-9)
