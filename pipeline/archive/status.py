"""What an archive holds, in a few lines or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.archive.ledger import EPOCH, HOUR, Ledger
from pipeline.stations.rejections import runs_of_labels
from pipeline.store import written_whole

HOURS_OF_A_GAP = 24
"""Absent hours in a row that are called a gap; shorter ones are counted."""
GAPS_SHOWN = 12


@dataclass(frozen=True)
class Status:
    """Labels are the ends of hours in local standard time; ``rejected`` counts rows of the quality report by rule.

    ``other_files`` are names of files that the latest ingest of each reader found and does not know.
    """

    batches: int
    stations: int
    variables: tuple[str, ...]
    first_hour: str
    last_hour: str
    days: float
    gaps: tuple[tuple[str, str], ...]
    other_absent_hours: int
    contested_values: int
    rejected: dict[str, int]
    other_files: tuple[str, ...]


def status(folder: Path) -> Status:
    """The state of the archive in ``folder``; no archive there is an InputError."""
    with Ledger(folder) as ledger:
        held, gaps, absent = _hours(ledger.runs())
        extent = ledger.extent()
        ((batches,),) = ledger.rows("SELECT count(*) FROM batch WHERE held")
        ((contested,),) = ledger.rows(
            "SELECT count(*) FROM (SELECT 1 FROM claim JOIN batch ON id = batch WHERE held "
            "GROUP BY variable, label, position HAVING min(value) < max(value))"
        )
        rules = ledger.rows("SELECT rule, count(*) FROM rejected JOIN batch ON id = batch WHERE held GROUP BY rule")
        others = ledger.others()
        rules += [("other_files", len(others))] if others else []
        return Status(
            batches=batches,
            stations=len(ledger.stations(*extent)) if extent else 0,
            variables=tuple(sorted(ledger.units())),
            first_hour=f"{extent[0]:%Y-%m-%d %H:%M}" if extent else "",
            last_hour=f"{extent[1]:%Y-%m-%d %H:%M}" if extent else "",
            days=held / 24,
            gaps=gaps,
            other_absent_hours=absent,
            contested_values=contested,
            rejected={str(rule): int(count) for rule, count in rules},
            other_files=tuple(name for names in others.values() for name in names),
        )


def _hours(runs: list[tuple[Any, ...]]) -> tuple[int, tuple[tuple[str, str], ...], int]:
    """Hours held, gaps as first and last absent label, and absent hours outside gaps."""
    if not runs:
        return 0, (), 0
    first, last = min(run[0] for run in runs), max(run[1] for run in runs)
    there = np.zeros(last - first + 1, dtype=bool)
    for start, end in runs:
        there[start - first : end - first + 1] = True
    absent = EPOCH + (first + np.flatnonzero(~there)) * HOUR
    spans = list(runs_of_labels(pd.DatetimeIndex(absent))) if (~there).any() else []
    gaps = [(start, end) for start, end in spans if (end - start) / HOUR + 1 >= HOURS_OF_A_GAP]
    in_gaps = sum(int((end - start) / HOUR) + 1 for start, end in gaps)
    shown = tuple((f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}") for start, end in gaps)
    return int(there.sum()), shown, int((~there).sum()) - in_gaps


def as_json(found: Status) -> str:
    """The status for programs."""
    return json.dumps(asdict(found), indent=1, ensure_ascii=False)


def as_text(found: Status) -> str:
    """The status for people."""
    if not found.first_hour:
        return "nothing is held"
    gaps = [f"  {start} to {end}" for start, end in found.gaps[:GAPS_SHOWN]]
    more = [f"  and {len(found.gaps) - GAPS_SHOWN} more"] if len(found.gaps) > GAPS_SHOWN else []
    rules = [f"  {rule}: {count}" for rule, count in sorted(found.rejected.items())]
    others = [f"files of other names, not read: {len(found.other_files)}, such as {name}" for name in found.other_files]
    return "\n".join(
        [
            f"{found.days:.1f} days of hours, {found.first_hour} to {found.last_hour}, in {found.batches} batches",
            f"{found.stations} stations; {', '.join(found.variables)}",
            f"gaps of a day and more: {len(found.gaps)}",
            *gaps,
            *more,
            f"other absent hours: {found.other_absent_hours}",
            f"values on which batches differ: {found.contested_values}",
            f"rows of the quality report by rule: {sum(found.rejected.values())}",
            *rules,
            *others[:1],
        ]
    )


def write_rejected(folder: Path, path: Path) -> None:
    """Every file and run of values that ingests did not take, as CSV (columns ``contracts.REJECTED``)."""
    with Ledger(folder) as ledger, written_whole(path) as partial:
        ledger.rejected().to_csv(partial, index=False, encoding="utf-8")
