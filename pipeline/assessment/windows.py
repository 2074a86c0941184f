"""Periods of an assessment: years, months, months to date, trailing twelve months, any other; and their validity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.standards.versions import content

WindowKind = Literal["year", "months_to_date", "trailing_twelve_months", "month", "custom", "three_years"]
SHARE_OF_PART = 0.9
"""Valid days in a window's part of a month: 27 of 30, as GB 3095 asks of a whole month (a rule of ours)."""


@dataclass(frozen=True)
class Window:
    """Days from ``start`` to ``end``, both included; ``label`` is how the period is printed."""

    kind: WindowKind
    label: str
    start: pd.Timestamp
    end: pd.Timestamp


@dataclass(frozen=True)
class Part:
    """A month, or the part of one that a window holds, and how many of its days must be valid."""

    start: pd.Timestamp
    end: pd.Timestamp
    needed: int


def windows(
    period: tuple[pd.Timestamp, pd.Timestamp],
    *,
    kinds: Sequence[WindowKind] = ("year", "months_to_date", "trailing_twelve_months", "month"),
    year_start: str = "01-01",
) -> list[Window]:
    """The windows of ``kinds`` that the days ``period`` touch; years begin on ``year_start`` and are labelled by it.

    Months to date are the whole months that the last, unfinished year holds, and the same months of every year before;
    trailing twelve months end with the same month in every year. Neither is there when the last year is whole.
    """
    makers = {"year": _years, "months_to_date": _months_to_date, "trailing_twelve_months": _trailing, "month": _months}
    return [window for kind, maker in makers.items() if kind in kinds for window in maker(period, year_start)]


def custom(start: pd.Timestamp, end: pd.Timestamp, *, label: str | None = None) -> Window:
    """Any window; its label is ``start/end`` unless given."""
    return Window("custom", label or f"{start:%Y-%m-%d}/{end:%Y-%m-%d}", start, end)


def parts(window: Window) -> list[Part]:
    """The months of a window: 27 valid days in each (25 in February), 90 % of the days of a part of a month."""
    firsts = pd.date_range(window.start.replace(day=1), window.end, freq="MS")
    return [_part(max(first, window.start), min(first + pd.offsets.MonthEnd(0), window.end), first) for first in firsts]


def _part(start: pd.Timestamp, end: pd.Timestamp, first: pd.Timestamp) -> Part:
    length = (end - start).days + 1
    if length < first.days_in_month:
        return Part(start, end, int(np.ceil(SHARE_OF_PART * length)))
    rule = content()["validity"]
    return Part(start, end, rule["february"] if first.month == 2 else rule["month"])


def needed_days(window: Window) -> int:
    """Valid days that a window needs beyond those of its months: 324 when it has twelve months."""
    twelve_months = window.end == window.start + pd.DateOffset(years=1) - pd.Timedelta(days=1)
    return int(content()["validity"]["year"]) if twelve_months else 0


def _starts(period: tuple[pd.Timestamp, pd.Timestamp], year_start: str) -> list[pd.Timestamp]:
    years = range(period[0].year - 1, period[1].year + 1)
    starts = [pd.Timestamp(f"{year}-{year_start}") for year in years]
    return [start for start in starts if start <= period[1] and _year_end(start) >= period[0]]


def _year_end(start: pd.Timestamp) -> pd.Timestamp:
    return start + pd.DateOffset(years=1) - pd.Timedelta(days=1)


def _years(period: tuple[pd.Timestamp, pd.Timestamp], year_start: str) -> Iterable[Window]:
    for start in _starts(period, year_start):
        yield Window("year", str(start.year), start, _year_end(start))


def _months(period: tuple[pd.Timestamp, pd.Timestamp], year_start: str) -> Iterable[Window]:
    for first in pd.date_range(period[0].replace(day=1), period[1], freq="MS"):
        yield Window("month", f"{first:%Y-%m}", first, first + pd.offsets.MonthEnd(0))


def _ends_to_date(period: tuple[pd.Timestamp, pd.Timestamp], year_start: str) -> list[tuple[pd.Timestamp, int]]:
    """(start of a year, whole months of it to date); none when the last year is whole or has no whole month."""
    starts = _starts(period, year_start)
    after = period[1] + pd.Timedelta(days=1)
    whole = sum(starts[-1] + pd.DateOffset(months=count) <= after for count in range(1, 13))
    return [(start, whole) for start in starts] if 0 < whole < 12 else []


def _months_to_date(period: tuple[pd.Timestamp, pd.Timestamp], year_start: str) -> Iterable[Window]:
    for start, months in _ends_to_date(period, year_start):
        end = start + pd.DateOffset(months=months) - pd.Timedelta(days=1)
        if end >= period[0]:
            yield Window("months_to_date", f"{start:%Y-%m}/{end:%Y-%m}", start, end)


def _trailing(period: tuple[pd.Timestamp, pd.Timestamp], year_start: str) -> Iterable[Window]:
    for year, months in _ends_to_date(period, year_start):
        after = year + pd.DateOffset(months=months)
        start, end = after - pd.DateOffset(years=1), after - pd.Timedelta(days=1)
        if end >= period[0]:
            yield Window("trailing_twelve_months", f"{start:%Y-%m}/{end:%Y-%m}", start, end)
