"""What an outlook needs before any city is asked: the forecast, corrected and joined to what is analysed; the past."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.store import Run
from pipeline.weekly.days import NewDays
from pipeline.weekly.index import Entry
from pipeline.weekly.newest import Newest
from pipeline.weekly.outlook import archive
from pipeline.weekly.outlook.ahead import Asked
from pipeline.weekly.outlook.archive import Issued
from pipeline.weekly.outlook.correction import NEWEST, corrected, learned
from pipeline.weekly.outlook.forecast import HORIZON, Forecast, issued_day, latest, leads, of_day
from pipeline.weekly.outlook.refusal import NoOutlook, Reason, reason_of
from pipeline.weekly.windows import DAY
from pipeline.weekly.wording import say

ARCHIVE = "weekly/outlooks"
LONGEST_GAP = 31
"""Days between the last analysed one and the forecast's first: with more, no outlook is made."""


@dataclass(frozen=True)
class Prepared:
    """What is asked of every city, the days after the record with those ahead, and the outlooks of the past.

    ``days`` and ``forecast`` (as it came, without correction) are None when no outlook is made; ``told`` is the
    document's part on the outlook of all places, None when none was asked for.
    """

    asked: Asked
    archive: Path
    past: Sequence[Issued] = ()
    days: NewDays | None = None
    forecast: Forecast | None = None
    told: Entry | None = None
    notes: tuple[str, ...] = ()

    def refused(self, why: Reason) -> Prepared:
        """The same without an outlook, and why."""
        told = {"issued": None, "source": (self.told or {}).get("source"), "why": why}
        return replace(self, asked=replace(self.asked, ahead=self.asked.ahead[:0]), days=None, told=told)


def base_of(config: Config) -> list[str]:
    """The base period as an outlook keeps it: scores compare indices of one base."""
    return [str(day) for day in config.base_period]


def prepare(
    config: Config, run: Run, stations: Mapping[str, Mapping[str, Any]], found: Newest, *, outlook: bool
) -> Prepared:
    """Everything before the cities; a forecast that cannot be had is told, and no error.

    Without ``outlook`` only the past is looked at.
    """
    options = config.weekly.outlook
    folder = options.archive or run.path(ARCHIVE)
    base = (pd.Timestamp(config.base_period[0]), pd.Timestamp(config.base_period[1]))
    places = pd.DataFrame.from_dict(dict(stations), orient="index")
    forecast, why = None, None
    if outlook:
        try:
            quantities = _quantities(run)
            forecast = latest(options, places, quantities, utc_offset=config.utc_offset)
            _require_close(forecast, found, config)
        except InputError as error:
            why, forecast = reason_of(error), None
    before = None if forecast is None else forecast.issued
    every, notes = archive.issued(folder, source=options.source, before=before)
    past = [one for one in every if one.made_of.get("base") == base_of(config)]
    asked = Asked(base, past=_past_days(past, found, config))
    prepared = Prepared(asked, folder, past, notes=tuple(notes))
    if why is not None:
        return replace(prepared, told={"source": options.source}).refused(why)
    return prepared if forecast is None else _with_forecast(prepared, forecast, config, run, places, found)


def _quantities(run: Run) -> list[str]:
    """The daily quantities of weather that the record's last year knows."""
    with xr.open_dataset(run.path("daily/weather.nc")) as weather:
        last = weather.isel(time=slice(-366, None))
        return [str(name) for name, values in last.data_vars.items() if bool(values.notnull().any())]


