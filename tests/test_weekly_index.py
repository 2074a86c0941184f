"""The weekly index of one city: what it must be by construction, sums that must close, and weather that was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import weekly_world
from hypothesis import given
from hypothesis import strategies as st
from weekly_world import BASE, DAYS, RECORD, kept, plan, weather, whole

from models.counterfactual import interval
from models.separation import Separation
from pipeline.errors import InputError
from pipeline.readings import mean_of
from pipeline.weekly.days import NewDays, extended
from pipeline.weekly.index import Entry, band_of_place, class_of, classes, rank_of, weeks_of_place, window_of
from pipeline.weekly.means import Plan, arrays, readings

LIMITS = (90.0, 97.0, 103.0, 110.0)
PRINTED = 0.005
"""Half a unit of the last decimal of the document."""
SINGLE = 1e-4
"""Relative: coalitions are evaluated in single precision."""


def entries(separation: Separation, of: Plan) -> dict[str, Entry]:
    """The windows of a city as the document says them."""
    place = arrays(readings(separation, of))
    return {window.name: window_of(place, of, window, kinds={}, limits=LIMITS) for window in of.windows}


# -- laws


@pytest.mark.parametrize("week", ["2019-W01", "2019-W10", "2019-W40", "2019-W52"])
def test_the_index_of_the_base_year_is_100_in_every_frequency(week: str) -> None:
    found = entries(whole(), plan(week))
    for name, window in found.items():
        if name == "season" and window["start"] < "2019":
            continue
        assert (window["base"]["mci"], window["base"]["low"], window["base"]["high"]) == (100, 100, 100)
        # single precision in a game without a change
        assert [share["points"] for share in window["drivers"]] == pytest.approx([0] * 5, abs=0.01)
    place = arrays(readings(whole(), plan(week)))
    assert {own["mci"] for own in weeks_of_place(place, plan(week), kinds={}, until=DAYS[-1])} == {100}


def test_the_indices_of_several_base_years_are_100_on_average() -> None:
    base = (pd.Timestamp("2019-01-01"), pd.Timestamp("2022-12-31"))
    own = arrays(readings(whole(), plan("2023-W20", base=base)))
    years = slice(0, 4)
    for k in range(3):  # week, month and year to date have no leap day of their own in 2020's place
        ratio = own["actual"][0, k, years].mean(axis=0) / own["reference"][0, k, years].mean(axis=0)
        if k < 2:
            assert ratio == pytest.approx(1, rel=1e-12)
        else:
            assert ratio == pytest.approx(1, rel=1e-3)


def test_driver_shares_add_up_to_the_index_and_to_its_changes_in_every_member() -> None:
    of = plan("2023-W20")
    own = arrays(readings(whole(), of))
    year = of.years.index(2023)
    now, reference = own["actual"][0, :, year], own["reference"][0, :, year]
    np.testing.assert_allclose(own["share"].sum(axis=1), now - reference, atol=SINGLE * reference.max())
    before, reference = own["previous_actual"][0, :2], own["previous_reference"][0, :2]
    np.testing.assert_allclose(own["previous_share"][:2].sum(axis=1), before - reference, atol=SINGLE * reference.max())
    found = entries(whole(), of)
    for window in found.values():
        assert sum(share["points"] for share in window["drivers"]) == pytest.approx(
            window["base"]["mci"] - 100, abs=7 * PRINTED + 0.01
        )
        for against, shares in window["drivers_of_change"].items():
            if shares:
                total = sum(share["points"] for share in shares)
                assert total == pytest.approx(window["change"][against], abs=7 * PRINTED + 0.01)


def test_the_change_from_last_year_is_the_difference_of_the_indices() -> None:
    of = plan("2023-W20")
    own = arrays(readings(whole(), of))
    index = 100 * own["actual"][0] / own["reference"][0]
    change = index[:, of.years.index(2023), 0] - index[:, of.years.index(2022), 0]
    found = entries(whole(), of)
    # the same calendar days, none of them a leap day
    assert [found[name]["change"]["last_year"] for name in ("week", "month", "year")] == pytest.approx(
        change[:3], abs=PRINTED + 0.01
    )


def test_observations_in_another_unit_change_nothing_in_the_index() -> None:
    later = weather().loc[RECORD[-1] < DAYS]
    scaled = extended(weekly_world.separated(scale=1000.0), later, place="city")
    plain = extended(kept(), later, place="city")
    one, other = entries(plain, plan("2023-W20")), entries(scaled, plan("2023-W20"))
    for name in one:
        for part in ("base", "recent", "change", "drivers"):
            assert one[name][part] == other[name][part]


def test_the_order_of_the_cities_changes_nothing_and_a_twin_changes_nothing() -> None:
    of = plan("2023-W20")
    cities = [readings(replace(whole(), weather=whole().weather * factor), of) for factor in (1.0, 0.5, 0.25)]
    one, other = mean_of(cities), mean_of(cities[::-1])
    twin = arrays(mean_of([cities[0], cities[0]]))
    for name, values in arrays(one).items():
        np.testing.assert_allclose(values, arrays(other)[name], rtol=1e-12)
        np.testing.assert_array_equal(twin[name], arrays(cities[0])[name])


def test_a_region_is_the_ratio_of_means_not_the_mean_of_ratios() -> None:
    of = plan("2023-W20")
    large = replace(whole(), emissions=whole().emissions + np.log(9), weather=0.5 * whole().weather)
    cities = [readings(one, of) for one in (whole(), large)]
    region = arrays(mean_of(cities))
    year = of.years.index(2023)
    actual, reference = (sum(arrays(city)[name][0, 0, year, 0] for city in cities) for name in ("actual", "reference"))
    found = window_of(region, of, of.windows[0], kinds={}, limits=LIMITS)
    assert found["base"]["mci"] == pytest.approx(100 * actual / reference, abs=PRINTED)


# -- days after the record


def test_days_appended_have_the_weathers_part_that_the_whole_record_gives_them() -> None:
    cut = RECORD[-100]
    again = extended(kept(), weather().loc[cut : RECORD[-1]], place="city", observed=observed_days())
    assert again.days.equals(kept().days)
    # what is carried over from before the spin-up has faded to less than 0.75 ** 60
    np.testing.assert_allclose(again.weather, kept().weather, atol=1e-6)
    np.testing.assert_allclose(again.emissions, kept().emissions, atol=1e-9)
    np.testing.assert_array_equal(again.observed, kept().observed)
    pd.testing.assert_frame_equal(again.fitted.drivers, kept().fitted.drivers, rtol=1e-9, check_freq=False)


def observed_days() -> pd.Series:
    return weekly_world.observed()


def test_emissions_stay_at_their_last_level_with_the_season_of_the_day() -> None:
    found = whole().emissions[0]
    first = len(RECORD)
    year_before = found[first - 365 : first - 365 + 100]
    step = found[first : first + 100] - year_before
    # a tenth a year is planted: the level held is that of the end, so the step is the fall of the year before
    assert -0.2 < step.mean() < 0.0


def test_a_day_without_a_driver_is_unknown_and_said_to_be_missing() -> None:
    later = weather().loc[RECORD[-1] < DAYS].copy()
    later.loc["2023-05-16":"2023-05-17", "blh"] = np.nan
    found = entries(extended(kept(), later, place="city"), plan("2023-W20"))["week"]
    # the day after knows no yesterday
    assert found["missing"] == ["2023-05-16", "2023-05-17", "2023-05-18"]
    assert found["days"] == 4
    assert found["base"] is not None


def test_a_quantity_that_the_model_needs_and_new_weather_lacks_is_named() -> None:
    later = weather().loc[RECORD[-1] < DAYS].drop(columns="blh")
    with pytest.raises(InputError, match=r"city: days from 2023-01-01 on lack 'log_blh'"):
        extended(kept(), later, place="city")


def test_forecast_days_follow_the_new_ones_and_keep_their_kind() -> None:
    station = weather().loc["2023-01-01":"2023-01-10"].rename_axis("time").to_xarray().expand_dims(station=["A"])
    further = station.isel(time=slice(7, 10)) + 1
    found = NewDays(station.isel(time=slice(0, 9)), kinds={pd.Timestamp("2023-01-05"): "preliminary"})
    joined = found.followed_by(further, "forecast")
    assert joined.weather_of(["A"])["t2m"].to_numpy() == pytest.approx(
        [*station["t2m"].values[0, :7], *further["t2m"].values[0]]
    )
    assert [joined.kinds.get(day, "final") for day in pd.date_range("2023-01-04", "2023-01-10")] == [
        "final", "preliminary", "final", "final", "forecast", "forecast", "forecast",
    ]  # fmt: skip


# -- planted weather


@pytest.mark.parametrize("week", ["2023-W07", "2023-W20"])
def test_a_week_of_planted_stagnation_is_unfavourable_and_wind_and_mixing_say_why(week: str) -> None:
    of = plan(week)
    days = of.windows[0].days
    later = weather().loc[RECORD[-1] < DAYS].copy()
    later.loc[days, "wind_speed"], later.loc[days, "blh"], later.loc[days, "tp"] = 1.2, 350.0, 0.0
    found = entries(extended(kept(), later, place="city"), of)["week"]
    assert found["base"]["class"] == "very_unfavourable"
    assert found["base"]["rank"] == found["base"]["of"] == 5
    assert found["base"]["low"] > 110
    shares = {share["group"]: share["points"] for share in found["drivers"]}
    assert shares["wind"] + shares["mixing"] > 0.8 * (found["base"]["mci"] - 100)
    assert found["change"]["previous"] > 0
    assert found["change"]["five_years"] > 0


def test_weeks_after_the_record_follow_the_planted_truth() -> None:
    truth, index = [], []
    place = arrays(readings(whole(), plan("2023-W25")))
    for own in weeks_of_place(place, plan("2023-W25"), kinds={}, until=pd.Timestamp("2023-06-25")):
        days = pd.date_range(own["start"], periods=7)
        if days[0] < pd.Timestamp("2023-01-01"):
            continue
        same = pd.DatetimeIndex([day.replace(year=2019) for day in days])
        truth.append(100 * factor_of(days).sum() / factor_of(same).sum())
        index.append(own["mci"])
    assert len(index) == 25
    # known in the model's form, with noise of 13 % a day on four years
    assert np.corrcoef(truth, index)[0, 1] > 0.98
    assert np.abs(np.array(truth) - index).mean() < 5


def factor_of(days: pd.DatetimeIndex) -> np.ndarray:
    return weekly_world.factor(weather().loc[days])


def test_the_weathers_part_of_the_observed_change_is_that_of_the_planted_world() -> None:
    found = entries(whole(), plan("2023-W20"))["year"]["observed"]
    now, last = (
        DAYS[(DAYS >= "2023-01-01") & (DAYS <= "2023-05-21")],
        DAYS[(DAYS >= "2022-01-01") & (DAYS <= "2022-05-21")],
    )
    level = 60 * np.exp(-0.1 * np.array([(days[70] - DAYS[0]).days for days in (last, now)]) / 365.25)
    truth = level.mean() * (factor_of(now).mean() - factor_of(last).mean())
    assert found["change"] == pytest.approx(
        weekly_world.observed()[now].mean() - weekly_world.observed()[last].mean(), abs=0.01
    )
    half = found["weather_high"] - found["weather"]
    assert abs(found["weather"] - truth) < 2 * half


# -- ranks, classes, bands


@given(st.lists(st.floats(50, 150), max_size=20), st.floats(50, 150))
def test_a_rank_counts_the_years_that_were_more_favourable(others: list[float], value: float) -> None:
    found = rank_of(value, np.array([*others, np.nan]))
    assert found["of"] == len(others) + 1
    assert found["rank"] == 1 + sum(other < value for other in others)
    assert 0 < found["percentile"] < 100


@given(st.floats(1, 300))
def test_every_index_is_in_exactly_one_class(value: float) -> None:
    inside = [
        own.key
        for own in classes(LIMITS)
        if (own.above is None or own.above <= value) and (own.below is None or value < own.below)
    ]
    assert inside == [class_of(value, LIMITS)]


def test_the_band_is_of_the_other_years_and_spans_the_whole_year() -> None:
    of = plan("2023-W20")
    place = arrays(readings(whole(), of))
    found = band_of_place(place, of, year=2023)
    assert [own["week"] for own in found] == list(range(1, 53))
    assert {own["years"] for own in found} <= {3, 4}
    for own in found:
        assert own["min"] <= own["p10"] <= own["median"] <= own["p90"] <= own["max"]
        assert own["min"] <= 100 <= own["max"]  # the base year is among them
    # the same with another week of the year in hand, but for what was not known then
    again = band_of_place(arrays(readings(whole(), plan("2023-W08"))), plan("2023-W08"), year=2023)
    assert found == again


def test_intervals_hold_the_estimate_and_other_years_are_counted_like_with_like() -> None:
    found = entries(whole(), plan("2023-W25"))
    for window in found.values():
        for reference in ("base", "recent"):
            own = window[reference]
            assert own["low"] <= own["mci"] <= own["high"]
    assert found["year"]["base"]["of"] == 5
    low, high = interval(np.array([1.0, 1.0, 1.0]))
    assert low == high == 1.0
    assert BASE[0] == RECORD[0]
