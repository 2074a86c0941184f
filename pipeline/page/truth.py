"""The page's section for a world whose truth is known: coverage of the intervals and error of the parts."""

from __future__ import annotations

import pandas as pd

from pipeline.page.cells import Cells, Table, table, with_units
from pipeline.page.sentences import Row
from pipeline.wording import Language, decimals_of, number, phrase

KEYS = ["level", "name", "pollutant", "statistic", "period_from", "period_to"]
GROUPS = ["level", "pollutant", "statistic"]


def errors(truth: pd.DataFrame, attribution: pd.DataFrame) -> pd.DataFrame:
    """By level, pollutant and statistic: pairs of years, share of truths inside, mean absolute errors, mean size.

    ``truth`` has the keys of the attribution table with meteorology_true, emissions_true and inside.
    """
    columns = [*KEYS, "meteorology", "emissions", "observed_from", "units"]
    found = truth[[*KEYS, "meteorology_true", "emissions_true", "inside"]].merge(attribution[columns], on=KEYS)
    found = found.assign(
        weather_error=(found["meteorology"] - found["meteorology_true"]).abs(),
        emissions_error=(found["emissions"] - found["emissions_true"]).abs(),
        weather_size=found["meteorology_true"].abs(),
        inside=found["inside"].astype(float),
    )
    return found.groupby(GROUPS, sort=False, as_index=False).agg(
        pairs=("inside", "size"),
        inside=("inside", "mean"),
        weather_error=("weather_error", "mean"),
        emissions_error=("emissions_error", "mean"),
        weather_size=("weather_size", "mean"),
        level_from=("observed_from", "mean"),
        units=("units", "first"),
    )


def sentence(truth: pd.DataFrame, language: Language) -> str:
    """How often the truth lies in the interval, over all pairs."""
    coverage = 100 * float(truth["inside"].astype(float).mean())
    return phrase("truth_sentence", language, pairs=len(truth), coverage=number(coverage, 0))


def comparison(truth: pd.DataFrame, attribution: pd.DataFrame, language: Language) -> Table:
    """The errors as a table."""
    rows = [_cells(row, language) for row in errors(truth, attribution).to_dict("records")]
    return table("truth", rows, language, note=phrase("truth_note", language))


def _cells(row: Row, language: Language) -> Cells:
    decimals = decimals_of(row["level_from"]) + 1
    sizes = ("weather_size", "weather_error", "emissions_error")
    return {
        "level": phrase(str(row["level"]), language),
        "pollutant": with_units(row, language),
        "statistic": phrase(str(row["statistic"]), language),
        "pairs": str(row["pairs"]),
        "coverage": f"{number(100 * row['inside'], 0)} %",
        **{name: number(row[name], decimals) for name in sizes},
    }
