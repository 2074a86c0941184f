"""From scores of single worlds to the tables people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.separation import EMISSIONS_MODEL_ERROR, WEATHER_MODEL_ERROR
from pipeline.benchmark.cases import Half
from pipeline.benchmark.contestants import FOREST, OURS, Contestant
from pipeline.benchmark.scoring import frame, scores

LEVELS = ["kind", "method", "pollutant", "score"]
FACTORS = np.arange(0.5, 6.001, 0.05)
WANTED = 0.90
HALVES: tuple[Half, Half] = ("calibration", "check")


@dataclass(frozen=True)
class Answered:
    """What a method said on a case."""

    kind: str
    world: str
    half: str
    method: str
    answers: Mapping[str, Any]


def long_table(answered: Sequence[Answered]) -> pd.DataFrame:
    """One row for each score: kind, world, half, method, pollutant, score, value."""
    rows = [
        (one.kind, one.world, one.half, one.method, pollutant, score, value)
        for one in answered
        for pollutant, answer in one.answers.items()
        for score, value in scores(answer).items()
    ]
    return pd.DataFrame(rows, columns=["kind", "world", "half", "method", "pollutant", "score", "value"])


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, median and standard deviation over the worlds of a kind, by ``LEVELS``."""
    return table.groupby(LEVELS, sort=False)["value"].agg(["mean", "median", "std", "count"])


def ratio_to_forest(table: pd.DataFrame, kind: str, pollutant: str) -> float:
    """Our mean error of the weather's part over the forest's; NaN without both."""
    found = means(table)["mean"]
    try:
        ours, forest = (float(found[kind, name, pollutant, "weather error"]) for name in (OURS, FOREST))
    except KeyError:
        return float("nan")
    return ours / forest


@dataclass(frozen=True)
class Column:
    """A column of the printed table: which score, read how, printed how."""

    heading: str
    score: str
    statistic: str = "mean"
    form: str = "{:.2f}"


COLUMNS = (
    Column("weather's part, relative error", "weather error"),
    Column("slope", "weather slope", "slope"),
    Column("emissions' part, relative error (median)", "emissions error", "median"),
    Column("weather, % of level", "weather error of level", form="{:.1f}"),
    Column("emissions, % of level", "emissions error of level", form="{:.1f}"),
    Column("index: year", "index error by year", form="{:.1f}"),
    Column("month", "index error by month", form="{:.1f}"),
    Column("week", "index error by week", form="{:.1f}"),
    Column("one week: dates unknown", "one week, dates unknown", form="{:.0f}"),
    Column("told", "one week, dates told", form="{:.0f}"),
    Column("ten weeks: dates unknown", "ten weeks, dates unknown", form="{:.0f}"),
    Column("told", "ten weeks, dates told", form="{:.0f}"),
    Column("seconds", "seconds", "median", "{:.1f}"),
)


def cells(table: pd.DataFrame, kind: str, pollutant: str, method: str) -> list[str]:
    """A method's row of the printed table, an en dash where it has no answer."""
    own = table[(table["kind"] == kind) & (table["pollutant"] == pollutant) & (table["method"] == method)]
    found = means(own).droplevel([0, 1, 2])
    return [_cell(found, column) for column in COLUMNS]


def _cell(found: pd.DataFrame, column: Column) -> str:
    if column.score not in found.index:
        return "–"
    row = found.loc[column.score]
    if column.statistic == "slope":
        return f"{row['mean']:.2f} ± {row['std']:.2f}"
    return column.form.format(row[column.statistic])


def interval_scores(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Coverage and width of our 90 % intervals by pollutant and half; NaN where a pollutant has no such score."""
    wanted = [f"{part} {what}" for part in ("weather", "emissions") for what in ("coverage", "width of level")]
    wanted += [f"p90 {part} coverage" for part in ("weather", "emissions")]
    wanted += [f"index {what} by {frequency}" for frequency in ("year", "month") for what in ("coverage", "width")]
    wanted += [f"{length} coverage" for length in ("one week", "ten weeks")]
    ours = table[(table["kind"] == kind) & (table["method"] == OURS) & table["score"].isin(wanted)]
    both = pd.concat([ours, ours.assign(half="all")] if ours["half"].nunique() > 1 else [ours])
    return both.pivot_table(index=["pollutant", "half"], columns="score", values="value", sort=False).reindex(
        columns=wanted
    )


def factors(answered: Sequence[Answered], kind: str) -> pd.DataFrame:
    """The model-error factors with which intervals cover 90 % of the calibration half, and what they do elsewhere.

    Rows: part and pollutant, or both pollutants together; columns: the factor, coverage on either half with it, and
    with the factor in use.
    """
    ours = [one for one in answered if one.kind == kind and one.method == OURS]
    rows = []
    for part, used in (("weather", WEATHER_MODEL_ERROR), ("emissions", EMISSIONS_MODEL_ERROR)):
        for pollutants in (("pm25",), ("o3",), ("pm25", "o3")):
            halves = {half: _strays(ours, half, part, pollutants, used) for half in HALVES}
            fitted = _least(halves["calibration"])
            rows.append(
                (part, " and ".join(pollutants), used, *(_coverage(h, used) for h in halves.values()), fitted,
                 *(_coverage(h, fitted) for h in halves.values()))
            )  # fmt: skip
    names = ["part", "pollutant", "factor in use", *HALVES, "factor for 90 %", *(f"{half} with it" for half in HALVES)]
    return pd.DataFrame(rows, columns=names)


def _strays(
    answered: Sequence[Answered], half: str, part: str, pollutants: Sequence[str], used: float
) -> list[np.ndarray]:
    """For every world, how many half-widths at factor 1 each pair of years lies off."""
    return [
        ((table[part] - table[f"{part}_true"]).abs() / (table[f"{part}_half"] / used)).to_numpy()
        for one in answered
        if one.half == half
        for pollutant in pollutants
        for table in [frame(one.answers[pollutant]["pairs"]["mean"])]
    ]


def _coverage(strays: Sequence[np.ndarray], factor: float) -> float:
    return float(np.mean([(world <= factor).mean() for world in strays])) if strays else float("nan")


def _least(strays: Sequence[np.ndarray]) -> float:
    enough = [factor for factor in FACTORS if _coverage(strays, factor) >= WANTED]
    return float(enough[0]) if enough else float("nan")


def printed(table: pd.DataFrame, kind: str, pollutant: str, contestants: Mapping[str, Contestant]) -> str:
    """The table of one pollutant as Markdown."""
    present = [name for name in contestants if (table["method"] == name).any()]
    heading = ["method", *(column.heading for column in COLUMNS)]
    rows = [[contestants[name].label, *cells(table, kind, pollutant, name)] for name in present]
    return markdown(heading, rows)


def markdown(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; leading spaces of a first cell become an indent."""
    body = [[row[0].replace("  ", "&emsp;", 1) if row[0].startswith("  ") else row[0], *row[1:]] for row in rows]
    rule = ["---", *["---:"] * (len(heading) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [heading, rule, *body])