def _require_close(forecast: Forecast, found: Newest, config: Config) -> None:
    first = issued_day(forecast.issued, config.utc_offset)
    if (gap := (first - found.end) // DAY) > LONGEST_GAP:
        ends = {"end": f"{found.end:%Y-%m-%d}", "first": f"{first:%Y-%m-%d}"}
        raise NoOutlook("no_outlook_gap", **ends, gap=gap, longest=LONGEST_GAP)


def _past_days(past: Sequence[Issued], found: Newest, config: Config) -> pd.DatetimeIndex:
    """From the first day of issue to the last day with analysed weather."""
    if not past:
        return pd.DatetimeIndex([])
    return pd.date_range(issued_day(past[0].issued, config.utc_offset), found.end)


def _with_forecast(
    prepared: Prepared, forecast: Forecast, config: Config, run: Run, places: pd.DataFrame, found: Newest
) -> Prepared:
    offset, options = config.utc_offset, config.weekly.outlook
    known = _analysed(run, prepared.past, found, until=issued_day(forecast.issued, offset), utc_offset=offset)
    correction = (
        learned((one.weather() for one in prepared.past[-NEWEST:]), known, needed=options.correct_from)
        if known is not None and len(prepared.past) >= options.correct_from
        else None
    )
    whole = _with_leads(forecast.weather, forecast, offset)
    whole = whole.isel(time=whole["lead"].to_numpy() <= HORIZON)
    bridge = list(_between(prepared, forecast, config, places, found))
    weather = corrected(xr.concat([*bridge, whole], "time", join="outer", combine_attrs="override"), correction)
    days = pd.DatetimeIndex(weather.get_index("time"))
    after = NewDays(weather.isel(time=slice(0, 0))) if found.days is None else found.days
    after = replace(after, kinds=dict(found.kinds))
    joined = after.followed_by(weather.drop_vars("lead"), "forecast")
    ahead = days[(weather["lead"].to_numpy() >= 1) & (days >= whole.get_index("time")[0])]
    without = pd.date_range(found.end + DAY, days[-1]).difference(days)
    told = {
        "issued": f"{forecast.issued:%Y-%m-%dT%H:%M:%SZ}",
        "source": forecast.source,
        "why": None,
        "corrected_leads": [] if correction is None else correction.leads,
        "correct_from": options.correct_from,
        "past": len(prepared.past),
        "emulated": list(forecast.emulated),
        "before": [f"{day:%Y-%m-%d}" for day in days[days < ahead[0]]] if len(ahead) else [],
        "without_weather": [f"{day:%Y-%m-%d}" for day in without],
    }
    notes = (*prepared.notes, *forecast.notes)
    if len(ahead) and ahead[0] <= found.end:
        notes += (say("note_early", "en", issued=told["issued"], end=f"{found.end:%Y-%m-%d}"),)
    asked = replace(prepared.asked, ahead=ahead)
    return replace(prepared, asked=asked, days=joined, forecast=forecast, told=told, notes=notes)


def _with_leads(weather: xr.Dataset, forecast: Forecast, utc_offset: float) -> xr.Dataset:
    return weather.assign_coords(lead=("time", leads(weather.get_index("time"), forecast.issued, utc_offset)))


def _analysed(
    run: Run, past: Sequence[Issued], found: Newest, *, until: pd.Timestamp, utc_offset: float
) -> xr.Dataset | None:
    """Analysed daily weather (station, time) since the first of the newest past outlooks, before ``until``."""
    if not past:
        return None
    first = issued_day(past[-NEWEST:][0].issued, utc_offset)
    with xr.open_dataset(run.path("daily/weather.nc")) as record:
        own = record.drop_vars("preliminary", errors="ignore")
        parts = [own.sel(time=own.get_index("time") >= first).load()]
    if found.days is not None:
        new = found.days.weather
        parts = [part.sel(time=part.get_index("time") < new.get_index("time")[0]) for part in parts] + [new]
    joined = xr.concat(parts, "time", join="outer", combine_attrs="override")
    return joined.sel(time=(joined.get_index("time") >= first) & (joined.get_index("time") < until))


def _between(
    prepared: Prepared, forecast: Forecast, config: Config, places: pd.DataFrame, found: Newest
) -> Iterator[xr.Dataset]:
    """The days between the last analysed one and the forecast's first, by the forecasts of the days before.

    Each by the last run before it began where that can be had, else by the newest outlook of the archive that has it;
    days that none has are left out.
    """
    first = pd.Timestamp(forecast.weather.get_index("time")[0])
    gap = pd.date_range(found.end + DAY, first - DAY)
    fetched = _fetched(gap, config, places, list(map(str, forecast.weather.data_vars)))
    kept = [one.weather() for one in prepared.past[-HORIZON:]] if len(fetched) < len(gap) else []
    for day in gap:
        if day in fetched:
            yield fetched[day]
        elif having := [one for one in kept if day in one.get_index("time")]:
            yield having[-1].sel(time=[day]).reindex(station=forecast.weather["station"].to_numpy())


def _fetched(
    days: pd.DatetimeIndex, config: Config, places: pd.DataFrame, quantities: Sequence[str]
) -> dict[pd.Timestamp, xr.Dataset]:
    """Forecasts of single days, the newest first until one cannot be had: mirrors keep the newest runs."""
    found: dict[pd.Timestamp, xr.Dataset] = {}
    for day in days[::-1]:
        try:
            own = of_day(config.weekly.outlook, places, quantities, day=day, utc_offset=config.utc_offset)
        except InputError:
            break
        weather = _with_leads(own.weather, own, config.utc_offset)
        there = np.asarray(weather.get_index("time") == day)
        if there.any():
            found[day] = weather.isel(time=there)
    return found
