"""Reader of the US EPA's hourly files of the Air Quality System, ``hourly_88101_2020.zip`` or the CSV file in it.

24 quoted columns (https://aqs.epa.gov/aqsweb/airdata/FileFormats.html). A time is the beginning of its hour ("always
the beginning of the period the data represents", AQS coding manual, Raw Data), in local standard time all year and
in GMT. The hour's end is made of GMT and the run's ``utc_offset``: the file's own local time in the zone of that
offset, and elsewhere the clock of the run's weather. Gases, in ppm or ppb, become mass at 298.15 K. PM10 (81102) is at
25 C and 760 mmHg, PM2.5 (88101, 88502) at local conditions; neither is changed. An invalid sample has a null code and
no value (AQS help, Event Qualifier); a value that has one all the same is rejected. Quality-assurance, event and
informational qualifiers leave a value valid.
"""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Literal

import pandas as pd

from pipeline.contracts import Batch, Observed
from pipeline.stations import blocks, contents, rejections
from pipeline.stations.batches import require_known
from pipeline.stations.contents import GZIP
from pipeline.stations.openaq import HOUR, STATION, Taken, in_agreed_units, lacking, runs, settled, to_local
from pipeline.stations.options import PathOptions, files_of

PARAMETERS = {
    "88101": "pm25",
    "88502": "pm25",
    "81102": "pm10",
    "44201": "o3",
    "42602": "no2",
    "42603": "nox",
    "42401": "so2",
    "42101": "co",
}
"""Parameter codes; of PM2.5, 88101 is by reference or equivalent methods, 88502 by others that are acceptable."""

UNITS = {
    "Parts per million": "ppm",
    "Parts per billion": "ppb",
    "Micrograms/cubic meter (LC)": "ug m-3",
    "Micrograms/cubic meter (25 C)": "ug m-3",
}
NULL_CODE = r"^(?:A[A-Z]|B[A-NR]|EC|MB|XX)\b"
"""Qualifiers of the type Null Data: AA to BR, exceeds critical criteria, method blank, experimental data."""

SITE = ("State Code", "County Code", "Site Num")
COLUMNS = (
    *SITE,
    "Parameter Code",
    "POC",
    "Date GMT",
    "Time GMT",
    "Sample Measurement",
    "Units of Measure",
    "Qualifier",
)
PLACE = (*SITE, "Latitude", "Longitude", "State Name", "County Name")
NAMED = re.compile(r"hourly_(\d{5})_(\d{4})\.(?:zip|csv|csv\.gz)$")
ROWS_AT_ONCE = 500_000
ZIP = b"PK\x03\x04"


class Options(PathOptions):
    """``observations: {reader: epa_aqs, path: FOLDER}``."""

    reader: Literal["epa_aqs"]


def batches(options: Options) -> list[Batch]:
    """The files of all parameters of a year (key YYYY); a file of another name by itself."""
    found: dict[str, list[Path]] = {}
    for path in files_of(options.path, "**/*.zip", "**/*.csv", "**/*.csv.gz"):
        named = NAMED.search(path.name)
        found.setdefault(named[2] if named else path.name, []).append(path)
    return [Batch(key, tuple(sorted(found[key]))) for key in sorted(found)]


def read_batch(batch: Batch, options: Options, *, pollutants: Sequence[str], utc_offset: float) -> Observed:
    """Hours of the batch's files; see the package's contract. A station is SS-CCC-NNNN.

    Where several monitors of a site report an hour, the lower parameter code and then the lowest POC is taken, and
    the others are listed (``second_instrument``). The rows of one pollutant at a time are in memory.
    """
    require_known(pollutants, tuple(dict.fromkeys(PARAMETERS.values())), where=options.path)
    parts = []
    for names, paths in _by_pollutant(batch.files, pollutants).items():
        taken, told = _collected(paths, COLUMNS, partial(_rows, pollutants=names, utc_offset=utc_offset))
        parts.append(settled(taken, told, names))
    values = [
        blocks.Block(
            tuple(part.data["station"].to_numpy()),
            pd.DatetimeIndex(part.data.get_index("time")),
            {str(name): part.data[name].to_numpy() for name in part.data.data_vars},
        )
        for part in parts
    ]
    block, rows = blocks.joined(values, list(pollutants))
    rejected = rejections.joined_tables([*(part.rejected for part in parts), rejections.table(rows)])
    return Observed(blocks.dataset(block), rejected)


def _by_pollutant(paths: Sequence[Path], pollutants: Sequence[str]) -> dict[tuple[str, ...], list[Path]]:
    """The files to read together for one pollutant; all pollutants for a file whose name says none."""
    found: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        named = NAMED.search(path.name)
        held = PARAMETERS.get(named[1]) if named else None
        names = tuple(sorted(pollutants)) if named is None else (held,) if held in pollutants else ()
        found.setdefault(tuple(str(name) for name in names), []).append(path)
    return {names: found[names] for names in sorted(found) if names}


