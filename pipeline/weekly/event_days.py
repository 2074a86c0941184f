"""Days of weather events in the week and in the coming one, beside the same days of other years.

Criteria are those of ``pipeline.events``, applied to the record's weather and what came after it, so that weeks after
the record are judged too. A region's numbers are the means over its cities that can be judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from models.calendar import NOWHERE
from models.counterfactual import LEAST_SHARE
from pipeline.events import criteria, events_of_interest, flags
from pipeline.events.tables import weather_of
from pipeline.store import Run
from pipeline.weekly.index import Entry, number
from pipeline.weekly.windows import DAY, record_of

WEEK, AHEAD = "week", "ahead"
"""The week of the index, by analysed weather; the first seven days of the outlook, by the forecast's."""
COLUMNS = ("days", "judged_days", "usual_days", "years")


def of_city(
    run: Run, stations: Sequence[str], weather: Mapping[str, pd.DataFrame | None], days: Mapping[str, pd.DatetimeIndex]
) -> dict[str, pd.DataFrame]:
    """``judged`` for each of ``days``, by the run's weather of the city and the ``weather`` after it (None without)."""
    with xr.open_dataset(run.path("daily/weather.nc")) as record:
        own = weather_of(record.drop_vars("preliminary", errors="ignore"), stations)
    return {name: judged(_followed(own, weather[name]), asked) for name, asked in days.items()}


def _followed(record: pd.DataFrame, weather: pd.DataFrame | None) -> pd.DataFrame:
    if weather is None or weather.empty:
        return record
    days = pd.date_range(record.index[0], weather.index[-1])
    whole: pd.DataFrame = pd.concat([record[record.index < weather.index[0]], weather]).reindex(days)
    return whole


def judged(weather: pd.DataFrame, days: pd.DatetimeIndex) -> pd.DataFrame:
    """A row for every event that can be judged on one of the consecutive ``days``; columns ``COLUMNS``.

    ``weather`` has consecutive days as its index, a column for each quantity. ``days`` of the event among
    ``judged_days``; ``usual_days`` are those on the same calendar days, the mean over the other ``years`` that know at
    least half of them, brought to as many days; NaN where no year does. A day whose run of days might go on behind the
    end of ``weather`` is not judged.
    """
    longest = max(one.least_days for one in criteria().values())
    axis = pd.date_range(weather.index[0], weather.index[-1] + (longest - 1) * DAY)
    record = record_of(axis)
    others = [int(year) - days[-1].year for year in record.dates.years if year != days[-1].year]
    positions = record.places(days, [0, *others])
    rows = {}
    for event, flag in flags(weather.reindex(axis)).items():
        found = np.where(positions != NOWHERE, flag.to_numpy()[positions], np.nan)
        if (known := np.isfinite(found[0])).any():
            rows[str(event)] = {"days": (found[0] == 1).sum(), "judged_days": known.sum(), **_usual(found[1:], known)}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)).astype(float)


def _usual(others: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """Of the flags (years, n) on the days that are ``known`` (n,) in the week itself."""
    there = np.isfinite(others) & known
    enough = there.sum(axis=1) >= max(LEAST_SHARE * known.sum(), 1)
    shares = ((others == 1) & there)[enough].sum(axis=1) / there[enough].sum(axis=1)
    return {"usual_days": shares.mean() * known.sum() if len(shares) else np.nan, "years": len(shares)}


def add(document: Entry, cities: Mapping[tuple[str, str], Mapping[str, pd.DataFrame]]) -> None:
    """Lays the events that matter for a pollutant into its week and coming week, of every place of the document.

    ``cities`` has what ``of_city`` gives by city and pollutant.
    """
    for place in document["places"]:
        for pollutant, own in place["pollutants"].items():
            members = [cities[city, pollutant] for city in place["cities"] if (city, pollutant) in cities]
            own["windows"]["week"]["events"] = _entries([member[WEEK] for member in members], pollutant)
            if week := (own.get("outlook") or {}).get("week"):
                ahead = [member[AHEAD] for member in members if AHEAD in member]
                week["events"] = _entries(ahead, pollutant)


def _entries(members: Sequence[pd.DataFrame], pollutant: str) -> list[Entry]:
    known = [member for member in members if len(member)]
    if not known:
        return []
    every = pd.concat(known).groupby(level=0)
    mean, years = every.mean(), every["years"].max()
    return [
        {
            "event": event,
            **{name: number(mean.loc[event, name]) for name in COLUMNS[:-1]},
            "years": int(years[event]),
        }
        for event in events_of_interest(pollutant)
        if event in mean.index
    ]
