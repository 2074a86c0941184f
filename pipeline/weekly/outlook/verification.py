"""Past outlooks against the index that analysed weather gave later.

An outlook's index of a day, as it was issued, less the index of that day by today's models and the analysed weather.
Beside it stand two forecasts that need no weather model: the index of the day of issue (persistence), and 100
(climatology).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

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
KEPT = [*PLACE, "window", "lead", "mci"]
Key = tuple[str, str, str]
"""Level, key, pollutant."""


@dataclass(frozen=True)
class Later:
    """Concentrations at the base's emissions by analysed weather, ``actual`` and ``reference`` (place, day).

    ``places`` are their levels, keys and pollutants; the days are consecutive, NaN where not known.
    """

    places: Sequence[Key]
    days: pd.DatetimeIndex
    actual: np.ndarray
    reference: np.ndarray

    @cached_property
    def rows(self) -> Mapping[Key, int]:
        """Where places stand."""
        return {place: row for row, place in enumerate(self.places)}

    @cached_property
    def _sums(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Running sums (place, 1 + day) of both over known days, and of how many are not."""
        known = np.isfinite(self.actual) & np.isfinite(self.reference)
        parts = (np.where(known, self.actual, 0.0), np.where(known, self.reference, 0.0), (~known).astype(float))
        actual, reference, unknown = (np.pad(np.cumsum(part, axis=1), ((0, 0), (1, 0))) for part in parts)
        return actual, reference, unknown

    def index(self, rows: np.ndarray, starts: pd.DatetimeIndex, ends: pd.DatetimeIndex) -> np.ndarray:
        """The index of places (-1 for none) over days from start to end, (n,); NaN where one is missing."""
        if not len(self.days):
            return np.full(len(rows), np.nan)
        first, last = ((at - self.days[0]) // DAY for at in (starts, ends))
        inside = (rows >= 0) & (first >= 0) & (last < len(self.days))
        row, begin, end = (np.where(inside, values, 0) for values in (rows, first, last + 1))
        actual, reference, unknown = (total[row, end] - total[row, begin] for total in self._sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(inside & (unknown == 0), 100 * actual / reference, np.nan)


def pairs(outlooks: Iterable[Issued], later: Later, *, utc_offset: float) -> pd.DataFrame:
    """Every day and week of past outlooks whose index is known by now.

    Columns level, key, pollutant, window, lead, ``mci`` as it was issued, ``issued``, ``later`` and ``persistence``,
    the index of the day of issue.
    """
    found = [pd.DataFrame(columns=[*KEPT, "issued", "later", "persistence"])]
    for outlook in outlooks:
        own = outlook.said()
        rows = np.array([later.rows.get(key, -1) for key in own[PLACE].itertuples(index=False, name=None)], dtype=int)
        starts, ends = (pd.DatetimeIndex(pd.to_datetime(own[name])) for name in ("start", "end"))
        day = pd.DatetimeIndex([issued_day(outlook.issued, utc_offset)] * len(own))
        told = own[KEPT].assign(
            issued=outlook.issued, later=later.index(rows, starts, ends), persistence=later.index(rows, day, day)
        )
        found.append(told[told["later"].notna() & told["mci"].notna()])
    filled = [frame for frame in found if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else found[0]


def table(of: pd.DataFrame) -> pd.DataFrame:
    """The scores of all cities together and of every place, by pollutant, window and lead; columns ``COLUMNS``.

    Errors are in index points; hit rates are shares of days told rightly as above 100 (unfavourable), or not.
    """
    if of.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    error, still = of["mci"] - of["later"], of["persistence"] - of["later"]
    above = of["later"] > 100
    scored = of[["level", "key", "pollutant", "window", "lead", "issued"]].assign(
        mean_absolute_error=error.abs(),
        bias=error,
        hit_rate=((of["mci"] > 100) == above).astype(float),
        persistence_error=still.abs(),
        persistence_hit_rate=((of["persistence"] > 100) == above).astype(float).where(still.notna()),
        climatology_error=(100 - of["later"]).abs(),
    )
    cities = scored[scored["level"] == "city"].assign(level=CITIES, key="")
    means = {name: (name, "mean") for name in SCORES[1:]}
    frames = [
        frame.groupby([*PLACE, "window", "lead"], sort=True).agg(count=("issued", "nunique"), **means).reset_index()
        for frame in (cities, scored)
        if len(frame)
    ]
    # running sums leave a rest of 1e-13 where there is no error
    return pd.concat(frames, ignore_index=True).rename(columns={"key": "name"})[list(COLUMNS)].round(6)


def of_document(scored: pd.DataFrame) -> dict[str, list[Entry]]:
    """The scores of all cities together by pollutant, a row for each lead day and one for the coming week."""
    own = scored[scored["level"] == CITIES].sort_values(["window", "lead"])
    return {
        str(pollutant): [
            {"window": str(row["window"]), "lead": int(row["lead"]), "count": int(row["count"])}
            | {name: number(row[name]) for name in SCORES[1:]}
            for row in rows.to_dict("records")
        ]
        for pollutant, rows in own.groupby("pollutant", sort=False)
    }


def half_widths(of: pd.DataFrame, *, needed: int) -> Mapping[Key, Mapping[int, float]]:
    """The half-width that holds 90 % of the past errors of each place, by lead day; of weeks at ``LEAD_OF_WEEK``.

    Leads with fewer than ``needed`` past outlooks are left out.
    """
    found: dict[Key, dict[int, float]] = {}
    if of.empty:
        return found
    errors = of.assign(error=(of["mci"] - of["later"]).abs()).groupby([*PLACE, "window", "lead"])
    widths = errors["error"].quantile(COVERAGE)[errors["issued"].nunique() >= needed]
    for level, key, pollutant, window, lead, width in widths.reset_index().itertuples(index=False, name=None):
        at = LEAD_OF_WEEK if window == "week" else int(lead)
        found.setdefault((level, key, pollutant), {})[at] = float(width)
    return found
