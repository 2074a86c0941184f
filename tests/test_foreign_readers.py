"""Readers of OpenAQ, US EPA AQS and EEA files: hours, zones, units, instruments, and dirt that is told."""

from __future__ import annotations

import datetime
import gzip
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.contracts import REJECTED, Observed, check
from pipeline.errors import InputError
from pipeline.stations import eea, epa_aqs, openaq
from pipeline.stations.batches import Batched
from pipeline.vocabulary import POLLUTANTS

MODULES: dict[str, Any] = {"openaq": openaq, "epa_aqs": epa_aqs, "eea": eea}
PER_PPB = {"o3": 1.9620, "no2": 1.8805, "so2": 2.6187}
"""ug m-3 per ppb at 298.15 K and 1013.25 hPa: 48.00, 46.01 and 64.07 g mol-1 by 24.465 L mol-1."""
CO_PER_PPM = 1.1449
"""mg m-3 per ppm: 28.01 g mol-1 by 24.465 L mol-1."""


def read_all(
    reader: str, folder: Path, *, pollutants: tuple[str, ...] = ("pm25",), utc_offset: float = 0, **keys: Any
) -> Observed:
    """All batches of a folder over the days that the tests use."""
    batched = Batched(MODULES[reader])
    options = batched.Options(reader=reader, path=folder, **keys)
    period = datetime.date(2020, 1, 1), datetime.date(2020, 12, 31)
    return batched.read(options, pollutants=pollutants, period=period, utc_offset=utc_offset)


def rejected_of(reader: str, folder: Path, *, pollutants: tuple[str, ...] = ("pm25",), **keys: Any) -> pd.DataFrame:
    """What is rejected of a folder's batches, whether anything else is in them or not."""
    module = MODULES[reader]
    options = module.Options(reader=reader, path=folder, **keys)
    found = [
        module.read_batch(batch, options, pollutants=pollutants, utc_offset=0).rejected
        for batch in module.batches(options)
    ]
    return pd.concat([table for table in found if len(table)] or found[:1], ignore_index=True)


def cell(data: xr.Dataset, name: str, station: str, time: str) -> float:
    return float(data[name].sel(station=station, time=time))


# --- writing


def aq(
    time: str, value: object, *, parameter: str = "pm25", units: str = "µg/m³", place: int = 7, sensor: int = 1
) -> str:
    return f'{place},{sensor},"Del Norte, {place}",{time},35.1353,-106.5847,{parameter},{units},{value}'


def write_openaq(folder: Path, rows: list[str], *, place: int = 7, day: str = "20200706") -> Path:
    year, month = day[:4], day[4:6]
    path = folder / f"records/csv.gz/locationid={place}/year={year}/month={month}/location-{place}-{day}.csv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = "location_id,sensors_id,location,datetime,lat,lon,parameter,units,value"
    path.write_bytes(gzip.compress("\n".join([header, *rows, ""]).encode()))
    return path


AQS_HEADER = (
    "State Code,County Code,Site Num,Parameter Code,POC,Latitude,Longitude,Datum,Parameter Name,Date Local,Time Local,"
    "Date GMT,Time GMT,Sample Measurement,Units of Measure,MDL,Uncertainty,Qualifier,Method Type,Method Code,"
    "Method Name,State Name,County Name,Date of Last Change"
).split(",")


def aqs(
    gmt: str,
    value: object,
    *,
    parameter: str = "88101",
    units: str = "Micrograms/cubic meter (LC)",
    poc: int = 1,
    qualifier: str = "",
    behind: int = 8,
) -> str:
    """A row; ``gmt`` is when its hour begins, ``behind`` the hours that local standard time is behind GMT."""
    begins = pd.Timestamp(gmt)
    local = begins - pd.Timedelta(hours=behind)
    fields = dict.fromkeys(AQS_HEADER, "") | {
        "State Code": "06",
        "County Code": "037",
        "Site Num": "1103",
        "Parameter Code": parameter,
        "POC": str(poc),
        "Latitude": "34.06659",
        "Longitude": "-118.22688",
        "Date Local": f"{local:%Y-%m-%d}",
        "Time Local": f"{local:%H:%M}",
        "Date GMT": f"{begins:%Y-%m-%d}",
        "Time GMT": f"{begins:%H:%M}",
        "Sample Measurement": str(value),
        "Units of Measure": units,
        "Qualifier": qualifier,
        "State Name": "California",
        "County Name": "Los Angeles",
    }
    return ",".join(f'"{text}"' for text in fields.values())


