"""Period, area and variables -> requests. Nothing here touches network, disk or clock."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from era5_fetch import lexicon
from era5_fetch.errors import GridError, PeriodError, RequestError
from era5_fetch.grid import degrees_of, require_points
from era5_fetch.period import hours
from era5_fetch.request import HOURS, PRESSURE_LEVELS, SINGLE_LEVELS, STEP, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from era5_fetch.period import Period
    from era5_fetch.request import Area, DataFormat

FIELDS_LIMIT = 60_000
"""The most fields of a request: the limit that the CDS's own page named in July 2025 (ECMWF forum 12477)."""
EMBARGO = pd.Timedelta("5D")
"""The age at which an hour is published, as ERA5T
(https://confluence.ecmwf.int/display/CKB/ERA5%3A+data+documentation)."""
LATE = 2 * EMBARGO
"""The age up to which a newest hour that is missing counts as late, not as lost: a day's update may fail once."""
FIRST = pd.Timestamp("1940-01-01")
"""The first hour of ERA5 (Soci et al. 2024, https://doi.org/10.1002/qj.4803)."""
MARGIN = 1
"""Cells kept around the cells that points lie between."""


def plan(
    variables: Iterable[str],
    period: Period,
    *,
    area: Sequence[float] | None = None,
    points: pd.DataFrame | None = None,
    fields_limit: int = FIELDS_LIMIT,
    data_format: DataFormat = "netcdf",
    margin: int = MARGIN,
) -> list[Request]:
    """The requests that hold `variables` over a period: by month, dataset and kind of step, in this order.

    Days are whole, so that a file serves other periods too. `area` is [north, west, south, east; degrees],
    widened to the cells it reaches into; `points` (columns `latitude`, `longitude` [degrees]) stand for the
    box around them and `margin` more cells. Neither is the globe. No request holds more than `fields_limit` fields.

    Raises
    ------
    VariableError
        The table does not know a variable.
    PeriodError
        The period cannot be read, is empty, or begins before ERA5 does.
    GridError
        Not an area, or points without a place.
    RequestError
        `fields_limit` is less than one variable has in a day.
    """
    names = dict.fromkeys(lexicon.variable(name).name for name in variables)
    box = _box_of(area, points, margin)
    groups = list(_groups(names))
    span = hours(period)
    if span[0] < FIRST:
        raise PeriodError(f"{span[0]:%Y-%m-%d} is before {FIRST:%Y-%m-%d}, when ERA5 begins: ask from there on")
    return [
        part
        for (year, month), days in _days(span).items()
        for dataset, together in groups
        for part in _within(Request(dataset, together, year, month, days, box, data_format), fields_limit)
    ]


def _days(span: pd.DatetimeIndex) -> dict[tuple[int, int], tuple[int, ...]]:
    """Days by year and month."""
    found: dict[tuple[int, int], dict[int, None]] = defaultdict(dict)
    for day in span.normalize().unique():
        found[day.year, day.month][day.day] = None
    return {month: tuple(days) for month, days in found.items()}


