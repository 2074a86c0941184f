"""The standards by hand: days (HJ 663), limits by date (GB 3095), rounding (GB/T 8170), AQI (HJ 633), states.

A slow reading of the same rules stands against each fast one.
"""

from __future__ import annotations

import datetime
import math
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.errors import ConfigError
from pipeline.standards import (
    by_day,
    daily,
    daily_mean,
    maximum_daily_8h,
    standard,
    standard_for,
    standard_in_force,
    standards,
)
from pipeline.standards.air_quality_index import (
    GRADES,
    MISSING,
    air_quality_index,
    grade,
    individual_index,
    primary_pollutants,
)
from pipeline.standards.reference_state import (
    ambient_factor,
    before_change,
    gas_factor,
    particles_in_ambient_state,
)
from pipeline.standards.rounding import decimals, printed, rounded, rounded_decimal
from pipeline.standards.versions import assessed, guideline
from pipeline.vocabulary import GAS_FACTOR

# a float64 sum of at most 24 values is off by less than 24 half-units in the last place of the sum
ROUNDING = 24 * 2.0**-52
HOUR = st.none() | st.floats(0, 1000)
DAY = st.lists(HOUR, min_size=24, max_size=24)
CHOSEN = st.lists(st.booleans(), min_size=24, max_size=24)


def array(hours: list[float | None]) -> np.ndarray:
    return np.array([np.nan if hour is None else hour for hour in hours])


def slow_mean(hours: list[float | None], at_least: int) -> float | None:
    """The mean as the standard words it: of the valid hours, if there are enough."""
    valid = [hour for hour in hours if hour is not None]
    return sum(valid) / len(valid) if len(valid) >= at_least else None


def slow_mda8(hours: list[float | None], limit: float = 160) -> float | None:
    """The maximum as the standard words it: window by window, hour by hour."""
    windows = [slow_mean(hours[end - 8 : end], 6) for end in range(8, 25)]
    valid = [window for window in windows if window is not None]
    if not valid or (len(valid) < 14 and max(valid) <= limit):
        return None
    return max(valid)


def same(fast: np.ndarray, slow: float | None) -> bool:
    return bool(np.isnan(fast)) if slow is None else bool(np.isclose(fast, slow, rtol=ROUNDING, atol=0))


def hourly(values: np.ndarray, start: str, *, name: str = "pm25") -> xr.Dataset:
    """One station's hours, the first of them labelled ``start``."""
    time = pd.date_range(start, periods=len(values), freq="h")
    data = xr.DataArray(values[None], {"station": ["A"], "time": time}, ("station", "time"), attrs={"units": "ug m-3"})
    return xr.Dataset({name: data}, attrs={"resolution": "hour"})


# --- two ways agree


@given(hours=DAY)
def test_the_fast_daily_mean_is_the_slow_one(hours: list[float | None]) -> None:
    assert same(daily_mean(array(hours)), slow_mean(hours, 20))


@given(hours=DAY)
def test_the_fast_highest_8_hours_are_the_slow_ones(hours: list[float | None]) -> None:
    # a window that equals the limit but for rounding may be judged either way
    fast, slow = maximum_daily_8h(array(hours)), slow_mda8(hours)
    edge = [w for end in range(8, 25) if (w := slow_mean(hours[end - 8 : end], 6)) is not None and abs(w - 160) < 1e-9]
    assert same(fast, slow) or edge


@given(present=CHOSEN, high=st.booleans())
def test_holes_are_judged_the_same_in_both_ways(present: list[bool], high: bool) -> None:
    hours = [(200.0 if high else 100.0) if there else None for there in present]
    assert same(daily_mean(array(hours)), slow_mean(hours, 20))
    assert same(maximum_daily_8h(array(hours)), slow_mda8(hours))


@given(values=hnp.arrays(float, (2, 3, 24), elements=st.floats(0, 1000) | st.just(np.nan)))
def test_days_and_stations_are_assessed_each_on_its_own(values: np.ndarray) -> None:
    for assess in (daily_mean, maximum_daily_8h):
        alone = [[assess(values[station, day]) for day in range(3)] for station in range(2)]
        np.testing.assert_allclose(assess(values), alone, rtol=ROUNDING)