def _rows(frame: pd.DataFrame, *, pollutants: Sequence[str], utc_offset: float) -> Taken:
    variable = frame["Parameter Code"].map(PARAMETERS)
    frame, variable = frame[variable.isin(pollutants)], variable[variable.isin(pollutants)]
    begins = frame["Date GMT"] + " " + frame["Time GMT"]
    begins = pd.to_datetime(begins, format="%Y-%m-%d %H:%M", utc=True, errors="coerce")
    rows = pd.DataFrame(
        {
            "variable": variable,
            "station": _station(frame),
            "instrument": frame["Parameter Code"] + " POC " + frame["POC"].str.zfill(2),
            "time": to_local(begins + HOUR, utc_offset),
            "unit": frame["Units of Measure"],
            "value": frame["Sample Measurement"],
        }
    )
    kept, rejected = in_agreed_units(rows, spellings=UNITS)
    null = frame["Qualifier"].str.contains(NULL_CODE, na=False)[kept.index]
    flagged = kept[null].assign(detail="null code " + frame["Qualifier"][kept.index][null])
    return kept[~null], [*rejected, runs(flagged, "flagged")]


def _station(frame: pd.DataFrame) -> pd.Series:
    codes = [frame[name].str.zfill(width) for name, width in zip(SITE, (2, 3, 4), strict=True)]
    joined: pd.Series = codes[0] + "-" + codes[1] + "-" + codes[2]
    return joined


def stations_of(options: Options) -> pd.DataFrame:
    """``station,name,latitude,longitude`` of every site, in degrees, named by county and state; bad files left out."""

    def places(frame: pd.DataFrame) -> Taken:
        named = frame["County Name"] + ", " + frame["State Name"]
        columns = [_station(frame), named, frame["Latitude"].astype(float), frame["Longitude"].astype(float)]
        return pd.DataFrame(dict(zip(STATION, columns, strict=True))).drop_duplicates("station"), []

    taken, _ = _collected([path for batch in batches(options) for path in batch.files], PLACE, places)
    return taken.reindex(columns=STATION).sort_values(STATION).drop_duplicates("station", ignore_index=True)


# --- files of a gigabyte, part by part


def _collected(
    paths: Sequence[Path], columns: Sequence[str], rows_of: Callable[[pd.DataFrame], Taken]
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """What ``rows_of`` takes of all files; of a file that cannot be read to its end nothing is taken."""
    taken, rejected = [], []
    for path in paths:
        try:
            parts = [rows_of(part) for part in _parts(path, columns)]
            told = [] if parts else [rejections.row(path.name, "empty_file", "no rows")]
            told += contents.packed_under_another_name(path)
        except _Refused as refused:
            parts, told = [], [rejections.row(path.name, refused.rule, refused.detail)]
        taken += [rows for rows, _ in parts if len(rows)]
        rejected += [rejections.table(told), *(lost.assign(file=path.name) for _, each in parts for lost in each)]
    nothing = pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    return pd.concat(taken, ignore_index=True) if taken else rows_of(nothing)[0], rejected


class _Refused(Exception):
    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule, self.detail = rule, detail


def _parts(path: Path, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    with path.open("rb") as raw:
        head = raw.read(4)
    try:
        if head.startswith(GZIP):
            with gzip.open(path) as stream:
                _refuse_foreign(stream)
                yield from _frames(stream, columns)
        elif head == ZIP:
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(archive)) as stream:
                _refuse_foreign(stream)
                yield from _frames(stream, columns)
        else:
            with path.open("rb") as stream:
                _refuse_foreign(stream)
                _require_end(path)
                yield from _frames(stream, columns)
    except (gzip.BadGzipFile, zipfile.BadZipFile, EOFError, zlib.error) as error:
        foreign = head.startswith(GZIP) and not isinstance(error, EOFError)
        raise _Refused("not_csv" if foreign else "cut_file", " ".join(str(error).split())) from None
    except pd.errors.EmptyDataError:
        raise _Refused("empty_file", "found 0 bytes of text") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise _Refused("unknown_layout", " ".join(str(error).split())) from None


def _only_member(archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if name.endswith(".csv")]
    if len(names) != 1:
        raise _Refused("unknown_layout", f"the zip holds {archive.namelist()[:5]}, agreed one CSV file")
    return names[0]


def _require_end(path: Path) -> None:
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - 1, 0))
        if stream.read() not in (b"", b"\n", b"\r"):
            raise _Refused("cut_file", "its last row has no end")


def _refuse_foreign(stream: IO[bytes] | gzip.GzipFile) -> None:
    head = stream.peek(64)  # type: ignore[union-attr]  # a file and a member of a zip look ahead as well
    if b"\0" in head or head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        raise _Refused("not_csv", f"begins with {head[:20]!r}")


def _frames(stream: IO[bytes] | gzip.GzipFile, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    header: dict[str, None] = {}

    def asked(name: str) -> bool:
        header[name] = None
        return name in columns

    with pd.read_csv(
        stream,
        dtype=str,
        encoding="utf-8-sig",
        index_col=False,
        chunksize=ROWS_AT_ONCE,
        usecols=asked,
    ) as parts:
        for part in parts:
            if wrong := lacking(pd.DataFrame(columns=list(header)), columns):
                raise _Refused("unknown_layout", wrong)
            if len(part):
                yield part[list(columns)]
