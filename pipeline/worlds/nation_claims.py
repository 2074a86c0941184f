"""The planted truth of the generated nation as claims: statements with a number, to be held against a report's facts.

A claim here is true: the report agrees where its interval, or the tolerance, holds the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
import yaml

from pipeline.regions import label
from pipeline.regions.cities import Language

UNITS = "ug m-3"
TOLERANCE_PARTS = 0.5  # ug m-3: the rounding of a part to whole micrograms
TOLERANCE_INDEX = 0.5  # per cent: the rounding of the index to whole points
STATISTICS = {"pm25": ("mean",), "o3": ("mean", "p90")}
SPOKEN = {
    "pm25": ("PM2.5", "PM2.5"),
    "o3": ("O3", "O3"),
    "mean": ("annual mean", "年均浓度"),
    "p90": ("90th percentile of the days", "90百分位浓度"),
    "weather": ("the weather's part", "气象贡献"),
    "emissions": ("the emissions' part", "排放贡献"),
}
LANGUAGES: tuple[Language, ...] = ("en", "zh")
SENTENCES = {
    ("part", "en"): "{region}: of the change of {pollutant} ({statistic}), {first} to {last}, {part} is {value} μg/m³.",
    ("part", "zh"): "{region}：{first}—{last}年{pollutant}{statistic}变化中，{part}为{value}微克/立方米。",
    ("index", "en"): "{region}: the condition index of {pollutant} changed by {value} % from {first} to {last}.",
    ("index", "zh"): "{region}：{first}—{last}年{pollutant}气象条件指数变化{value}%。",
}
SOURCE = "planted truth of the generated nation"


def claims(truth: xr.Dataset, *, base_year: int) -> str:
    """YAML of what is true of each region's change from the base year to the last year and to the last whole one."""
    years = [int(year) for year in truth["year"].to_numpy()]
    whole = [year for year in years if _is_whole(truth, year)]
    ends = list(dict.fromkeys(year for year in (whole[-1], years[-1]) if year > base_year))
    found = [
        claim
        for region in map(str, truth["region"].to_numpy())
        for year in ends
        for claim in _of_region(truth, region, (base_year, year))
    ]
    return yaml.safe_dump({"source": SOURCE, "claims": found}, sort_keys=False, allow_unicode=True, width=120)


def _is_whole(truth: xr.Dataset, year: int) -> bool:
    own = truth["counterfactual"].sel(emission_period=year, weather_period=year, statistic="mean")
    return bool(np.isfinite(own).all())


def _of_region(truth: xr.Dataset, region: str, pair: tuple[int, int]) -> Iterator[dict[str, Any]]:
    own = truth.sel(name=truth["member"].sel(region=region).to_numpy())
    for pollutant, statistics in STATISTICS.items():
        for statistic in statistics:
            for part, value in _parts(own, pair, pollutant, statistic).items():
                yield _claim(region, pair, (pollutant, statistic, part), value)
        yield _claim(region, pair, (pollutant, "mean", "mci_change_percent"), _index_change(own, pair, pollutant))


def _parts(own: xr.Dataset, pair: tuple[int, int], pollutant: str, statistic: str) -> dict[str, float]:
    """Weather's and emissions' parts, the mean over the cities, of the days that both years have."""
    name = "counterfactual" if _is_whole(own, pair[1]) else "counterfactual_to_date"
    years: dict[str, Any] = {key: list(pair) for key in ("emission_period", "weather_period")}
    table = own[name].sel({"pollutant": pollutant, "statistic": statistic, **years}).mean("name")
    (pp, pq), (qp, qq) = table.transpose("emission_period", "weather_period").to_numpy()
    return {"weather": ((pq - pp) + (qq - qp)) / 2, "emissions": ((qp - pp) + (qq - pq)) / 2}


def _index_change(own: xr.Dataset, pair: tuple[int, int], pollutant: str) -> float:
    """The index of the later year [% above 100]; the base year has 100."""
    means = own.sel(year=pair[1], pollutant=pollutant).mean("name")
    return float(100 * (means["index_actual"] / means["index_reference"] - 1))


def _said(what: tuple[str, str, str]) -> dict[str, str]:
    pollutant, statistic, quantity = what
    named = {"pollutant": pollutant, "statistic": statistic}
    return named | ({"part": quantity} if quantity in SPOKEN else {})


def _claim(region: str, pair: tuple[int, int], what: tuple[str, str, str], value: float) -> dict[str, Any]:
    pollutant, statistic, quantity = what
    of_index = quantity == "mci_change_percent"
    first, last = pair
    rounded = round(float(value), 2)
    named = {"first": first, "last": last, "value": f"{rounded:+g}"}
    kind = "index" if of_index else "part"
    statement = {
        language: SENTENCES[kind, language].format(
            **named, region=label(region, language), **{key: SPOKEN[key_of][at] for key, key_of in _said(what).items()}
        )
        for at, language in enumerate(LANGUAGES)
    }
    return {
        "statement": statement,
        "quantity": {
            "level": "region",
            "name": region,
            "pollutant": pollutant,
            "statistic": statistic,
            "quantity": quantity,
            "period_from": str(first),
            "period_to": str(last),
        },
        "value": rounded,
        "tolerance": TOLERANCE_INDEX if of_index else TOLERANCE_PARTS,
        "units": "%" if of_index else UNITS,
    }
