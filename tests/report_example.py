"""Tables and readings of an invented run that facts are made of: a nation, eight regions, 2020 to September 2025.

Nothing is fitted: the weather's and the emissions' parts are laid down, the observations are their sum and a residual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.report.facts import facts
from pipeline.report.scope import Scope

REGIONS = (
    "nation", "bth_2_36", "fwp_13", "yrd_31", "prd_9", "cy_16", "mid_yangtze_22", "bth_13", "yrd_26",
)  # fmt: skip
CITIES = {"nation": 339, "bth_2_36": 38, "fwp_13": 13, "yrd_31": 31}
YEARS = range(2020, 2026)
MEMBERS = 8
LEVEL = {"pm25": 33.0, "o3": 138.0}
WEATHER = {"pm25": (0.0, -1.0, 2.0, 0.5, -3.0, -4.0), "o3": (0.0, -2.0, 5.0, 1.0, 2.0, 1.2)}
"""Per cent that the weather of each year takes from the concentration of 2020, in the nation."""
SEASONS = {"MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11), "DJF": (12, 1, 2)}
SHAPE = {
    "pm25": np.array([1.6, 1.3, 1.1, 0.9, 0.75, 0.6, 0.55, 0.55, 0.7, 0.9, 1.2, 1.85]),
    "o3": np.array([0.6, 0.7, 0.85, 1.05, 1.2, 1.3, 1.25, 1.25, 1.2, 1.0, 0.75, 0.6]),
}


def scope(regions: Sequence[str] = REGIONS[:4], **changes: Any) -> Scope:
    """The scope of a report on January to September 2025 against 2020."""
    return Scope(**{"year": 2025, "base_year": 2020, "regions": tuple(regions), "months": 9, **changes})


def example(regions: Sequence[str] = REGIONS[:4], **changes: Any) -> pd.DataFrame:
    """FACTS of the invented run; a copy, so that a test may change it."""
    return _example(tuple(regions), tuple(sorted(changes.items()))).copy()


@cache
def _example(regions: tuple[str, ...], changes: tuple[tuple[str, Any], ...]) -> pd.DataFrame:
    return facts(tables(regions), readings(regions), scope(regions, **dict(changes)))


def weather(region: str, pollutant: str, year: int) -> float:
    """The factor of a year's weather; in the Yangtze delta it goes the other way for particles."""
    sign = -1.0 if region == "yrd_31" and pollutant == "pm25" else 1.0
    return 1 + sign * WEATHER[pollutant][year - 2020] / 100


def monthly(region: str, pollutant: str, year: int) -> np.ndarray:
    """The months' observed means, (12,)."""
    place = 1 + 0.08 * REGIONS.index(region)
    emissions = 1 - 0.03 * (year - 2020) * (1 if pollutant == "pm25" else 0.1)
    return np.asarray(LEVEL[pollutant] * place * weather(region, pollutant, year) * emissions * SHAPE[pollutant])


def windows() -> Iterator[tuple[str, str, int, str]]:
    """Window, period, year and end of the assessment's windows of the report."""
    for year in YEARS:
        yield "year", str(year), year, f"{year}-12-31"
        yield "months_to_date", f"{year}-01/{year}-09", year, f"{year}-09-30"
        yield "trailing_twelve_months", f"{year - 1}-10/{year}-09", year, f"{year}-09-30"
    for year in YEARS[2:]:
        yield "three_years", f"{year - 2}-{year}", year, f"{year}-12-31"


def value_of(region: str, pollutant: str, window: str, year: int) -> float:
    """The concentration of a window; NaN where it is not whole."""
    if (window in ("year", "three_years") and year == 2025) or (window.startswith("trailing") and year == 2020):
        return np.nan
    if window == "three_years":
        return float(np.mean([monthly(region, pollutant, year - back).mean() for back in range(3)]))
    months = monthly(region, pollutant, year)
    if window == "trailing_twelve_months":
        return float(np.mean([*monthly(region, pollutant, year - 1)[9:], *months[:9]]))
    return float(months[:9].mean() if window == "months_to_date" else months.mean())


