"""Rules take away what cannot be, say so, and make nothing up; honest data pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from pipeline.contracts import REJECTED
from pipeline.quality import RULES, Options, notes, plausible, report_rows, screened, summary
from pipeline.quality.value_rules import resolution, stuck
from pipeline.vocabulary import POLLUTANTS, WEATHER, pollutant, weather_variable

ANYTHING = st.floats(-1e7, 1e7) | st.just(np.nan) | st.sampled_from([np.inf, -np.inf, 0.0, -0.0])


def hours(resolution: str = "hour", **variables: np.ndarray) -> xr.Dataset:
    """Variables as (station, time) from 01:00 of a day; stations are S0, S1 ..."""
    shape = next(iter(variables.values())).shape
    time = pd.date_range("2020-01-01T01:00", periods=shape[1], freq="h", unit="ns")
    data = {name: (("station", "time"), values, {"units": "ug m-3"}) for name, values in variables.items()}
    names = [f"S{number}" for number in range(shape[0])]
    return xr.Dataset(data, {"station": names, "time": time}, {"resolution": resolution})


def held(data: xr.Dataset) -> dict[str, int]:
    return {str(name): int(values.notnull().sum()) for name, values in data.data_vars.items()}


def wandering(stations: int, length: int, *, level: float = 60.0, seed: int = 0) -> np.ndarray:
    """Integer concentrations that wander about a level, differently at each station."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((stations, length))
    for hour in range(1, length):
        noise[:, hour] = 0.9 * noise[:, hour - 1] + 0.44 * noise[:, hour]
    return np.round(level * np.exp(0.3 * noise))


def rows(rejected: pd.DataFrame) -> list[tuple[str, str, str, int]]:
    return list(rejected[["station", "variable", "rule", "values"]].itertuples(index=False, name=None))


# --- laws of every rule


@given(
    values=hnp.arrays(float, (3, 30), elements=ANYTHING | st.integers(0, 12).map(float)),
    coarse=hnp.arrays(float, (3, 30), elements=ANYTHING | st.integers(0, 12).map(float)),
)
def test_what_is_kept_and_what_is_rejected_is_all_there_was(values: np.ndarray, coarse: np.ndarray) -> None:
    data = hours(pm25=values, pm10=coarse)
    kept, rejected = screened(data, pollutant)
    assert tuple(rejected) == REJECTED
    assert set(rejected["rule"]) <= set(RULES)
    for name, given_values in (("pm25", values), ("pm10", coarse)):
        left = kept[name].to_numpy()
        same = left == given_values
        assert (same | np.isnan(left)).all()
        gone = np.isnan(left) & ~np.isnan(given_values)
        assert gone.sum() == rejected.loc[rejected["variable"] == name, "values"].sum()
    for row in rejected.itertuples():
        span = data[row.variable].sel(station=row.station, time=slice(row.start, row.end))
        assert span.size == row.values
        assert float(span.min()) == row.lowest
        assert float(span.max()) == row.highest
        assert kept[row.variable].sel(station=row.station, time=slice(row.start, row.end)).isnull().all()


@given(order=st.permutations(range(6)))
def test_the_order_of_stations_changes_nothing(order: list[int]) -> None:
    values = wandering(6, 60)
    values[2, 20] = 900.0
    values[4, 5:40] = 77.0
    values[5, 3] = -4.0
    data = hours(pm25=values, pm10=values + 5)
    kept, rejected = screened(data, pollutant)
    shuffled, of_shuffled = screened(data.isel(station=order), pollutant)
    xr.testing.assert_identical(shuffled.sortby("station"), kept)
    pd.testing.assert_frame_equal(of_shuffled, rejected)
    assert {"spike", "stuck", "negative"} <= set(rejected["rule"])


def test_more_stations_than_are_judged_at_once_are_judged_alike() -> None:
    values = np.tile(wandering(5, 40), (40, 1))
    values[137, 10:30] = 88.0
    _, rejected = screened(hours(no2=values), pollutant)
    assert rows(rejected) == [("S137", "no2", "stuck", 20)]


def test_honest_values_and_the_data_given_are_left_alone() -> None:
    values = wandering(8, 500)
    data = hours(pm25=values, pm10=values * 1.5)
    before = data.copy(deep=True)
    kept, rejected = screened(data, pollutant)
    assert rejected.empty
    xr.testing.assert_identical(kept, before)
    screened(hours(pm25=np.where(values > 100, 1e5, values)), pollutant)
    xr.testing.assert_identical(data, before)


# --- each rule


@pytest.mark.parametrize("name", [*POLLUTANTS, "benzene"])
def test_the_ends_of_the_range_are_plausible(name: str) -> None:
    low, high = pollutant(name).valid_range
    kept, rejected = screened(hours(**{name: np.array([[low, high]])}), pollutant)
    assert np.isfinite(kept[name]).all()
    assert rejected.empty


