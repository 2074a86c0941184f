"""One contract for every reader of observations, then what is peculiar to each network."""

from __future__ import annotations

import csv
import datetime
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import standards
from pipeline.archive.ingest import ingest
from pipeline.contracts import REJECTED, Batch, Observed, check
from pipeline.errors import InputError
from pipeline.quality import RULES, plausible
from pipeline.stations import BATCH_READERS, READERS, national_cities, wide
from pipeline.stations.batches import on_full_axis
from pipeline.stations.frames import full_axis
from pipeline.vocabulary import GAS_FACTOR, PPB_TO_MICROGRAM
from pipeline.vocabulary import pollutant as entry

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


def wide_files(folder: Path, kind: str, pollutants: Sequence[str]) -> None:
    """One file a day, a row for each hour and type, a column for each station."""
    long = (
        rows()[["station", "time", *pollutants]]
        .rename(columns={"pm25": "PM2.5", "o3": "O3"})
        .melt(["station", "time"], var_name="type")
    )
    wide = long.pivot(index=["time", "type"], columns="station", values="value").reset_index()
    for day, of_day in wide.groupby(wide["time"].dt.strftime("%Y%m%d")):
        frame = of_day.drop(columns="time")
        frame.insert(0, "date", day)
        frame.insert(1, "hour", of_day["time"].dt.hour)
        frame.to_csv(folder / f"{kind}_{day}.csv", index=False)


def write_national(folder: Path) -> dict[str, Any]:
    """As the national archive's files of sites."""
    wide_files(folder, "china_sites", POLLUTANTS)
    return {"path": folder}


def write_cities(folder: Path) -> dict[str, Any]:
    """As the national archive's files of cities."""
    wide_files(folder, "china_cities", POLLUTANTS)
    return {"path": folder}


def write_beijing(folder: Path) -> dict[str, Any]:
    """As Beijing's files: particulate matter in one, gases in another."""
    wide_files(folder, "beijing_all", ["pm25"])
    wide_files(folder, "beijing_extra", ["o3"])
    return {"path": folder}


def write_hourly_files(folder: Path) -> dict[str, Any]:
    """One file for each hour."""
    named = {"station": "stationcode", "time": "timepoint", "pm25": "pm2_5"}
    for time, of_hour in rows().groupby("time"):
        assert isinstance(time, pd.Timestamp)
        frame = of_hour.rename(columns=named).assign(timepoint=f"{time:%Y-%m-%dT%H:%M:%S}", area="北京市")
        frame.to_csv(folder / f"{time:%Y-%m-%dT%H}.csv", index=False)
    return {"path": folder}


def write_archive(folder: Path) -> dict[str, Any]:
    """The national files, ingested."""
    files = folder / "files"
    files.mkdir()
    options = READERS["national"].Options(reader="national", **write_national(files))
    ingest(options, folder / "air.zarr", utc_offset=8)
    return {"path": folder / "air.zarr"}


def write_table(folder: Path) -> dict[str, Any]:
    """A tidy table, in two files."""
    for station, of_station in rows().groupby("station"):
        of_station.to_csv(folder / f"{station}.csv", index=False)
    return {"path": folder}


def write_openaq(folder: Path) -> dict[str, Any]:
    """As OpenAQ's archive: a row for each value, times with their offset; a file a day."""
    long = rows().melt(["station", "time"], var_name="parameter")
    frame = pd.DataFrame(
        {
            "location_id": long["station"],
            "sensors_id": long["parameter"].map({"pm25": 1, "o3": 2}),
            "location": "Somewhere",
            "datetime": long["time"].dt.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
            "lat": 39.9,
            "lon": 116.4,
            "parameter": long["parameter"],
            "units": "µg/m³",
            "value": long["value"],
        }
    )
    for day, of_day in frame.groupby(long["time"].dt.strftime("%Y%m%d")):
        of_day.to_csv(folder / f"location-1-{day}.csv", index=False)
    return {"path": folder}


def write_epa_aqs(folder: Path) -> dict[str, Any]:
    """As the EPA's hourly files, of which any name may hold any parameter: hours by their beginning in GMT."""
    long = rows().melt(["station", "time"], var_name="parameter")
    begins = long["time"] - pd.Timedelta(hours=9)
    frame = pd.DataFrame(
        {
            "State Code": "06",
            "County Code": "037",
            "Site Num": long["station"],
            "Parameter Code": long["parameter"].map({"pm25": "88101", "o3": "44201"}),
            "POC": 1,
            "Date GMT": begins.dt.strftime("%Y-%m-%d"),
            "Time GMT": begins.dt.strftime("%H:%M"),
            "Sample Measurement": long["value"],
            "Units of Measure": long["parameter"].map(
                {"pm25": "Micrograms/cubic meter (LC)", "o3": "Micrograms/cubic meter (25 C)"}
            ),
            "Qualifier": None,
            "Method Type": "FEM",
        }
    )
    for day, of_day in frame.groupby(long["time"].dt.strftime("%Y%m%d")):
        of_day.to_csv(folder / f"hourly_{day}.csv", index=False)
    return {"path": folder}