# --- laws


@given(hours=st.lists(st.floats(0, 1000), min_size=24, max_size=24))
def test_the_highest_8_hours_lie_between_the_mean_of_their_thirds_and_the_highest_hour(hours: list[float]) -> None:
    found, thirds = float(maximum_daily_8h(np.array(hours))), np.array(hours).reshape(3, 8).mean(axis=1)
    assert thirds.max() * (1 - ROUNDING) <= found <= max(hours) * (1 + ROUNDING)
    assert found >= float(daily_mean(np.array(hours))) * (1 - ROUNDING)


@given(hours=st.lists(st.floats(0, 1000), min_size=24, max_size=24), order=st.permutations(range(24)))
def test_a_daily_mean_does_not_care_for_the_order_of_hours(hours: list[float], order: list[int]) -> None:
    shuffled = np.array(hours)[list(order)]
    np.testing.assert_allclose(daily_mean(shuffled), daily_mean(np.array(hours)), rtol=ROUNDING)


# --- known answers, worked by hand


@pytest.mark.parametrize(("hours", "valid"), [(24, True), (20, True), (19, False), (0, False)])
def test_a_daily_mean_needs_20_hours(hours: int, valid: bool) -> None:
    day = np.where(np.arange(24) < hours, 30.0, np.nan)
    assert daily_mean(day) == pytest.approx(30.0 if valid else np.nan, nan_ok=True)


def test_a_daily_mean_of_the_numbers_1_to_24_is_12_and_a_half() -> None:
    assert daily_mean(np.arange(1.0, 25.0)) == 12.5
    # without the four highest: (1 + ... + 20) / 20
    assert daily_mean(np.where(np.arange(1.0, 25.0) <= 20, np.arange(1.0, 25.0), np.nan)) == 10.5


def test_the_highest_8_hours_of_the_numbers_1_to_24_are_the_last() -> None:
    assert maximum_daily_8h(np.arange(1.0, 25.0)) == 20.5  # (17 + ... + 24) / 8


def test_windows_do_not_reach_into_the_day_before() -> None:
    # a peak in the first hour stands in one window only, the one that ends at 08:00
    day = np.full(24, 10.0)
    day[0] = 90.0
    assert maximum_daily_8h(day) == 20.0  # (90 + 7 * 10) / 8


@pytest.mark.parametrize(("hours", "valid"), [(8, True), (6, True), (5, False)])
def test_an_8_hour_mean_needs_6_hours(hours: int, valid: bool) -> None:
    # the hours before 8 are missing but for the last `hours`; windows from 08:00 on count by what they hold
    day = np.full(24, np.nan)
    day[8 - hours : 8] = 200.0
    assert np.isfinite(maximum_daily_8h(day)) == valid


@pytest.mark.parametrize(
    ("missing", "windows", "valid"),
    [
        # hours 1 to n missing: the window that ends at 08:00 + k holds 8 - n + k hours and needs 6
        (2, 17, True),
        (5, 14, True),
        (6, 13, False),
        (24, 0, False),
    ],
)
def test_a_day_needs_14_windows(missing: int, windows: int, valid: bool) -> None:
    day = np.where(np.arange(24) < missing, np.nan, 100.0)
    counted = [end for end in range(8, 25) if np.isfinite(day[end - 8 : end]).sum() >= 6]
    assert len(counted) == windows
    assert np.isfinite(maximum_daily_8h(day)) == valid


@pytest.mark.parametrize(("level", "valid"), [(159.0, False), (160.0, False), (161.0, True)])
def test_fewer_windows_count_when_they_exceed_the_limit(level: float, valid: bool) -> None:
    day = np.where(np.arange(24) < 16, np.nan, level)  # the last 8 hours: 3 windows of at least 6
    assert maximum_daily_8h(day) == pytest.approx(level if valid else np.nan, nan_ok=True)
    assert maximum_daily_8h(day, limit=100.0) == level


