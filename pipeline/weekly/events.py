"""The events of a run's nation and regions (``tables/events.csv``) as the document says them.

Where no region is defined as the nation, its numbers are the means over its cities, as those of a region are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.errors import InputError
from pipeline.events import criteria
from pipeline.store import Run
from pipeline.weekly.index import Entry, number

TABLE = "tables/events.csv"
VALUES = ("days", "share", "on_event", "otherwise")
SAME = ["pollutant", "event", "year"]
NEEDED = ("level", "name", *SAME, "judged_days", *VALUES)
NATION = "nation"


def events_of(run: Run, places: Mapping[tuple[str, str], Sequence[str]]) -> list[Entry]:
    """A row for each of ``places`` (level and key of the document: its cities), pollutant, event and year or ``all``.

    Days of a region are means over its cities. A nation that the table does not know has rows where it knows the
    cities. No rows where the run has no such table; InputError for one that lacks columns.
    """
    path = run.path(TABLE)
    if not path.is_file():
        return []
    try:
        table = pd.read_csv(path, dtype={"name": str, "year": str}, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); remove it and run `tianbang run` again") from None
    if lacking := [name for name in NEEDED if name not in table]:
        raise InputError(f"{path}: lacks the columns {', '.join(lacking)}; remove it and run `tianbang run` again")
    # the table knows the nation as a region like any other
    table.loc[(table["level"] == "region") & (table["name"] == NATION), "level"] = NATION
    cities, table = table[table["level"] == "city"], table[table["level"].isin([NATION, "region"])]
    if not (table["level"] == NATION).any() and (members := places.get((NATION, NATION))):
        mean = _mean_of(cities[cities["name"].isin(members)])
        table = pd.concat([mean.assign(level=NATION, name=NATION), table])
    return [_row(_of(row), row) for row in table.to_dict("records") if _of(row) in places]


def _mean_of(cities: pd.DataFrame) -> pd.DataFrame:
    """Means of days and concentrations over the cities that have them, and the share of all their judged days."""
    means = cities.groupby(SAME, sort=False)[["judged_days", "days", "on_event", "otherwise"]].mean().reset_index()
    return means.assign(share=means["days"] / means["judged_days"])


def _of(row: dict[Any, Any]) -> tuple[str, str]:
    return row["level"], row["name"]


def _row(place: tuple[str, str], row: dict[Any, Any]) -> Entry:
    return {
        "level": place[0],
        "key": place[1],
        "pollutant": row["pollutant"],
        "event": row["event"],
        "year": int(row["year"]) if row["year"].isdigit() else row["year"],
        **{name: number(row[name]) for name in VALUES},
    }


def event_names() -> list[Entry]:
    """What every event is called."""
    return [{"key": key, "en": own.english, "zh": own.chinese} for key, own in criteria().items()]