def write_aqs(
    folder: Path, rows: list[str], *, parameter: str = "88101", year: int = 2020, packed: bool = True
) -> Path:
    name = f"hourly_{parameter}_{year}"
    text = "\n".join([",".join(f'"{name}"' for name in AQS_HEADER), *rows, ""])
    if not packed:
        (folder / f"{name}.csv").write_text(text)
        return folder / f"{name}.csv"
    with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.csv", text)
    return folder / f"{name}.zip"


def european(
    end: str, value: object, *, point: str = "AT/SPO.01", code: int = 6001, validity: int = 1, unit: str = "ug.m-3",
    hours: int = 1, aggregate: str = "hour",
) -> dict[str, Any]:  # fmt: skip
    ends = pd.Timestamp(end)
    return {
        "Samplingpoint": point,
        "Pollutant": code,
        "Start": ends - pd.Timedelta(hours=hours),
        "End": ends,
        "Value": Decimal(str(value)),
        "Unit": unit,
        "AggType": aggregate,
        "Validity": validity,
        "Verification": 1,
        "ResultTime": ends,
        "DataCapture": None,
        "FkObservationLog": "1",
    }


def write_parquet(folder: Path, rows: list[dict[str, Any]], name: str = "SPO.01") -> Path:
    pd.DataFrame(rows).to_parquet(folder / f"{name}.parquet")
    return folder / f"{name}.parquet"


def e1a(
    begin: str,
    end: str,
    value: object,
    *,
    validity: int = 1,
    span: str = "hour",
    point: str = "SPO_1",
    code: int = 6001,
) -> str:
    uri = f"http://dd.eionet.europa.eu/vocabulary/aq/pollutant/{code}"
    return f"NO,NO.NILU.AQD,NET,STA_1,NO0001R,{point},SPP,SAM,X,{uri},{span},{value},µg/m3,{begin},{end},{validity},1"


def write_e1a(folder: Path, rows: list[str], name: str = "NO_6001_1_2020_timeseries.csv") -> Path:
    header = (
        "Countrycode,Namespace,AirQualityNetwork,AirQualityStation,AirQualityStationEoICode,SamplingPoint,"
        "SamplingProcess,Sample,AirPollutant,AirPollutantCode,AveragingTime,Concentration,UnitOfMeasurement,"
        "DatetimeBegin,DatetimeEnd,Validity,Verification"
    )
    (folder / name).write_text("\n".join([header, *rows, ""]), encoding="utf-8-sig")
    return folder / name


def one_good_file(reader: str, folder: Path) -> Path:
    """The hour that ends at 12:00 UTC on 2020-07-06 with 10 ug m-3 of PM2.5."""
    if reader == "openaq":
        return write_openaq(folder, [aq("2020-07-06T12:00:00Z", 10)])
    if reader == "epa_aqs":
        return write_aqs(folder, [aqs("2020-07-06 11:00", 10)])
    return write_parquet(folder, [european("2020-07-06 13:00", 10)])


# --- the contract


@pytest.mark.parametrize("reader", sorted(MODULES))
@pytest.mark.parametrize(
    ("utc_offset", "label"),
    [(0, "12:00"), (8, "20:00"), (-5, "07:00"), (1, "13:00")],
    ids=["GMT", "China", "EST", "CET"],
)
def test_the_hour_ends_at_the_local_standard_time_of_the_offset(
    reader: str, utc_offset: float, label: str, tmp_path: Path
) -> None:
    one_good_file(reader, tmp_path)
    found = read_all(reader, tmp_path, pollutants=("pm25", "o3"), utc_offset=utc_offset)
    check(found.data, ["pm25", "o3"], seam="test")
    assert found.rejected.empty
    pm25 = found.data["pm25"].squeeze("station")
    assert pm25.dropna("time").to_series().to_dict() == {pd.Timestamp(f"2020-07-06 {label}"): 10.0}
    assert found.data["o3"].isnull().all()


@pytest.mark.parametrize("reader", sorted(MODULES))
@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><p>404 Not Found</p>\n", b"\x89PNG\0\0\0\0", b"a,b\n1,2\n"])
def test_a_bad_file_beside_a_good_one_is_a_row_and_no_more(reader: str, content: bytes, tmp_path: Path) -> None:
    good = one_good_file(reader, tmp_path)
    before = read_all(reader, tmp_path)
    bad = good.with_name(good.name.replace("-7-", "-8-").replace("88101", "88502").replace("SPO", "SPX"))
    bad.write_bytes(content)
    after = read_all(reader, tmp_path)
    xr.testing.assert_identical(after.data, before.data)
    assert list(after.rejected["file"]) == [bad.name]
    rules = {b"": {"empty_file"}, b"<": {"not_csv"}, b"\x89": {"not_csv"}, b"a": {"unknown_layout", "not_csv"}}
    assert after.rejected["rule"].item() in rules[content[:1]]
    assert tuple(after.rejected) == REJECTED