# --- labels end their hour


def test_midnight_belongs_to_the_day_before() -> None:
    hours, days = by_day(hourly(np.arange(48.0), "2020-02-28 01:00")["pm25"])
    assert list(days.strftime("%m-%d")) == ["02-28", "02-29"]
    np.testing.assert_array_equal(hours, np.arange(48.0).reshape(1, 2, 24))


def test_the_first_label_00_00_is_the_last_hour_of_the_day_before() -> None:
    hours, days = by_day(hourly(np.array([5.0, 6.0]), "2020-03-01 00:00")["pm25"])
    assert list(days.strftime("%m-%d")) == ["02-29", "03-01"]
    assert hours[0, 0, 23] == 5.0
    assert hours[0, 1, 0] == 6.0
    assert np.isnan(hours).sum() == 46


@given(keep=st.lists(st.booleans(), min_size=72, max_size=72).filter(any))
def test_hours_absent_from_the_axis_are_hours_not_observed(keep: list[bool]) -> None:
    whole = hourly(np.arange(72.0), "2020-01-01 01:00")
    holes = whole.where(xr.DataArray(keep, dims="time"))
    dropped = whole.isel(time=np.flatnonzero(keep))
    xr.testing.assert_identical(daily(dropped), daily(holes).sel(time=daily(dropped)["time"]))


def test_each_pollutant_is_assessed_by_its_own_rule() -> None:
    values = np.arange(1.0, 25.0)
    both = xr.merge([hourly(values, "2020-01-01 01:00"), hourly(values, "2020-01-01 01:00", name="o3")])
    assessed = daily(both.assign_attrs(resolution="hour"))
    assert assessed["pm25"].item() == 12.5
    assert assessed["o3"].item() == 20.5
    assert assessed["o3"].attrs["units"] == "ug m-3"
    assert assessed.attrs["resolution"] == "day"
    assert list(assessed["time"].values) == [np.datetime64("2020-01-01")]


def test_days_that_are_days_already_stay_as_they_are() -> None:
    days = hourly(np.arange(3.0), "2020-01-01").assign_attrs(resolution="day")
    assert daily(days) is days


@given(order=st.permutations(range(3)))
def test_the_order_of_stations_changes_nothing(order: list[int]) -> None:
    rng = np.random.default_rng(0)
    coordinates = {"station": ["A", "B", "C"], "time": pd.date_range("2020-01-01 01:00", periods=96, freq="h")}
    values = xr.DataArray(rng.uniform(0, 300, (3, 96)), coordinates, ("station", "time"))
    data = xr.Dataset({"o3": values, "pm25": values}, attrs={"resolution": "hour"})
    xr.testing.assert_identical(daily(data.isel(station=order)), daily(data).isel(station=order))


# --- which standard, from when


@pytest.mark.parametrize(
    ("day", "key", "annual", "daily_limit"),
    [
        ("2010-01-01", "gb_3095_2012", 35, 75),
        ("2026-02-28", "gb_3095_2012", 35, 75),
        ("2026-03-01", "gb_3095_2026_transition", 30, 60),
        ("2030-12-31", "gb_3095_2026_transition", 30, 60),
        ("2031-01-01", "gb_3095_2026", 25, 50),
    ],
)
def test_a_day_is_judged_by_the_standard_in_force_on_it(day: str, key: str, annual: float, daily_limit: float) -> None:
    found = standard_in_force(datetime.date.fromisoformat(day))
    assert (found.key, found.limit("pm25", "year"), found.limit("pm25", "day")) == (key, annual, daily_limit)
    assert found.limit("o3", "mda8") == 160
    assert found.limit("nox", "year") is None


def test_trends_may_be_judged_by_one_standard_throughout() -> None:
    days = [datetime.date(2020, 1, 1), datetime.date(2032, 1, 1)]
    assert {standard_for(day, judged_by="gb_3095_2012").key for day in days} == {"gb_3095_2012"}
    assert [standard_for(day, judged_by="in_force").key for day in days] == ["gb_3095_2012", "gb_3095_2026"]


