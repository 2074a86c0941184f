"""One contract for every reader of observations, then what is peculiar to each network."""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.contracts import check
from pipeline.errors import InputError
from pipeline.stations import READERS
from pipeline.stations.frames import full_axis
from pipeline.vocabulary import GAS_FACTOR, PPB_TO_MICROGRAM

PERIOD = (datetime.date(2016, 2, 28), datetime.date(2016, 3, 1))
POLLUTANTS = ("pm25", "o3")
HOURS = pd.date_range("2016-02-28 00:00", "2016-03-02 00:00", freq="h")
"""One hour before the period (the 24th of the day before) to its last."""
STATIONS = ("A1", "B2")
HOLE = ("A1", pd.Timestamp("2016-02-29 12:00"))


def planted(name: str, station: str, time: pd.Timestamp) -> float:
    """A different whole number for each place and hour, as the files print it."""
    hour = HOURS.get_loc(time)
    return float(10 + hour + 100 * STATIONS.index(station) + (300 if name == "o3" else 0))


def rows() -> pd.DataFrame:
    """station, time and what was reported, with a hole in all pollutants at ``HOLE``."""
    frame = pd.DataFrame([(station, time) for station in STATIONS for time in HOURS], columns=["station", "time"])
    for name in POLLUTANTS:
        values = [planted(name, station, time) for station, time in zip(frame["station"], frame["time"], strict=True)]
        frame[name] = values
    at_hole = (frame["station"] == HOLE[0]) & (frame["time"] == HOLE[1])
    return frame.assign(**{name: frame[name].mask(at_hole) for name in POLLUTANTS})


def write_prsa(folder: Path) -> dict[str, Any]:
    """As the UCI archive: one file a site, NA where missing, text quoted."""
    for station, of_station in rows().groupby("station"):
        time = of_station["time"].dt
        frame = pd.DataFrame({"year": time.year, "month": time.month, "day": time.day, "hour": time.hour})
        frame = frame.assign(**{"PM2.5": of_station["pm25"], "O3": of_station["o3"], "wd": "NNE", "station": station})
        frame.to_csv(folder / f"PRSA_Data_{station}_20160228-20160301.csv", index=False, na_rep="NA")
    return {"path": folder}


def write_sample_world(folder: Path) -> dict[str, Any]:
    """As the national archive: one file a day, a row for each hour and type, a column for each station."""
    long = rows().rename(columns={"pm25": "PM2.5", "o3": "O3"}).melt(["station", "time"], var_name="type")
    wide = long.pivot(index=["time", "type"], columns="station", values="value").reset_index()
    for day, of_day in wide.groupby(wide["time"].dt.strftime("%Y%m%d")):
        frame = of_day.drop(columns="time")
        frame.insert(0, "date", day)
        frame.insert(1, "hour", of_day["time"].dt.hour)
        frame.to_csv(folder / f"china_sites_{day}.csv", index=False)
    return {"path": folder}


def write_table(folder: Path) -> dict[str, Any]:
    """A tidy table, in two files."""
    for station, of_station in rows().groupby("station"):
        of_station.to_csv(folder / f"{station}.csv", index=False)
    return {"path": folder}


@dataclass(frozen=True)
class Fixture:
    """How a reader's tiny files are written; factors take what the files print to what is agreed."""

    write: Callable[[Path], dict[str, Any]]
    factors: dict[str, float]
    missing_column: str


FIXTURES = {
    "prsa": Fixture(write_prsa, {"pm25": 1.0, "o3": GAS_FACTOR}, "PM2.5"),
    "sample_world": Fixture(write_sample_world, {"pm25": 1.0, "o3": GAS_FACTOR}, "type"),
    "table": Fixture(write_table, {"pm25": 1.0, "o3": 1.0}, "pm25"),
}


@pytest.fixture(params=sorted(READERS))
def name(request: pytest.FixtureRequest) -> str:
    """Each reader of the registry in turn."""
    return str(request.param)


@pytest.fixture
def options(name: str, tmp_path: Path) -> Any:
    """The reader's options, with its tiny files written."""
    return READERS[name].Options(reader=name, **FIXTURES[name].write(tmp_path))


def read(
    options: Any,
    *,
    pollutants: tuple[str, ...] = POLLUTANTS,
    period: tuple[datetime.date, datetime.date] = PERIOD,
    utc_offset: float = 8,
) -> xr.Dataset:
    return READERS[options.reader].read(options, pollutants=pollutants, period=period, utc_offset=utc_offset).data


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


