"""Reader of OpenAQ's archive, and how rows of instruments become hours of stations.

Columns ``location_id,sensors_id,location,datetime,lat,lon,parameter,units,value``, in ``csv.gz`` files
``records/csv.gz/locationid=N/year=YYYY/month=MM/location-N-YYYYMMDD.csv.gz`` or in any folders
(https://docs.openaq.org/aws/about). ``datetime`` has its offset from UTC and is the END of what was averaged: OpenAQ
harmonizes to "an exclusive time-ending standard" (https://docs.openaq.org/using-the-api/dates-datetimes). The archive
does not say how long was averaged: it is taken to be the usual step between a sensor's times in a batch, at most an
hour. Nor does it say to which temperature a gas in ug m-3 refers, which differs by country: ``gas_reference``
declares it. Parameters may be written in any case; others than those asked for, such as humidity, are left out.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.contracts import REJECTED, RESOLUTIONS, Batch, Observed, nothing_rejected
from pipeline.stations import blocks, rejections
from pipeline.stations.batches import by_day, require_known
from pipeline.stations.contents import lines_of
from pipeline.stations.options import PathOptions, files_of
from pipeline.vocabulary import SPELLINGS, conversion, pollutant

HOUR = RESOLUTIONS["hour"]
LEAST_OF_AN_HOUR = pd.Timedelta(minutes=45)
"""What must have been sampled of an hour for its mean to stand (GB 3095-2012, table 4)."""

PARAMETERS = ("pm25", "pm10", "o3", "no2", "nox", "so2", "co")
OTHER_SPELLINGS = {"pm2.5": "pm25"}
COLUMNS = ("location_id", "sensors_id", "datetime", "parameter", "units", "value")
PLACE = ("location_id", "location", "datetime", "lat", "lon")
STATION = ["station", "name", "latitude", "longitude"]
OFFSET = r"\d[T ]\d.*(?:Z|[+-]\d\d:?\d\d)$"
DAY_OF_FILE = r"-(\d{4})(\d\d)(\d\d)\.csv"
KELVIN = {"298.15 K": 298.15, "293 K": 293.0, "273.15 K": 273.15}


class Options(PathOptions):
    """``observations: {reader: openaq, path: FOLDER}``; ``gas_reference`` is of gases given as mass."""

    reader: Literal["openaq"]
    gas_reference: Literal["298.15 K", "293 K", "273.15 K"] = "298.15 K"


def batches(options: Options) -> list[Batch]:
    """The files of all locations of a day; a file that names no day by itself."""
    return by_day(files_of(options.path, "**/*.csv.gz", "**/*.csv"), DAY_OF_FILE)


def read_batch(batch: Batch, options: Options, *, pollutants: Sequence[str], utc_offset: float) -> Observed:
    """Hours of the batch's files; see the package's contract. A station is a location's id.

    An hour is the mean of the values that lie mostly within it, and stands when they cover 45 minutes of it
    (``part_hour`` otherwise). Where several sensors of a location report a parameter in an hour, the lowest
    ``sensors_id`` is taken and the others are listed (``second_instrument``).
    """
    require_known(pollutants, PARAMETERS, where=options.path)

    def rows_of(frame: pd.DataFrame) -> Taken:
        frame = frame.assign(parameter=frame["parameter"].str.strip().str.lower().replace(OTHER_SPELLINGS))
        frame = frame[frame["parameter"].isin(pollutants)]
        rows = pd.DataFrame(
            {
                "variable": frame["parameter"],
                "station": frame["location_id"],
                "instrument": pd.to_numeric(frame["sensors_id"], errors="coerce"),
                "time": to_local(with_offset(frame["datetime"]), utc_offset),
                "unit": frame["units"],
                "value": frame["value"],
            }
        )
        return in_agreed_units(rows, kelvin=KELVIN[options.gas_reference])

    taken, told = collected(batch.files, lambda path: table_of(path, COLUMNS), rows_of)
    return settled(taken, told, pollutants, of_parts=hours_of_parts)


def stations_of(options: Options) -> pd.DataFrame:
    """``station,name,latitude,longitude`` of every location, as its latest row says; files that fail are left out.

    Coordinates in degrees, NaN where none is given.
    """
    latest = pd.DataFrame(columns=list(PLACE))
    for path in (path for batch in batches(options) for path in batch.files):
        frame, _ = table_of(path, PLACE)
        frame = frame.assign(datetime=with_offset(frame["datetime"])).dropna(subset=["location_id", "datetime"])
        filled = [part for part in (latest, frame) if len(part)]
        if filled:
            latest = pd.concat(filled).sort_values([*PLACE]).drop_duplicates("location_id", keep="last")
    latest = latest.sort_values("location_id", ignore_index=True).drop(columns="datetime").set_axis(STATION, axis=1)
    return latest.assign(**{name: pd.to_numeric(latest[name], errors="coerce") for name in STATION[2:]})


def table_of(path: Path, columns: Sequence[str]) -> tuple[pd.DataFrame, list[rejections.Row]]:
    """The columns of a CSV file as text; without rows when the file cannot be read, with a row that says why."""
    nothing = pd.DataFrame(columns=list(columns), dtype="str")
    lines, told = lines_of(path)
    if not lines:
        return nothing, told
    try:
        frame = pd.read_csv(io.StringIO("\n".join(lines)), dtype=str, index_col=False)
    except pd.errors.ParserError as error:
        return nothing, [*told, rejections.row(path.name, "unknown_layout", " ".join(str(error).split()))]
    if frame.empty:
        return nothing, [*told, rejections.row(path.name, "empty_file", "a header without rows")]
    if wrong := lacking(frame, columns):
        return nothing, [*told, rejections.row(path.name, "unknown_layout", wrong)]
    return frame[list(columns)], told


def lacking(frame: pd.DataFrame, columns: Sequence[str]) -> str:
    """Which column is missing, in words; nothing when all are there."""
    absent = [name for name in columns if name not in frame]
    return f"column {absent[0]!r} is missing; found {', '.join(map(str, frame.columns[:20]))}" if absent else ""


def with_offset(text: pd.Series) -> pd.Series:
    """Times in UTC of texts that name their offset; NaT for what is no time or names none."""
    named = text.where(text.str.contains(OFFSET, na=False))
    return pd.to_datetime(named, utc=True, format="ISO8601", errors="coerce")


# --- rows of instruments: what the readers of networks outside China share

KEYS = ["variable", "station", "instrument", "time"]
"""What says which value a row holds; a row also has ``value`` in the agreed unit."""

Taken = tuple[pd.DataFrame, list[pd.DataFrame]]
"""Rows that were taken, and tables of those that were rejected."""


def collected(
    paths: Iterable[Path],
    opened: Callable[[Path], tuple[pd.DataFrame, list[rejections.Row]]],
    rows_of: Callable[[pd.DataFrame], Taken],
) -> Taken:
    """The rows of all files, one file at a time in memory as it is."""
    taken, rejected = [pd.DataFrame(columns=[*KEYS, "value"])], []
    for path in paths:
        frame, told = opened(path)
        rows, lost = rows_of(frame)
        taken += [rows] if len(rows) else []
        rejected += [rejections.table(told), *(table.assign(file=path.name) for table in lost)]
    return pd.concat(taken[1:] or taken, ignore_index=True), rejected


def to_local(time: pd.Series, utc_offset: float) -> pd.Series:
    """Times in UTC as local standard time without a zone."""
    zone = datetime.timezone(datetime.timedelta(hours=utc_offset))
    local: pd.Series = time.dt.tz_convert(zone).dt.tz_localize(None).astype("datetime64[ns]")
    return local


def in_agreed_units(rows: pd.DataFrame, *, kelvin: float = 298.15, spellings: Mapping[str, str] = SPELLINGS) -> Taken:
    """``rows`` (with ``unit`` and ``value`` as they were found) with numbers in agreed units, gases at 298.15 K.

    ``kelvin`` is the temperature to which gases given as mass refer. Rejected are rows without a time, station or
    instrument and values that are no number (``text_value``), and units that are not known (``unknown_layout``). An
    empty value was not observed.
    """
    rows = rows[rows["value"].notna()]
    rows = rows.assign(
        text=rows["value"].astype(str), value=pd.to_numeric(rows["value"], errors="coerce").astype(float)
    )
    rows = rows.assign(unit=rows["unit"].fillna("").astype(str), factor=_factors(rows, kelvin, spellings))
    nameless = rows[["station", "instrument"]].isna().any(axis=1)
    reasons = [
        (rows["time"].isna(), "text_value", "no time with an offset from UTC", ""),
        (nameless, "text_value", "no station or instrument", ""),
        (~np.isfinite(rows["value"]), "text_value", "found ", "text"),
        (rows["factor"].isna(), "unknown_layout", "in ", "unit"),
    ]
    rejected, left = [], pd.Series(True, index=rows.index)
    for wrong, rule, detail, shown in reasons:
        lost = rows[left & wrong]
        rejected.append(runs(lost.assign(detail=detail + (lost[shown].map(repr) if shown else "")), rule))
        left &= ~wrong
    kept = rows[left]
    return kept.assign(value=kept["value"] * kept["factor"])[[*KEYS, "value"]], rejected


def _factors(rows: pd.DataFrame, kelvin: float, spellings: Mapping[str, str]) -> pd.Series:
    """What takes each row's value to the agreed unit; NaN for a unit that is not known."""
    factors = pd.Series(np.nan, index=rows.index)
    for (name, unit), of_unit in rows.groupby(["variable", "unit"], observed=True):
        found = spellings.get(str(unit), str(unit))
        as_mass = pollutant(str(name)).gas and found not in ("ppb", "ppm")
        if known := conversion(str(name), found):
            factors[of_unit.index] = known[0] * (kelvin / 298.15 if as_mass else 1.0)
    return factors


