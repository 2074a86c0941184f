"""The public tables: names and meaning of their columns are a contract, see METHODS.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from models import scores, trend
from models.counterfactual import interval

ATTRIBUTION = (
    "level", "name", "pollutant", "statistic", "period_from", "period_to", "observed_from", "observed_to",
    "observed_change", "meteorology", "meteorology_low", "meteorology_high", "emissions", "emissions_low",
    "emissions_high", "interaction", "residual", "units",
)  # fmt: skip
DRIVERS = (
    "level", "name", "pollutant", "statistic", "period_from", "period_to", "group", "share", "share_low", "share_high",
    "units",
)  # fmt: skip
INDEX = (
    "level", "name", "pollutant", "frequency", "period", "start", "end", "mci", "mci_low", "mci_high",
    "change_percent", "days", "stations_reporting",
)  # fmt: skip
CONCENTRATIONS = (
    "level", "name", "pollutant", "statistic", "frequency", "period", "start", "end", "value", "days", "valid",
    "stations_reporting", "units",
)  # fmt: skip
TRENDS = (
    "level", "name", "pollutant", "series", "start", "end", "slope", "slope_low", "slope_high", "p_value", "units",
)  # fmt: skip
CHANGEPOINTS = (
    "level", "name", "pollutant", "date", "date_low", "date_high", "size", "size_low", "size_high", "percent",
    "percent_low", "percent_high", "units",
)  # fmt: skip
SKILL = ("level", "name", "pollutant", "r2", "rmse", "bias", "slope", "protocol", "outside_percent")
LEAST_DAYS = 15
"""Days of a month that must be known before it enters a trend or a search for change points."""
VALID_SHARE = 0.75
"""Share of a region's cities whose statistic must be valid."""
PROTOCOL = "held-out whole months, 3 days purged on either side"


