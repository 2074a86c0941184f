"""A method on a case: what it said beside what is true, and the scores of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.counterfactual import interval
from models.methods import Result, Separated, Shares, Task, undeclared
from models.methods.task import Dates
from pipeline.benchmark.cases import Case, tasks
from pipeline.benchmark.contestants import Contestant
from pipeline.benchmark.truth import FREQUENCIES, true_parts
from pipeline.worlds.pairing import periods, positions
from pipeline.worlds.world import World

COLUMNS = (
    "first",
    "second",
    *(f"{part}{what}" for part in ("weather", "emissions") for what in ("", "_half", "_true")),
)
ONE_WEEK = 7


def answers(case: Case, contestant: Contestant, truth: Mapping[str, Any]) -> dict[str, Any]:
    """By pollutant: pairs of years by statistic (``COLUMNS``), index errors, interventions, members and seconds."""
    world = case.world()
    return {
        pollutant: _answers(world, task, contestant, truth[pollutant]) for pollutant, task in tasks(case, world).items()
    }


def _answers(world: World, task: Task, contestant: Contestant, truth: Mapping[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    result = contestant.method(task)
    found = {statistic: _pairs(result, truth, statistic) for statistic in truth["table"]}
    seconds = time.perf_counter() - started
    return {
        "pairs": {statistic: rows for statistic, rows in found.items() if rows},
        "index": _index(result, task, truth),
        "events": _events(world, task, contestant, result, truth["events"]),
        "level": float(np.nanmean(task.observed)),
        "seconds": seconds,
    }


def _pairs(result: Result, truth: Mapping[str, Any], statistic: str) -> list[list[float]]:
    years, table = truth["years"], np.array(truth["table"][statistic])
    rows = []
    for p, first in enumerate(years):
        for q in range(p + 1, len(years)):
            shares = result.parts(first, years[q], statistic)
            if shares is not None:
                rows.append([first, years[q], *_beside(shares, true_parts(table, p, q))])
    return rows


def _beside(shares: Shares, true: tuple[float, float]) -> list[float | None]:
    row: list[float | None] = []
    for members, value in zip((shares.weather, shares.emissions), true, strict=True):
        half = _half_width(members) if len(members) > 2 else None
        row += [float(members[0]), None if half is None else float(half), value]
    return row


def _index(result: Result, task: Task, truth: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By frequency: mean absolute ``error`` of the index [points]; with members also ``coverage`` and ``width``.

    These two are of the 90 % intervals of periods outside the base year, whose index is 100 whatever the answer.
    """
    base = task.calendar.year == truth["years"][0]
    actual, reference = result.index_days(base)
    days = task.calendar.days
    found: dict[str, dict[str, float]] = {}
    for frequency in FREQUENCIES:
        spans = [positions(days, period) for period in periods(days, frequency)]
        index = np.array([100 * np.nansum(actual[:, s], axis=1) / np.nansum(reference[:, s], axis=1) for s in spans])
        error = np.abs(index[:, 0] - np.array(truth["index"][frequency]))
        found[frequency] = {"error": float(np.nanmean(error))}
        if index.shape[1] > 2:
            half = _half_width(index)
            judged = np.array([not base[s].any() for s in spans]) & np.isfinite(error)
            found[frequency] |= {
                "coverage": float((error <= half)[judged].mean()),
                "width": float(2 * half[judged].mean()),
            }
    return found


def _half_width(members: np.ndarray) -> np.ndarray:
    """Half the width of the 90 % interval over the last axis, whose first entry is the estimate."""
    return np.asarray(interval(members)[1] - members[..., 0])


def _events(
    world: World, task: Task, contestant: Contestant, result: Result, true: Sequence[float]
) -> list[dict[str, float | None]]:
    """Each intervention's days and sizes [%]: true, read off the normalized series, by a fit that knew its dates."""
    dates = tuple((event.start, event.end) for event in world.interventions)
    told = None
    if dates and contestant.told_dates:
        told = contestant.method(
            Task(task.target, task.drivers, task.roles, task.calendar, task.seed, interventions=dates)
        )
    normalized = result.normalized() if dates else np.zeros(0)
    return [
        {
            "days": (when[1] - when[0]).days + 1,
            "true": size,
            "unknown": 100 * undeclared(normalized, task.calendar, when),
            "told": None if told is None else 100 * told.declared(when),
            "told_half": _half_of_event(told, when),
        }
        for when, size in zip(dates, true, strict=True)
    ]


def _half_of_event(result: Result | None, dates: Dates) -> float | None:
    """Half the width [%] of the 90 % interval of an intervention's size; None for a method that has none."""
    fitted = result.separation.fitted if isinstance(result, Separated) else None
    if fitted is None or len(fitted.emissions.coefficients) < 3:
        return None
    members = 100 * np.expm1(fitted.emissions.steps[:, fitted.emissions.interventions.index(dates)])
    return float(_half_width(members))


def scores(answer: Mapping[str, Any]) -> dict[str, float]:
    """The scores of one method on one world and pollutant."""
    found: dict[str, float] = {}
    for statistic, rows in answer["pairs"].items():
        prefix = "" if statistic == "mean" else f"{statistic} "
        found |= {prefix + name: value for name, value in _of_pairs(frame(rows), answer["level"]).items()}
    for frequency, of_index in answer["index"].items():
        found |= {f"index {what} by {frequency}": value for what, value in of_index.items()}
    for event in answer["events"]:
        length = "one week" if event["days"] <= ONE_WEEK else "ten weeks"
        for knowledge in ("unknown", "told"):
            if event[knowledge] is not None:
                found[f"{length}, dates {knowledge}"] = abs(event[knowledge] - event["true"])
        if event["told_half"] is not None:
            found[f"{length} coverage"] = float(abs(event["told"] - event["true"]) <= event["told_half"])
    return found | {"seconds": answer["seconds"]}


def frame(rows: Sequence[Sequence[float | None]]) -> pd.DataFrame:
    """Pairs of years as a table; ``_half`` columns hold half the width of the 90 % interval, NaN without one."""
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(float)


def _of_pairs(table: pd.DataFrame, level: float) -> dict[str, float]:
    found = {}
    for part in ("weather", "emissions"):
        error = (table[part] - table[f"{part}_true"]).abs()
        found[f"{part} error"] = float(error.sum() / table[f"{part}_true"].abs().sum())
        found[f"{part} error of level"] = float(100 * error.mean() / level)
        if table[f"{part}_half"].notna().all():
            found[f"{part} coverage"] = float((error <= table[f"{part}_half"]).mean())
            found[f"{part} width of level"] = float(100 * 2 * table[f"{part}_half"].mean() / level)
        true = table[f"{part}_true"]
        found[f"{part} slope"] = float((table[part] * true).sum() / (true**2).sum())
    return found