@pytest.mark.parametrize("reader", sorted(MODULES))
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_packed_file_that_was_cut_gives_nothing_and_is_named(reader: str, part: float, tmp_path: Path) -> None:
    path = one_good_file(reader, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    rejected = rejected_of(reader, tmp_path)
    assert rejected["rule"].item() == "cut_file"
    assert rejected["file"].item() == path.name


@pytest.mark.parametrize("reader", sorted(MODULES))
def test_nothing_but_bad_files_is_one_line(reader: str, tmp_path: Path) -> None:
    one_good_file(reader, tmp_path).write_bytes(b"")
    with pytest.raises(InputError, match=r"no row in the period.*empty_file") as error:
        read_all(reader, tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("reader", sorted(MODULES))
def test_a_pollutant_that_no_file_holds_is_one_line(reader: str, tmp_path: Path) -> None:
    one_good_file(reader, tmp_path)
    with pytest.raises(InputError, match="'benzene'"):
        read_all(reader, tmp_path, pollutants=("benzene",))


@pytest.mark.parametrize("reader", sorted(MODULES))
def test_every_pollutant_of_the_vocabulary_may_be_asked_for(reader: str, tmp_path: Path) -> None:
    one_good_file(reader, tmp_path)
    found = read_all(reader, tmp_path, pollutants=tuple(POLLUTANTS))
    check(found.data, list(POLLUTANTS), seam="test")


def hours(values: list[float], write: Callable[[str, float], Any], first: str = "2020-07-06 01:00") -> list[Any]:
    times = pd.date_range(first, periods=len(values), freq="h")
    return [write(str(time), value) for time, value in zip(times, values, strict=True)]


WRITERS: dict[str, Callable[[Path, list[float], int], Any]] = {
    "openaq": lambda folder, values, number: write_openaq(
        folder,
        hours(values, lambda time, value: aq(time.replace(" ", "T") + "Z", value, sensor=number, place=number % 2)),
        place=number,
    ),
    "epa_aqs": lambda folder, values, number: write_aqs(
        folder,
        hours(values, lambda time, value: aqs(time, value, poc=number, parameter="88101" if number % 2 else "88502")),
        parameter="88101" if number % 2 else "88502",
        packed=number > 2,
    ),
    "eea": lambda folder, values, number: write_e1a(
        folder,
        hours(
            values, lambda time, value: e1a(str(pd.Timestamp(time) - openaq.HOUR), time, value, point=f"SPO_{number}")
        ),
        f"NO_6001_{number}_2020_timeseries.csv",
    ),
}


@pytest.mark.parametrize("reader", sorted(MODULES))
@settings(max_examples=6)
@given(
    values=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), min_size=2, max_size=4),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_files_changes_nothing(
    reader: str, values: list[list[float]], order: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("files")
    for number, of_file in enumerate(values, start=1):
        WRITERS[reader](folder, of_file, number)
    module = MODULES[reader]
    options = module.Options(reader=reader, path=folder)
    for batch in module.batches(options):
        files = list(batch.files)
        order.shuffle(files)
        one, other = (
            module.read_batch(each, options, pollutants=("pm25",), utc_offset=1)
            for each in (batch, type(batch)(batch.key, tuple(files)))
        )
        xr.testing.assert_identical(one.data, other.data)
        pd.testing.assert_frame_equal(one.rejected, other.rejected)


@pytest.mark.parametrize("reader", sorted(MODULES))
def test_every_value_is_kept_or_counted(reader: str, tmp_path: Path) -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    for number in (1, 3):  # two instruments of one station
        WRITERS[reader](tmp_path, [value * number for value in values], number)
    found = read_all(reader, tmp_path, utc_offset=1)
    kept = int(found.data["pm25"].count())
    assert kept + int(found.rejected["values"].sum()) == 2 * len(values)
    assert found.data["pm25"].squeeze("station").dropna("time").values.tolist() == values
    assert found.rejected["rule"].tolist() == ["second_instrument"]


# --- OpenAQ


def test_hours_across_the_end_of_summer_time_are_whole_and_in_standard_time(tmp_path: Path) -> None:
    rows = [aq("2020-11-01T01:00:00-06:00", 1), aq("2020-11-01T01:00:00-07:00", 2), aq("2020-11-01T02:00:00-07:00", 3)]
    write_openaq(tmp_path, rows, day="20201101")
    found = read_all("openaq", tmp_path, utc_offset=-7)
    values = found.data["pm25"].squeeze("station").dropna("time").to_series()
    assert values.to_dict() == {pd.Timestamp(f"2020-11-01 0{hour}:00"): float(hour + 1) for hour in (0, 1, 2)}


def test_half_hour_zones_are_read_at_their_own_hours(tmp_path: Path) -> None:
    write_openaq(tmp_path, [aq("2020-07-06T13:00:00+05:30", 4), aq("2020-07-06T08:30:00Z", 5)])
    found = read_all("openaq", tmp_path, utc_offset=5.5)
    assert found.rejected.empty
    assert [cell(found.data, "pm25", "7", f"2020-07-06 {hour}:00") for hour in (13, 14)] == [4.0, 5.0]


def test_hours_of_another_zone_by_half_an_hour_are_told(tmp_path: Path) -> None:
    write_openaq(tmp_path, [aq("2020-07-06T13:00:00+05:30", 4), aq("2020-07-06T14:00:00+05:30", 5)])
    rejected = rejected_of("openaq", tmp_path)
    assert rejected["rule"].item() == "part_hour"
    assert rejected["values"].item() == 2


@pytest.mark.parametrize(
    ("name", "units", "value", "expected"),
    [
        ("o3", "ppm", 0.05, 50 * PER_PPB["o3"]),
        ("o3", "ppb", 50, 50 * PER_PPB["o3"]),
        ("no2", "ppb", 10, 10 * PER_PPB["no2"]),
        ("no2", "µg/m³", 10, 10),
        ("so2", "ppm", 0.01, 10 * PER_PPB["so2"]),
        ("co", "ppm", 2, 2 * CO_PER_PPM),
        ("co", "ppb", 2000, 2 * CO_PER_PPM),
        ("co", "µg/m³", 700, 0.7),
        ("pm10", "mg/m³", 0.2, 200),
        ("pm25", "μg/m³", 12, 12),
    ],
)
def test_units_of_openaq(name: str, units: str, value: float, expected: float, tmp_path: Path) -> None:
    write_openaq(tmp_path, [aq("2020-07-06T12:00:00Z", value, parameter=name, units=units)])
    found = read_all("openaq", tmp_path, pollutants=(name,))
    assert cell(found.data, name, "7", "2020-07-06 12:00") == pytest.approx(expected, rel=1e-12)


def test_parameters_of_openaq_may_be_written_in_any_case_and_are_no_others(tmp_path: Path) -> None:
    written = [("PM2.5", 11), ("O3 ", 12), ("Pm10", 13), ("pm1", 14), ("relativehumidity", 15), ("PM1.0", 16)]
    rows = [aq("2020-07-06T12:00:00Z", value, parameter=name) for name, value in written]
    write_openaq(tmp_path, [*rows, aq("2020-07-06T11:00:00Z", 10, parameter="pm25")])
    found = read_all("openaq", tmp_path, pollutants=("pm25", "pm10", "o3"))
    assert [cell(found.data, name, "7", "2020-07-06T12") for name in ("pm25", "o3", "pm10")] == [11, 12, 13]
    assert cell(found.data, "pm25", "7", "2020-07-06T11") == 10
    assert found.rejected.empty


def test_the_reference_of_gases_as_mass_may_be_declared_and_moves_nothing_else(tmp_path: Path) -> None:
    rows = [aq("2020-07-06T12:00:00Z", 100, parameter=name) for name in ("o3", "pm25")]
    write_openaq(tmp_path, [*rows, aq("2020-07-06T12:00:00Z", 50, parameter="no2", units="ppb")])
    found = read_all("openaq", tmp_path, pollutants=("o3", "pm25", "no2"), gas_reference="273.15 K").data
    values = [cell(found, name, "7", "2020-07-06 12:00") for name in ("o3", "pm25", "no2")]
    assert values == pytest.approx([100 * 273.15 / 298.15, 100, 50 * PER_PPB["no2"]], rel=1e-12)


def test_an_unknown_unit_and_text_are_rejected_with_what_was_found(tmp_path: Path) -> None:
    rows = [
        aq("2020-07-06T12:00:00Z", 1, units="particles/cm³"),
        aq("2020-07-06T13:00:00Z", "high"),
        aq("2020-07-06T14:00:00", 3),
        aq("noon", 4),
        aq("2020-07-06T15:00:00Z", ""),
        aq("2020-07-06T16:00:00Z", "inf"),
    ]
    write_openaq(tmp_path, rows)
    rejected = rejected_of("openaq", tmp_path)
    found = set(zip(rejected["rule"], rejected["detail"], rejected["values"], strict=True))
    assert found == {
        ("unknown_layout", "in 'particles/cm³'", 1),
        ("text_value", "found 'high'", 1),
        ("text_value", "found 'inf'", 1),
        ("text_value", "no time with an offset from UTC", 2),
    }


@pytest.mark.parametrize(("minutes", "stands"), [((15, 30, 45, 60), True), ((15, 30, 45), True), ((15, 30), False)])
def test_an_hour_of_quarters_stands_on_45_minutes(minutes: tuple[int, ...], stands: bool, tmp_path: Path) -> None:
    whole = [pd.Timestamp("2020-07-06 10:00") + pd.Timedelta(minutes=15 * step) for step in range(1, 5)]
    quarters = [pd.Timestamp("2020-07-06 12:00") + pd.Timedelta(minutes=minute) for minute in minutes]
    rows = [aq(f"{time.isoformat()}Z", 10.0 * number) for number, time in enumerate([*whole, *quarters], start=1)]
    write_openaq(tmp_path, rows)
    found = read_all("openaq", tmp_path)
    assert cell(found.data, "pm25", "7", "2020-07-06 11:00") == 25.0  # (10 + 20 + 30 + 40) / 4
    mean = np.mean([50.0 + 10 * number for number in range(len(minutes))])
    if stands:
        assert cell(found.data, "pm25", "7", "2020-07-06 13:00") == mean
        assert found.rejected.empty
    else:
        assert found.rejected[["rule", "values", "lowest", "highest"]].values.tolist() == [["part_hour", 2, 50.0, 60.0]]


def test_the_quarter_that_ends_at_the_hour_belongs_to_the_hour_it_ends(tmp_path: Path) -> None:
    times = pd.date_range("2020-07-06 10:15", "2020-07-06 12:00", freq="15min")
    write_openaq(tmp_path, [aq(f"{time.isoformat()}Z", 1 if time.hour == 10 else 5) for time in times])
    found = read_all("openaq", tmp_path).data
    assert cell(found, "pm25", "7", "2020-07-06 11:00") == 2.0  # 1, 1, 1 and the 5 labelled 11:00
    assert cell(found, "pm25", "7", "2020-07-06 12:00") == 5.0


def test_the_lowest_sensor_is_taken_and_the_others_fill_its_gaps(tmp_path: Path) -> None:
    first = [aq(f"2020-07-06T{hour}:00:00Z", 1, sensor=9) for hour in (10, 12)]
    second = [aq(f"2020-07-06T{hour}:00:00Z", 2, sensor=10) for hour in (10, 11, 12)]
    write_openaq(tmp_path, [*second, *first])
    found = read_all("openaq", tmp_path)
    assert [cell(found.data, "pm25", "7", f"2020-07-06 {hour}:00") for hour in (10, 11, 12)] == [1.0, 2.0, 1.0]
    assert found.rejected["values"].tolist() == [1, 1]
    assert set(found.rejected["rule"]) == {"second_instrument"}
    assert found.rejected["detail"].str.startswith("10 beside").all()


def test_a_time_with_two_values_is_rejected_and_one_twice_is_kept(tmp_path: Path) -> None:
    same, differs = aq("2020-07-06T10:00:00Z", 1), aq("2020-07-06T11:00:00Z", 2)
    write_openaq(tmp_path, [same, same, differs, aq("2020-07-06T11:00:00Z", 3)])
    found = read_all("openaq", tmp_path)
    assert int(found.data["pm25"].count()) == 1
    assert found.rejected[["rule", "values", "lowest", "highest"]].values.tolist() == [["repeated_hour", 2, 2.0, 3.0]]


def test_batches_are_days_in_any_folders(tmp_path: Path) -> None:
    for place, day in ((7, "20200706"), (8, "20200706"), (7, "20200707")):
        write_openaq(tmp_path, [aq("2020-07-06T10:00:00Z", 1, place=place)], place=place, day=day)
    flat = write_openaq(tmp_path, [], place=9, day="20200707")
    flat.rename(tmp_path / flat.name)
    found = openaq.batches(openaq.Options(reader="openaq", path=tmp_path))
    assert [(batch.key, len(batch.files)) for batch in found] == [("2020-07-06", 2), ("2020-07-07", 2)]


def test_a_packed_file_named_csv_is_read_and_told(tmp_path: Path) -> None:
    path = write_openaq(tmp_path, [aq("2020-07-06T10:00:00Z", 1)])
    path.rename(path.with_suffix(""))
    found = read_all("openaq", tmp_path)
    assert int(found.data["pm25"].count()) == 1
    assert found.rejected["rule"].tolist() == ["packed_file"]


def test_the_stations_of_an_archive_have_names_and_coordinates(tmp_path: Path) -> None:
    for place in (8, 7):
        write_openaq(tmp_path, [aq("2020-07-06T10:00:00Z", 1, place=place)], place=place)
    write_openaq(tmp_path, [], place=9).write_bytes(b"<html>")
    found = openaq.stations_of(openaq.Options(reader="openaq", path=tmp_path))
    expected = [["7", "Del Norte, 7", 35.1353, -106.5847], ["8", "Del Norte, 8", 35.1353, -106.5847]]
    assert found.values.tolist() == expected
    assert list(found) == ["station", "name", "latitude", "longitude"]


# --- US EPA AQS


def test_the_hour_of_the_file_ends_an_hour_later_on_the_day_clocks_change(tmp_path: Path) -> None:
    """Local standard time has a 02:00 on 8 March 2020, when clocks go on."""
    rows = [aqs(f"2020-03-08 {hour}:00", hour) for hour in (9, 10, 11)]
    write_aqs(tmp_path, rows)
    assert '"01:00"' in rows[0]
    assert '"02:00"' in rows[1]
    found = read_all("epa_aqs", tmp_path, utc_offset=-8).data
    assert [cell(found, "pm25", "06-037-1103", f"2020-03-08 0{hour}:00") for hour in (2, 3, 4)] == [9.0, 10.0, 11.0]


@pytest.mark.parametrize(
    ("name", "parameter", "units", "value", "expected"),
    [
        ("o3", "44201", "Parts per million", 0.07, 70 * PER_PPB["o3"]),
        ("no2", "42602", "Parts per billion", 20, 20 * PER_PPB["no2"]),
        ("so2", "42401", "Parts per billion", 3, 3 * PER_PPB["so2"]),
        ("co", "42101", "Parts per million", 0.4, 0.4 * CO_PER_PPM),
        ("pm10", "81102", "Micrograms/cubic meter (25 C)", 30, 30),
        ("pm25", "88502", "Micrograms/cubic meter (LC)", 9, 9),
    ],
)
def test_units_of_aqs(name: str, parameter: str, units: str, value: float, expected: float, tmp_path: Path) -> None:
    write_aqs(tmp_path, [aqs("2020-07-06 11:00", value, parameter=parameter, units=units)], parameter=parameter)
    found = read_all("epa_aqs", tmp_path, pollutants=(name,)).data
    assert cell(found, name, "06-037-1103", "2020-07-06 12:00") == pytest.approx(expected, rel=1e-12)


def test_reference_methods_come_before_others_and_then_the_lowest_monitor(tmp_path: Path) -> None:
    write_aqs(tmp_path, [aqs(f"2020-07-06 0{hour}:00", 1, parameter="88502") for hour in (1, 2, 3)], parameter="88502")
    rows = [aqs("2020-07-06 01:00", 2, poc=3), aqs("2020-07-06 01:00", 3, poc=11), aqs("2020-07-06 02:00", 4, poc=11)]
    write_aqs(tmp_path, rows)
    found = read_all("epa_aqs", tmp_path)
    assert [cell(found.data, "pm25", "06-037-1103", f"2020-07-06 0{hour}:00") for hour in (2, 3, 4)] == [2.0, 4.0, 1.0]
    others = found.rejected.set_index("detail")["values"]
    assert others.to_dict() == {
        "88101 POC 11 beside a lower one that is taken": 1,
        "88502 POC 01 beside a lower one that is taken": 2,
    }


@pytest.mark.parametrize(
    ("qualifier", "kept"),
    [("", 1), ("V - Validated Value.", 1), ("IT - Wildfire-U. S.", 1), ("QX", 1), ("1", 1),
     ("AN - Machine Malfunction.", 0), ("BA", 0), ("XX", 0)],
)  # fmt: skip
def test_only_null_codes_take_a_value(qualifier: str, kept: int, tmp_path: Path) -> None:
    write_aqs(tmp_path, [aqs("2020-07-06 01:00", 5), aqs("2020-07-06 05:00", 7, qualifier=qualifier)])
    found = read_all("epa_aqs", tmp_path)
    assert int(found.data["pm25"].count()) == 1 + kept
    assert found.rejected[["rule", "values", "lowest"]].values.tolist() == [["flagged", 1, 7.0]] * (1 - kept)


def test_the_part_size_of_a_big_file_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        aqs(f"2020-07-{6 + hour // 24:02} {hour % 24:02}:00", hour, poc=poc) for hour in range(40) for poc in (1, 2)
    ]
    write_aqs(tmp_path, rows)
    before = read_all("epa_aqs", tmp_path)
    monkeypatch.setattr(epa_aqs, "ROWS_AT_ONCE", 7)
    after = read_all("epa_aqs", tmp_path)
    xr.testing.assert_identical(before.data, after.data)
    assert after.rejected["values"].sum() == before.rejected["values"].sum() == 40


def test_a_plain_file_without_its_end_and_a_zip_of_two_files_are_left_out(tmp_path: Path) -> None:
    path = write_aqs(tmp_path, [aqs("2020-07-06 01:00", 5)], packed=False)
    path.write_text(path.read_text()[:-20])
    assert rejected_of("epa_aqs", tmp_path)["rule"].tolist() == ["cut_file"]
    path.unlink()
    with zipfile.ZipFile(write_aqs(tmp_path, [aqs("2020-07-06 01:00", 5)]), "a") as archive:
        archive.writestr("second.csv", "a\n")
    assert rejected_of("epa_aqs", tmp_path)["rule"].tolist() == ["unknown_layout"]


def test_a_year_of_files_is_a_batch_and_any_other_file_its_own(tmp_path: Path) -> None:
    for parameter, year in (("88101", 2019), ("44201", 2019), ("88101", 2020)):
        write_aqs(tmp_path, [aqs("2020-07-06 01:00", 5)], parameter=parameter, year=year)
    write_aqs(tmp_path, [aqs("2020-07-06 01:00", 5)], packed=False).rename(tmp_path / "mine.csv")
    found = epa_aqs.batches(epa_aqs.Options(reader="epa_aqs", path=tmp_path))
    assert [(batch.key, len(batch.files)) for batch in found] == [("2019", 2), ("2020", 1), ("mine.csv", 1)]


def test_the_sites_of_aqs_have_names_and_coordinates(tmp_path: Path) -> None:
    write_aqs(tmp_path, [aqs("2020-07-06 01:00", 5), aqs("2020-07-06 02:00", 5)])
    found = epa_aqs.stations_of(epa_aqs.Options(reader="epa_aqs", path=tmp_path))
    assert found.values.tolist() == [["06-037-1103", "Los Angeles, California", 34.06659, -118.22688]]


# --- EEA


def test_parquet_times_are_an_hour_ahead_of_utc(tmp_path: Path) -> None:
    write_parquet(tmp_path, [european("2020-03-29 03:00", 6), european("2020-03-29 02:00", 5)])
    found = read_all("eea", tmp_path, utc_offset=1).data
    assert [cell(found, "pm25", "AT/SPO.01", f"2020-03-29 0{hour}:00") for hour in (2, 3)] == [5.0, 6.0]


@pytest.mark.parametrize("zone", [" +01:00", "+01:00", ""])
def test_csv_times_have_their_offset_or_are_an_hour_ahead_of_utc(zone: str, tmp_path: Path) -> None:
    write_e1a(tmp_path, [e1a(f"2020-01-12 00:00:00{zone}", f"2020-01-12 01:00:00{zone}", 5)])
    found = read_all("eea", tmp_path, utc_offset=2).data
    assert cell(found, "pm25", "NO0001R", "2020-01-12 02:00") == 5.0


def test_another_offset_in_a_csv_file_is_obeyed(tmp_path: Path) -> None:
    write_e1a(tmp_path, [e1a("2020-01-12 00:00:00 +05:30", "2020-01-12 01:00:00 +05:30", 5)])
    found = read_all("eea", tmp_path, utc_offset=5.5).data
    assert cell(found, "pm25", "NO0001R", "2020-01-12 01:00") == 5.0


@pytest.mark.parametrize(("validity", "kept"), [(1, 1), (2, 1), (3, 1), (4, 1), (-1, 0), (-99, 0), (0, 0)])
def test_what_is_not_valid_is_told_and_what_is_below_detection_kept(validity: int, kept: int, tmp_path: Path) -> None:
    write_parquet(tmp_path, [european("2020-07-06 01:00", 1), european("2020-07-06 05:00", 2, validity=validity)])
    found = read_all("eea", tmp_path, utc_offset=1)
    assert int(found.data["pm25"].count()) == 1 + kept
    assert found.rejected[["rule", "detail", "values"]].values.tolist() == [["flagged", f"validity {validity}", 1]] * (
        1 - kept
    )


@pytest.mark.parametrize(
    ("name", "code", "unit", "value", "expected"),
    [
        ("o3", 7, "ug.m-3", 100, 100 * 293 / 298.15),
        ("no2", 8, "ug.m-3", 40, 40 * 293 / 298.15),
        ("so2", 1, "ug.m-3", 8, 8 * 293 / 298.15),
        ("nox", 9, "ug.m-3", 50, 50 * 293 / 298.15),
        ("co", 10, "mg.m-3", 0.5, 0.5 * 293 / 298.15),
        ("pm10", 5, "ug.m-3", 21, 21),
        ("pm25", 6001, "µg/m3", 13, 13),
        ("o3", 7, "ppb", 50, 50 * PER_PPB["o3"]),
    ],
)
def test_codes_and_units_of_eea(name: str, code: int, unit: str, value: float, expected: float, tmp_path: Path) -> None:
    write_parquet(tmp_path, [european("2020-07-06 13:00", value, code=code, unit=unit)])
    found = read_all("eea", tmp_path, pollutants=(name,)).data
    assert cell(found, name, "AT/SPO.01", "2020-07-06 12:00") == pytest.approx(expected, rel=1e-12)


def test_days_among_the_hours_are_told(tmp_path: Path) -> None:
    rows = [european("2020-07-06 01:00", 1), european("2020-07-07 00:00", 2, hours=24, aggregate="day")]
    write_parquet(tmp_path, rows)
    write_e1a(tmp_path, [e1a("2020-01-12 00:00:00 +01:00", "2020-01-13 00:00:00 +01:00", 5, span="day")])
    found = read_all("eea", tmp_path, utc_offset=1)
    assert int(found.data["pm25"].count()) == 1
    assert found.rejected["rule"].tolist() == ["unknown_layout"] * 2
    assert found.rejected["detail"].str.contains("'day', agreed one hour").all()


def test_metadata_puts_the_sampling_points_of_a_station_together(tmp_path: Path) -> None:
    write_parquet(tmp_path, [european("2020-07-06 13:00", 10)], "SPO.01")
    write_parquet(tmp_path, [european("2020-07-06 13:00", 20, point="AT/SPO.02", code=5)], "SPO.02")
    write_parquet(tmp_path, [european("2020-07-06 13:00", 30, point="AT/SPO.03", code=5)], "SPO.03")
    columns = "Air Quality Station EoI Code,Sampling Point Id,Longitude,Latitude"
    places = [f"AT00001,SPO.0{number},16.3,48.2" for number in (1, 2, 3)]
    metadata = tmp_path / "DataExtract.csv"
    metadata.write_text("\n".join([columns, *places, ""]))
    found = read_all("eea", tmp_path, pollutants=("pm25", "pm10"), metadata=metadata)
    assert found.data["station"].values.tolist() == ["AT00001"]
    assert [cell(found.data, name, "AT00001", "2020-07-06 12:00") for name in ("pm25", "pm10")] == [10.0, 20.0]
    assert found.rejected[["rule", "variable", "highest"]].values.tolist() == [["second_instrument", "pm10", 30.0]]
    options = eea.Options(reader="eea", path=tmp_path, metadata=metadata)
    assert [batch.key for batch in eea.batches(options)] == ["AT00001"]
    assert metadata in Batched(eea).inputs(options)
    assert eea.stations_of(options).values.tolist() == [["AT00001", "AT00001", 48.2, 16.3]]


def test_metadata_that_is_not_there_is_refused_with_the_config(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found no file"):
        eea.Options(reader="eea", path=tmp_path, metadata=tmp_path / "none.csv")


def test_years_of_a_station_are_batches_of_their_own(tmp_path: Path) -> None:
    for year in (2019, 2020):
        write_e1a(tmp_path, [e1a(f"{year}-01-12 00:00", f"{year}-01-12 01:00", 5)], f"NO_6001_1_{year}_timeseries.csv")
    options = eea.Options(reader="eea", path=tmp_path)
    assert [batch.key for batch in eea.batches(options)] == ["NO0001R/2019", "NO0001R/2020"]