def attribution(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """One row for every place, pollutant, statistic and pair of years in order; columns ``ATTRIBUTION``."""
    return pd.DataFrame([row for place in readings for row in _attribution_rows(place)], columns=list(ATTRIBUTION))


def _attribution_rows(place: xr.Dataset) -> Iterable[dict[str, object]]:
    low_high = {name: interval(place[name].to_numpy()) for name in ("meteorology", "emissions")}
    for s, statistic in enumerate(place["statistic"].to_numpy()):
        for k in range(place.sizes["pair"]):
            at = place.isel(statistic=s, pair=k)
            if not np.isfinite(at["meteorology"][0]):
                continue
            change = float(at["observed_to"] - at["observed_from"])
            parts = {name: float(at[name][0]) for name in ("meteorology", "emissions", "interaction")}
            bounds = {
                f"{name}_{end}": low_high[name][e][s, k] for name in low_high for e, end in enumerate(("low", "high"))
            }
            yield {
                **identity(place),
                "statistic": statistic,
                "period_from": int(at["period_from"]),
                "period_to": int(at["period_to"]),
                "observed_from": float(at["observed_from"]),
                "observed_to": float(at["observed_to"]),
                "observed_change": change,
                **parts,
                **bounds,
                "residual": change - parts["meteorology"] - parts["emissions"],
                "units": place.attrs["units"],
            }


def identity(place: xr.Dataset) -> dict[str, str]:
    """Level, name and pollutant of a place's readings."""
    return {key: str(place.attrs[key]) for key in ("level", "name", "pollutant")}


def drivers(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """The driver groups' shares in the weather's part of the mean's change; columns ``DRIVERS``.

    For consecutive years and between the base and each year; they add up to ``meteorology`` of ``attribution``.
    Groups of which a place has no driver are left out.
    """
    return pd.DataFrame([row for place in readings for row in _driver_rows(place)], columns=list(DRIVERS))


def _driver_rows(place: xr.Dataset) -> Iterable[dict[str, object]]:
    if "driver_share" not in place:
        return
    shares = place["driver_share"].transpose("pair", "group", "member").to_numpy()
    low, high = interval(shares)
    for k in np.flatnonzero(np.isfinite(shares[:, 0, 0])):
        at = place.isel(pair=k)
        for g in np.flatnonzero((shares[k] != 0).any(axis=-1)):
            yield {
                **identity(place),
                "statistic": "mean",
                "period_from": int(at["period_from"]),
                "period_to": int(at["period_to"]),
                "group": str(place["group"].to_numpy()[g]),
                "share": shares[k, g, 0],
                "share_low": low[k, g],
                "share_high": high[k, g],
                "units": place.attrs["units"],
            }


def index(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """The meteorological condition index of every place, pollutant and period; columns ``INDEX``."""
    return pd.concat([_index_of(place) for place in readings], ignore_index=True)[list(INDEX)]


def _index_of(place: xr.Dataset) -> pd.DataFrame:
    known = place.isel(period=np.flatnonzero(np.isfinite(place["index_actual"][:, 0])))
    mci = 100 * known["index_actual"].to_numpy() / known["index_reference"].to_numpy()
    low, high = interval(mci)
    frame = pd.DataFrame(
        {
            **identity(place),
            "frequency": known["frequency"].to_numpy(),
            "period": known["label"].to_numpy(),
            "start": pd.DatetimeIndex(known["start"].to_numpy()).strftime("%Y-%m-%d"),
            "end": pd.DatetimeIndex(known["end"].to_numpy()).strftime("%Y-%m-%d"),
            "mci": mci[:, 0],
            "mci_low": low,
            "mci_high": high,
            "change_percent": mci[:, 0] - 100,
            "days": known["days"].to_numpy().astype(int),
        }
    )
    reporting = place["reporting"].to_series()
    frame["stations_reporting"] = [
        round(float(reporting.loc[start:end].mean()), 1)
        for start, end in zip(frame["start"], frame["end"], strict=True)
    ]
    return frame


def skill(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Scores of held-out days of every place and pollutant; columns ``SKILL``."""
    return pd.DataFrame([_skill_row(place) for place in readings], columns=list(SKILL))


def _skill_row(place: xr.Dataset) -> dict[str, object]:
    observed, predicted = place["observed"].to_numpy(), place["held_out"].to_numpy()
    return {
        **identity(place),
        "r2": scores.r2(observed, predicted),
        "rmse": scores.rmse(observed, predicted),
        "bias": scores.bias(observed, predicted),
        "slope": scores.slope(observed, predicted),
        "protocol": PROTOCOL,
        "outside_percent": float(place["outside_percent"]),
    }


def trends(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Slopes of the monthly observed and normalized means of every place and pollutant; columns ``TRENDS``.

    Series of less than three years have none.
    """
    return pd.DataFrame([row for place in readings for row in _trend_rows(place)], columns=list(TRENDS))


def _trend_rows(place: xr.Dataset) -> Iterable[dict[str, object]]:
    months = place.isel(period=np.flatnonzero(place["frequency"].to_numpy() == "month"))
    starts = pd.DatetimeIndex(months["start"].to_numpy()).to_period("M").to_timestamp()
    normalized = months["normalized_value"].transpose("member", "period").to_numpy()
    days = (months["end"] - months["start"]).dt.days.to_numpy() + 1
    normalized = np.where(days >= LEAST_DAYS, normalized, np.nan)
    observed = months["observed_value"].sel(statistic="mean").where(months["valid"] >= VALID_SHARE).to_numpy()
    found = {
        "observed": trend.slope(pd.Series(observed, starts)),
        "normalized": trend.slope(pd.Series(normalized[0], starts), members=normalized[1:]),
    }
    for series, slope in found.items():
        if slope is not None:
            yield {
                **identity(place),
                "series": series,
                "start": f"{slope.start:%Y-%m-%d}",
                "end": f"{slope.end:%Y-%m-%d}",
                "slope": slope.slope,
                "slope_low": slope.low,
                "slope_high": slope.high,
                "p_value": slope.p_value,
                "units": f"{place.attrs['units']} year-1",
            }


def changepoints(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Lasting steps of what is left of the observations without the weather's swings; columns ``CHANGEPOINTS``."""
    return pd.DataFrame([row for place in readings for row in _changepoint_rows(place)], columns=list(CHANGEPOINTS))


def _changepoint_rows(place: xr.Dataset) -> Iterable[dict[str, object]]:
    for point in trend.change_points(without_weather(place)):
        ends = ("", "_low", "_high")
        yield {
            **identity(place),
            "date": f"{point.month:%Y-%m-%d}",
            "date_low": f"{point.earliest:%Y-%m-%d}",
            "date_high": f"{point.latest:%Y-%m-%d}",
            **{f"size{end}": value for end, value in zip(ends, point.size, strict=True)},
            **{f"percent{end}": value for end, value in zip(ends, point.percent, strict=True)},
            "units": place.attrs["units"],
        }


def without_weather(place: xr.Dataset) -> pd.Series:
    """Monthly means of the observations at the mean weather: normalized times observed over predicted.

    The normalized series alone is smooth, and would smear a step over its neighbours. NaN for months with less than
    ``LEAST_DAYS`` days.
    """
    days = (place["normalized"] * place["observed"] / place["predicted"]).to_series()
    months = days.resample("MS").agg(["mean", "count"])
    return months["mean"].where(months["count"] >= LEAST_DAYS)


def concentrations(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Annual and monthly statistics and three-year moving means of the annual; columns ``CONCENTRATIONS``.

    ``valid`` says whether the days suffice by HJ 663: 324 in a year, 27 in a month (25 in February).
    """
    rows = [row for place in readings for row in _concentration_rows(place)]
    return pd.DataFrame(rows, columns=list(CONCENTRATIONS))


def _concentration_rows(place: xr.Dataset) -> Iterable[dict[str, object]]:
    reporting = place["reporting"].to_series()
    for frequency in ("year", "month"):
        periods = place.isel(period=np.flatnonzero(place["frequency"].to_numpy() == frequency))
        for s in range(place.sizes["statistic"]):
            rows = [
                _concentration_row(periods.isel(period=i, statistic=s), reporting)
                for i in range(periods.sizes["period"])
            ]
            yield from rows
            if frequency == "year":
                yield from _moving_means(rows)


def _concentration_row(period: xr.Dataset, reporting: pd.Series) -> dict[str, object]:
    start, end = pd.Timestamp(period["start"].item()), pd.Timestamp(period["end"].item())
    return {
        **identity(period),
        "statistic": str(period["statistic"].item()),
        "frequency": str(period["frequency"].item()),
        "period": str(period["label"].item()),
        "start": f"{start:%Y-%m-%d}",
        "end": f"{end:%Y-%m-%d}",
        "value": float(period["observed_value"]),
        "days": round(float(period["observed_days"])),
        "valid": bool(period["valid"] >= VALID_SHARE),
        "stations_reporting": round(float(reporting.loc[start:end].mean()), 1),
        "units": period.attrs["units"],
    }


def _moving_means(years: Sequence[dict[str, object]]) -> Iterable[dict[str, object]]:
    for first, middle, last in zip(years, years[1:], years[2:], strict=False):
        three = (first, middle, last)
        yield {
            **last,
            "frequency": "three_year",
            "period": f"{first['period']}-{last['period']}",
            "start": first["start"],
            "value": float(np.mean([float(str(row["value"])) for row in three])),
            "days": sum(int(str(row["days"])) for row in three),
            "valid": all(row["valid"] for row in three),
        }
