"""Files in turn, each opened once and cut down to what is asked before its values are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch import lexicon
from era5_fetch.accumulation import HOUR
from era5_fetch.combine import combined
from era5_fetch.container import opened
from era5_fetch.decode import finished, naming
from era5_fetch.dialect import held, labelled
from era5_fetch.errors import PeriodError, VariableError
from era5_fetch.neighbourhood import parsed
from era5_fetch.period import hours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from era5_fetch.dialect import Accumulation
    from era5_fetch.period import Period

Reduction: TypeAlias = Callable[[xr.Dataset], xr.Dataset]
"""A labelled, lazy cube -> the decoded part of it to keep, in memory."""


def gathered(
    files: Sequence[Path],
    variables: Sequence[str],
    reduction: Reduction,
    *,
    period: Period | None = None,
    accumulation: Accumulation | None = None,
) -> xr.Dataset:
    """One finished Dataset of `variables`, by any dialect's names, over `period` (None: all there is).

    In memory are one file's part and what was kept of those before. Hours that no file holds are absent;
    of files that overlap the final hour stays, or else that of the later file.

    Raises
    ------
    VariableError
        A variable is in no file; the message names those that are.
    PeriodError
        No file holds an hour of a variable in the period, or the period is empty.
    """
    names = list(dict.fromkeys(canonical_name(name) for name in variables))
    span = None if period is None else hours(period)
    found: list[xr.Dataset] = []
    seen: set[str] = set()
    for path in files:
        found += pieces(path, names, reduction, span=span, accumulation=accumulation, seen=seen)
    _require_variables(names, seen, files)
    _require_hours(names, found, span)
    return trimmed(finished(combined(found)), span)


def pieces(
    path: Path,
    names: Sequence[str],
    reduction: Reduction,
    *,
    span: pd.DatetimeIndex | None = None,
    accumulation: Accumulation | None = None,
    singly: bool = False,
    seen: set[str] | None = None,
) -> Iterator[xr.Dataset]:
    """What a reduction keeps of the fields wanted of one file: a piece for each cube, or `singly` for each field.

    `names` are canonical; of one such as t2m_mean_5x5 the field is wanted that it is about. The names of all
    fields there are go into `seen`.
    """
    wanted = {parsed(name)[0] for name in names}
    with opened(path) as cubes, naming(path):
        if seen is not None:
            seen.update(*map(held, cubes))
        parts = (labelled(cube, wanted=wanted, accumulation=accumulation) for cube in cubes)
        for part in _within(parts, span):
            yield from map(reduction, [part[[name]] for name in part.data_vars] if singly else [part])


def canonical_name(name: str) -> str:
    """Our name for any dialect's, or for what is taken around places; one that the lexicon does not know stays."""
    variable, around = parsed(name)
    known = lexicon.identify(variable)
    plain = known.name if known else variable
    return around.name(plain) if around else plain


def _within(cubes: Iterable[xr.Dataset], span: pd.DatetimeIndex | None) -> Iterator[xr.Dataset]:
    """What cubes hold of a span and of the hour before, from which sums over the day are undone."""
    for cube in cubes:
        if span is not None:
            times = cube.indexes["time"]
            cube = cube.isel(time=bounding((times >= span[0] - HOUR) & (times <= span[-1])))
        if cube.data_vars and cube.sizes["time"]:
            yield cube


def bounding(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> slice:
    """The smallest slice that holds all that is true: it is read at once, indices one by one."""
    where = np.flatnonzero(mask)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)


def trimmed(dataset: xr.Dataset, span: pd.DatetimeIndex | None) -> xr.Dataset:
    """A Dataset over a span alone; None is all of it."""
    return dataset if span is None else dataset.sel(time=slice(span[0], span[-1]))


def _require_variables(names: Sequence[str], seen: set[str], files: Sequence[Path]) -> None:
    if lacking := [name for name in dict.fromkeys(parsed(name)[0] for name in names) if name not in seen]:
        folders = ", ".join(sorted({str(path.parent) for path in files}))
        raise VariableError(f"no {', '.join(lacking)} in {folders}; found: {', '.join(sorted(seen)) or 'nothing'}")


def _require_hours(names: Sequence[str], found: Sequence[xr.Dataset], span: pd.DatetimeIndex | None) -> None:
    first = pd.Timestamp.min if span is None else span[0]
    held_in = {str(v) for p in found if (p.indexes["time"] >= first).any() for v in p.data_vars}
    lacking = [name for name in names if name not in held_in]
    if around := [name for name in lacking if parsed(name)[0] in held_in]:
        raise VariableError(f"{', '.join(around)}: around places, found a grid: give points")
    if lacking:
        asked = "at all" if span is None else f"from {span[0]:%Y-%m-%d %H:%M} to {span[-1]:%Y-%m-%d %H:%M}"
        raise PeriodError(f"no hour of {', '.join(lacking)} {asked}: fetch them first")