def tables(regions: Sequence[str] = REGIONS[:4]) -> dict[str, pd.DataFrame]:
    """The run's tables by name, as far as facts are read from them."""
    changes = pd.DataFrame([row for region in regions for row in _changes(region)])
    seasons = changes["period"] != ""
    return {
        "assessment": pd.DataFrame([row for region in regions for row in _assessment(region)]),
        "aqi_days": pd.DataFrame([row for region in regions for row in _aqi_days(region)]),
        "attainment": pd.DataFrame([row for region in regions for row in _attainment(region)]),
        "attribution": changes[~seasons].drop(columns=["period", "frequency"]),
        "attribution_months": changes[seasons & (changes["statistic"] == "mean")],
        "drivers": pd.DataFrame([row for region in regions for row in _drivers(region)]),
    }


def _assessment(region: str) -> Iterator[dict[str, Any]]:
    for pollutant, statistic in (("pm25", "mean"), ("o3", "p90")):
        for panel, factor in (("all", 1.0), ("constant", 1.01)):
            for window, period, year, end in windows():
                value = factor * value_of(region, pollutant, window, year)
                yield {
                    "level": "region", "name": region, "panel": panel, "dust": "kept", "window": window,
                    "period": period, "end": end, "pollutant": pollutant, "statistic": statistic, "value": value,
                    "days": 365, "units": "ug m-3",
                }  # fmt: skip


def _aqi_days(region: str) -> Iterator[dict[str, Any]]:
    for window, period, year, end in windows():
        if window != "three_years" and np.isfinite(value_of(region, "pm25", window, year)):
            heavy = 1.1 - 0.1 * (year - 2020)
            for dust, factor in (("kept", 1.0), ("excluded", 0.6)):
                yield {
                    "level": "region", "name": region, "panel": "all", "dust": dust, "window": window,
                    "period": period, "end": end, "days": 365, "good_days_percent": 87.0 + (year - 2020) / 4,
                    "heavy_days_percent": factor * heavy, "heavy_days_pm25_percent": 0.5 * heavy,
                }  # fmt: skip


def _attainment(region: str) -> Iterator[dict[str, Any]]:
    count = CITIES.get(region, 20)
    for pollutant, statistic, limit, share in (
        ("pm25", "mean", 35.0, 0.6), ("pm25", "mean", 30.0, 0.45), ("o3", "p90", 160.0, 0.8),
    ):  # fmt: skip
        for window, period, year, end in windows():
            if np.isfinite(value_of(region, pollutant, window, year)):
                yield {
                    "region": region, "panel": "all", "dust": "kept", "window": window, "period": period, "end": end,
                    "pollutant": pollutant, "statistic": statistic, "limit": limit, "cities": count,
                    "attaining": round(count * min(share + 0.05 * (year - 2020), 1.0)),
                }  # fmt: skip


def _changes(region: str) -> Iterator[dict[str, Any]]:
    for pollutant in LEVEL:
        for first in YEARS:
            for last in range(first + 1, 2026):
                for season, months in {"": range(1, 13), **SEASONS}.items():
                    chosen = [month - 1 for month in months if last < 2025 or month <= 9]
                    for statistic in ("mean",) if season or pollutant == "pm25" else ("mean", "p90"):
                        if chosen:
                            row = _change(region, pollutant, (first, last), chosen)
                            yield {**row, "statistic": statistic, "period": season, "frequency": "season"}