def write_eea(folder: Path) -> dict[str, Any]:
    """As the EEA's E1a files: times with the offset of UTC+1."""
    long = rows().melt(["station", "time"], var_name="parameter")
    ends = long["time"] - pd.Timedelta(hours=7)
    frame = pd.DataFrame(
        {
            "AirQualityStationEoICode": long["station"],
            "SamplingPoint": "SPO." + long["station"] + "." + long["parameter"],
            "AirPollutantCode": long["parameter"].map({"pm25": "6001", "o3": "7"}),
            "AveragingTime": "hour",
            "Concentration": long["value"],
            "UnitOfMeasurement": "µg/m3",
            "DatetimeBegin": (ends - pd.Timedelta(hours=1)).dt.strftime("%Y-%m-%d %H:%M:%S +01:00"),
            "DatetimeEnd": ends.dt.strftime("%Y-%m-%d %H:%M:%S +01:00"),
            "Validity": 1,
        }
    )
    for day, of_day in frame.groupby(long["time"].dt.strftime("%Y%m%d")):
        of_day.to_csv(folder / f"XX_{day}_timeseries.csv", index=False)
    return {"path": folder}


@dataclass(frozen=True)
class Fixture:
    """How a reader's tiny files are written; factors take what the files print to what is agreed.

    ``prefix`` is what the network's own keys of stations have before ours.
    """

    write: Callable[[Path], dict[str, Any]]
    factors: dict[str, float]
    missing_column: str
    precision: float = 1e-15
    prefix: str = ""


COLD = {"pm25": 1.0, "o3": GAS_FACTOR}
FIXTURES = {
    "prsa": Fixture(write_prsa, COLD, "PM2.5"),
    "table": Fixture(write_table, {"pm25": 1.0, "o3": 1.0}, "pm25"),
    "national": Fixture(write_national, COLD, "type"),
    "national_cities": Fixture(write_cities, COLD, "type"),
    "beijing": Fixture(write_beijing, COLD, "type"),
    "hourly_files": Fixture(write_hourly_files, COLD, "pm2_5"),
    # 32-bit floats: 24 bits, rounded
    "archive": Fixture(write_archive, COLD, "", 2**-24),
    "openaq": Fixture(write_openaq, {"pm25": 1.0, "o3": 1.0}, "sensors_id"),
    "epa_aqs": Fixture(write_epa_aqs, {"pm25": 1.0, "o3": 1.0}, "POC", prefix="06-037-00"),
    "eea": Fixture(write_eea, {"pm25": 1.0, "o3": 293 / 298.15}, "Validity"),
}


BY_HAND = ("prsa", "table")
"""Readers that refuse a wrong file; the others of files list it."""
OF_BATCHES = sorted(set(BATCH_READERS) - set(BY_HAND))
WHOLE_DAYS = ("beijing", "hourly_files", "national", "national_cities")
"""Readers of files that should have every hour of their days."""


def written(name: str, folder: Path) -> Any:
    """The reader's options, with its tiny files written."""
    return READERS[name].Options(reader=name, **FIXTURES[name].write(folder))


