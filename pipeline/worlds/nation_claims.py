"""The planted truth of the generated nation as claims: statements with a number, to be held against a report's facts.

A claim here is true: the report agrees where its interval, or the tolerance, holds the value.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
import yaml

from pipeline.regions import label
from pipeline.regions.cities import Language

DECIMALS = 1  # of a statement's number, [ug m-3] or [%]; it is true to half of the last one
STATISTICS = {"pm25": ("mean",), "o3": ("mean", "p90")}
SPOKEN = {
    "pm25": ("PM2.5", "PM2.5"),
    "o3": ("O3", "臭氧"),
    "mean": ("annual mean", "年均浓度"),
    "p90": ("90th percentile of the days", "第90百分位数浓度"),
    "weather": ("the weather's part", "气象贡献"),
    "emissions": ("the emissions' part", "排放贡献"),
}
LANGUAGES: tuple[Language, ...] = ("en", "zh")
SENTENCES = {
    (
        "part",
        "en",
    ): "{region}: of the change of {pollutant} ({statistic}) from {first} to {last}, {part} is {value} μg/m³.",
    ("part", "zh"): "{region}：{first}至{last}{pollutant}{statistic}变化中，{part}为{value}微克/立方米。",
    (
        "index",
        "en",
    ): "{region}: the meteorological condition index of {pollutant} changed by {value} % from {first} to {last}.",
    ("index", "zh"): "{region}：{first}至{last}{pollutant}气象条件评估指数变化{value}%。",
}
INDEX = "mci_change_percent"
SOURCE = "planted truth of the generated nation"


def claims(truth: xr.Dataset, *, base_year: int) -> str:
    """YAML of what is true of each region's change from the base year to the last year and to the last whole one."""
    years = [int(year) for year in truth["year"].to_numpy()]
    whole = [year for year in years if _is_whole(truth, year)]
    ends = list(dict.fromkeys(year for year in (whole[-1], years[-1]) if year > base_year))
    last_day = pd.Timestamp(truth.attrs["last_day"])
    found = [
        claim
        for region in map(str, truth["region"].to_numpy())
        for year in ends
        for claim in _of_region(truth, region, Pair(base_year, year, months=12 if year in whole else last_day.month))
    ]
    return yaml.safe_dump({"claims": found}, sort_keys=False, allow_unicode=True, width=120)


def _is_whole(truth: xr.Dataset, year: int) -> bool:
    own = truth["counterfactual"].sel(emission_period=year, weather_period=year, statistic="mean")
    return bool(np.isfinite(own).all())


@dataclass(frozen=True)
class Pair:
    """Two years that are compared over the first ``months`` of both."""

    first: int
    last: int
    months: int

    def period(self, year: int) -> str:
        """How a report's facts call these months of a year."""
        return str(year) if self.months == 12 else f"{year}-01/{year}-{self.months:02d}"

    def spoken(self, year: int, language: Language) -> str:
        """The same in a sentence."""
        if self.months == 12:
            return f"{year}年" if language == "zh" else str(year)
        if language == "zh":
            return f"{year}年1—{self.months}月" if self.months > 1 else f"{year}年1月"
        return " to ".join(dict.fromkeys(["January", calendar.month_name[self.months]])) + f" {year}"


def _of_region(truth: xr.Dataset, region: str, pair: Pair) -> Iterator[dict[str, Any]]:
    own = truth.sel(name=truth["member"].sel(region=region).to_numpy())
    for pollutant, statistics in STATISTICS.items():
        for statistic in statistics:
            for part, value in _parts(own, pair, pollutant, statistic).items():
                yield _claim(region, pair, (pollutant, statistic, part), value)
        yield _claim(region, pair, (pollutant, "mean", INDEX), _index_change(own, pair, pollutant))


def _parts(own: xr.Dataset, pair: Pair, pollutant: str, statistic: str) -> dict[str, float]:
    """Weather's and emissions' parts, the mean over the cities, of the days that both years have."""
    name = "counterfactual" if pair.months == 12 else "counterfactual_to_date"
    years: dict[str, Any] = {key: [pair.first, pair.last] for key in ("emission_period", "weather_period")}
    table = own[name].sel({"pollutant": pollutant, "statistic": statistic, **years}).mean("name")
    (pp, pq), (qp, qq) = table.transpose("emission_period", "weather_period").to_numpy()
    return {"weather": ((pq - pp) + (qq - qp)) / 2, "emissions": ((qp - pp) + (qq - pq)) / 2}


def _index_change(own: xr.Dataset, pair: Pair, pollutant: str) -> float:
    """The index of the later year [% above 100]; the base year has 100."""
    means = own.sel(year=pair.last, pollutant=pollutant).mean("name")
    return float(100 * (means["index_actual"] / means["index_reference"] - 1))


def _claim(region: str, pair: Pair, what: tuple[str, str, str], value: float) -> dict[str, Any]:
    pollutant, statistic, quantity = what
    index = quantity == INDEX
    rounded = round(float(value), DECIMALS)
    return {
        "id": "-".join((region, pollutant, statistic, quantity, str(pair.last))),
        **{language: _statement(region, pair, what, rounded, language) for language in LANGUAGES},
        "source": SOURCE,
        "of": {
            "level": "region",
            "name": region,
            "pollutant": pollutant,
            "statistic": statistic,
            "quantity": quantity,
            "window": ("year" if pair.months == 12 else "months_to_date") if index else "shared_days",
            "period_from": pair.period(pair.first) if index else str(pair.first),
            "period_to": pair.period(pair.last) if index else str(pair.last),
        },
        "value": rounded,
        "tolerance": 0.5 * 10**-DECIMALS,
    }


def _statement(region: str, pair: Pair, what: tuple[str, str, str], value: float, language: Language) -> str:
    pollutant, statistic, quantity = (SPOKEN.get(word, (word, word))[LANGUAGES.index(language)] for word in what)
    return SENTENCES["index" if what[2] == INDEX else "part", language].format(
        region=label(region, language),
        pollutant=pollutant,
        statistic=statistic,
        part=quantity,
        first=pair.spoken(pair.first, language),
        last=pair.spoken(pair.last, language),
        value=f"{value:+.{DECIMALS}f}",
    )
