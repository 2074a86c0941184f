"""The page's sentences: what was observed, what the weather did, what the emissions did, what the index says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.events import event_in, of_interest
from pipeline.wording import (
    LEAST_R2,
    Language,
    decimals_of,
    direction,
    group_in,
    number,
    phrase,
    signed,
    statistic_in,
    units_in,
)

Row = Mapping[Any, Any]


EVENT_DAYS = 30
KEYS = ["level", "name", "pollutant", "statistic"]


def marked(attribution: pd.DataFrame, concentrations: pd.DataFrame) -> pd.DataFrame:
    """``attribution`` with a column ``whole``: both years are there with the days a valid year needs."""
    valid = concentrations[(concentrations["frequency"] == "year") & concentrations["valid"].astype(bool)]
    known = {(*place, str(year)) for *place, year in valid[[*KEYS, "period"]].itertuples(index=False, name=None)}
    rows = attribution[[*KEYS, "period_from", "period_to"]].itertuples(index=False, name=None)
    whole = [(*place, str(first)) in known and (*place, str(last)) in known for *place, first, last in rows]
    return attribution.assign(whole=whole)


def longest(attribution: pd.DataFrame) -> pd.DataFrame:
    """Of each place, pollutant and statistic the change between the whole years farthest apart (``marked``).

    Without two whole years, or where nothing is marked, between the years farthest apart.
    """
    lengths = attribution["period_to"] - attribution["period_from"]
    order = attribution.assign(length=lengths, whole=attribution.get("whole", True))
    order = order.sort_values(["whole", "length"], kind="stable", ascending=False)
    return attribution.loc[order.drop_duplicates(KEYS).sort_index().index]


def level_of(row: Row) -> float:
    """The concentration that a change starts from or leads to, the larger: it says how many decimals make sense."""
    return max(float(row["observed_from"]), float(row["observed_to"]))


def headline(row: Row, index: pd.DataFrame, language: Language) -> str:
    """The sentences of one change; with the last year's index where the statistic is the mean.

    Direction words come from the intervals: one that holds zero (the index: 100) says "little changed".
    """
    sentences = [
        _observed(row, language),
        _part("weather", "meteorology", row, language),
        _part("emissions", "emissions", row, language),
        phrase("residual_sentence", language, **_numbers("residual", row, language)),
    ]
    if row["statistic"] == "mean":
        sentences += _of_index(row, index, language)
    return (" " if language == "en" else "").join(sentences)


def driver_sentence(row: Row, drivers: pd.DataFrame, language: Language) -> str:
    """The driver group with the largest share in the weather's part of a change; empty where it is not known.

    ``drivers`` are the place's and pollutant's rows of the drivers table.
    """
    same = (drivers["period_from"] == row["period_from"]) & (drivers["period_to"] == row["period_to"])
    own = drivers[same & (drivers["statistic"] == row["statistic"])]
    if own.empty:
        return ""
    largest = own.loc[own["share"].abs().idxmax()].to_dict()
    found = direction(float(largest["share_low"]), float(largest["share_high"]))
    numbers = _numbers("share", {**row, **largest}, language)
    return phrase(f"share_{found}", language, group=group_in(language, str(largest["group"])), **numbers)


def trend_sentence(trends: pd.DataFrame, language: Language, *, level: float) -> str:
    """The slope of the normalized series with its interval; empty for a record too short to have one.

    ``trends`` are the place's and pollutant's rows of the trends table; ``level`` is a concentration that says how many
    decimals make sense.
    """
    own = trends[trends["series"] == "normalized"]
    if own.empty:
        return ""
    row = own.iloc[0].to_dict()
    decimals = decimals_of(level) + 1
    names = {"value": "slope", "low": "slope_low", "high": "slope_high"}
    return phrase(
        f"slope_{direction(float(row['slope_low']), float(row['slope_high']))}",
        language,
        start=str(row["start"])[:7],
        end=str(row["end"])[:7],
        units=units_in(language, concentration_units(row)),
        **{name: signed(float(row[column]), decimals) for name, column in names.items()},
    )


def event_sentence(events: pd.DataFrame, language: Language) -> str:
    """The event that matters most at fixed emissions, against other days of the same months; empty where none is known.

    ``events`` are the place's and pollutant's rows of the table of events; an event of less than a month of days is not
    spoken of.
    """
    column = "difference_season_matched"
    own = of_interest(events)
    own = own[own["matched_days"] >= EVENT_DAYS]
    if own.empty:
        return ""
    row = own.sort_values(column, key=np.abs).iloc[-1].to_dict()
    decimals = decimals_of(float(row["on_event"]))
    found = direction(float(row[f"{column}_low"]), float(row[f"{column}_high"]))
    return phrase(
        "event_little" if found == "little" else "event_differs",
        language,
        event=event_in(language, str(row["event"])),
        percent=number(100 * row["share"]),
        units=units_in(language, str(row["units"])),
        **{
            end or "value": signed(float(row[f"{column}{'_' * bool(end)}{end}"]), decimals)
            for end in ("", "low", "high")
        },
    )


def concentration_units(row: Row) -> str:
    """The units of a slope without "per year"."""
    return str(row["units"]).removesuffix(" year-1")


def caution(skill: pd.DataFrame, language: Language) -> str:
    """A warning where R² on held-out months is below ``LEAST_R2``, a stronger one below zero; else empty."""
    scores = skill["r2"].dropna()
    if scores.empty or scores.iloc[0] >= LEAST_R2:
        return ""
    r2 = float(scores.iloc[0])
    return phrase("no_skill" if r2 < 0 else "weak_skill", language, r2=number(r2, 2), least=LEAST_R2)


def _observed(row: Row, language: Language) -> str:
    decimals = decimals_of(level_of(row))
    before, after, change = (float(row[name]) for name in ("observed_from", "observed_to", "observed_change"))
    unchanged = float(f"{change:.{decimals}f}") == 0
    return phrase(
        "stayed" if unchanged else "fell" if change < 0 else "rose",
        language,
        first=row["period_from"],
        last=row["period_to"],
        statistic=statistic_in(language, str(row["pollutant"]), str(row["statistic"])),
        units=units_in(language, str(row["units"])),
        before=number(before, decimals),
        after=number(after, decimals),
        size=number(abs(change), decimals),
        percent=number(100 * abs(change) / before if before else float("nan")),
    )


def _part(prefix: str, column: str, row: Row, language: Language) -> str:
    found = direction(float(row[f"{column}_low"]), float(row[f"{column}_high"]))
    return phrase(f"{prefix}_{found}", language, **_numbers(column, row, language))


def _numbers(column: str, row: Row, language: Language) -> dict[str, str]:
    decimals = decimals_of(level_of(row))
    bounds = {end: row.get(f"{column}_{end}", float("nan")) for end in ("low", "high")}
    return {
        "value": signed(float(row[column]), decimals),
        "units": units_in(language, str(row["units"])),
        **{end: signed(float(bound), decimals) for end, bound in bounds.items()},
    }


def _of_index(row: Row, index: pd.DataFrame, language: Language) -> list[str]:
    last = str(row["period_to"])
    years = index[(index["frequency"] == "year") & (index["period"].astype(str) == last)]
    return [
        phrase(
            f"index_{direction(year['mci_low'], year['mci_high'], base=100)}",
            language,
            last=last,
            value=number(year["mci"]),
            low=number(year["mci_low"]),
            high=number(year["mci_high"]),
        )
        for year in years.to_dict("records")
    ]
