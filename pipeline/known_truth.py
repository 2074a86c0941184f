"""Results held against a known truth: how far off the parts are, and how often the interval holds the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr


def compared(attribution: pd.DataFrame, truth: xr.Dataset) -> pd.DataFrame:
    """The cities' and regions' attribution beside the true parts.

    Columns level, name, pollutant, statistic, period_from, period_to, meteorology_true, emissions_true, meteorology,
    emissions, and ``inside``: whether the true weather part lies in the 90 % interval. Stations have no truth of
    their own and are left out.
    """
    regions = truth["counterfactual"].groupby("region").mean()
    tables = {"city": truth["counterfactual"], "region": regions.rename(region="name")}
    rows = attribution[attribution["level"].isin(tables)].copy()
    parts = [_true_parts(tables[row.level], row) for row in rows.itertuples()]
    rows["meteorology_true"], rows["emissions_true"] = np.array(parts).T
    rows["inside"] = rows["meteorology_true"].between(rows["meteorology_low"], rows["meteorology_high"])
    keys = ["level", "name", "pollutant", "statistic", "period_from", "period_to"]
    return rows[[*keys, "meteorology_true", "emissions_true", "meteorology", "emissions", "inside"]]


def _true_parts(tables: xr.DataArray, row: object) -> tuple[float, float]:
    place = {key: getattr(row, key) for key in ("name", "pollutant", "statistic")}
    years = [getattr(row, key) for key in ("period_from", "period_to")]
    table = tables.sel(place).sel(emission_period=years, weather_period=years)
    (pp, pq), (qp, qq) = table.transpose("emission_period", "weather_period").to_numpy()
    return ((pq - pp) + (qq - qp)) / 2, ((qp - pp) + (qq - pq)) / 2


def summary(path: Path) -> str:
    """One line of the table at ``path``: how often the interval holds the truth, and the weather part's error."""
    table = pd.read_csv(path)
    cities = table[table["level"] == "city"]
    error = (cities["meteorology"] - cities["meteorology_true"]).abs()
    by_pollutant = error.groupby(cities["pollutant"]).mean()
    errors = ", ".join(f"{name} {value:.2f}" for name, value in by_pollutant.items())
    return (
        f"known truth: the weather's part lies in the 90 % interval in {cities['inside'].mean():.0%} of "
        f"{len(cities)} pairs of years; mean absolute error {errors} ug m-3"
    )
