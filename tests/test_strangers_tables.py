"""Tables as strangers write them: each is read like a plain one, or refused in one line that says what to do."""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from pipeline.errors import InputError
from pipeline.stations import READERS

PERIOD = (datetime.date(2020, 1, 31), datetime.date(2020, 2, 2))
TIME = pd.date_range("2020-01-31 01:00", "2020-02-03 00:00", freq="h")


def plain() -> pd.DataFrame:
    """Two stations, three days of hours, values with a decimal."""
    frame = pd.DataFrame([(station, time) for station in ("A1", "B2") for time in TIME], columns=["station", "time"])
    return frame.assign(pm25=np.arange(len(frame)) / 2 + 10.5, o3=np.arange(len(frame)) / 4 + 20.25)


def read(path: Path, **keys: Any) -> xr.Dataset:
    options = READERS["table"].Options(reader="table", path=path, **keys)
    return READERS["table"].read(options, pollutants=("pm25", "o3"), period=PERIOD, utc_offset=8).data


@pytest.fixture
def agreed(tmp_path: Path) -> xr.Dataset:
    (tmp_path / "plain").mkdir()
    plain().to_csv(tmp_path / "plain" / "a.csv", index=False)
    return read(tmp_path / "plain")


def spelled(form: Callable[[pd.Timestamp], str]) -> pd.DataFrame:
    return plain().assign(time=[form(time) for time in plain()["time"]])


def as_24(time: pd.Timestamp) -> str:
    """Midnight as the 24th hour of the day it ends."""
    return f"{time - pd.Timedelta(days=1):%Y-%m-%d} 24:00" if time.hour == 0 else f"{time:%Y-%m-%d %H:%M}"


def excel(time: pd.Timestamp) -> str:
    return f"{time.year}/{time.month}/{time.day} {time.hour}:{time:%M}"


WRITTEN: dict[str, Callable[[Path], object]] = {
    "semicolons": lambda path: plain().to_csv(path, sep=";", index=False),
    "semicolons and decimal commas": lambda path: plain().to_csv(path, sep=";", decimal=",", index=False),
    "tabs": lambda path: plain().to_csv(path, sep="\t", index=False),
    "byte order mark": lambda path: plain().to_csv(path, index=False, encoding="utf-8-sig"),
    "old Chinese encoding": lambda path: plain().assign(备注="正常").to_csv(path, index=False, encoding="gb18030"),
    "spaces in the header": lambda path: path.write_text(
        plain().to_csv(index=False).replace("station,time,pm25,o3", "station, time , pm25, o3")
    ),
    "spreadsheet dates": lambda path: spelled(excel).to_csv(path, index=False),
    "the 24th hour": lambda path: spelled(as_24).to_csv(path, index=False),
    "seconds and a zone": lambda path: spelled(lambda t: f"{t - pd.Timedelta(hours=3):%Y-%m-%dT%H:%M:%S+05:00}").to_csv(
        path, index=False
    ),
    "UTC": lambda path: spelled(lambda t: f"{t - pd.Timedelta(hours=8):%Y-%m-%d %H:%M:%S}Z").to_csv(path, index=False),
    "rows in any order and twice": lambda path: pd.concat([plain().sample(frac=1, random_state=1), plain()]).to_csv(
        path, index=False
    ),
    "an index column": lambda path: plain().to_csv(path),
    "carriage returns": lambda path: plain().to_csv(path, index=False, lineterminator="\r\n"),
    "long": lambda path: plain().melt(["station", "time"]).to_csv(path, index=False),
}


