"""What a report is asked for: its year and months, what it is compared with, which regions and pollutants it needs."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.config import Config, show
from pipeline.errors import ConfigError

YEARS_BEFORE = 5
"""Years before the report's that Figure 1 shows, and whose mean the index is compared with."""
NEEDED = ("pm25", "o3")
"""Pollutants that a report is about; without one it says so in its place."""


@dataclass(frozen=True)
class Scope:
    """What is asked. ``regions`` are in order, a nation first; years are labelled by their start.

    ``months`` are the whole months of ``year`` that the report knows, all twelve of a whole year.
    """

    year: int
    base_year: int
    regions: tuple[str, ...]
    months: int = 12
    pollutants: tuple[str, ...] = NEEDED
    year_start: str = "01-01"

    @property
    def partial(self) -> bool:
        """Whether the report's year is not whole."""
        return self.months < 12

    @property
    def years(self) -> tuple[int, ...]:
        """The base year, the years of Figure 1 and the report's, in order."""
        return tuple(sorted({self.base_year, *range(self.year - YEARS_BEFORE, self.year + 1)}))

    @property
    def shown_years(self) -> tuple[int, ...]:
        """The years of Figure 1."""
        return tuple(range(self.year - YEARS_BEFORE, self.year + 1))

    @property
    def recent_years(self) -> tuple[int, ...]:
        """The last whole years before the report's, the earliest first."""
        return tuple(range(self.year - YEARS_BEFORE, self.year))

    @property
    def key_regions(self) -> tuple[str, ...]:
        """The regions that are not a nation."""
        return tuple(name for name in self.regions if not _is_nation(name))

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The years that are compared, the earlier first: the base with every later one, and each with the next."""
        years = self.years
        found = {(self.base_year, year) for year in years if year > self.base_year}
        return tuple(sorted(found | {(year - 1, year) for year in years if year - 1 in years}))

    @property
    def headline_pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs that end in the report's year: from the base, then from the year before."""
        before = dict.fromkeys((self.base_year, self.year - 1))
        return tuple((year, self.year) for year in before if year < self.year)

    def start(self, year: int) -> pd.Timestamp:
        """The first day of a year."""
        return pd.Timestamp(f"{year}-{self.year_start}")

    @property
    def end(self) -> pd.Timestamp:
        """The last day the report knows."""
        return self.start(self.year) + pd.DateOffset(months=self.months) - pd.Timedelta(days=1)

    def to_date(self, year: int) -> str:
        """The report's months in another year, as the assessment labels them (2020-01/2020-09)."""
        start = self.start(year)
        end = start + pd.DateOffset(months=self.months) - pd.Timedelta(days=1)
        return f"{start:%Y-%m}/{end:%Y-%m}"

    def trailing(self, year: int) -> str:
        """The twelve months that end with the report's months in another year, as the assessment labels them."""
        after = self.start(year) + pd.DateOffset(months=self.months)
        start, end = after - pd.DateOffset(years=1), after - pd.Timedelta(days=1)
        return f"{start:%Y-%m}/{end:%Y-%m}"

    def year_of(self, day: pd.Timestamp) -> int:
        """The label of the year that a day belongs to."""
        return day.year - (f"{day:%m-%d}" < self.year_start)


def scope_of(
    config: Config,
    known: Sequence[str],
    *,
    year: int,
    through: str | None = None,
    base_year: int | None = None,
    regions: Sequence[str] | None = None,
) -> Scope:
    """The scope of a report on ``year`` until the end of the month ``through`` (YYYY-MM), by default the period's end.

    ``known`` are the regions of the run; ``regions`` those the report needs, by default all of them. The base year is
    by default that in which the base period starts. A year outside the period, or a month outside the year, is a
    ConfigError.
    """
    asked = Scope(
        year,
        config_base(config) if base_year is None else base_year,
        _whole_first(known if regions is None else regions),
        pollutants=tuple(dict.fromkeys([*NEEDED, *config.pollutants])),
        year_start=config.year_start,
    )
    last: datetime.date = min(asked.end.date(), config.period[1] if through is None else _end_of_month(through, asked))
    months = _whole_months(asked.start(year), pd.Timestamp(last))
    if asked.start(year).date() < config.period[0] or not months:
        raise ConfigError(
            f"report: found no whole month of {year} in the period {show(config.period)}; give a --year inside the "
            "period, or a config with a longer one"
        )
    return Scope(**{**asked.__dict__, "months": months})


def config_base(config: Config) -> int:
    """The year in which the base period starts."""
    first = pd.Timestamp(config.base_period[0])
    return Scope(0, 0, (), year_start=config.year_start).year_of(first)


def _whole_first(regions: Iterable[str]) -> tuple[str, ...]:
    """Regions in their order, those that are a nation by definition first."""
    return tuple(sorted(dict.fromkeys(regions), key=lambda name: not _is_nation(name)))


def _is_nation(name: str) -> bool:
    from pipeline.regions import definitions

    known = definitions()
    return name in known and known[name].region == "nation"


def _whole_months(start: pd.Timestamp, last: pd.Timestamp) -> int:
    after = last + pd.Timedelta(days=1)
    return sum(start + pd.DateOffset(months=count) <= after for count in range(1, 13))


def _end_of_month(through: str, asked: Scope) -> datetime.date:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", through):
        raise ConfigError(f"report: --through: found {through!r}; allowed: a month YYYY-MM of {asked.year}")
    end = pd.Timestamp(f"{through}-01") + pd.offsets.MonthEnd(0)
    if not asked.start(asked.year) <= end <= asked.end:
        raise ConfigError(
            f"report: --through: found {through}, outside the year {asked.year} "
            f"({asked.start(asked.year):%Y-%m} to {asked.end:%Y-%m}); give a month of it"
        )
    return end.date()


def last_month(concentrations: pd.DataFrame, scope: Scope) -> str | None:
    """The last month (YYYY-MM) of the report's year that has observed days anywhere; None when none has.

    ``concentrations`` is the run's table of that name.
    """
    months = concentrations[(concentrations["frequency"] == "month") & (concentrations["days"] > 0)]
    inside = months["start"].between(f"{scope.start(scope.year):%Y-%m-%d}", f"{scope.end:%Y-%m-%d}")
    return max(months.loc[inside, "period"].astype(str), default=None)