# --- the contract


def test_every_reader_has_its_tiny_files() -> None:
    assert set(FIXTURES) == set(READERS)


def test_what_is_read_keeps_the_contract_of_the_seam(options: Any) -> None:
    data = read(options)
    check(data, POLLUTANTS, seam="test")
    assert data.attrs["resolution"] == "hour"
    assert data["time"].to_index().equals(full_axis(PERIOD, "hour"))
    assert list(data["station"].values) == list(STATIONS)
    assert set(data.data_vars) == set(POLLUTANTS)
    assert all(values.dtype == float for values in data.data_vars.values())


def test_every_value_stands_at_its_hour_in_the_agreed_unit(name: str, options: Any) -> None:
    data = read(options)
    for pollutant, factor in FIXTURES[name].factors.items():
        for station in STATIONS:
            expected = [planted(pollutant, station, time) * factor for time in data.get_index("time")]
            expected = np.where((station == HOLE[0]) & (data.get_index("time") == HOLE[1]), np.nan, np.array(expected))
            np.testing.assert_allclose(data[pollutant].sel(station=station), expected, rtol=1e-15)


def test_only_the_hole_is_missing(options: Any) -> None:
    data = read(options)
    for pollutant in POLLUTANTS:
        assert int(data[pollutant].isnull().sum()) == 1
        assert bool(data[pollutant].sel(station=HOLE[0], time=HOLE[1]).isnull())


def test_inputs_are_the_files_that_are_read(options: Any) -> None:
    files = READERS[options.reader].inputs(options)
    assert files == sorted(set(files))
    before = read(options)
    for stray in ("notes.txt", ".hidden"):
        (options.path / stray).write_text("not data")
    assert READERS[options.reader].inputs(options) == files
    xr.testing.assert_identical(read(options), before)


def test_a_part_of_the_period_is_that_part_of_the_whole(options: Any) -> None:
    day = (PERIOD[0], datetime.date(2016, 2, 29))
    part = read(options, period=day)
    xr.testing.assert_identical(part, read(options).sel(time=part["time"]))


def test_days_without_rows_are_missing_days(options: Any) -> None:
    longer = read(options, period=(PERIOD[0], datetime.date(2016, 3, 5)))
    assert longer.sizes["time"] == 24 * 7
    xr.testing.assert_identical(longer.sel(time=read(options)["time"]), read(options))
    assert longer["pm25"].sel(time=slice("2016-03-02 01:00", None)).isnull().all()


def test_the_order_of_rows_changes_nothing(options: Any) -> None:
    before = read(options)
    for path in READERS[options.reader].inputs(options):
        rewrite(path, lambda text: "\n".join([text.splitlines()[0], *reversed(text.splitlines()[1:])]) + "\n")
    xr.testing.assert_identical(read(options), before)


def test_the_order_of_pollutants_changes_nothing(options: Any) -> None:
    before = read(options)
    xr.testing.assert_identical(read(options, pollutants=POLLUTANTS[::-1])[list(POLLUTANTS)], before)
    xr.testing.assert_identical(read(options, pollutants=("o3",)), before[["o3"]])


def test_packed_files_are_read_like_plain_ones(options: Any) -> None:
    before = read(options)
    for path in READERS[options.reader].inputs(options):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    xr.testing.assert_identical(read(options), before)


def test_the_same_row_twice_is_one_row(options: Any) -> None:
    before = read(options)
    path = READERS[options.reader].inputs(options)[0]
    rewrite(path, lambda text: text + text.splitlines()[-1] + "\n")
    xr.testing.assert_identical(read(options), before)


def test_two_rows_that_contradict_each_other_are_refused(options: Any) -> None:
    path = READERS[options.reader].inputs(options)[1]
    last = path.read_text().splitlines()[-1]
    changed = last.replace(f"{planted('pm25', 'B2', HOURS[-1]):.1f}", "1.5").replace(".0,", ".5,")
    assert changed != last
    rewrite(path, lambda text: text + changed + "\n")
    with pytest.raises(InputError, match=r"has two different rows for 2016-0.-.*; agreed one"):
        read(options)


def test_a_pollutant_that_is_not_there_is_refused_by_name(options: Any) -> None:
    with pytest.raises(InputError, match="krypton"):
        read(options, pollutants=("krypton",))


def test_a_column_that_is_not_there_is_refused_by_name(name: str, options: Any) -> None:
    column = FIXTURES[name].missing_column
    for path in READERS[name].inputs(options):
        rewrite(path, lambda text: text.replace(column, "Something", 1))
    with pytest.raises(InputError, match=f"{options.path}.*: column '{column}' is missing; found .*; agreed "):
        read(options)