@pytest.fixture(params=sorted(FIXTURES))
def options(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Each reader in turn."""
    return written(request.param, tmp_path)


@pytest.fixture(params=[*BY_HAND, *OF_BATCHES])
def of_files(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Each reader of files of text in turn."""
    return written(request.param, tmp_path)


@pytest.fixture(params=BY_HAND)
def by_hand(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Each reader that refuses a wrong file in turn."""
    return written(request.param, tmp_path)


@pytest.fixture(params=OF_BATCHES)
def of_batches(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Each reader that lists a wrong file in turn."""
    return written(request.param, tmp_path)


def read(
    options: Any,
    *,
    pollutants: tuple[str, ...] = POLLUTANTS,
    period: tuple[datetime.date, datetime.date] = PERIOD,
    utc_offset: float = 8,
) -> xr.Dataset:
    data = READERS[options.reader].read(options, pollutants=pollutants, period=period, utc_offset=utc_offset).data
    return data.assign_coords(station=[ours(options, name) for name in data["station"].to_numpy()])


def ours(options: Any, station: str) -> str:
    """A station's key without what its network puts before."""
    return station.removeprefix(FIXTURES[options.reader].prefix)


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


def test_every_value_stands_at_its_hour_in_the_agreed_unit(options: Any) -> None:
    data, fixture = read(options), FIXTURES[options.reader]
    for pollutant, factor in fixture.factors.items():
        for station in STATIONS:
            expected = [planted(pollutant, station, time) * factor for time in data.get_index("time")]
            expected = np.where((station == HOLE[0]) & (data.get_index("time") == HOLE[1]), np.nan, np.array(expected))
            np.testing.assert_allclose(data[pollutant].sel(station=station), expected, rtol=fixture.precision)


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


def test_the_order_of_rows_changes_nothing(of_files: Any) -> None:
    before = read(of_files)
    for path in READERS[of_files.reader].inputs(of_files):
        rewrite(path, lambda text: "\n".join([text.splitlines()[0], *reversed(text.splitlines()[1:])]) + "\n")
    xr.testing.assert_identical(read(of_files), before)


def test_the_order_of_pollutants_changes_nothing(options: Any) -> None:
    before = read(options)
    xr.testing.assert_identical(read(options, pollutants=POLLUTANTS[::-1])[list(POLLUTANTS)], before)
    xr.testing.assert_identical(read(options, pollutants=("o3",)), before[["o3"]])


def test_packed_files_are_read_like_plain_ones(of_files: Any) -> None:
    before = read(of_files)
    for path in READERS[of_files.reader].inputs(of_files):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    xr.testing.assert_identical(read(of_files), before)


def test_the_same_row_twice_is_one_row(of_files: Any) -> None:
    before = read(of_files)
    path = READERS[of_files.reader].inputs(of_files)[0]
    rewrite(path, lambda text: text + text.splitlines()[-1] + "\n")
    xr.testing.assert_identical(read(of_files), before)


def test_two_rows_that_contradict_each_other_are_refused(by_hand: Any) -> None:
    path = READERS[by_hand.reader].inputs(by_hand)[1]
    last = path.read_text().splitlines()[-1]
    changed = last.replace(f"{planted('pm25', 'B2', HOURS[-1]):.1f}", "1.5").replace(".0,", ".5,")
    assert changed != last
    rewrite(path, lambda text: text + changed + "\n")
    with pytest.raises(InputError, match=r"has two different rows for 2016-0.-.*; agreed one"):
        read(by_hand)


def test_a_pollutant_that_is_not_there_is_refused_by_name(options: Any) -> None:
    with pytest.raises(InputError, match="krypton"):
        read(options, pollutants=("krypton",))


def test_a_column_that_is_not_there_is_refused_by_name(by_hand: Any) -> None:
    column = FIXTURES[by_hand.reader].missing_column
    for path in READERS[by_hand.reader].inputs(by_hand):
        rewrite(path, lambda text: text.replace(column, "Something", 1))
    with pytest.raises(InputError, match=f"{by_hand.path}.*: column '{column}' is missing; found .*; agreed "):
        read(by_hand)


def test_a_period_without_data_is_refused_with_what_is_there(options: Any) -> None:
    with pytest.raises(
        InputError, match=r"no row in the period 2001-01-01/2001-12-31; found .*2016-02-28.* to 2016-03-0"
    ):
        read(options, period=(datetime.date(2001, 1, 1), datetime.date(2001, 12, 31)))


def test_a_file_cut_anywhere_within_a_row_is_refused(by_hand: Any) -> None:
    path = READERS[by_hand.reader].inputs(by_hand)[0]
    content = path.read_bytes()
    row = content.rindex(b"\n", 0, -1) + 1
    for end in range(row + 1, len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(InputError, match=f"{path}: not a whole CSV file"):
            read(by_hand)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_packed_file_cut_anywhere_is_refused(by_hand: Any, share: float) -> None:
    path = READERS[by_hand.reader].inputs(by_hand)[0]
    packed = gzip.compress(path.read_bytes())
    path.with_name(f"{path.name}.gz").write_bytes(packed[: int(share * len(packed))])
    path.unlink()
    with pytest.raises(InputError, match=f"{path}.gz: not a whole CSV file"):
        read(by_hand)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08\x00 named .csv", bytes(range(256)), b'a,b\n"open\n'])
def test_what_is_no_csv_file_is_refused(by_hand: Any, content: bytes) -> None:
    path = READERS[by_hand.reader].inputs(by_hand)[0]
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)) as refused:
        read(by_hand)
    assert "\n" not in str(refused.value)


def test_an_error_page_in_place_of_a_file_is_refused(by_hand: Any) -> None:
    path = READERS[by_hand.reader].inputs(by_hand)[0]
    path.write_text("<!DOCTYPE html>\n<html><body>403 Out of quota</body></html>\n")
    with pytest.raises(InputError, match=f"{path}: column '.*' is missing; found <!DOCTYPE html>"):
        read(by_hand)


def test_text_in_a_column_of_numbers_is_refused_with_its_row(by_hand: Any) -> None:
    path = READERS[by_hand.reader].inputs(by_hand)[1]
    value = f"{planted('pm25', 'B2', HOURS[30]):.1f}"
    rewrite(path, lambda text: text.replace(value, "broken", 1))
    row = 1 + next(number for number, line in enumerate(path.read_text().splitlines()) if "broken" in line)
    with pytest.raises(InputError, match=f"{path}: column '.*', row {row}: found 'broken', agreed a number or nothing"):
        read(by_hand)


def test_files_of_other_names_are_told_and_hidden_ones_are_not(of_files: Any) -> None:
    for name in ("readme.pdf", ".DS_Store"):
        (of_files.path / name).write_text("not data")
    (told,) = listed(of_files, "other_files").to_dict("records")
    assert told["detail"] == "not read: readme.pdf"


def test_an_empty_folder_is_refused(of_files: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"found no file like .* check the path in the config"):
        read(of_files.model_copy(update={"path": empty}))


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


# --- archives: what is wrong is listed, the rest is read


def observed(options: Any, *, pollutants: tuple[str, ...] = POLLUTANTS, period: Any = PERIOD) -> Observed:
    return READERS[options.reader].read(options, pollutants=pollutants, period=period, utc_offset=8)


def listed(options: Any, rule: str, **keys: Any) -> pd.DataFrame:
    """Rows of a rule, all rules being known and all columns agreed."""
    rejected = observed(options, **keys).rejected
    assert tuple(rejected.columns) == REJECTED
    assert set(rejected["rule"]) <= set(RULES)
    return rejected[rejected["rule"] == rule]


def middle_file(options: Any) -> Path:
    """A file of the second day."""
    files = READERS[options.reader].inputs(options)
    return next(file for file in files if "20160229" in file.name or "2016-02-29" in file.name)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf\n", "empty_file"),
        (b"<html><h1>Not Found</h1></html>", "not_csv"),
        (b"<!DOCTYPE html>\n<html>\n<body>403 Out of quota</body>\n</html>\n", "not_csv"),
        (bytes(range(256)), "not_csv"),
        (b"\x1f\x8b\x08\x00 named .csv", "not_csv"),
        (b"a,b\n1,2\n", "unknown_layout"),
        (b'a,b\n"open\n', "unknown_layout"),
    ],
)
def test_what_is_no_table_is_listed_and_the_rest_is_read(of_batches: Any, content: bytes, rule: str) -> None:
    before, path = read(of_batches), middle_file(of_batches)
    path.write_bytes(content)
    assert list(listed(of_batches, rule)["file"]) == [path.name]
    after = read(of_batches)
    same = after.where(after.notnull(), before)
    xr.testing.assert_equal(same, before)
    assert int(after.notnull().to_array().sum()) < int(before.notnull().to_array().sum())


