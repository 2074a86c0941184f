"""The events of a run's nation and regions (``tables/events.csv``) as the document says them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from pipeline.errors import InputError
from pipeline.events import criteria
from pipeline.store import Run
from pipeline.weekly.index import Entry, number

TABLE = "tables/events.csv"
NEEDED = ("level", "name", "pollutant", "event", "year", "days", "share", "on_event", "otherwise")


def events_of(run: Run, places: Collection[tuple[str, str]]) -> list[Entry]:
    """A row for each of ``places`` (level and key of the document), pollutant, event and year or ``all``.

    Days of a region are means over its cities. No rows where the run has no such table; InputError for one that lacks
    columns.
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
    keys = {("region" if level == "nation" else level, key): (level, key) for level, key in places}
    rows = [(keys[row["level"], row["name"]], row) for row in table.to_dict("records") if _of(row) in keys]
    return [_row(place, row) for place, row in rows]


def _of(row: dict[Any, Any]) -> tuple[str, str]:
    return row["level"], row["name"]


def _row(place: tuple[str, str], row: dict[Any, Any]) -> Entry:
    return {
        "level": place[0],
        "key": place[1],
        "pollutant": row["pollutant"],
        "event": row["event"],
        "year": int(row["year"]) if row["year"].isdigit() else row["year"],
        **{name: number(row[name]) for name in ("days", "share", "on_event", "otherwise")},
    }


def event_names() -> list[Entry]:
    """What every event is called."""
    return [{"key": key, "en": own.english, "zh": own.chinese} for key, own in criteria().items()]