def test_a_period_without_data_is_refused_with_what_is_there(options: Any) -> None:
    with pytest.raises(
        InputError, match=r"no row in the period 2001-01-01/2001-12-31; found 2016-02-28 .* to 2016-03-0"
    ):
        read(options, period=(datetime.date(2001, 1, 1), datetime.date(2001, 12, 31)))


def test_a_file_cut_anywhere_within_a_row_is_refused(options: Any) -> None:
    path = READERS[options.reader].inputs(options)[0]
    content = path.read_bytes()
    row = content.rindex(b"\n", 0, -1) + 1
    for end in range(row + 1, len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(InputError, match=f"{path}: not a whole CSV file"):
            read(options)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_packed_file_cut_anywhere_is_refused(options: Any, share: float) -> None:
    path = READERS[options.reader].inputs(options)[0]
    packed = gzip.compress(path.read_bytes())
    path.with_name(f"{path.name}.gz").write_bytes(packed[: int(share * len(packed))])
    path.unlink()
    with pytest.raises(InputError, match=f"{path}.gz: not a whole CSV file"):
        read(options)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08\x00 named .csv", bytes(range(256)), b'a,b\n"open\n'])
def test_what_is_no_csv_file_is_refused(options: Any, content: bytes) -> None:
    path = READERS[options.reader].inputs(options)[0]
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)) as refused:
        read(options)
    assert "\n" not in str(refused.value)


def test_an_error_page_in_place_of_a_file_is_refused(options: Any) -> None:
    path = READERS[options.reader].inputs(options)[0]
    path.write_text("<!DOCTYPE html>\n<html><body>403 Out of quota</body></html>\n")
    with pytest.raises(InputError, match=f"{path}: column '.*' is missing; found <!DOCTYPE html>"):
        read(options)


def test_text_in_a_column_of_numbers_is_refused_with_its_row(options: Any) -> None:
    path = READERS[options.reader].inputs(options)[1]
    value = f"{planted('pm25', 'B2', HOURS[30]):.1f}"
    rewrite(path, lambda text: text.replace(value, "broken", 1))
    row = 1 + next(number for number, line in enumerate(path.read_text().splitlines()) if "broken" in line)
    with pytest.raises(InputError, match=f"{path}: column '.*', row {row}: found 'broken', agreed a number or nothing"):
        read(options)


def test_an_empty_folder_is_refused(options: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"found no file like .* check the path in the config"):
        read(options.model_copy(update={"path": empty}))


# --- the table


def table(path: Path, **keys: Any) -> Any:
    return READERS["table"].Options(reader="table", path=path, **keys)


def test_a_pattern_names_files(tmp_path: Path) -> None:
    write_table(tmp_path)
    one = read(table(tmp_path / "A*.csv"))
    assert list(one["station"].values) == ["A1"]


def test_parquet_and_a_long_table_say_the_same_as_a_wide_one(tmp_path: Path) -> None:
    frame = rows()
    frame.to_csv(tmp_path / "wide.csv", index=False)
    frame.to_parquet(tmp_path / "wide.parquet")
    long = frame.melt(["station", "time"], var_name="variable", value_name="value")
    long.assign(site_name="somewhere").to_csv(tmp_path / "long.csv", index=False)
    expected = read(table(tmp_path / "wide.csv"))
    for name in ("wide.parquet", "long.csv"):
        xr.testing.assert_identical(read(table(tmp_path / name)), expected)


def test_two_values_of_a_long_table_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    long = rows().melt(["station", "time"], var_name="variable", value_name="value")
    pd.concat([long, long.tail(1).assign(value=1.0)]).to_csv(tmp_path / "long.csv", index=False)
    with pytest.raises(InputError, match="station 'B2' has two different rows for 2016-03-02 00:00:00"):
        read(table(tmp_path / "long.csv"))


def test_columns_and_units_may_be_the_files_own(tmp_path: Path) -> None:
    theirs = rows().rename(columns={"station": "site", "time": "date", "o3": "Ozone"}).assign(o3="not this one")
    theirs["pm25"] /= 1000
    theirs.to_csv(tmp_path / "theirs.csv", index=False)
    columns = {"station": "site", "time": "date", "o3": "Ozone"}
    found = read(table(tmp_path / "theirs.csv", columns=columns, units={"o3": "ppb", "pm25": "mg/m3"}))
    rows().to_csv(tmp_path / "ours.csv", index=False)
    ours = read(table(tmp_path / "ours.csv"))
    np.testing.assert_allclose(found["o3"], ours["o3"] * PPB_TO_MICROGRAM["o3"], rtol=1e-15)
    np.testing.assert_allclose(found["pm25"], ours["pm25"], rtol=1e-15)
    assert found["pm25"].attrs["units"] == "ug m-3"