def test_an_unknown_standard_names_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match=r"found 'gb2012'; known: in_force, gb_3095_2012, .*gb_3095_2026$"):
        standard("gb2012")


def test_no_later_standard_is_laxer_and_grade_one_never_exceeds_grade_two() -> None:
    versions = list(standards().values())
    for version in versions:
        assert all(first <= second for of in version.limits.values() for first, second in of.values())
    for earlier, later in pairwise(versions):
        assert all(
            later.limits[name][average][g] <= earlier.limits[name][average][g]
            for name, of in earlier.limits.items()
            for average in of
            for g in (0, 1)
        )


def test_the_index_is_100_at_the_daily_limit_of_its_standard_until_2030() -> None:
    for key in ("gb_3095_2012", "gb_3095_2026_transition"):
        version = standard(key)
        for name, average in {
            "pm25": "day",
            "pm10": "day",
            "o3": "mda8",
            "no2": "day",
            "so2": "day",
            "co": "day",
        }.items():
            assert version.index.breakpoints[name][2] == version.limit(name, average)


def test_what_is_assessed_over_a_year() -> None:
    assert assessed("pm25") == {"mean": "year", "p95": "day"}
    assert assessed("so2") == assessed("no2") == {"mean": "year", "p98": "day"}
    assert assessed("co") == {"p95": "day"}
    assert assessed("o3") == {"p90": "mda8"}
    assert assessed("nox") == {"mean": ""}


def test_targets_of_who_fall_towards_the_guideline() -> None:
    assert guideline("pm25", "year") == {"it1": 35, "it2": 25, "it3": 15, "it4": 10, "aqg": 5}
    assert guideline("o3", "season")["aqg"] == 60
    for name, average in (("pm25", "day"), ("pm10", "year"), ("no2", "year"), ("so2", "day")):
        levels = list(guideline(name, average).values())
        assert levels == sorted(levels, reverse=True)
    assert guideline("nox", "year") == {}


# --- GB/T 8170


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (2.5, 0, 2), (3.5, 0, 4), (2.51, 0, 3), (2.49, 0, 2), (35.5, 0, 36), (34.5, 0, 34), (60.5, 0, 60),
        (60.6, 0, 61), (1.15, 1, 1.2), (1.25, 1, 1.2), (1.35, 1, 1.4),
        (0.251, 1, 0.3), (-1.5, 0, -2), (28.05, 1, 28.0),
    ],
)  # fmt: skip
def test_a_half_goes_to_the_even_neighbour_and_more_than_a_half_goes_up(
    value: float, places: int, expected: float
) -> None:
    assert rounded(np.array([value]), places)[0] == expected
    assert float(rounded_decimal(value, places)) == expected


def test_values_are_rounded_once() -> None:
    assert rounded(np.array([15.4546]), 0)[0] == 15  # not 15.4546 -> 15.455 -> 15.46 -> 15.5 -> 16


def test_noise_of_arithmetic_is_no_digit_after_the_five() -> None:
    noisy = (0.2 + 6.4 + 0.9) / 3  # two and a half, and in float64 one unit in the last place more
    assert noisy > 2.5
    assert rounded(np.array([noisy]), 0)[0] == 2
    assert rounded(np.array([2.5 + 1e-9]), 0)[0] == 3


@given(value=st.decimals(0, 1000, places=3), places=st.integers(0, 2))
def test_the_fast_rounding_is_that_of_the_decimal_string(value: Decimal, places: int) -> None:
    slow = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    assert rounded(np.array([float(value)]), places)[0] == float(slow)


@given(values=hnp.arrays(float, 5, elements=st.floats(0, 1000)), places=st.integers(0, 2))
def test_rounding_moves_no_value_by_more_than_half_a_unit_and_is_done_when_done(
    values: np.ndarray, places: int
) -> None:
    once = rounded(values, places)
    assert np.abs(once - values).max() <= 0.5 * 10.0**-places * (1 + 1e-9)
    np.testing.assert_array_equal(rounded(once, places), once)