def test_a_file_that_ends_within_a_row_is_listed(of_batches: Any) -> None:
    reader, path = BATCH_READERS[of_batches.reader], middle_file(of_batches)
    batch = Batch("a file", (path,))
    content = path.read_bytes()
    row = content.rindex(b"\n", 0, -1) + 1
    for end in range(row + 1, content.rindex(b",") + 1):
        path.write_bytes(content[:end])
        found = reader.read_batch(batch, of_batches, pollutants=POLLUTANTS, utc_offset=8)
        told = found.rejected[found.rejected["rule"] == "cut_file"]
        assert list(told["file"]) == [path.name]
        assert found.data.sizes["station"] == 0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_packed_file_without_its_end_is_listed(of_batches: Any, share: float) -> None:
    path = middle_file(of_batches)
    packed = gzip.compress(path.read_bytes())
    path.write_bytes(packed[: int(share * len(packed))])
    assert list(listed(of_batches, "cut_file")["file"]) == [path.name]


def test_a_packed_file_under_the_name_of_a_plain_one_is_read_and_listed(of_batches: Any) -> None:
    before, path = read(of_batches), middle_file(of_batches)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert list(listed(of_batches, "packed_file")["file"]) == [path.name]
    xr.testing.assert_identical(read(of_batches), before)


def test_text_in_place_of_a_number_is_listed_and_the_rest_is_read(of_batches: Any) -> None:
    before, path, time = read(of_batches), middle_file(of_batches), HOURS[30]
    if of_batches.reader == "hourly_files":
        path = path.with_name(f"{time:%Y-%m-%dT%H}.csv")
    rewrite(path, lambda text: text.replace(f"{planted('pm25', 'B2', time):.1f}", "broken", 1))
    (found,) = listed(of_batches, "text_value").to_dict("records")
    assert (found["file"], ours(of_batches, found["station"]), found["variable"]) == (path.name, "B2", "pm25")
    assert (found["start"], found["end"], found["values"]) == (time, time, 1)
    assert "'broken'" in found["detail"]
    cell = {"station": "B2", "time": time}
    assert np.isnan(read(of_batches)["pm25"].sel(cell))
    before["pm25"].loc[cell] = np.nan
    xr.testing.assert_identical(read(of_batches), before)