@pytest.mark.parametrize(
    ("units", "line"),
    [
        ({"o3": "furlong"}, "'o3' is in 'furlong'; known units: ug m-3, ppb, ppm, mg m-3; correct `units: {o3: ...}`"),
        ({"o33": "ppb"}, "units: column 'o33' is missing; found station, time, pm25, o3"),
    ],
)
def test_a_unit_that_is_not_known_is_refused(tmp_path: Path, units: dict[str, str], line: str) -> None:
    write_table(tmp_path)
    with pytest.raises(InputError) as refused:
        read(table(tmp_path, units=units))
    assert line in str(refused.value)


def test_gases_at_273_kelvin_are_taken_to_298_and_particles_are_not(tmp_path: Path) -> None:
    write_table(tmp_path)
    cold, warm = read(table(tmp_path, gas_reference="273.15 K")), read(table(tmp_path))
    np.testing.assert_allclose(cold["o3"], warm["o3"] * 0.916150, rtol=1e-6)  # the published factor has six digits
    xr.testing.assert_identical(cold["pm25"], warm["pm25"])


def test_a_pollutant_of_no_vocabulary_keeps_the_unit_it_is_said_to_have(tmp_path: Path) -> None:
    rows().rename(columns={"o3": "benzene"}).to_csv(tmp_path / "a.csv", index=False)
    found = read(table(tmp_path / "a.csv", units={"benzene": "ng m-3"}), pollutants=("benzene",))
    assert found["benzene"].attrs == {"units": "ng m-3"}
    assert found["benzene"].max() == rows()["o3"].max()


@pytest.mark.parametrize(
    "spelled",
    [
        lambda time: time.dt.strftime("%Y-%m-%d %H:%M"),
        lambda time: time.dt.strftime("%Y%m%dT%H%M%S"),
        lambda time: time.dt.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
        lambda time: (time - pd.Timedelta(hours=8)).dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        lambda time: (time - pd.Timedelta(hours=8)).dt.tz_localize("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%z"),
        # offsets change at the end of the summer, as in many an archive
        lambda time: pd.Series(
            [
                f"{hour - pd.Timedelta(hours=8 + turn):%Y-%m-%dT%H:%M:%S}-0{turn}:00"
                for hour, turn in zip(time, 4 + np.arange(len(time)) % 2, strict=True)
            ]
        ),
    ],
)
def test_times_with_and_without_a_zone_are_the_same_hours(
    tmp_path: Path, spelled: Callable[[pd.Series], pd.Series]
) -> None:
    rows().to_csv(tmp_path / "local.csv", index=False)
    rows().assign(time=spelled(rows()["time"])).to_csv(tmp_path / "theirs.csv", index=False)
    xr.testing.assert_identical(read(table(tmp_path / "theirs.csv")), read(table(tmp_path / "local.csv")))


def test_zoned_times_of_a_parquet_file_are_taken_to_local_time(tmp_path: Path) -> None:
    rows().to_csv(tmp_path / "local.csv", index=False)
    zoned = rows()["time"].dt.tz_localize("Asia/Shanghai").dt.tz_convert("Europe/London")
    rows().assign(time=zoned).to_parquet(tmp_path / "zoned.parquet")
    xr.testing.assert_identical(read(table(tmp_path / "zoned.parquet")), read(table(tmp_path / "local.csv")))


def test_hours_named_by_their_beginning_are_shifted_to_their_end(tmp_path: Path) -> None:
    rows().to_csv(tmp_path / "ending.csv", index=False)
    rows().assign(time=rows()["time"] - pd.Timedelta(hours=1)).to_csv(tmp_path / "beginning.csv", index=False)
    beginning = read(table(tmp_path / "beginning.csv", hour_label="beginning"))
    xr.testing.assert_identical(beginning, read(table(tmp_path / "ending.csv")))


