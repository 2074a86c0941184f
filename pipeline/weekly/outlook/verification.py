"""Past outlooks against the index that analysed weather gave later.

An outlook's index of a day, as it was issued, less the index of that day by today's models and the analysed weather.
Beside it stand two forecasts that need no weather model: the index of the day of issue (persistence), and 100
(climatology).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.weekly.index import Entry, number
from pipeline.weekly.outlook.ahead import LEAD_OF_WEEK
from pipeline.weekly.outlook.archive import Issued
from pipeline.weekly.outlook.forecast import issued_day
from pipeline.weekly.windows import DAY

COVERAGE = 0.9
"""Of an interval: the share of past errors within its half-width."""
SCORES = (
    "count", "mean_absolute_error", "bias", "hit_rate", "persistence_error", "persistence_hit_rate",
    "climatology_error",
)  # fmt: skip
COLUMNS = ("level", "name", "pollutant", "window", "lead", *SCORES)
"""Of ``verification.csv``; of all cities together the level is ``cities`` and the name empty."""
CITIES = "cities"
PLACE = ["level", "key", "pollutant"]
Key = tuple[str, str, str]
"""Level, key, pollutant."""


@dataclass(frozen=True)
class Later:
    """Concentrations at the base's emissions by analysed weather, ``actual`` and ``reference``, on consecutive days."""

    days: pd.DatetimeIndex
    actual: np.ndarray
    reference: np.ndarray

    def index(self, start: pd.Timestamp, end: pd.Timestamp) -> float:
        """The index of the days from ``start`` to ``end``; NaN where one of them is not known."""
        first = (start - self.days[0]) // DAY if len(self.days) else -1
        last = first + (end - start) // DAY + 1
        if first < 0 or last > len(self.days):
            return float("nan")
        return float(100 * self.actual[first:last].mean() / self.reference[first:last].mean())


def pairs(outlooks: Iterable[Issued], later: Callable[[Key], Later | None], *, utc_offset: float) -> pd.DataFrame:
    """Every day and week of past outlooks whose index is known by now.

    Columns of ``archive.SAID`` and ``issued``, ``later`` and ``persistence``, the index of the day of issue.
    """
    found = []
    for outlook in outlooks:
        own = outlook.said()
        day = issued_day(outlook.issued, utc_offset)
        starts, ends = pd.to_datetime(own["start"]), pd.to_datetime(own["end"])
        known: dict[Key, Later | None] = {}
        values = []
        for key, start, end in zip(own[PLACE].itertuples(index=False, name=None), starts, ends, strict=True):
            of_place = known[key] if key in known else known.setdefault(key, later(key))
            values.append(
                (np.nan, np.nan) if of_place is None else (of_place.index(start, end), of_place.index(day, day))
            )
        table = np.array(values, dtype=float).reshape(-1, 2)
        found.append(own.assign(issued=outlook.issued, later=table[:, 0], persistence=table[:, 1]))
    if not found:
        return pd.DataFrame(columns=[*PLACE, "window", "lead", "mci", "issued", "later", "persistence"])
    joined = pd.concat(found, ignore_index=True)
    return joined[joined["later"].notna() & joined["mci"].notna()]


def scores(of: pd.DataFrame) -> Entry:
    """Count of outlooks, errors in index points, share of right calls, of rows of ``pairs``; None where not known."""
    error = of["mci"] - of["later"]
    persistence = of[of["persistence"].notna()]
    return {
        "count": int(of["issued"].nunique()),
        "mean_absolute_error": number(error.abs().mean()),
        "bias": number(error.mean()),
        "hit_rate": number(_called(of["mci"], of["later"])),
        "persistence_error": number((persistence["persistence"] - persistence["later"]).abs().mean()),
        "persistence_hit_rate": number(_called(persistence["persistence"], persistence["later"])),
        "climatology_error": number((100 - of["later"]).abs().mean()),
    }


def _called(said: pd.Series, later: pd.Series) -> float:
    """The share of days told rightly as above 100 (unfavourable), or not."""
    return float(((said > 100) == (later > 100)).mean()) if len(said) else float("nan")


def table(of: pd.DataFrame) -> pd.DataFrame:
    """The scores of all cities together and of every place, by pollutant, window and lead; columns ``COLUMNS``."""
    rows = []
    cities = of[of["level"] == "city"].assign(level=CITIES, key="")
    for frame in (cities, of):
        for keys, own in frame.groupby([*PLACE, "window", "lead"], sort=True):
            rows.append(
                {**dict(zip(("level", "name", "pollutant", "window", "lead"), keys, strict=True)), **scores(own)}
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def of_document(scored: pd.DataFrame) -> dict[str, list[Entry]]:
    """The scores of all cities together by pollutant, a row for each lead day."""
    own = scored[(scored["level"] == CITIES) & (scored["window"] == "day")]
    return {
        str(pollutant): [
            {"lead": int(row["lead"]), "count": int(row["count"])}
            | {name: number(np.nan if row[name] is None else row[name]) for name in SCORES[1:]}
            for row in rows.to_dict("records")
        ]
        for pollutant, rows in own.groupby("pollutant", sort=False)
    }


def half_widths(of: pd.DataFrame, *, needed: int) -> Mapping[Key, Mapping[int, float]]:
    """The half-width that holds 90 % of the past errors of each place, by lead day; of weeks at ``LEAD_OF_WEEK``.

    Leads with fewer than ``needed`` past outlooks are left out.
    """
    found: dict[Key, dict[int, float]] = {}
    for keys, own in of.groupby([*PLACE, "window", "lead"]):
        level, key, pollutant, window, lead = map(str, keys)
        if own["issued"].nunique() >= needed:
            width = float((own["mci"] - own["later"]).abs().quantile(COVERAGE))
            found.setdefault((level, key, pollutant), {})[LEAD_OF_WEEK if window == "week" else int(lead)] = width
    return found
