"""The public tables of events: names and meaning of their columns are a contract, see METHODS.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from models.counterfactual import interval
from pipeline.events.concentrations import ALL
from pipeline.events.criteria import criteria, events_of_interest
from pipeline.events.episodes import episodes
from pipeline.events.flags import flags

PARTS = ("on_event", "otherwise", "difference", "difference_season_matched")
EVENTS = (
    "level", "name", "pollutant", "event", "year", "days", "judged_days", "share", "episodes", "longest",
    *(f"{part}{end}" for part in PARTS for end in ("", "_low", "_high")), "matched_days", "units",
)  # fmt: skip
EPISODES = ("level", "name", "event", "start", "end", "days")
READINGS = {
    "on_event": "event_on",
    "otherwise": "event_otherwise",
    "difference": "event_difference",
    "difference_season_matched": "event_matched",
}
"""Columns of ``EVENTS`` and the readings with members that they are taken from."""
PLACES = 50
"""Episodes are listed for at most so many places: of more they would be hundreds of thousands of rows."""


def events(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """One row for every place, pollutant, event that can be judged there, and year or ``all``; columns ``EVENTS``."""
    frames = [_of_place(place) for place in readings if "event" in place.dims]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True)[list(EVENTS)] if filled else pd.DataFrame(columns=list(EVENTS))


def _of_place(place: xr.Dataset) -> pd.DataFrame:
    dims = ("event", "event_year")
    judged = place["event_judged"].transpose(*dims).to_numpy()
    event, year = np.nonzero(judged > 0)
    flat = {name: place[f"event_{name}"].transpose(*dims).to_numpy()[event, year] for name in ("days", "judged")}
    columns: dict[str, Any] = {key: str(place.attrs[key]) for key in ("level", "name", "pollutant")}
    columns |= {"event": place["event"].to_numpy()[event], "year": place["event_year"].to_numpy()[year]}
    columns |= {"days": flat["days"], "judged_days": flat["judged"], "share": flat["days"] / flat["judged"]}
    columns |= {
        column: place[name].transpose(*dims).to_numpy()[event, year]
        for column, name in (
            ("episodes", "event_episodes"),
            ("longest", "event_longest"),
            ("matched_days", "event_matched_days"),
        )
    }
    for column, name in READINGS.items():
        members = place[name].transpose(*dims, "member").to_numpy().astype(float)[event, year]
        low, high = interval(members)
        columns |= {column: members[:, 0], f"{column}_low": low, f"{column}_high": high}
    return pd.DataFrame({**columns, "units": str(place.attrs["units"])})


def of_interest(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``events`` over all years, of events that matter for their pollutant and of which there were days.

    For a pollutant that no criterion names, all events matter.
    """
    matters = [
        event not in criteria() or event in events_of_interest(pollutant)
        for event, pollutant in zip(frame["event"], frame["pollutant"], strict=True)
    ]
    known = (frame["year"].astype(str) == ALL) & frame["difference"].notna()
    return frame[known & np.array(matters, dtype=bool)]


def episodes_of_places(weather: xr.Dataset, places: Sequence[tuple[str, str, Sequence[str]]]) -> pd.DataFrame:
    """Every episode of places (level, name, stations), in order of place, event and time; columns ``EPISODES``.

    ``weather`` are the run's daily quantities (station, time); a place's are the means over its stations. For at most
    50 places; no rows for more.
    """
    found = []
    for level, name, stations in places if len(places) <= PLACES else ():
        flagged = flags(weather_of(weather, stations))
        found += [
            episodes(flagged[event]).assign(level=level, name=name, event=event)
            for event in criteria()
            if (flagged[event] == 1).any()
        ]
    return pd.concat(found, ignore_index=True)[list(EPISODES)] if found else pd.DataFrame(columns=list(EPISODES))


def weather_of(weather: xr.Dataset, stations: Sequence[str]) -> pd.DataFrame:
    """Daily weather of a place, the mean over its stations where known: a column for each quantity."""
    mean = weather.sel(station=list(stations)).mean("station")
    return pd.DataFrame(
        {str(name): values.to_numpy() for name, values in mean.data_vars.items()}, index=weather.get_index("time")
    )


def cities_and_stations(
    stations: Mapping[str, Mapping[str, Any]], levels: Sequence[str]
) -> list[tuple[str, str, tuple[str, ...]]]:
    """The places of a run that have weather of their own: cities as their assessed stations, then stations."""
    cities: dict[str, list[str]] = {}
    for station, facts in stations.items():
        if facts["assessed"]:
            cities.setdefault(str(facts["city"]), []).append(station)
    found = [("city", city, tuple(own)) for city, own in sorted(cities.items())] if "city" in levels else []
    return found + ([("station", name, (name,)) for name in sorted(stations)] if "station" in levels else [])
