"""Reader of the European Environment Agency's files: Parquet by sampling point, and the older E1a CSV files.

Hourly times are in UTC+1 for all countries: "DatetimeBegin: UTC+1 for hourly data"
(https://www.eea.europa.eu/data-and-maps/data/aqereporting-2), and the Parquet files' ``Start`` and ``End``, which have
no zone, are "converted to the UTC+1 timezone" (the download service's page); CSV files write the offset too. Italy's
up-to-date rows are reported to be in local civil time and are not told apart here. Rows are taken whose ``Validity``
is above 0: 1 is valid, 2 and 3 are valid and below the detection limit (3: half of the limit is given), 4 is valid
ozone; -1 is not valid, -99 not valid for maintenance or calibration
(http://dd.eionet.europa.eu/vocabulary/aq/observationvalidity). Gases in ug m-3 are at 293 K (Directive 2008/50/EC,
annex VI C) and are taken to 298.15 K; particles are at ambient conditions.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow.parquet as parquet
from pydantic import Field, ValidationInfo, field_validator

from pipeline.contracts import Batch, Observed
from pipeline.stations import rejections
from pipeline.stations.batches import require_known
from pipeline.stations.frames import read_csv
from pipeline.stations.openaq import (
    HOUR,
    KEYS,
    STATION,
    Taken,
    collected,
    in_agreed_units,
    lacking,
    runs,
    settled,
    table_of,
    to_local,
)
from pipeline.stations.options import PathOptions, files_of
from pipeline.vocabulary import SPELLINGS

POLLUTANTS = {"5": "pm10", "6001": "pm25", "7": "o3", "8": "no2", "9": "nox", "1": "so2", "10": "co"}
"""Codes of http://dd.eionet.europa.eu/vocabulary/aq/pollutant; 9 is NOx as NO2."""

UNITS = SPELLINGS | {"ug.m-3": "ug m-3", "µg.m-3": "ug m-3", "μg.m-3": "ug m-3", "mg.m-3": "mg m-3"}
GAS_KELVIN = 293.0
ZONE = datetime.timezone(datetime.timedelta(hours=1))
"""Of times that are written without one."""

OF_PARQUET = {
    "Samplingpoint": "instrument",
    "Pollutant": "pollutant",
    "Start": "start",
    "End": "end",
    "Value": "value",
    "Unit": "unit",
    "AggType": "aggregate",
    "Validity": "validity",
}
OF_CSV = {
    "AirQualityStationEoICode": "station",
    "SamplingPoint": "instrument",
    "AirPollutantCode": "pollutant",
    "DatetimeBegin": "start",
    "DatetimeEnd": "end",
    "Concentration": "value",
    "UnitOfMeasurement": "unit",
    "AveragingTime": "aggregate",
    "Validity": "validity",
}
COLUMNS = list(OF_CSV.values())
OF_METADATA = ("Air Quality Station EoI Code", "Sampling Point Id", "Longitude", "Latitude")
YEAR_OF_FILE = re.compile(r"_(\d{4})(?:_airbase)?_timeseries\.csv")


