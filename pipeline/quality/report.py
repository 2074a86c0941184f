"""What was rejected, told: a frame, rows of a table in either language, and notes in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.quality.rules import RULES, Options

FILES_NAMED = 50
SUMMARY = ("rule", "variable", "files", "stations", "values", "share", "first", "last", "lowest", "highest", "source")


def summary(rejected: pd.DataFrame, held: Mapping[str, int]) -> pd.DataFrame:
    """A row for each rule and variable that rejected something, the most first; columns ``SUMMARY``.

    ``share`` is the values' part of all that were ``held`` of the variable before the rules [1]; NaN for what concerns
    a file. ``first`` and ``last`` are labels of the earliest and latest value, ``source`` is where the rule is from.
    """
    if rejected.empty:
        return pd.DataFrame(columns=list(SUMMARY))
    # readers leave empty what does not apply as NaN, None or ""
    by = rejected.assign(
        rule=rejected["rule"].astype(str),
        variable=rejected["variable"].where(rejected["variable"].notna(), "").astype(str),
    ).groupby(["rule", "variable"], sort=True)
    frame = by.agg(
        files=("file", _different),
        stations=("station", _different),
        values=("values", "sum"),
        first=("start", "min"),
        last=("end", "max"),
        lowest=("lowest", "min"),
        highest=("highest", "max"),
    ).reset_index()
    frame["share"] = [
        values / held[name] if held.get(name) else float("nan")
        for name, values in zip(frame["variable"], frame["values"], strict=True)
    ]
    frame["source"] = [RULES[rule].source for rule in frame["rule"]]
    frame = frame.sort_values(["values", "rule", "variable"], ascending=[False, True, True], ignore_index=True)
    return frame[list(SUMMARY)]


def _different(column: pd.Series) -> int:
    present = column.dropna()
    return int(present[present.astype(str) != ""].nunique())


def report_rows(
    found: pd.DataFrame, language: Literal["en", "zh"], options: Options | None = None
) -> list[dict[str, str]]:
    """A ``summary`` as text for a table: what each rule means, its threshold and source, and what it took."""
    return [_row(row, language, options or Options()) for _, row in found.iterrows()]


def _row(row: pd.Series, language: Literal["en", "zh"], options: Options) -> dict[str, str]:
    rule = RULES[str(row["rule"])]
    return {
        "rule": str(row["rule"]),
        "meaning": rule.chinese if language == "zh" else rule.english,
        "threshold": rule.threshold.format(**options.model_dump()),
        "source": rule.source,
        "variable": str(row["variable"]),
        "files": str(row["files"]),
        "stations": str(row["stations"]),
        "values": f"{row['values']:.0f}",
        "share": _percent(row["share"], " {:.3g} %").strip(),
        "first": str(row["first"])[:10].replace("NaT", ""),
        "last": str(row["last"])[:10].replace("NaT", ""),
    }


def notes(found: pd.DataFrame) -> list[str]:
    """One line for each row of a ``summary``."""
    return [_note(row) for _, row in found.iterrows()]


def file_notes(rejected: pd.DataFrame) -> list[str]:
    """One line for each file that was not taken as it is, with its reason; of more than 50 the first."""
    whole = rejected[rejected["station"].isna() | (rejected["station"].astype(str) == "")]
    whole = whole[whole["rule"] != "absent_hours"].drop_duplicates(["file", "rule"])
    found = [
        f"quality: {row['file']}: {RULES[str(row['rule'])].english} ({row['rule']}; {row['detail']})"
        for row in whole.head(FILES_NAMED).to_dict("records")
    ]
    left = len(whole) - len(found)
    return [*found, f"quality: and {left} more files, see tables/rejected.csv"] if left > 0 else found


def _note(row: pd.Series) -> str:
    what = RULES[str(row["rule"])].english
    if not row["variable"]:
        return f"quality: {row['files']} files: {what} ({row['rule']})"
    part = _percent(row["share"], " ({:.2g} %)")
    taken = f"{row['values']:.0f} values of {row['variable']}{part}, stations: {row['stations']}"
    return f"quality: {taken}, rejected as {row['rule']}: {what} (from {row['lowest']:g} to {row['highest']:g})"


def _percent(share: float, form: str) -> str:
    return "" if np.isnan(share) else form.format(100 * share)