def test_the_archives_outliers_are_implausible() -> None:
    values = np.array([[10.0, 553405.0, 5598.0, 11.0, np.inf, 12.0]])
    _, rejected = screened(hours(pm25=values), pollutant)
    assert rows(rejected) == [("S0", "pm25", "implausible", 2), ("S0", "pm25", "implausible", 1)]
    assert (rejected["start"][0], rejected["end"][0]) == (pd.Timestamp("2020-01-01T02"), pd.Timestamp("2020-01-01T03"))
    assert (rejected["lowest"][0], rejected["highest"][0]) == (5598.0, 553405.0)


def test_noise_about_zero_is_kept_down_to_the_floor_that_is_asked_for() -> None:
    values = np.array([[5.0, -0.4, -999.0, 6.0]])
    kept, _ = screened(hours(pm25=values), pollutant)
    np.testing.assert_array_equal(kept["pm25"][0], [5, np.nan, np.nan, 6])
    kept, rejected = screened(hours(pm25=values), pollutant, Options(negative_floor=-1))
    np.testing.assert_array_equal(kept["pm25"][0], [5, -0.4, np.nan, 6])
    assert rows(rejected) == [("S0", "pm25", "negative", 1)]


@pytest.mark.parametrize(
    ("value", "length", "rejected"),
    [
        (40, 11, False),
        (40, 12, True),
        (20, 12, True),
        (10, 47, False),
        (10, 48, True),
        (2, 204, False),
        (0, 23, False),
        (0, 24, True),
    ],
)
def test_a_run_is_stuck_after_twelve_hours_and_later_when_it_is_low(value: float, length: int, rejected: bool) -> None:
    # in integers, (20 / value)^2 times twelve hours below twenty
    values = np.concatenate([[value + 30.0], np.full(length, value), [value + 30.0]])[None]
    assert stuck(values, hours=12, step=1.0).sum() == (length if rejected else 0)


def test_a_missing_hour_ends_a_run_and_days_are_never_stuck() -> None:
    values = wandering(4, 60)
    values[0, 10:32] = 50.0
    days = hours("day", pm25=values)
    assert screened(days, pollutant)[1].empty
    values[0, 21] = np.nan
    assert screened(hours(pm25=values), pollutant)[1].empty


def test_the_resolution_is_the_step_in_which_values_are_given() -> None:
    values = wandering(4, 4000)
    assert resolution(values) == 1.0
    np.testing.assert_allclose(resolution(values * 0.91615), 0.91615)
    values[:, ::100] += 0.3  # a few values of finer print
    assert resolution(values) == 1.0
    assert resolution(np.full((2, 50), 7.0)) == 0.0
    assert resolution(np.zeros((2, 1))) == 0.0


def test_a_single_hour_far_above_its_neighbours_and_its_network_is_a_spike() -> None:
    values = np.full((5, 9), 20.0) + np.arange(9)
    values[1, 4] = 600.0
    _, rejected = screened(hours(pm25=values), pollutant)
    assert rows(rejected) == [("S1", "pm25", "spike", 1)]


@pytest.mark.parametrize("event", ["everywhere", "two hours", "a neighbour missing", "few stations", "low"])
def test_what_may_be_an_event_is_no_spike(event: str) -> None:
    values = np.full((5, 9), 20.0) + np.arange(9)
    values[1, 4] = 600.0
    if event == "everywhere":  # fireworks
        values[:, 4] = 600.0
    elif event == "two hours":
        values[1, 5] = 300.0
    elif event == "a neighbour missing":
        values[1, 3] = np.nan
    elif event == "few stations":
        values[2:, 4] = np.nan
    else:  # less than five times ten steps
        values = np.full((5, 9), 2.0) + np.arange(9) % 2
        values[1, 4] = 45.0
    assert screened(hours(pm25=values), pollutant)[1].empty


def test_pm25_may_exceed_pm10_by_what_two_instruments_may_differ() -> None:
    # (1.15 / 0.85) (40 + 10) + 10 = 77.647...
    fine, coarse = np.array([[77.0, 78.0, 40.0]]), np.array([[40.0, 40.0, np.nan]])
    kept, rejected = screened(hours(pm25=fine, pm10=coarse), pollutant)
    np.testing.assert_array_equal(kept["pm25"][0], [77, np.nan, 40])
    np.testing.assert_array_equal(kept["pm10"][0], [40, np.nan, np.nan])
    assert rows(rejected) == [("S0", "pm10", "pm25_above_pm10", 1), ("S0", "pm25", "pm25_above_pm10", 1)]


def test_only_the_rules_asked_for_act() -> None:
    values = np.array([[10.0, -1.0, 1e6]])
    kept, rejected = screened(hours(pm25=values), pollutant, Options(rules=("implausible",)))
    np.testing.assert_array_equal(kept["pm25"][0], [10, -1, np.nan])
    assert rows(rejected) == [("S0", "pm25", "implausible", 1)]


def test_an_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match=r"found 'magic'; allowed: implausible, negative, spike, stuck"):
        Options(rules=("magic",))


# --- weather