def _groups(names: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Dataset and names that one request can ask for: of one kind, and on the same levels."""
    kinds: dict[tuple[bool, lexicon.Kind], list[lexicon.Variable]] = defaultdict(list)
    for known in map(lexicon.variable, names):
        kinds[known.level is not None, known.kind].append(known)
    for (levelled, _), members in sorted(kinds.items()):
        dataset = PRESSURE_LEVELS if levelled else SINGLE_LEVELS
        yield from ((dataset, together) for together in _on_the_same_levels(members))


def _on_the_same_levels(members: Sequence[lexicon.Variable]) -> Iterator[tuple[str, ...]]:
    """Names in groups whose quantities times levels are just these names: a request asks for the product."""
    levels: dict[str, set[int | None]] = defaultdict(set)
    for known in members:
        levels[known.request].add(known.level)
    alike: dict[frozenset[int | None], list[str]] = defaultdict(list)
    for known in members:
        alike[frozenset(levels[known.request])].append(known.name)
    yield from map(tuple, alike.values())


def _within(request: Request, limit: int) -> list[Request]:
    if request.fields <= limit:
        return [request]
    return [part for half in split(request) for part in _within(half, limit)]


def split(request: Request) -> tuple[Request, Request]:
    """Two requests that hold the same between them: half the days, or of one day half the variables.

    Raises
    ------
    RequestError
        One variable on one day.
    """
    if len(request.days) > 1:
        middle = len(request.days) // 2
        return replace(request, days=request.days[:middle]), replace(request, days=request.days[middle:])
    known = [lexicon.variable(name) for name in request.variables]
    for keys in ([v.request for v in known], [v.level or 0 for v in known]):
        if len(every := sorted(set(keys), key=str)) > 1:
            first = set(every[: len(every) // 2])
            parts = [
                [v.name for v, k in zip(known, keys, strict=True) if (k in first) is half] for half in (True, False)
            ]
            return replace(request, variables=tuple(parts[0])), replace(request, variables=tuple(parts[1]))
    raise RequestError(f"{request.label}: too large for the server, and it is one variable on one day: take less area")


# -- what is held, and what is there to be had --------------------------------------------------------------------


@dataclass(frozen=True)
class Holding:
    """A file that is held: what was asked for, and how far in time it goes."""

    request: Request
    last_hour: pd.Timestamp

    @property
    def whole_days(self) -> frozenset[int]:
        """The days of which every hour is there."""
        ends = ((day, pd.Timestamp(self.request.year, self.request.month, day, HOURS - 1)) for day in self.request.days)
        return frozenset(day for day, end in ends if end <= self.last_hour)


def remaining(requests: Iterable[Request], holdings: Sequence[Holding]) -> list[Request]:
    """What of some requests no file holds: the days and the variables left of each."""
    return [part for request in requests for part in _left(request, holdings)]


def _left(request: Request, holdings: Sequence[Holding]) -> Iterator[Request]:
    serving = [held for held in holdings if serves(held.request, request)]
    lacking: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name in request.variables:
        held = {day for h in serving if name in h.request.variables for day in h.whole_days}
        lacking[tuple(day for day in request.days if day not in held)].append(name)
    for days, names in lacking.items():
        if days:
            yield from (replace(request, days=days, variables=together) for _, together in _groups(names))


def serves(held: Request, request: Request) -> bool:
    """Whether a file holds something of a request, and the whole of its area."""
    same = (held.dataset, held.year, held.month) == (request.dataset, request.year, request.month)
    touching = set(held.days) & set(request.days) and set(held.variables) & set(request.variables)
    return same and bool(touching) and covers(held.area, request.area)


def covers(outer: Area | None, inner: Area | None) -> bool:
    """Whether all of an area lies in another; None is the globe."""
    if outer is None or inner is None:
        return outer is None
    turned = outer[1] + (inner[1] - outer[1]) % 360
    wide = turned + inner[3] - inner[1] <= outer[3] or outer[3] - outer[1] >= 360 - STEP
    return outer[0] >= inner[0] and outer[2] <= inner[2] and wide


def published(requests: Iterable[Request], until: pd.Timestamp) -> tuple[list[Request], pd.DatetimeIndex]:
    """The requests cut to the days that have begun before `until`, and the hours of the days cut off."""
    asked, pending = [], [pd.DatetimeIndex([], name="time").as_unit("ns")]
    for request in requests:
        out = tuple(d for d in request.days if pd.Timestamp(request.year, request.month, d) <= until)
        if out:
            asked.append(replace(request, days=out))
        if late := tuple(set(request.days) - set(out)):
            pending.append(replace(request, days=late).hours)
    return asked, pd.DatetimeIndex(np.unique(np.concatenate(pending)), name="time")


# -- the box ------------------------------------------------------------------------------------------------------


def _box_of(area: Sequence[float] | None, points: pd.DataFrame | None, margin: int) -> Area | None:
    if area is not None and points is not None:
        raise GridError("an area and points, agreed one of them: points need no area")
    if points is not None:
        return _around(points, margin)
    return None if area is None else _snapped(area, margin=0)


def _around(points: pd.DataFrame, margin: int) -> Area:
    """The smallest box around points: it leaves out the widest empty run of longitudes."""
    require_points(points)
    latitude, longitude = degrees_of(points)
    around = np.unique((longitude + 180) % 360 - 180)
    gaps = np.diff(np.append(around, around[0] + 360))
    widest = int(np.argmax(gaps))
    west = around[(widest + 1) % around.size]
    return _snapped([latitude.max(), west, latitude.min(), west + 360 - gaps[widest]], margin=margin)


def _snapped(area: Sequence[float], *, margin: int) -> Area:
    """An area widened to whole cells, and by a margin of cells."""
    if len(area) != 4 or not 90 >= area[0] >= area[2] >= -90:
        raise GridError(f"area {list(area)}, agreed [north, west, south, east] in degrees")
    north, west, south, east = (float(side) for side in area)
    east += 360 * math.ceil((west - east) / 360) if east < west else 0
    rim = margin * STEP
    if east - west + 2 * rim >= 360 - STEP:
        west, east, rim = -180.0, 180.0 - STEP, 0.0
    edge = margin * STEP
    return (
        min(90.0, math.ceil(north / STEP) * STEP + edge),
        math.floor(west / STEP) * STEP - rim,
        max(-90.0, math.floor(south / STEP) * STEP - edge),
        math.ceil(east / STEP) * STEP + rim,
    )


# -- to be read ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """The server's own estimate: what a request costs, and how much one may cost."""

    cost: float
    limit: float


def rows(requests: Sequence[Request], costs: Sequence[Cost] | None = None) -> list[dict[str, object]]:
    """One record a request: dataset, month, days, step, variables, fields, bytes, and the cost if it is known."""
    made: list[dict[str, object]] = []
    for number, request in enumerate(requests):
        row: dict[str, object] = {
            "dataset": request.dataset,
            "month": f"{request.year}-{request.month:02d}",
            "days": len(request.days),
            "step": request.step,
            "variables": list(request.variables),
            "fields": request.fields,
            "estimated_bytes": request.estimated_bytes,
        }
        if costs is not None:
            row |= {"cost": costs[number].cost, "cost_limit": costs[number].limit}
        made.append(row | {"digest": request.digest})
    return made


def to_json(requests: Sequence[Request], costs: Sequence[Cost] | None = None) -> str:
    """The plan for programs: its rows, each with the inputs as they are sent."""
    full = [row | {"inputs": r.inputs} for row, r in zip(rows(requests, costs), requests, strict=True)]
    return json.dumps(full, indent=2)


def table(requests: Sequence[Request], costs: Sequence[Cost] | None = None) -> str:
    """The plan for people: a line a request and a line of sums."""
    head = ["month", "days", "step", "fields", "MB", *(["cost"] if costs else []), "variables"]
    lines = [head, *([*map(str, _cells(row))] for row in rows(requests, costs))]
    fields, size = sum(r.fields for r in requests), sum(r.estimated_bytes for r in requests)
    lines.append([f"{len(requests)} in all", "", "", f"{fields}", _megabytes(size), *([""] if costs else []), ""])
    return _aligned(lines)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns of text: numbers to the right, words to the left."""
    words = {0, 2, len(lines[0]) - 1}
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        [c.ljust(w) if i in words else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
        for line in lines
    )
    return "\n".join("  ".join(line).rstrip() for line in padded)


def _cells(row: Mapping[str, object]) -> Iterator[object]:
    yield from (row["month"], row["days"], row["step"], row["fields"], _megabytes(row["estimated_bytes"]))
    if "cost" in row:
        yield f"{row['cost']:g}/{row['cost_limit']:g}"
    names = row["variables"]
    yield " ".join(names) if isinstance(names, list) else names


def _megabytes(size: object) -> str:
    return f"{float(str(size)) / 1e6:.1f}"