class Options(PathOptions):
    """``observations: {reader: eea, path: FOLDER, metadata: DataExtract.csv}``."""

    reader: Literal["eea"]
    metadata: Path | None = Field(default=None, description="the service's table of sampling points, for Parquet files")

    @field_validator("metadata", mode="after")
    @classmethod
    def _metadata_exists(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        folder = (info.context or {}).get("folder", Path())
        if value is not None and not Path(folder, value).is_file():
            raise ValueError(f"found no file {Path(folder, value)}; allowed: a file that exists, relative to {folder}")
        return None if value is None else Path(folder, value)


def batches(options: Options) -> list[Batch]:
    """The files of a station, by year where their names say it (key ``AT30202/2019``): its instruments are compared.

    A file whose first row cannot be read is a batch by itself.
    """
    stations, found = _stations(options), dict[str, list[Path]]()
    for path in files_of(options.path, "**/*.parquet", "**/*.csv", "**/*.csv.gz"):
        if path != options.metadata:
            year = YEAR_OF_FILE.search(path.name)
            station = _station_of_file(path, stations)
            found.setdefault(f"{station}/{year[1]}" if station and year else station or path.name, []).append(path)
    also = () if options.metadata is None else (options.metadata,)
    return [Batch(key, (*also, *sorted(found[key]))) for key in sorted(found)]


def _station_of_file(path: Path, stations: pd.Series) -> str:
    try:
        if path.suffix == ".parquet":
            first = next(parquet.ParquetFile(path).iter_batches(1, columns=["Samplingpoint"])).to_pandas()
            point = str(first["Samplingpoint"].iloc[0])
            return str(stations.get(point, point))
        head = pd.read_csv(path, nrows=1, dtype=str, encoding="utf-8-sig", usecols=["AirQualityStationEoICode"])
        return str(head["AirQualityStationEoICode"].iloc[0])
    except (OSError, EOFError, ValueError, LookupError, StopIteration):
        return ""


def read_batch(batch: Batch, options: Options, *, pollutants: Sequence[str], utc_offset: float) -> Observed:
    """Hours of the batch's files; see the package's contract.

    A station is the EoI code that the CSV file or ``metadata`` gives, else the sampling point itself. Where several
    sampling points of a station report a pollutant in an hour, the first by name is taken and the others are listed
    (``second_instrument``). Averages over other spans than an hour are rejected (``unknown_layout``).
    """
    require_known(pollutants, tuple(POLLUTANTS.values()), where=options.path)
    stations = _stations(options)

    def opened(path: Path) -> tuple[pd.DataFrame, list[rejections.Row]]:
        return _of_parquet(path, stations) if path.suffix == ".parquet" else _of_csv(path)

    def rows_of(frame: pd.DataFrame) -> Taken:
        variable = frame["pollutant"].astype(str).str.rsplit("/", n=1).str[-1].map(POLLUTANTS)
        frame = frame.assign(variable=variable)[variable.isin(pollutants)]
        time = to_local(frame["end"], utc_offset)
        kept, rejected = in_agreed_units(frame.assign(time=time), kelvin=GAS_KELVIN, spellings=UNITS)
        frame = frame.loc[kept.index]
        hourly = (frame["end"] - frame["start"] == HOUR) & (frame["aggregate"].astype(str).str.lower() == "hour")
        valid = pd.to_numeric(frame["validity"], errors="coerce") > 0
        span = "average of " + frame["aggregate"].map(repr) + ", agreed one hour"
        kept = kept.assign(detail=("validity " + frame["validity"].astype(str)).where(hourly, span))
        lost = [runs(kept[~hourly], "unknown_layout"), runs(kept[hourly & ~valid], "flagged")]
        return kept.loc[hourly & valid, [*KEYS, "value"]], [*rejected, *lost]

    taken, told = collected((path for path in batch.files if path != options.metadata), opened, rows_of)
    return settled(taken, told, pollutants)


def _of_parquet(path: Path, stations: pd.Series) -> tuple[pd.DataFrame, list[rejections.Row]]:
    try:
        table = parquet.ParquetFile(path).read().to_pandas()
    except (OSError, ValueError) as error:
        head = path.read_bytes()[:4]
        rule = "cut_file" if head == b"PAR1" else "not_csv" if head else "empty_file"
        return _nothing(), [rejections.row(path.name, rule, " ".join(str(error).split()))]
    if wrong := lacking(table, list(OF_PARQUET)):
        return _nothing(), [rejections.row(path.name, "unknown_layout", wrong)]
    frame = table[list(OF_PARQUET)].rename(columns=OF_PARQUET)
    point = frame["instrument"].astype(object)
    return _timed(frame.assign(station=point.map(stations).astype(object).fillna(point))), []


def _of_csv(path: Path) -> tuple[pd.DataFrame, list[rejections.Row]]:
    table, told = table_of(path, list(OF_CSV))
    return _timed(table.rename(columns=OF_CSV)), told


def _nothing() -> pd.DataFrame:
    return _timed(pd.DataFrame(columns=COLUMNS, dtype="str"))


def _timed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(start=_in_utc(frame["start"]), end=_in_utc(frame["end"]))[COLUMNS]


def _in_utc(times: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(times):
        utc: pd.Series = (times if times.dt.tz else times.dt.tz_localize(ZONE)).dt.tz_convert("UTC")
        return utc
    text = times.astype("str").str.strip().str.replace(r"\s+([+-]\d\d:?\d\d)$", r"\1", regex=True)
    zoned = text.where(text.str.contains(r"(?:Z|[+-]\d\d:\d\d)$", na=False), text + str(ZONE).removeprefix("UTC"))
    return pd.to_datetime(zoned, utc=True, format="ISO8601", errors="coerce")


def _stations(options: Options) -> pd.Series:
    """Station of each sampling point, as the Parquet files write it; empty without ``metadata``."""
    if options.metadata is None:
        return pd.Series(dtype=object)
    table = read_csv(options.metadata, needed=OF_METADATA).dropna(subset=list(OF_METADATA[:2]))
    code = table[OF_METADATA[0]].astype(str)
    points = code.str[:2] + "/" + table[OF_METADATA[1]].astype(str)
    return pd.Series(code.to_numpy(dtype=object), index=points).loc[lambda of: ~of.index.duplicated()]


def stations_of(options: Options) -> pd.DataFrame:
    """``station,name,latitude,longitude`` as ``metadata`` has them, in degrees; the name is the code. None without."""
    if options.metadata is None:
        return pd.DataFrame(columns=STATION)
    table = read_csv(options.metadata, needed=OF_METADATA)
    columns = [table[name] for name in (OF_METADATA[0], OF_METADATA[0], OF_METADATA[3], OF_METADATA[2])]
    frame = pd.DataFrame(dict(zip(STATION, columns, strict=True))).dropna(subset=["station"])
    return frame.sort_values(STATION).drop_duplicates("station", ignore_index=True)