def hours_of_parts(rows: pd.DataFrame) -> Taken:
    """Means of hours from rows whose ``time`` is the end of an equal step, without hours of which too little is held.

    A value belongs to the hour in which the middle of its step lies, and covers what of its step is in that hour.
    """
    sensor = [rows[name] for name in KEYS[:3]]
    time = rows["time"].astype("datetime64[ns]")
    between = time.groupby(sensor, observed=True).diff()
    step = between.groupby(sensor, observed=True).transform("median").fillna(HOUR)
    step = step.where(step < HOUR, HOUR)
    end = (time - step / 2).dt.ceil("h")
    covered = np.minimum(time, end) - np.maximum(time - step, end - HOUR)
    hours = (
        rows.assign(time=end, covered=covered)
        .groupby(KEYS, observed=True, as_index=False)
        .agg(
            mean=("value", "mean"),
            covered=("covered", "sum"),
            count=("value", "size"),
            lowest=("value", "min"),
            highest=("value", "max"),
        )
        .rename(columns={"mean": "value"})
    )
    short = hours["covered"] < LEAST_OF_AN_HOUR
    detail = "values cover less than 45 minutes of the hour"
    return hours.loc[~short, [*KEYS, "value"]], [runs(hours[short].assign(detail=detail), "part_hour")]


