"""Days of a week that have no weather yet, by the forecasts of an outlook: an index that is marked, not absent."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pipeline.weekly.days import NewDays
from pipeline.weekly.newest import Newest
from pipeline.weekly.outlook.prepare import Prepared
from pipeline.weekly.windows import Week


def filled(found: Newest, prepared: Prepared, week: Week) -> Newest:
    """``found`` with forecast weather on the days of ``week`` after its end, of the kind "forecast", and a note.

    The days before them come along. Where no outlook could be made, the note says that nothing was filled.
    """
    if found.end >= week.end:
        return found
    if prepared.days is None:
        return replace(found, notes=(*found.notes, f"{week.label}: no forecast fills the days without weather"))
    every = pd.DatetimeIndex(prepared.days.weather.get_index("time"))
    further = prepared.days.weather.isel(time=(every > found.end) & (every <= week.end)).drop_vars(
        "lead", errors="ignore"
    )
    days = pd.DatetimeIndex(further.get_index("time"))
    if days.empty or days[-1] < week.start:
        return replace(found, notes=(*found.notes, f"{week.label}: no forecast has the days without weather"))
    own = found.days or NewDays(further.isel(time=slice(0, 0)))
    filled_days = replace(own, kinds=dict(found.kinds)).followed_by(further, "forecast")
    first = max(days[0], week.start)
    note = f"{week.label}: weather from {first:%Y-%m-%d} to {days[-1]:%Y-%m-%d} is forecast, not analysed"
    return replace(found, days=filled_days, kinds=filled_days.kinds, notes=(*found.notes, note))