def test_an_hour_given_twice_with_two_values_is_rejected_both_times_and_listed(of_batches: Any) -> None:
    before, path, time = read(of_batches), middle_file(of_batches), HOURS[30]
    if of_batches.reader == "hourly_files":
        path = path.with_name(f"{time:%Y-%m-%dT%H}.csv")
    value = f"{planted('pm25', 'B2', time):.1f}"
    line = next(line for line in path.read_text().splitlines() if value in line)
    rewrite(path, lambda text: text + line.replace(value, "1.5") + "\n")
    (found,) = (row for row in listed(of_batches, "repeated_hour").to_dict("records") if row["values"])
    assert (ours(of_batches, found["station"]), found["variable"]) == ("B2", "pm25")
    assert (found["start"], found["end"]) == (time, time)
    assert (found["lowest"], found["highest"]) == (1.5, float(value))
    assert found["values"] in (1, 2)  # the hour, or both rows of an instrument
    before["pm25"].loc[{"station": "B2", "time": time}] = np.nan
    xr.testing.assert_identical(read(of_batches), before)


@pytest.mark.parametrize("reader", WHOLE_DAYS)
def test_absent_hours_are_listed(reader: str, tmp_path: Path) -> None:
    of_batches = written(reader, tmp_path)
    gone = {"20160229,5,", "20160229,6,", "20160229,9,"}
    for path in READERS[of_batches.reader].inputs(of_batches):
        if path.name in {f"2016-02-29T{hour:02d}.csv" for hour in (5, 6, 9)}:
            path.unlink()
        else:
            rewrite(
                path,
                lambda text: "".join(line for line in text.splitlines(True) if not any(map(line.startswith, gone))),
            )
    found = listed(of_batches, "absent_hours", period=(PERIOD[0], datetime.date(2016, 2, 29)))
    runs = {(f"{start:%d %H}", f"{end:%d %H}") for start, end in zip(found["start"], found["end"], strict=True)}
    assert {("29 05", "29 06"), ("29 09", "29 09")} <= runs
    assert read(of_batches)["pm25"].sel(time="2016-02-29 05:00").isnull().all()


def test_two_files_that_differ_reject_each_other_whatever_their_order(tmp_path: Path) -> None:
    options = written("national", tmp_path)
    path = middle_file(options)
    copy = path.read_text().replace(f"{planted('o3', 'A1', HOURS[30]):.1f}", "7.0")
    stray = tmp_path / "china_sites_20160301.csv"
    rewrite(stray, lambda text: text + copy.split("\n", 1)[1])
    (found,) = (row for row in listed(options, "repeated_hour").to_dict("records") if row["values"])
    assert (found["station"], found["variable"], found["start"]) == ("A1", "o3", HOURS[30])
    parts = [
        BATCH_READERS["national"].read_batch(batch, options, pollutants=POLLUTANTS, utc_offset=8)
        for batch in BATCH_READERS["national"].batches(options)
    ]
    results = [on_full_axis(order, POLLUTANTS, PERIOD, where="test", keys=["a"]) for order in (parts, parts[::-1])]
    xr.testing.assert_identical(results[0].data, results[1].data)


# --- wide files


def wide_file(folder: Path, lines: Sequence[str], *, name: str = "china_sites_20180831.csv") -> Any:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return READERS["national"].Options(reader="national", path=folder)


LAST_OF_AUGUST = (datetime.date(2018, 8, 31), datetime.date(2018, 9, 1))
AROUND_MIDNIGHT = pd.date_range("2018-08-31 01:00", "2018-09-02 00:00", freq="h")


def test_gases_step_at_midnight_before_the_first_of_september_2018(tmp_path: Path) -> None:
    rows = [f"{hour:%Y%m%d},{hour.hour},{kind},100" for hour in AROUND_MIDNIGHT for kind in ("O3", "PM2.5")]
    found = read(wide_file(tmp_path, ["date,hour,type,A1", *rows]), period=LAST_OF_AUGUST)
    # the hour that ends at 00:00 is the last of August
    np.testing.assert_array_equal(found["o3"][0], [100 * GAS_FACTOR] * 24 + [100.0] * 24)
    np.testing.assert_array_equal(found["pm25"][0], 100.0)


