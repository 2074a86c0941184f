"""The page's sentences: what was observed, what the weather did, what the emissions did, what the index says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.wording import (
    Language,
    decimals_of,
    direction,
    number,
    phrase,
    signed,
    statistic_in,
    units_in,
)

Row = Mapping[Any, Any]


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