@pytest.mark.parametrize("spelled", ["%Y-%m-%d", "%Y%m%d", "%Y-%m-%dT00:00:00", "%Y-%m-%dT23:59:59"])
def test_days_are_days_however_they_are_spelled(tmp_path: Path, spelled: str) -> None:
    days = pd.date_range(*PERIOD)
    frame = pd.DataFrame({"station": 1001, "time": days.strftime(spelled), "pm25": [1.0, 2.0, 3.0]})
    frame.to_csv(tmp_path / "days.csv", index=False)
    found = read(table(tmp_path / "days.csv", resolution="day"), pollutants=("pm25",))
    assert found.attrs["resolution"] == "day"
    assert list(found["station"].values) == ["1001"]
    assert found["time"].to_index().equals(full_axis(PERIOD, "day"))
    np.testing.assert_array_equal(found["pm25"], [[1, 2, 3]])


@pytest.mark.parametrize(
    ("time", "line"),
    [
        ("sometime", "column 'time', row 4: found 'sometime', agreed ISO 8601"),
        ("31/12/2016", "column 'time', row 4: found '31/12/2016', agreed ISO 8601"),
        ("2016-02-30", "column 'time', row 4: found '2016-02-30', agreed ISO 8601"),
        (None, "column 'time' is empty in row 4; agreed a time"),
        ("2016-02-28T12:00Z", "column 'time' has a zone in some rows only ('2016-02-28 00:00:00' has none)"),
    ],
)
def test_a_time_that_is_none_is_refused_with_its_row(tmp_path: Path, time: str | None, line: str) -> None:
    frame = rows().astype({"time": str})
    frame.loc[2, "time"] = time
    frame.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError) as refused:
        read(table(tmp_path / "a.csv"))
    assert str(refused.value).startswith(f"{tmp_path / 'a.csv'}: {line}")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_parquet_file_cut_anywhere_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.parquet"
    rows().to_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=f"{path}: not a whole Parquet file"):
        read(table(path))


def test_a_time_between_the_hours_is_refused_inside_the_period_only(tmp_path: Path) -> None:
    half_past = pd.DataFrame(
        {"station": "A1", "time": ["2016-02-28 12:30", "2017-01-01 12:30"], "pm25": 1.0, "o3": 1.0}
    )
    rows().to_csv(tmp_path / "whole.csv", index=False)
    pd.concat([rows(), half_past.tail(1)]).to_csv(tmp_path / "after.csv", index=False)
    pd.concat([rows(), half_past.head(1)]).to_csv(tmp_path / "inside.csv", index=False)
    xr.testing.assert_identical(read(table(tmp_path / "after.csv")), read(table(tmp_path / "whole.csv")))
    with pytest.raises(InputError, match=r"station 'A1' has a row for 2016-02-28 12:30:00 .*, agreed whole hours"):
        read(table(tmp_path / "inside.csv"))


def test_a_date_with_a_zone_is_the_date_as_written(tmp_path: Path) -> None:
    days = pd.date_range(*PERIOD)
    for zone in ("Z", "+08:00", "-05:00"):
        times = days.strftime(f"%Y-%m-%dT00:00:00{zone}")
        frame = pd.DataFrame({"station": "A1", "time": times, "pm25": [1.0, 2.0, 3.0]})
        frame.to_csv(tmp_path / "days.csv", index=False)
        frame.assign(time=days.tz_localize("Asia/Shanghai")).to_parquet(tmp_path / "days.parquet")
        for path in (tmp_path / "days.csv", tmp_path / "days.parquet"):
            found = read(table(path, resolution="day"), pollutants=("pm25",), utc_offset=0)
            np.testing.assert_array_equal(found["pm25"], [[1, 2, 3]])


def test_rows_without_a_station_are_nobodys(tmp_path: Path) -> None:
    rows().to_csv(tmp_path / "whole.csv", index=False)
    pd.concat([rows(), rows().assign(station=None)]).to_csv(tmp_path / "more.csv", index=False)
    xr.testing.assert_identical(read(table(tmp_path / "more.csv")), read(table(tmp_path / "whole.csv")))


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("station,time,pm25,o3\n")
    with pytest.raises(InputError, match="found no rows"):
        read(table(tmp_path / "a.csv"))


def test_a_station_of_nothing_but_holes_is_still_a_station(tmp_path: Path) -> None:
    frame = rows()
    frame.loc[frame["station"] == "B2", list(POLLUTANTS)] = np.nan
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert read(table(tmp_path / "a.csv"))["pm25"].sel(station="B2").isnull().all()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_may_end_as_on_any_system(tmp_path: Path, end: str) -> None:
    rows().to_csv(tmp_path / "a.csv", index=False)
    before = read(table(tmp_path / "a.csv"))
    (tmp_path / "a.csv").write_text((tmp_path / "a.csv").read_text(), newline=end)
    xr.testing.assert_identical(read(table(tmp_path / "a.csv")), before)