@pytest.mark.parametrize(("between", "end"), [(", ", "\n"), (",", "\r"), (" ,", "\r\n")])
def test_blanks_beside_commas_and_the_ends_of_other_machines_change_nothing(
    between: str, end: str, tmp_path: Path
) -> None:
    lines = ["date,hour,type,1001A,1002A,1003A", "20180831,1,PM2.5,12,,14", "20180831,2,PM2.5,15,16,"]
    for name, text in (("plain", "\n".join([*lines, ""])), ("other", end.join([*lines, ""]).replace(",", between))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "china_sites_20180831.csv").write_text(text, newline="")
    plain, other = (
        wide.read_file(tmp_path / name / "china_sites_20180831.csv", ["pm25"]) for name in ("plain", "other")
    )
    assert [row["rule"] for row in other[1]] == [row["rule"] for row in plain[1]] == ["absent_hours", "absent_hours"]
    assert other[0].stations == plain[0].stations == ("1001A", "1002A", "1003A")
    np.testing.assert_array_equal(other[0].values["pm25"], [[12, 15], [np.nan, 16], [14, np.nan]])


def test_a_file_without_the_types_asked_for_says_which_it_has(tmp_path: Path) -> None:
    path = tmp_path / "china_sites_20180831.csv"
    path.write_text("date,hour,type,1001A\n20180831,0,AQI,12\n20180831,0,PM2.5_24h,12\n")
    (told,) = wide.read_file(path, ["pm25"])[1]
    assert (told["rule"], told["detail"]) == ("unknown_layout", "no row of type PM2.5; found AQI, PM2.5_24h")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("china_sites_20180830.csv", ["1 days, 2018-08-31 to 2018-08-31"]),
        ("china_sites_20180831.csv", []),
        ("china_sites_20189931.csv", []),  # no day
    ],
)
def test_days_other_than_the_names_are_told_and_read(name: str, says: list[str], tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("date,hour,type,1001A\n" + "".join(f"20180831,{hour},PM2.5,12\n" for hour in range(24)))
    block, told = wide.read_file(path, ["pm25"])
    assert [row["detail"] for row in told if row["rule"] == "other_days"] == says
    assert block.values["pm25"].tolist() == [[12.0] * 24]
    path = tmp_path / name.replace("sites", "cities")
    path.write_text("date,hour,城市,PM2.5\n" + "".join(f"20180831,{hour},北京,12\n" for hour in range(24)))
    block, told = national_cities.read_file(path, ["pm25"])
    assert [row["detail"] for row in told if row["rule"] == "other_days"] == says
    assert block.values["pm25"].tolist() == [[12.0] * 24]


def test_a_transposed_file_is_turned_and_listed(tmp_path: Path) -> None:
    options = written("national", tmp_path)
    before = read(options)
    path = middle_file(options)
    rewrite(path, lambda text: "\n".join(map(",".join, zip(*(line.split(",") for line in text.split()), strict=True))))
    assert list(listed(options, "transposed_file")["file"]) == [path.name]
    xr.testing.assert_identical(read(options), before)


def test_a_code_twice_in_the_header_is_merged_when_the_same_and_rejected_when_not(tmp_path: Path) -> None:
    rows = [
        f"{hour:%Y%m%d},{hour.hour},{kind},10,20,10,{20 if kind == 'O3' else 21},30"
        for hour in AROUND_MIDNIGHT
        for kind in ("O3", "PM2.5")
    ]
    options = wide_file(tmp_path, ["date,hour,type,A1,B2,A1,B2,C3", *rows])
    found = read(options, period=LAST_OF_AUGUST)
    assert list(found["station"].values) == ["A1", "B2", "C3"]
    np.testing.assert_array_equal(found["pm25"][:, 0], [10, np.nan, 30])
    np.testing.assert_array_equal(found["o3"][:, -1], [10, 20, 30])
    told = listed(options, "repeated_column", period=LAST_OF_AUGUST)
    assert set(told["station"]) == {"A1", "B2"}
    (rejected,) = told[told["values"] > 0].to_dict("records")
    assert (rejected["station"], rejected["variable"], rejected["values"]) == ("B2", "pm25", 48)
    assert (rejected["lowest"], rejected["highest"]) == (20, 21)


@pytest.mark.parametrize(
    "wrong",
    ["2018-08,1,O3,5", "20180831,noon,O3,5", ",1,O3,5", "20181331,1,O3,5", "20180831,24,O3,5", "20180831,3,O3,5,6"],
)
def test_a_row_without_an_hour_or_with_fields_too_many_is_listed_and_left_out(tmp_path: Path, wrong: str) -> None:
    rows = [f"{hour:%Y%m%d},{hour.hour},O3,100" for hour in AROUND_MIDNIGHT]
    options = wide_file(tmp_path, ["date,hour,type,A1", *rows])
    before = read(options, pollutants=("o3",), period=LAST_OF_AUGUST)
    wide_file(tmp_path, ["date,hour,type,A1", rows[0], wrong, *rows[1:]])
    (found,) = listed(options, "unknown_layout", pollutants=("o3",), period=LAST_OF_AUGUST).to_dict("records")
    assert "1 rows, first row 3" in found["detail"]
    xr.testing.assert_identical(read(options, pollutants=("o3",), period=LAST_OF_AUGUST), before)


def test_the_long_files_of_cities_say_the_same_as_the_wide_ones(tmp_path: Path) -> None:
    options = written("national_cities", tmp_path)
    before = read(options)
    for path in tmp_path.glob("*.csv"):
        path.unlink()
    frame = rows().rename(columns={"station": "城市", "pm25": "PM2.5", "o3": "O3"})
    frame.insert(0, "date", frame["time"].dt.strftime("%Y%m%d"))
    frame.insert(1, "hour", frame["time"].dt.hour)
    for day, of_day in frame.drop(columns="time").groupby("date"):
        of_day.to_csv(tmp_path / f"china_cities_{day}.csv", index=False, encoding="utf-8-sig")
    xr.testing.assert_identical(read(options), before)


def test_names_in_gb18030_and_after_two_byte_order_marks_are_the_same(tmp_path: Path) -> None:
    lines = ["date,hour,type,东四,天坛", *(f"{hour:%Y%m%d},{hour.hour},PM2.5,1,2" for hour in AROUND_MIDNIGHT)]
    text = "\n".join(lines) + "\n"
    options = wide_file(tmp_path, lines)
    for content in (text.encode("gb18030"), b"\xef\xbb\xbf" * 2 + text.encode(), text.replace("\n", "\r\n").encode()):
        (tmp_path / "china_sites_20180831.csv").write_bytes(content)
        found = read(options, pollutants=("pm25",), period=LAST_OF_AUGUST)
        assert list(found["station"].values) == ["东四", "天坛"]
        np.testing.assert_array_equal(found["pm25"][:, 5], [1, 2])


# --- the real national files


NATIONAL_DAYS = ["20140604", "20170101", "20180101", "20200731", "20200801"]


def by_csv(path: Path) -> tuple[set[str], dict[tuple[str, int, str], float]]:
    """Stations and, for (type, hour, station), values of a wide file, by the csv module."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        table = list(csv.reader(stream))
    if table[1][0] == "hour":
        table = [list(fields) for fields in zip(*table, strict=True)]
    header = table[0][3:]
    values = {
        (row[2], int(row[1]), station): float(text)
        for row in table[1:]
        for station, text in zip(header, row[3:], strict=True)
        if text
    }
    return set(header), values


@pytest.mark.parametrize("day", NATIONAL_DAYS)
def test_a_real_national_day_has_its_stations_and_every_value(shared_data: Path, day: str) -> None:
    path = shared_data / "cnemc" / f"china_sites_{day}.csv.gz"
    options = READERS["national"].Options(reader="national", path=path)
    (batch,) = BATCH_READERS["national"].batches(options)
    found = BATCH_READERS["national"].read_batch(batch, options, pollutants=("pm25", "o3", "co"), utc_offset=8)
    stations, values = by_csv(path)
    assert set(found.data["station"].values) == stations
    for name, kind in (("pm25", "PM2.5"), ("o3", "O3"), ("co", "CO")):
        factor = 273.15 / 298.15 if name != "pm25" and day < "20180901" else 1.0
        ours = found.data[name].to_series().dropna()
        theirs = {
            (station, pd.Timestamp(day) + pd.Timedelta(hours=hour)): value * factor
            for (of, hour, station), value in values.items()
            if of == kind
        }
        assert len(ours) == len(theirs)
        np.testing.assert_allclose(ours.to_numpy(), [theirs[key] for key in ours.index], rtol=1e-15)


NUMBER_OF_STATIONS = {"20140604": 945, "20170101": 1497, "20180101": 1597, "20200731": 1669, "20200801": 1669}
"""Columns of the header less the three keys, less the code that is there twice."""
TOLD = {
    "20140604": {"repeated_column": ["1441A"]},
    "20170101": {"absent_hours": [""] * 4},
    "20180101": {"transposed_file": [""]},
    "20200731": {"repeated_column": ["3207A"]},
    "20200801": {"repeated_column": ["3207A"]},
}


@pytest.mark.parametrize("day", NATIONAL_DAYS)
def test_the_dirt_of_a_real_national_day_is_told(shared_data: Path, day: str) -> None:
    options = READERS["national"].Options(reader="national", path=shared_data / "cnemc" / f"china_sites_{day}.csv.gz")
    (batch,) = BATCH_READERS["national"].batches(options)
    found = BATCH_READERS["national"].read_batch(batch, options, pollutants=("pm25", "o3"), utc_offset=8)
    assert found.data.sizes["station"] == NUMBER_OF_STATIONS[day]
    assert 0.08 <= float(found.data["pm25"].isnull().mean()) <= 0.36  # the data README's 8 to 36 %
    assert {rule: list(rows["station"]) for rule, rows in found.rejected.groupby("rule")} == TOLD[day]


PRINTED = {"pm25": "PM2.5_24h", "pm10": "PM10_24h", "so2": "SO2_24h", "no2": "NO2_24h", "o3": "O3_8h_24h"}


@pytest.mark.parametrize("name", PRINTED)
def test_days_are_those_that_the_archive_prints_at_midnight(shared_data: Path, name: str) -> None:
    folder, day = shared_data / "cnemc", datetime.date(2020, 7, 31)
    options = READERS["national"].Options(reader="national", path=folder)
    ours = standards.daily(read(options, pollutants=(name,), period=(day, day)))[name][:, 0].to_series()
    _, values = by_csv(folder / "china_sites_20200801.csv.gz")
    theirs = pd.Series(
        {station: value for (kind, hour, station), value in values.items() if (kind, hour) == (PRINTED[name], 0)}
    )
    both = pd.DataFrame({"ours": ours, "theirs": theirs}).dropna()
    assert len(both) > 1300
    # printed as whole numbers; the network's own later checks of hours are not in the hourly file
    agree = (both["ours"] - both["theirs"]).abs() <= 0.5 + 1e-9
    assert agree.mean() > 0.95


# --- the real Beijing city files


WEEK = (datetime.date(2016, 12, 16), datetime.date(2016, 12, 21))


def beijing_week(folder: Path) -> Observed:
    options = READERS["beijing"].Options(reader="beijing", path=folder)
    return READERS["beijing"].read(options, pollutants=("pm25", "o3"), period=WEEK, utc_offset=8)


def by_pandas(folder: Path, kind: str, name: str) -> pd.DataFrame:
    """Hours (label, station) of a type as printed."""
    frame = pd.concat(pd.read_csv(path) for path in sorted(folder.glob(f"beijing_{kind}_201612*.csv")))
    frame = frame[frame["type"] == name]
    frame.index = pd.to_datetime(frame["date"].astype(str)) + pd.to_timedelta(frame["hour"], unit="h")
    return frame.drop(columns=["date", "hour", "type"]).astype(float)


def test_the_red_alert_week_by_another_method(shared_data: Path) -> None:
    folder = shared_data / "cnemc"
    found = beijing_week(folder)
    assert list(found.rejected["rule"]) == ["other_files"]
    assert found.data.sizes == {"station": 35, "time": 6 * 24}
    days = standards.daily(found.data)
    pm25 = by_pandas(folder, "all", "PM2.5")
    end_of_day = pm25.index - pd.Timedelta(hours=1)
    grouped = pm25.groupby(end_of_day.normalize())
    means = grouped.mean().where(grouped.count() >= 20).loc["2016-12-16":"2016-12-21"]
    np.testing.assert_allclose(
        days["pm25"].sel(station=list(means.columns)).T, means.to_numpy(), rtol=1e-12, equal_nan=True
    )
    o3 = by_pandas(folder, "extra", "O3") * 273.15 / 298.15
    windows = o3.rolling(8, min_periods=6).mean()
    windows = windows[(windows.index.hour == 0) | (windows.index.hour >= 8)]
    grouped = windows.groupby((windows.index - pd.Timedelta(hours=1)).normalize())
    highest = grouped.max()
    highest = highest.where((grouped.count() >= 14) | (highest > 160)).loc["2016-12-16":"2016-12-21"]
    # a window that ends at 08:00 begins with the day's own first hour
    np.testing.assert_allclose(
        days["o3"].sel(station=list(highest.columns)).T, highest.to_numpy(), rtol=1e-12, equal_nan=True
    )
    city = float(days["pm25"].mean("station").max())
    assert city > 250  # severely polluted by GB 3095: what the red alert was for


def test_every_broken_file_is_named_with_its_reason(shared_data: Path, tmp_path: Path) -> None:
    for path in (shared_data / "cnemc" / "bad").iterdir():
        (tmp_path / path.name[path.name.index("beijing") :]).write_bytes(path.read_bytes())
    options = READERS["beijing"].Options(reader="beijing", path=tmp_path)
    whole = (datetime.date(2014, 1, 1), datetime.date(2017, 12, 31))
    found = READERS["beijing"].read(options, pollutants=("pm25",), period=whole, utc_offset=8)
    assert dict(zip(found.rejected["file"], found.rejected["rule"], strict=True)) == {
        "beijing_all_20141231.csv": "packed_file",
        "beijing_all_20161230.csv": "empty_file",
        "beijing_all_20170519.csv": "not_csv",
        "beijing_all_20170702.csv": "not_csv",
    }
    # the fifth file is whole: its outlier is a value, and rejected as one
    kept, _ = plausible(found.data, entry)
    assert float(found.data["pm25"].max()) == 553405
    assert float(kept["pm25"].max()) <= 2000
    assert int(found.data["pm25"].sel(time="2014-12-31 12:00").notnull().sum()) > 20


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