def as_they_are(rows: pd.DataFrame) -> Taken:
    """Rows of hours, without those that do not end at a whole hour of local time."""
    whole = rows["time"] == rows["time"].astype("datetime64[ns]").dt.floor("h")
    lost = rows[~whole].assign(detail="not a whole hour of local time; check utc_offset")
    return rows[whole], [runs(lost, "unknown_layout")]


def settled(
    taken: pd.DataFrame,
    rejected: Sequence[pd.DataFrame],
    pollutants: Sequence[str],
    *,
    of_parts: Callable[[pd.DataFrame], Taken] = as_they_are,
) -> Observed:
    """One value for each station, pollutant and hour, on the labels found.

    The same row twice is one; rows that differ in the value only are all rejected (``repeated_hour``). ``of_parts``
    makes hours of the rest. Of several instruments in an hour the first by name is taken (``second_instrument``).
    """
    rows = taken.drop_duplicates([*KEYS, "value"]).sort_values(KEYS, ignore_index=True)
    twice = rows.duplicated(KEYS, keep=False)
    repeated = runs(rows[twice].assign(detail="two values for one time"), "repeated_hour")
    rows, lost = of_parts(rows[~twice])
    second = rows.duplicated(["variable", "station", "time"])
    others = rows[second]
    others = others.assign(detail=others["instrument"].astype(str) + " beside a lower one that is taken")
    tables = [*rejected, repeated, *lost, runs(others, "second_instrument")]
    table = rejections.joined_tables(tables).sort_values(list(REJECTED), ignore_index=True)
    return Observed(blocks.dataset(_block(rows[~second], pollutants), resolution="hour"), table)


def _block(rows: pd.DataFrame, pollutants: Sequence[str]) -> blocks.Block:
    station = rows["station"].astype(str).astype(object)
    stations = pd.Index(sorted(station.unique()), dtype=object)
    labels = pd.DatetimeIndex(rows["time"].astype("datetime64[ns]").sort_values().unique())
    values = {name: np.full((len(stations), len(labels)), np.nan) for name in pollutants}
    for name in pollutants:
        of_name = rows[rows["variable"] == name]
        cells = stations.get_indexer(list(station[of_name.index])), labels.get_indexer(pd.Index(of_name["time"]))
        values[name][cells] = of_name["value"].to_numpy(dtype=float)
    return blocks.Block(tuple(stations), labels, values)


def runs(rows: pd.DataFrame, rule: str) -> pd.DataFrame:
    """``REJECTED`` rows, one for consecutive hours of an instrument that have the same ``detail``.

    ``count``, ``lowest`` and ``highest``, where there, are of the values of which a row is the mean.
    """
    if rows.empty:
        return nothing_rejected()
    rows = rows.sort_values(["variable", "station", "instrument", "detail", "time"], ignore_index=True)
    value = rows["value"].where(np.isfinite(rows["value"]))
    rows = rows.assign(**{name: rows.get(name, value) for name in ("lowest", "highest")}, count=rows.get("count", 1))
    named = rows[["variable", "station", "instrument", "detail"]].astype(object).fillna("")
    begins = (named != named.shift()).any(axis=1) | (rows["time"].diff() > HOUR)
    found = rows.assign(station=named["station"]).groupby(begins.cumsum(), sort=True)
    table = found.agg(
        station=("station", "first"),
        variable=("variable", "first"),
        start=("time", "min"),
        end=("time", "max"),
        values=("count", "sum"),
        lowest=("lowest", "min"),
        highest=("highest", "max"),
        detail=("detail", "first"),
    )
    return table.assign(file="", rule=rule)[list(REJECTED)].reset_index(drop=True)
