"""Outlooks as they were issued: one folder each, written whole, never overwritten.

``ISSUED-SOURCE/`` (such as ``20251006T00-ifs``) holds ``weather.parquet``, the forecast's daily weather before any
correction (station, time, lead, a column for each quantity); ``index.parquet``, what was said of every place (columns
``SAID``); ``outlook.json``, what made it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.weekly.outlook.forecast import Forecast, leads
from pipeline.weekly.wording import say

WEATHER, INDEX, MADE_OF = "weather.parquet", "index.parquet", "outlook.json"
SAID = ("level", "key", "pollutant", "window", "lead", "start", "end", "mci", "low", "high")
"""Of what was said: ``window`` day or week, ``lead`` of its first day, ``start`` and ``end`` its days."""
NAME = "%Y%m%dT%H"


@dataclass(frozen=True)
class Issued:
    """One outlook of the archive; its files are read when asked for."""

    folder: Path
    issued: pd.Timestamp
    source: str
    made_of: Mapping[str, Any]

    def said(self) -> pd.DataFrame:
        """What was said, columns ``SAID``."""
        return pd.read_parquet(self.folder / INDEX)

    def weather(self) -> xr.Dataset:
        """The forecast's daily weather (station, time) before any correction, with the coordinate ``lead`` (time)."""
        table = pd.read_parquet(self.folder / WEATHER)
        of_days = table.drop_duplicates("time").set_index("time")["lead"].sort_index()
        found = table.drop(columns="lead").set_index(["station", "time"]).to_xarray()
        return found.assign_coords(lead=("time", of_days.to_numpy()))


def keep(
    archive: Path, forecast: Forecast, said: pd.DataFrame, *, utc_offset: float, made_of: Mapping[str, Any]
) -> Path | None:
    """Keeps an outlook; None where one of the same run is kept already, which stays what it was."""
    target = archive / f"{forecast.issued.strftime(NAME)}-{forecast.source}"
    if target.exists():
        return None
    archive.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".part", dir=archive))
    try:
        weather = forecast.weather.assign_coords(
            lead=("time", leads(forecast.weather.get_index("time"), forecast.issued, utc_offset))
        )
        weather.to_dataframe().reset_index().to_parquet(part / WEATHER, index=False)
        said[list(SAID)].to_parquet(part / INDEX, index=False)
        text = json.dumps({**made_of, "issued": f"{forecast.issued:%Y-%m-%dT%H:%MZ}", "source": forecast.source})
        (part / MADE_OF).write_text(text, encoding="utf-8")
        for file in part.iterdir():
            with file.open("rb+") as stream:
                os.fsync(stream.fileno())
        part.chmod(0o755)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def issued(archive: Path, *, source: str, before: pd.Timestamp | None = None) -> tuple[list[Issued], list[str]]:
    """The outlooks of a source that were issued ``before`` a time (UTC), oldest first; notes on what is none."""
    found, notes = [], []
    for folder in _folders(archive):
        try:
            told = json.loads((folder / MADE_OF).read_text(encoding="utf-8"))
            at = pd.Timestamp(told["issued"]).tz_localize(None)
            lacking = [name for name in (WEATHER, INDEX) if not (folder / name).is_file()]
        except (OSError, ValueError, KeyError, TypeError):
            lacking = [MADE_OF]
        if lacking:
            notes.append(say("note_broken", "en", folder=folder, name=lacking[0]))
        elif told.get("source") == source and (before is None or at < before):
            found.append(Issued(folder, at, source, told))
    return sorted(found, key=lambda one: one.issued), notes


def _folders(archive: Path) -> Iterator[Path]:
    if archive.is_dir():
        yield from (folder for folder in sorted(archive.iterdir()) if folder.is_dir() and folder.name[0] != ".")


def said_of(places: list[Mapping[str, Any]]) -> pd.DataFrame:
    """What the document says ahead as rows, columns ``SAID``."""
    rows = []
    for place in places:
        for pollutant, own in place["pollutants"].items():
            ahead = own.get("outlook") or {}
            days = [(row, "day", row["lead"], row["date"], row["date"]) for row in ahead.get("days", ())]
            week = ahead.get("week")
            lead = days[0][2] if days else 1
            weeks = [(week, "week", lead, week["start"], week["end"])] if week else []
            for row, window, lead, start, end in [*days, *weeks]:
                values = [np.nan if row[name] is None else float(row[name]) for name in ("mci", "low", "high")]
                rows.append((place["level"], place["key"], pollutant, window, lead, start, end, *values))
    return pd.DataFrame(rows, columns=list(SAID))