@pytest.mark.parametrize("form", sorted(WRITTEN))
@pytest.mark.parametrize("packed", [False, True])
def test_a_table_is_read_however_it_is_written(tmp_path: Path, agreed: xr.Dataset, form: str, packed: bool) -> None:
    path = tmp_path / "theirs.csv"
    WRITTEN[form](path)
    if packed:
        path.with_name("theirs.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = path.with_name("theirs.csv.gz")
    xr.testing.assert_identical(read(path), agreed)


def test_parquet_with_an_index_of_times_in_another_zone(tmp_path: Path, agreed: xr.Dataset) -> None:
    zoned = plain()["time"].dt.tz_localize("Asia/Shanghai").dt.tz_convert("America/New_York")
    for name in ("time", None):
        plain().drop(columns="time").set_index(pd.DatetimeIndex(zoned, name=name)).to_parquet(tmp_path / "a.parquet")
        xr.testing.assert_identical(read(tmp_path / "a.parquet"), agreed)


def test_a_column_a_station(tmp_path: Path, agreed: xr.Dataset) -> None:
    wide = plain().pivot(index="time", columns="station", values="pm25").reset_index()
    wide.to_csv(tmp_path / "wide.csv", index=False)
    options = READERS["table"].Options(reader="table", path=tmp_path / "wide.csv", stations_as_columns="pm25")
    found = READERS["table"].read(options, pollutants=("pm25",), period=PERIOD, utc_offset=8).data
    xr.testing.assert_identical(found, agreed[["pm25"]])


def test_other_names_of_columns_and_another_form_of_times(tmp_path: Path, agreed: xr.Dataset) -> None:
    frame = spelled(lambda time: f"{time:%d.%m.%Y %H:%M}").set_axis(["Site", "Datum", "PM2.5", "Ozone"], axis=1)
    frame.to_csv(tmp_path / "a.csv", index=False, sep=";", decimal=",")
    columns = {"station": "Site", "time": "Datum", "pm25": "PM2.5", "o3": "Ozone"}
    xr.testing.assert_identical(read(tmp_path / "a.csv", columns=columns, time_format="%d.%m.%Y %H:%M"), agreed)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "Site,When,pm25,o3\n1,2,3,4\n",
            "column 'station' is missing; found Site, When, .*`columns: {station: THEIRS}`",
        ),
        ("time,A1,B2\n2020-01-31,1,2\n", "column 'station' is missing; found time, A1, .*`stations_as_columns: pm25`"),
        ("station,time,pm25,pm25,o3\nA,2020-01-31,1,2,3\n", "column 'pm25' is twice in the header"),
        ("station,time,pm25,o3\nA,31.01.2020 23:00,1,2\n", "row 2: found '31.01.2020 23:00', .*`time_format` such as"),
        ("station,time,pm25,o3\nA,43861.958,1,2\n", "row 2: found '43861.958', agreed ISO 8601"),
        ("station,time,pm25,o3\nA,2020/13/1 5:00,1,2\n", "row 2: found '2020/13/1 5:00', agreed ISO 8601"),
        ('station,time,pm25,o3\nA,2020-01-31 05:00,"1,5",2\n', "column 'pm25', row 2: found '1,5', agreed a number"),
        ("", "not a whole CSV file"),
        ("station,time,pm25,o3\n", "found no rows"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=line) as refused:
        read(tmp_path / "a.csv")
    assert "\n" not in str(refused.value)
    assert str(tmp_path / "a.csv") in str(refused.value)


def test_a_table_of_both_kinds_is_one_line(tmp_path: Path) -> None:
    plain().to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(
        InputError, match="`stations_as_columns: pm25` and a column 'pm25'; agreed time and a column for"
    ):
        read(tmp_path / "a.csv", stations_as_columns="pm25")


def test_text_of_two_bytes_a_letter_is_named(tmp_path: Path) -> None:
    plain().to_csv(tmp_path / "a.csv", index=False, encoding="utf-16")
    with pytest.raises(InputError, match="found UTF-16 text; agreed UTF-8; save it as"):
        read(tmp_path / "a.csv")


def test_a_folder_without_a_file_of_the_kind_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "air.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"found no file like \*\.csv .* but air\.xlsx; check the path"):
        read(tmp_path)
