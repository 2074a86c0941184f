"""What is true in a case: the parts of every change, the index, the size of interventions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.benchmark.cases import POLLUTANTS, Case, years
from pipeline.worlds.world import Frequency, World

FREQUENCIES: tuple[Frequency, ...] = ("year", "month", "week")
STATISTICS = {"pm25": ("mean",), "o3": ("mean", "p90")}


def truth(case: Case, *, draws: int) -> dict[str, Any]:
    """By pollutant: ``table`` by statistic, ``index`` by frequency (first year's emissions), ``events`` [%].

    Averaged over ``draws`` of what is unobserved; plain lists, ready for JSON.
    """
    world = case.world()
    return {pollutant: _of(case, world, pollutant, draws) for pollutant in POLLUTANTS}


def _of(case: Case, world: World, pollutant: str, draws: int) -> dict[str, Any]:
    periods = years(case, world)
    tables = {
        statistic: world.truth(pollutant, statistic, periods, draws=draws)[0].values.tolist()
        for statistic in ("mean", "p90")
        if statistic in STATISTICS[pollutant]
    }
    index = {
        frequency: world.true_index(pollutant, frequency, base=periods[0], draws=draws)[0].values.tolist()
        for frequency in FREQUENCIES
    }
    events = [float(world.intervention_effect(pollutant, event, draws=draws)[0]) for event in world.interventions]
    return {"years": [first.year for first, _ in periods], "table": tables, "index": index, "events": events}


def true_parts(table: np.ndarray, p: int, q: int) -> tuple[float, float]:
    """The weather's and the emissions' part of the change from position ``p`` to ``q`` of the true table."""
    pp, pq, qp, qq = table[p, p], table[p, q], table[q, p], table[q, q]
    return float(((pq - pp) + (qq - qp)) / 2), float(((qp - pp) + (qq - pq)) / 2)
