"""The benchmark's results as Markdown, and where they stand in a page written by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from pipeline.benchmark.contestants import OURS, Contestant
from pipeline.benchmark.summary import (
    HALVES,
    Answered,
    factors,
    interval_scores,
    markdown,
    means,
    printed,
    ratio_to_forest,
)
from pipeline.errors import InputError
from pipeline.store import write_text

BEGIN, END = "<!-- results: written by `tianbang benchmark --page` -->", "<!-- end of results -->"
NAMES = {"pm25": "PM2.5", "o3": "O3"}


def results(table: pd.DataFrame, answered: Sequence[Answered], contestants: Mapping[str, Contestant]) -> str:
    """Every table, by kind of world."""
    blocks = []
    for kind in table["kind"].unique():
        of_kind = table[table["kind"] == kind]
        blocks.append(f"### {kind[0].upper()}{kind[1:]}: {of_kind['world'].nunique()} worlds")
        for pollutant in of_kind["pollutant"].unique():
            ratio = ratio_to_forest(table, kind, pollutant)
            told = "" if math.isnan(ratio) else f" Our error of the weather's part is {ratio:.2f} of the forest's."
            blocks.append(f"**{NAMES[pollutant]}.**{told}{_percentile(table, kind, pollutant)}")
            blocks.append(printed(of_kind, kind, pollutant, contestants))
        if (of_kind["method"] == OURS).any():
            blocks.append(_intervals(table, kind))
        if set(HALVES) <= set(of_kind.loc[of_kind["method"] == OURS, "half"]):
            blocks.append(_factors(answered, kind))
    return "\n\n".join(blocks)


def _percentile(table: pd.DataFrame, kind: str, pollutant: str) -> str:
    found = means(table)["mean"]
    said = [
        f"{name} {found[kind, name, pollutant, 'p90 weather error']:.2f} "
        f"(slope {found[kind, name, pollutant, 'p90 weather slope']:.2f})"
        for name in table["method"].unique()
        if not name.startswith(f"{OURS}-") and (kind, name, pollutant, "p90 weather error") in found.index
    ]
    return f" 90th percentile of the days, the weather's part's relative error: {'; '.join(said)}." if said else ""


def _intervals(table: pd.DataFrame, kind: str) -> str:
    found = interval_scores(table, kind)
    labels = [f"{NAMES[str(pollutant)]}, {half}" for pollutant, half in found.index]
    rows = [
        [label, *(_of_interval(name, value) for name, value in zip(found.columns, row, strict=True))]
        for label, row in zip(labels, found.to_numpy(dtype=float), strict=True)
    ]
    heading = ["our 90 % intervals", *(name.replace("of level", "(% of level)") for name in found.columns)]
    return markdown(heading, rows)


def _of_interval(name: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    if "coverage" in name:
        return f"{100 * value:.0f} %"
    return f"{value:.1f} %" if "level" in name else f"{value:.1f}"


def _factors(answered: Sequence[Answered], kind: str) -> str:
    found = factors(answered, kind)
    rows = []
    for _, row in found.iterrows():
        numbers = [f"{row[name]:.2f}" if "factor" in name else f"{100 * row[name]:.0f} %" for name in found.columns[2:]]
        pollutants = " and ".join(NAMES[key] for key in row["pollutant"].split(" and "))
        rows.append([f"{row['part']}, {pollutants}", *numbers])
    return markdown(["factor on the spread", *found.columns[2:]], rows)


def update(page: Path, text: str) -> None:
    """Puts ``text`` between the marks of a ``page``. Raises InputError where it has none."""
    try:
        before, rest = page.read_text(encoding="utf-8").split(BEGIN)
        _, after = rest.split(END)
    except (OSError, ValueError):
        raise InputError(f"{page}: needs one line '{BEGIN}' and, after it, one '{END}'") from None
    write_text(page, f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