@settings(max_examples=20)
@given(order=st.permutations(range(6)))
def test_neither_the_order_of_files_nor_of_columns_changes_a_table(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("order")
    frame = rows().assign(extra=1.0, more="text")
    frame = frame[[list(frame)[i] for i in order]]
    for number, (_, part) in enumerate(frame.groupby(frame["time"].dt.day.mul(7).mod(4))):
        part.to_csv(folder / f"{number}.csv", index=False)
    whole = folder / "whole"
    whole.mkdir()
    rows().to_csv(whole / "a.csv", index=False)
    xr.testing.assert_identical(read(table(folder)), read(table(whole)))


# --- the sample world's archive


def test_gases_step_at_midnight_before_the_first_of_september_2018(tmp_path: Path) -> None:
    lines = ["date,hour,type,A1"]
    hours = pd.date_range("2018-08-31 01:00", "2018-09-02 00:00", freq="h")
    lines += [f"{hour:%Y%m%d},{hour.hour},{kind},100" for hour in hours for kind in ("O3", "PM2.5")]
    (tmp_path / "china_sites_20180831.csv").write_text("\n".join(lines) + "\n")
    options = READERS["sample_world"].Options(reader="sample_world", path=tmp_path)
    found = read(options, period=(datetime.date(2018, 8, 31), datetime.date(2018, 9, 1)))
    # the hour that ends at 00:00 is the last of August
    np.testing.assert_array_equal(found["o3"][0], [100 * GAS_FACTOR] * 24 + [100.0] * 24)
    np.testing.assert_array_equal(found["pm25"][0], 100.0)


@pytest.mark.parametrize(("column", "value"), [("date", "2016-02"), ("hour", "noon"), ("date", "")])
def test_a_file_whose_dates_are_none_is_refused(tmp_path: Path, column: str, value: str) -> None:
    write_sample_world(tmp_path)
    path = tmp_path / "china_sites_20160229.csv"
    frame = pd.read_csv(path, dtype=str)
    frame.loc[3, column] = value
    frame.to_csv(path, index=False)
    with pytest.raises(InputError, match="is no day; agreed YYYYMMDD and hour 0-23"):
        read(READERS["sample_world"].Options(reader="sample_world", path=tmp_path))


# --- the real Beijing files


@pytest.fixture(scope="module")
def beijing(shared_data: Path) -> xr.Dataset:
    options = READERS["prsa"].Options(reader="prsa", path=shared_data / "prsa")
    whole = (datetime.date(2013, 3, 1), datetime.date(2017, 2, 28))
    return read(options, pollutants=("pm25", "o3", "co"), period=whole)


@pytest.fixture(scope="module")
def dingling(shared_data: Path) -> pd.DataFrame:
    frame = pd.read_csv(shared_data / "prsa" / "PRSA_Data_Dingling_20130301-20170228.csv.gz", na_values="NA")
    return frame.set_axis(pd.to_datetime(frame[["year", "month", "day", "hour"]]), axis=0)


def test_the_real_files_are_read_hour_by_hour(beijing: xr.Dataset, dingling: pd.DataFrame) -> None:
    check(beijing, ("pm25", "o3", "co"), seam="test")
    assert beijing.sizes == {"station": 6, "time": 35064}
    found = beijing.sel(station="Dingling").to_dataframe()
    # the file ends at 23:00 and begins with the last hour of February
    theirs = dingling.reindex(found.index)
    np.testing.assert_array_equal(found["pm25"], theirs["PM2.5"])
    np.testing.assert_allclose(found["o3"], theirs["O3"] * 273.15 / 298.15, rtol=1e-15)
    np.testing.assert_allclose(found["co"], theirs["CO"] / 1000 * 273.15 / 298.15, rtol=1e-15)
    assert found["pm25"].isna().iloc[-1]


def test_no_value_of_the_real_files_is_lost_or_made(beijing: xr.Dataset, dingling: pd.DataFrame) -> None:
    inside = dingling.loc["2013-03-01 01:00":]  # type: ignore[misc]
    for ours, theirs in (("pm25", "PM2.5"), ("o3", "O3"), ("co", "CO")):
        assert int(beijing[ours].sel(station="Dingling").notnull().sum()) == int(inside[theirs].notna().sum())
