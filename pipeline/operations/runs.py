"""``tianbang runs``: which runs a folder holds, what two runs say differently, and which are old."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.store import Run

TABLE = "tables/attribution.csv"
TOLERANCE = 1e-6
"""Relative difference below which two numbers are the same: tables are printed with six digits."""
DIFFERENCES = ("table", "rows", "only_first", "only_second", "columns", "differing", "largest", "where")


@dataclass(frozen=True)
class Kept:
    """A run folder; ``made`` is None for one that was never finished."""

    folder: Path
    made: datetime.datetime | None
    version: str
    config: str
    places: int
    size: int


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run: it has manifests of its days or its tables."""
    manifests = folder / "manifests"
    return (manifests / "daily").is_dir() or (manifests / "tables").is_dir()


def runs(folder: Path) -> list[Kept]:
    """The runs in ``folder``, itself or those right below it, the newest first. No folder is an InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: found no such folder; allowed: a run folder, or one that holds some, such as runs")
    found = [_kept(path) for path in ([folder] if is_run(folder) else sorted(filter(is_run, folder.iterdir())))]
    return sorted(found, key=lambda run: run.made or datetime.datetime.min.replace(tzinfo=datetime.UTC), reverse=True)


def _kept(folder: Path) -> Kept:
    store = Run(folder)
    manifest = store.manifest(TABLE) or {}
    path = store.path(TABLE)
    made = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC) if path.is_file() and manifest else None
    places = len(list((folder / "readings").glob("*.nc")))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Kept(folder, made, str(manifest.get("tianbang", "?")), str(manifest.get("config", "?"))[:12], places, size)


def listed(found: Sequence[Kept]) -> str:
    """One line a run."""
    lines = [f"{'made (UTC)':<18}{'version':<9}{'config':<14}{'series':>7}{'MB':>9}  folder"]
    for run in found:
        made = f"{run.made:%Y-%m-%d %H:%M}" if run.made else "not finished"
        size = f"{run.size / 1e6:.1f}"
        lines.append(f"{made:<18}{run.version:<9}{run.config:<14}{run.places:>7}{size:>9}  {run.folder}")
    return "\n".join(lines if found else ["no run here"])


def compared(first: Path, second: Path) -> pd.DataFrame:
    """What the tables of two runs say differently, one row a table and columns ``DIFFERENCES``.

    Rows are matched by their columns of text and of whole numbers that both have; a number differs when it does so by
    more than ``TOLERANCE`` of its size, or is missing in one. ``largest`` is the largest difference, ``where`` its
    column and row. A folder that is no run is an InputError.
    """
    for folder in (first, second):
        if not is_run(folder):
            raise InputError(f"{folder}: found no run there; allowed: a folder that `tianbang run` made")
    names = sorted({path.name for folder in (first, second) for path in (folder / "tables").glob("*.csv")})
    return pd.DataFrame([_difference(name, first, second) for name in names], columns=list(DIFFERENCES))


def _difference(name: str, first: Path, second: Path) -> dict[str, object]:
    one, other = (_read(folder / "tables" / name) for folder in (first, second))
    columns = sorted(set(one.columns) ^ set(other.columns))
    shared = [column for column in one.columns if column in other.columns]
    values = [column for column in shared if _is_value(one[column]) and _is_value(other[column])]
    keys = [column for column in shared if column not in values]
    both = _numbered(one, keys).merge(
        _numbered(other, keys), on=[*keys, "occurrence"], how="outer", suffixes=("_1", "_2"), indicator=True
    )
    matched = both[both["_merge"] == "both"]
    differing, largest, where = _of_values(matched, values, keys)
    return {
        "table": name,
        "rows": len(matched),
        "only_first": int((both["_merge"] == "left_only").sum()),
        "only_second": int((both["_merge"] == "right_only").sum()),
        "columns": ";".join(columns),
        "differing": differing,
        "largest": largest,
        "where": where,
    }


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.is_file() else pd.DataFrame()


def _is_value(column: pd.Series) -> bool:
    return bool(pd.api.types.is_float_dtype(column) or column.isna().all())


def _numbered(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Rows that are alike in their keys are told apart by their order."""
    texts = frame.astype(dict.fromkeys(keys, str))
    return texts.assign(occurrence=texts.groupby(list(keys)).cumcount() if keys else np.arange(len(texts)))


def _of_values(matched: pd.DataFrame, values: Sequence[str], keys: Sequence[str]) -> tuple[int, float, str]:
    """How many numbers differ, by how much at the most, and where."""
    count, largest, where = 0, 0.0, ""
    for column in values:
        one, other = (matched[f"{column}_{side}"].to_numpy(dtype=float) for side in (1, 2))
        off = np.abs(one - other)
        scale = np.maximum(np.maximum(np.abs(one), np.abs(other)), 1e-300)
        differs = (off / scale > TOLERANCE) | (np.isnan(one) != np.isnan(other))
        count += int(differs.sum())
        if differs.any() and np.nanmax(np.where(differs, off, 0.0), initial=0.0) >= largest:
            at = int(np.nanargmax(np.where(differs, np.nan_to_num(off, nan=0.0), -1.0)))
            largest = float(np.nan_to_num(off[at]))
            where = f"{column} of {' '.join(str(matched.iloc[at][key]) for key in keys)}".strip()
    return count, largest, where


def as_text(found: pd.DataFrame) -> str:
    """One line for each table that differs, then how many are the same."""
    same = (found[["only_first", "only_second", "differing"]] == 0).all(axis=1) & (found["columns"] == "")
    lines = list(_told(found[~same]))
    return "\n".join([*lines, f"{int(same.sum())} of {len(found)} tables say the same"])


def _told(found: pd.DataFrame) -> Iterator[str]:
    for row in found.to_dict("records"):
        largest = f"{row['differing']} numbers differ, at the most by {row['largest']:.6g} ({row['where']})"
        parts = [largest] if row["differing"] else []
        parts += [
            f"{row[f'only_{side}']} rows only in the {side}" for side in ("first", "second") if row[f"only_{side}"]
        ]
        parts += [f"columns not in both: {row['columns']}"] if row["columns"] else []
        yield f"{row['table']}: {'; '.join(parts)}"


def prune(folder: Path, *, older_than: int, now: datetime.datetime, dry_run: bool) -> list[Kept]:
    """Removes the runs of ``folder`` that were finished more than so many days ago; returns them.

    Never the newest one, nor one that was not finished: it may be at work. With ``dry_run`` nothing is removed.
    """
    finished = [run for run in runs(folder) if run.made is not None]
    old = [run for run in finished[1:] if run.made and (now - run.made).days > older_than]
    for run in old if not dry_run else ():
        # the manifests go first: what is left of an interrupted removal is no run any more, and is not taken for one
        shutil.rmtree(run.folder / "manifests")
        shutil.rmtree(run.folder)
    return old


def as_json(found: Sequence[Kept]) -> str:
    """The runs as a list of objects."""
    rows = [
        {
            "folder": str(run.folder),
            "made": run.made.isoformat(timespec="seconds") if run.made else None,
            "version": run.version,
            "config": run.config,
            "series": run.places,
            "bytes": run.size,
        }
        for run in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1)