def test_decimals_are_those_of_the_quantity_and_of_the_ministry_from_october_2024() -> None:
    before, since = datetime.date(2024, 9, 30), datetime.date(2024, 10, 1)
    assert [decimals(name, date=since) for name in ("pm25", "o3", "co")] == [0, 0, 1]
    assert decimals("pm25", date=before, printing="ministry") == 0
    assert decimals("pm25", date=since, printing="ministry") == 1
    assert decimals("o3", date=since, printing="ministry") == 0
    assert printed(np.array([28.05, 28.05, np.nan, 0.84]), np.array([0, 1, 0, 1])) == ["28", "28.0", "", "0.8"]


# --- HJ 633


def one(value: float, indicator: str, key: str) -> int:
    return int(individual_index(np.array([value]), indicator, standard(key).index)[0])


@pytest.mark.parametrize(
    ("value", "indicator", "key", "expected"),
    [
        (60.5, "pm25", "gb_3095_2026_transition", 100),  # 60.5 -> 60
        (60.6, "pm25", "gb_3095_2026_transition", 101),  # 61: 100 + 50/55 = 100.9, up
        (75, "pm25", "gb_3095_2012", 100),
        (76, "pm25", "gb_3095_2012", 102),  # 100 + 50/40 = 101.25, up
        (75, "pm25", "gb_3095_2026_transition", 114),  # 100 + 50 * 15/55 = 113.6, up
        (150, "pm25", "gb_3095_2012", 200),
        (151, "pm25", "gb_3095_2026", 201),
        (500, "pm25", "gb_3095_2012", 500),
        (501, "pm25", "gb_3095_2012", 500),
        (120, "pm10", "gb_3095_2026", 100),
        (120, "pm10", "gb_3095_2012", 85),  # 50 + 50 * 70/100
        (160, "o3", "gb_3095_2012", 100),
        (800, "o3", "gb_3095_2012", 300),
        (801, "o3", "gb_3095_2012", MISSING),
        (801, "o3", "gb_3095_2026", 300),
        (801, "o3_1h", "gb_3095_2012", 301),  # 300 + 100/200 = 300.5, up
        (2.04, "co", "gb_3095_2012", 50),
        (2.06, "co", "gb_3095_2012", 53),  # 2.1: 50 + 50 * 0.1/2 = 52.5, up
        (0, "so2", "gb_3095_2012", 0),
        (math.nan, "so2", "gb_3095_2012", MISSING),
    ],
)
def test_individual_indices_worked_by_hand(value: float, indicator: str, key: str, expected: int) -> None:
    assert one(value, indicator, key) == expected


def slow_index(value: Decimal, indicator: str, key: str) -> int:
    """IAQI as HJ 633 words it, in decimal fractions."""
    table = standard(key).index
    at = value.quantize(Decimal("0.1") if indicator == "co" else Decimal(1), rounding=ROUND_HALF_EVEN)
    levels = [Decimal(level) for level in table.breakpoints[indicator]]
    if at > levels[-1]:
        return 500 if len(levels) == len(table.points) else (table.above_o3 or MISSING)
    i = next(i for i in range(len(levels) - 1) if at <= levels[i + 1])
    share = Decimal(table.points[i + 1] - table.points[i]) * (at - levels[i]) / (levels[i + 1] - levels[i])
    return math.ceil(share + table.points[i])


@given(
    value=st.decimals(0, 3000, places=2),
    indicator=st.sampled_from(["pm25", "pm10", "o3", "no2", "so2", "co"]),
    key=st.sampled_from(list(standards())),
)
def test_the_fast_index_is_the_one_of_the_formula(value: Decimal, indicator: str, key: str) -> None:
    assert one(float(value), indicator, key) == slow_index(value, indicator, key)