@given(values=hnp.arrays(float, (1, 12), elements=ANYTHING), name=st.sampled_from([*sorted(WEATHER), "fog"]))
def test_weather_is_kept_within_its_range_and_screening_twice_is_screening_once(values: np.ndarray, name: str) -> None:
    low, high = weather_variable(name).valid_range
    once, told = plausible(hours(**{name: values}), weather_variable)
    within = (values >= low) & (values <= high)
    np.testing.assert_array_equal(once[name], np.where(within, values, np.nan))
    assert len(told) == bool((~np.isnan(values) & ~within).any())
    twice, nothing = plausible(once, weather_variable)
    xr.testing.assert_identical(twice, once)
    assert nothing == []


def test_a_note_on_weather_says_how_many_and_how_far() -> None:
    _, told = plausible(hours(rh=np.array([[-4.0, 50.0, 999.0, np.nan]])), weather_variable)
    assert told == ["quality: 2 values of rh outside 0 to 110 ug m-3 rejected (from -4 to 999)"]


def test_units_resolution_and_coordinates_are_kept() -> None:
    data = hours(pm25=np.array([[1.0, 1e6]]))
    kept, _ = screened(data, pollutant)
    assert kept.attrs == data.attrs
    assert kept["pm25"].attrs == data["pm25"].attrs
    assert kept["time"].identical(data["time"])


# --- the report


def test_the_summary_counts_stations_values_and_their_share() -> None:
    values = np.array([[-1.0, -2.0, 5.0, np.nan], [-3.0, 6.0, 7.0, 8.0]])
    data = hours(pm25=values)
    _, rejected = screened(data, pollutant)
    bad_file = dict.fromkeys(REJECTED, np.nan) | {"file": "a.csv", "rule": "empty_file", "values": 0}
    found = summary(pd.concat([rejected, pd.DataFrame([bad_file])]), held(data))
    assert list(found["rule"]) == ["negative", "empty_file"]
    assert found.loc[0, ["files", "stations", "values"]].tolist() == [0, 2, 3]
    assert found.loc[0, "share"] == 3 / 7
    assert (found["first"][0], found["last"][0]) == (pd.Timestamp("2020-01-01T01"), pd.Timestamp("2020-01-01T02"))
    assert found.loc[1, "files"] == 1
    assert found["source"].tolist() == [RULES["negative"].source, RULES["empty_file"].source]
    told = notes(found)
    assert told[0].startswith("quality: 3 values of pm25 (43 %), stations: 2, rejected as negative: a negative")
    assert told[1] == "quality: 1 files: the file is empty (empty_file)"


def test_the_summary_names_the_source_of_each_rule() -> None:
    found = summary(screened(hours(pm25=np.full((1, 30), 5000.0) * np.arange(1, 31)), pollutant)[1], {})
    assert dict(zip(found["rule"], found["source"], strict=True)) == {"implausible": "pipeline.vocabulary"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_of_the_report_says_what_each_rule_means(language: str) -> None:
    data = hours(pm25=np.array([[-1.0, 5.0]]))
    found = summary(screened(data, pollutant)[1], held(data))
    [row] = report_rows(found, "zh" if language == "zh" else "en", Options(negative_floor=-0.5))
    assert row["meaning"] == (RULES["negative"].chinese if language == "zh" else RULES["negative"].english)
    assert (row["threshold"], row["share"], row["first"]) == ("< -0.5", "50 %", "2020-01-01")


def test_nothing_rejected_is_an_empty_report() -> None:
    data = hours(pm25=np.array([[1.0, 5.0]]))
    found = summary(screened(data, pollutant)[1], held(data))
    assert found.empty
    assert report_rows(found, "en") == []
    assert notes(found) == []


def test_every_rule_says_what_it_means_and_where_it_is_from() -> None:
    for rule in RULES.values():
        assert rule.english
        assert rule.chinese
        assert rule.source
        rule.threshold.format(**Options().model_dump())


# --- real data


def test_the_hours_of_beijing_are_nearly_all_kept_and_the_held_ozone_of_march_2013_is_not(shared_data: Path) -> None:
    files = sorted((shared_data / "prsa").glob("PRSA_Data_*.csv.gz"))
    names = {"PM2.5": "pm25", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "O3": "o3"}
    tables = [pd.read_csv(path).rename(columns=names) for path in files]
    data = hours(**{name: np.stack([table[name] for table in tables]).astype(float) for name in names.values()})
    _, rejected = screened(data, pollutant)
    found = summary(rejected, held(data)).set_index(["rule", "variable"])
    # the network's own study marks 0.65 to 5.68 % as outliers (doi 10.1007/s00376-018-8067-9)
    assert found["share"].groupby("variable").sum().max() < 0.0568
    assert ("stuck", "o3") in found.index  # 80 ug m-3 and more held for two days
    assert found["share"].drop(("stuck", "o3")).max() < 0.0065


def test_a_national_day_loses_its_outlier(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "cnemc" / "china_sites_20200731.csv.gz")
    pm25 = table[table["type"] == "PM2.5"].set_index("hour").reindex(range(24)).iloc[:, 2:]
    _, rejected = screened(hours(pm25=pm25.to_numpy(float).T), pollutant)
    assert list(rejected.loc[rejected["rule"] == "implausible", "highest"]) == [5598.0]
    assert rejected["values"].sum() < 0.001 * pm25.notna().sum().sum()