def _change(region: str, pollutant: str, years: tuple[int, int], months: list[int]) -> dict[str, Any]:
    before, after = (float(monthly(region, pollutant, year)[months].mean()) for year in years)
    ratio = weather(region, pollutant, years[1]) / weather(region, pollutant, years[0])
    of_weather, residual, unobserved = before * (ratio - 1), 0.2, 0.1
    emissions = after - before - of_weather - residual - unobserved
    return {
        "level": "region", "name": region, "pollutant": pollutant, "period_from": years[0], "period_to": years[1],
        "observed_from": before, "observed_to": after, "observed_change": after - before, "meteorology": of_weather,
        "meteorology_low": of_weather - 0.4, "meteorology_high": of_weather + 0.4, "emissions": emissions,
        "emissions_low": emissions - 0.6, "emissions_high": emissions + 0.6, "interaction": 0.05,
        "residual": residual, "unobserved": unobserved, "days": round(30.4 * len(months)), "units": "ug m-3",
    }  # fmt: skip


def _drivers(region: str) -> Iterator[dict[str, Any]]:
    for pollutant in LEVEL:
        for years in ((2020, 2025), (2024, 2025)):
            whole = _change(region, pollutant, years, list(range(9)))["meteorology"]
            for group, share in (("temperature", 0.7), ("wind", 0.3)):
                yield {
                    "level": "region", "name": region, "pollutant": pollutant, "statistic": "mean",
                    "period_from": years[0], "period_to": years[1], "group": group, "share": share * whole,
                    "share_low": share * whole - 0.3, "share_high": share * whole + 0.3, "units": "ug m-3",
                }  # fmt: skip


def readings(regions: Sequence[str] = REGIONS[:4]) -> Iterator[xr.Dataset]:
    """What facts need of the readings of each region and pollutant."""
    for region in regions:
        for pollutant in LEVEL:
            yield _readings(region, pollutant)


def _readings(region: str, pollutant: str) -> xr.Dataset:
    spread = np.random.default_rng(REGIONS.index(region)).normal(0, 0.004, (len(YEARS), MEMBERS + 1))
    spread[:, 0] = 0.0
    rows: list[tuple[str, pd.Timestamp, pd.Timestamp, float, np.ndarray]] = []
    for i, year in enumerate(YEARS):
        last = 9 if year == 2025 else 12
        factor = weather(region, pollutant, year) + (spread[i] - spread[0] if i else 0.0 * spread[0])
        for month in range(1, last + 1):
            start = pd.Timestamp(year, month, 1)
            level = 40 * SHAPE[pollutant][month - 1]
            rows.append(("month", start, start + pd.offsets.MonthEnd(0), level, factor))
        mean = 40 * float(SHAPE[pollutant][:last].mean())
        rows.append(("year", pd.Timestamp(year, 1, 1), rows[-1][2], mean, factor))
    frequency, start, end, level, factors = zip(*rows, strict=True)
    reference = np.repeat(np.array(level)[:, None], MEMBERS + 1, axis=1)
    days = (pd.DatetimeIndex(end) - pd.DatetimeIndex(start)).days + 1
    pairs = [(first, last) for first in YEARS for last in range(first + 1, 2026)]
    statistics = ["mean"] if pollutant == "pm25" else ["mean", "p90"]
    parts = np.random.default_rng(1).normal(0, 0.2, (len(statistics), len(pairs), MEMBERS + 1))
    return xr.Dataset(
        {
            "index_actual": (("period", "member"), reference * np.stack(factors)),
            "index_reference": (("period", "member"), reference),
            "days": ("period", np.asarray(days, dtype=float)),
            "meteorology": (("statistic", "pair", "member"), parts),
            "emissions": (("statistic", "pair", "member"), 2 * parts),
        },
        coords={
            "frequency": ("period", np.array(frequency, dtype=object)),
            "start": ("period", pd.DatetimeIndex(start)),
            "end": ("period", pd.DatetimeIndex(end)),
            "statistic": statistics,
            "period_from": ("pair", [first for first, _ in pairs]),
            "period_to": ("pair", [last for _, last in pairs]),
        },
        attrs={"level": "region", "name": region, "pollutant": pollutant},
    )