def test_the_index_of_a_day_is_the_highest_and_ties_are_all_primary() -> None:
    indices = {"pm25": np.array([80, 80, 50, -1]), "o3": np.array([80, 60, 50, 300]), "no2": np.array([10, 70, 20, 20])}
    index = air_quality_index(indices)
    assert index.tolist() == [80, 80, 50, MISSING]
    primary = primary_pollutants(indices)
    assert primary["pm25"].tolist() == [True, True, False, False]  # none up to 50, none without an index
    assert primary["o3"].tolist() == [True, False, False, False]
    assert not primary["no2"].any()


def test_the_highest_hour_of_ozone_counts_where_it_is_known_and_stands_for_a_mean_above_800() -> None:
    table = standard("gb_3095_2012").index
    mda8, hour = np.array([100.0, 100.0, 801.0, 801.0]), np.array([np.nan, 250.0, 900.0, np.nan])
    indices = {"o3": individual_index(mda8, "o3", table), "o3_1h": individual_index(hour, "o3_1h", table)}
    # 250: 100 + 50 * 50/100; 900: 300 + 100 * 100/200; without either there is no index
    assert air_quality_index(indices).tolist() == [50, 125, 350, MISSING]


def test_grades_begin_after_the_bound_of_the_one_before() -> None:
    names = list(GRADES)
    bounds = np.array([0, 50, 51, 100, 101, 150, 151, 200, 201, 300, 301, 500])
    assert [names[number] for number in grade(bounds)] == [name for name in names for _ in range(2)]
    assert grade(np.array([MISSING])).tolist() == [MISSING]


# --- reference states


def test_gases_are_taken_to_298_kelvin_until_the_last_day_of_august_2018() -> None:
    assert gas_factor(datetime.date(2018, 8, 31)) == GAS_FACTOR == pytest.approx(0.916150, abs=5e-7)
    assert gas_factor(datetime.date(2018, 9, 1)) == 1.0


def test_the_hour_that_ends_at_midnight_is_of_the_day_before() -> None:
    labels = pd.DatetimeIndex(["2018-08-31 23:00", "2018-09-01 00:00", "2018-09-01 01:00"])
    assert before_change(labels, resolution="hour").tolist() == [True, True, False]
    days = pd.DatetimeIndex(["2018-08-31", "2018-09-01"])
    assert before_change(days, resolution="day").tolist() == [True, False]


def test_particles_of_the_old_state_are_taken_to_the_air_they_were_sampled_from() -> None:
    time = pd.date_range("2018-08-31", periods=2)
    at = {"station": ["A", "B"], "time": time}
    values = xr.DataArray(np.full((2, 2), 100.0), at, ("station", "time"), attrs={"units": "ug m-3"})
    days = xr.Dataset({"pm25": values, "o3": values}, attrs={"resolution": "day"})
    weather = xr.Dataset(
        {
            "t2m": (("station", "time"), [[273.15, 273.15], [273.15 * 1.1, 300.0]]),
            "sp": (("station", "time"), [[101325.0, 101325.0], [50662.5, np.nan]]),
        },
        coords=at,
    )
    found = particles_in_ambient_state(days, weather)
    np.testing.assert_allclose(found["pm25"], [[100, 100], [100 / 2 / 1.1, 100]])
    xr.testing.assert_identical(found["o3"], days["o3"])
    assert found["pm25"].attrs == values.attrs
    # without the weather of a day its particles cannot be taken to its air
    dark = particles_in_ambient_state(days, weather.where(weather["station"] != "B"))
    np.testing.assert_array_equal(dark["pm25"], [[100, 100], [np.nan, 100]])


def test_the_factor_of_lhasa_is_far_below_that_of_the_plain() -> None:
    # 65 kPa and 8 degC; 101.325 kPa and 25 degC
    factor = ambient_factor(xr.DataArray([281.15, 298.15]), xr.DataArray([65000.0, 101325.0]))
    assert factor.to_numpy() == pytest.approx([65000 / 101325 * 273.15 / 281.15, GAS_FACTOR])
