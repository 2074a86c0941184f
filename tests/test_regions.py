"""Stations make cities, cities make regions: the 75 % rule both ways, and every station finds its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small_world
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import load
from pipeline.errors import ConfigError, InputError, TianbangError
from pipeline.regions import Places, city_mean, places, read_stations

VALUE = st.none() | st.floats(0, 500)


def table(rows: list[list[float | None]]) -> xr.DataArray:
    """Stations as rows, days as columns; None where nothing was observed."""
    values = np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=float)
    days = pd.date_range("2020-01-01", periods=values.shape[1])
    names = [f"S{number}" for number in range(len(rows))]
    return xr.DataArray(values, {"station": names, "time": days}, ("station", "time"))


def slow_city_mean(rows: list[list[float | None]], day: int) -> tuple[float | None, int]:
    """The rule as it is worded, one day at a time."""
    in_service = [
        row
        for row in rows
        if any(value is not None for value in row[: day + 1]) and any(value is not None for value in row[day:])
    ]
    reporting = [value for row in in_service if (value := row[day]) is not None]
    needed = (0.75 if len(in_service) >= 4 else 0.5) * len(in_service)
    enough = reporting and len(reporting) >= needed
    return (sum(reporting) / len(reporting) if enough else None), len(reporting)


# --- the mean of a city


@given(rows=st.integers(1, 9).flatmap(lambda days: st.lists(st.lists(VALUE, min_size=days, max_size=days), min_size=1)))
def test_the_mean_of_a_city_is_the_rule_read_slowly(rows: list[list[float | None]]) -> None:
    mean, reporting = city_mean(table(rows))
    for day in range(len(rows[0])):
        expected, count = slow_city_mean(rows, day)
        assert int(reporting[day]) == count
        # a mean of at most as many values as there are rows
        np.testing.assert_allclose(mean[day], np.nan if expected is None else expected, rtol=len(rows) * 2.0**-52)


@given(order=st.permutations(range(5)))
def test_the_order_of_stations_changes_no_mean(order: list[int]) -> None:
    values = table([[1, 2, None], [4, None, None], [None, 3, 5], [2, 2, 2], [7, 7, 7]])
    for one, other in zip(city_mean(values.isel(station=order)), city_mean(values), strict=True):
        xr.testing.assert_allclose(one, other, rtol=5 * 2.0**-52)


@pytest.mark.parametrize(
    ("stations", "reporting", "valid"),
    [(4, 3, True), (4, 2, False), (8, 6, True), (8, 5, False), (3, 2, True), (3, 1, False), (2, 1, True), (1, 1, True)],
)
def test_three_quarters_must_report_and_half_of_fewer_than_four(stations: int, reporting: int, valid: bool) -> None:
    # every station reports on the first and the last day, and is in service between them
    rows: list[list[float | None]] = [[10.0, 20.0 if n < reporting else None, 30.0] for n in range(stations)]
    mean, count = city_mean(table(rows))
    np.testing.assert_array_equal(mean, [10.0, 20.0 if valid else np.nan, 30.0])
    np.testing.assert_array_equal(count, [stations, reporting, stations])


def test_a_station_counts_from_its_first_value_to_its_last() -> None:
    # three newcomers: before they come, and after the first has gone, nobody misses them
    mean, _ = city_mean(table([[1, 1, None, None], [None, None, 3, 3], [None, None, 5, 5], [None, None, 7, 7]]))
    np.testing.assert_array_equal(mean, [1, 1, 5, 5])


def test_a_city_where_nobody_reports_has_no_mean() -> None:
    mean, reporting = city_mean(table([[None, None], [None, None]]))
    assert np.isnan(mean).all()
    assert (reporting == 0).all()


# --- who belongs where


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    small_world.STATIONS.to_csv(tmp_path / "stations.csv", index=False)
    for name in ("observations.csv", "weather.csv"):
        (tmp_path / name).touch()
    return tmp_path


def found(folder: Path, observed: list[str], **changes: Any) -> tuple[Places, list[str]]:
    return places(load(small_world.write_config(folder, changes)), observed)


def test_stations_find_their_city_and_cities_their_region(folder: Path) -> None:
    result, notes = found(folder, ["E1", "E2", "W1"])
    assert result.cities == ["Eastham", "Westham"]
    assert result.of_city("Eastham") == ["E1", "E2"]
    assert result.regions == {"Plain": ("Eastham", "Westham")}
    assert list(result.stations["name"]) == ["East one", "东二", "West one"]
    assert notes == []


def test_a_region_file_says_what_the_config_could_say(folder: Path) -> None:
    (folder / "regions.yml").write_text("Plain: [Eastham, Westham]\n", encoding="utf-8")
    said, _ = found(folder, ["E1", "W1"])
    read, _ = found(folder, ["E1", "W1"], regions="regions.yml")
    assert read.regions == said.regions


def test_a_city_may_be_in_two_regions(folder: Path) -> None:
    regions = {"Plain": ["Eastham", "Westham"], "East": ["Eastham"]}
    assert found(folder, ["E1", "W1"], regions=regions)[0].regions["East"] == ("Eastham",)


def test_only_cities_with_stations_stand_for_a_region(folder: Path) -> None:
    regions = {"Plain": ["Eastham", "Westham"], "Coast": ["Seaham"]}
    result, notes = found(folder, ["E1"], regions=regions)
    assert result.regions == {"Plain": ("Eastham",)}
    assert notes == [
        "regions: 'Coast' has no city with stations; left out",
        "stations: 2 of the list have no observations: E2, W1",
    ]


def test_without_regions_all_cities_are_one(folder: Path) -> None:
    assert found(folder, ["E1", "W1"], regions=None)[0].regions == {"small": ("Eastham", "Westham")}


def test_without_a_station_list_every_station_is_its_own_city(folder: Path) -> None:
    result, _ = found(folder, ["E1", "W1"], stations=None, regions=None)
    assert result.cities == ["E1", "W1"]
    assert result.of_city("W1") == ["W1"]
    assert result.stations[["latitude", "longitude"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("changes", "kind", "line"),
    [
        ({"regions": {"Plain": ["Eastham"]}}, ConfigError, "regions: station 'W1' (city 'Westham') is in no region"),
        ({"regions": {}}, ConfigError, "regions: station 'E1' (city 'Eastham') is in no region"),
        ({"regions": "observations.csv"}, ConfigError, "found None; allowed: a list of cities for each region"),
    ],
)
def test_a_station_in_no_region_is_refused(
    folder: Path, changes: dict[str, Any], kind: type[TianbangError], line: str
) -> None:
    with pytest.raises(kind) as refused:
        found(folder, ["E1", "W1"], **changes)
    assert line in str(refused.value)


def test_a_station_that_is_not_listed_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"station 'X9' is in the observations, not in .*stations\.csv; add it"):
        found(folder, ["E1", "X9"])


# --- the station list


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"city": None}, "column 'city' is missing; found station, name, latitude, longitude"),
        ({"city": ["Eastham", None, "Westham"]}, "column 'city' is empty in row 3; agreed a name"),
        ({"station": ["E1", "E2", None]}, "column 'station' is empty in row 4; agreed a name"),
        ({"station": ["E1", "W1", "W1"]}, "station 'W1' is listed twice; agreed once"),
        ({"latitude": ["30", "north", "31"]}, "column 'latitude', row 3: found 'north', agreed a number or nothing"),
    ],
)
def test_a_station_list_with_a_hole_is_refused(tmp_path: Path, change: dict[str, Any], line: str) -> None:
    path = tmp_path / "stations.csv"
    frame = small_world.STATIONS.assign(**{name: values for name, values in change.items() if values})
    frame.drop(columns=[name for name, values in change.items() if not values]).to_csv(path, index=False)
    with pytest.raises(InputError) as refused:
        read_stations(path)
    assert str(refused.value).startswith(f"{path}: {line}")


def test_a_list_cut_within_a_row_is_refused_but_may_lack_the_last_newline(tmp_path: Path) -> None:
    path = tmp_path / "stations.csv"
    path.write_text("station,city,latitude,longitude\nE1,Eastham,30.1,114.3\nE2,Eastham,30.2,114.4")
    assert list(read_stations(path).index) == ["E1", "E2"]
    path.write_text("station,city,latitude,longitude\nE1,Eastham,30.1,114.3\nE2,Eastham,30.2")
    with pytest.raises(InputError, match="its last row has fewer fields than its header"):
        read_stations(path)


def test_numbers_may_name_stations_and_names_may_be_absent(tmp_path: Path) -> None:
    path = tmp_path / "stations.csv"
    path.write_text("station,city,latitude,longitude\n1001,北京,39.9,116.4\n1002,北京,,\n", encoding="utf-8-sig")
    listed = read_stations(path)
    assert list(listed.index) == ["1001", "1002"]
    assert list(listed["name"]) == ["1001", "1002"]
    assert list(listed["city"].unique()) == ["北京"]
    assert np.isnan(listed.loc["1002", "latitude"])
