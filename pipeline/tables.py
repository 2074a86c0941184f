"""The public tables: names and meaning of their columns are a contract, see METHODS.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from models import scores, trend
from models.counterfactual import interval
from pipeline.dependence import dependence_table as dependence
from pipeline.dependence import joint_dependence_table as joint_dependence
from pipeline.events import events
from pipeline.readings import FLAT, YEARS, summed_up

__all__ = [
    "attribution", "attribution_months", "changepoints", "concentrations", "counterfactual", "dependence", "drivers",
    "events", "index", "interventions", "joint_dependence", "methods", "skill", "trends",
]  # fmt: skip

ATTRIBUTION = (
    "level", "name", "pollutant", "statistic", "period_from", "period_to", "observed_from", "observed_to",
    "observed_change", "meteorology", "meteorology_low", "meteorology_high", "emissions", "emissions_low",
    "emissions_high", "interaction", "residual", "unobserved", "days", "days_observed", "units",
)  # fmt: skip
ATTRIBUTION_MONTHS = (*ATTRIBUTION[:4], "frequency", "period", *ATTRIBUTION[4:])
COUNTERFACTUAL = (
    "level", "name", "pollutant", "statistic", "frequency", "period", "emission_year", "weather_year",
    "concentration", "concentration_low", "concentration_high", "units",
)  # fmt: skip
METHODS = (
    "level", "name", "pollutant", "statistic", "period_from", "period_to", "method", "meteorology", "emissions",
    "units",
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
INTERVENTIONS = (
    "level", "name", "pollutant", "intervention", "start", "end", "effect_percent", "effect_low", "effect_high",
)  # fmt: skip
SKILL = ("level", "name", "pollutant", "r2", "rmse", "bias", "slope", "protocol", "outside_percent")
LEAST_DAYS = 15
"""Days of a month that must be known before it enters a trend or a search for change points."""
VALID_SHARE = 0.75
"""Share of a region's cities whose statistic must be valid."""
PLACES_BY_MONTH = 50
"""Up to so many places every one has its months printed; of more, the highest level alone (netCDF has them all)."""
WHOLE_YEAR = "all"
"""The period of a table of whole years."""
OURS = "tianbang"
PROTOCOL = "held-out whole months, 3 days purged on either side"


def attribution(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """One row for every place, pollutant, statistic and pair of years in order; columns ``ATTRIBUTION``."""
    return _table([_attribution_of(place) for place in readings], ATTRIBUTION)


def _table(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True)[list(columns)] if filled else pd.DataFrame(columns=list(columns))


def _attribution_of(place: xr.Dataset) -> pd.DataFrame:
    dims = ("statistic", "pair")
    values = {name: place[name].transpose(*dims).to_numpy() for name in FLAT}
    values["days"] = place["days_compared"].transpose(*dims).to_numpy()
    for name in ("meteorology", "emissions", "interaction"):
        members = place[name].transpose(*dims, "member").to_numpy()
        values[name] = members[..., 0]
        if name != "interaction":
            values[f"{name}_low"], values[f"{name}_high"] = interval(members)
    return _changes(place, place["statistic"].to_numpy(), values).rename(columns={"row": "statistic"})


def _changes(place: xr.Dataset, rows: np.ndarray, values: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Changes with their parts: ``values`` (rows, pairs) by column; the rows' labels stand in ``row``."""
    known = np.isfinite(values["meteorology"])
    row, pair = np.nonzero(known)
    own = {name: value[known] for name, value in values.items()}
    change = own["observed_to"] - own["observed_from"]
    parts = own["meteorology"] + own["emissions"]
    everywhere = own["days_observed"] == own["days"]
    unobserved = np.where(everywhere, 0.0, own["predicted_to"] - own["predicted_from"] - parts)
    return pd.DataFrame(
        {
            **identity(place),
            "row": rows[row],
            "period_from": place["period_from"].to_numpy()[pair],
            "period_to": place["period_to"].to_numpy()[pair],
            **own,
            "observed_change": change,
            "residual": change - parts - unobserved,
            "unobserved": unobserved,
            **{name: own[name].round().astype(int) for name in ("days", "days_observed")},
            "units": place.attrs["units"],
        }
    )


def attribution_months(readings: Sequence[xr.Dataset]) -> pd.DataFrame:
    """The parts of every two years' change of the mean in each month and season; columns ``ATTRIBUTION_MONTHS``.

    For the places of ``by_month``. ``days`` are the calendar days that both years have, at least half of the span's.
    """
    return _table([_months_of(summed_up(place)) for place in by_month(readings)], ATTRIBUTION_MONTHS)


def _months_of(place: xr.Dataset) -> pd.DataFrame:
    bounds = [f"{name}{end}" for name in ("meteorology", "emissions") for end in ("", "_low", "_high")]
    names = (*FLAT, "interaction", "days", *bounds)
    values = {name: place[f"span_{name}"].transpose("span", "pair").to_numpy().astype(float) for name in names}
    frame = _changes(place, place["span"].to_numpy(), values).rename(columns={"row": "period"})
    frequency = np.where(frame["period"].str.isdigit(), "month", "season")
    return frame.assign(statistic="mean", frequency=frequency)


def by_month(readings: Sequence[xr.Dataset]) -> Sequence[xr.Dataset]:
    """The places whose months are printed: all while they are few, otherwise those of the highest level."""
    places = dict.fromkeys((place.attrs["level"], place.attrs["name"]) for place in readings)
    if len(places) <= PLACES_BY_MONTH:
        return readings
    return [place for place in readings if place.attrs["level"] == readings[0].attrs["level"]]


def counterfactual(readings: Sequence[xr.Dataset]) -> pd.DataFrame:
    """The counterfactual tables, one row for each two years; columns ``COUNTERFACTUAL``.

    Whole years for every place, months for the places of ``by_month``; weeks are in ``counterfactual.nc`` alone.
    """
    months = [place.attrs for place in by_month(readings)]
    frames = [
        frame
        for place in readings
        for frame in (_years_table(place), *([_months_table(summed_up(place))] if place.attrs in months else []))
    ]
    return _table(frames, COUNTERFACTUAL)


def _years_table(place: xr.Dataset) -> pd.DataFrame:
    members = place["concentration"].transpose("statistic", *YEARS, "member").to_numpy()
    values = (members[..., 0], *interval(members))
    frame = _exchanges(place, place["statistic"].to_numpy(), values).rename(columns={"row": "statistic"})
    return frame.assign(frequency="year", period=WHOLE_YEAR)


def _months_table(place: xr.Dataset) -> pd.DataFrame:
    names = [f"month_concentration{end}" for end in ("", "_low", "_high")]
    values = [place[name].transpose("month", *YEARS).to_numpy().astype(float) for name in names]
    frame = _exchanges(place, place["month"].to_numpy(), values).rename(columns={"row": "period"})
    return frame.assign(statistic="mean", frequency="month", period=frame["period"].astype(str))


def _exchanges(place: xr.Dataset, rows: np.ndarray, values: Sequence[np.ndarray]) -> pd.DataFrame:
    """Estimate, low and high (rows, emission year, weather year) as rows; the rows' labels stand in ``row``."""
    known = np.isfinite(values[0])
    row, emission, weather = np.nonzero(known)
    bounds = zip(("concentration", "concentration_low", "concentration_high"), values, strict=True)
    return pd.DataFrame(
        {
            **identity(place),
            "row": rows[row],
            "emission_year": place["emission_period"].to_numpy()[emission].astype(int),
            "weather_year": place["weather_period"].to_numpy()[weather].astype(int),
            **{name: value[known] for name, value in bounds},
            "units": place.attrs["units"],
        }
    )


def methods(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """The parts of the mean's change by our and other methods, one row a method; columns ``METHODS``.

    For the pairs of years of which the other methods know the parts (``pipeline.other_methods``); ours stands first.
    """
    return _table([_methods_of(place) for place in readings if "method" in place.dims], METHODS)


def _methods_of(place: xr.Dataset) -> pd.DataFrame:
    ours = place.sel(statistic="mean").isel(member=0)
    parts = {
        name: np.vstack([ours[name].to_numpy(), place[f"method_{name}"].transpose("method", "pair").to_numpy()])
        for name in ("meteorology", "emissions")
    }
    names = np.array([OURS, *place["method"].to_numpy()], dtype=object)
    pair, method = np.nonzero((np.isfinite(parts["meteorology"]) & np.isfinite(parts["meteorology"][1:]).any(axis=0)).T)
    return pd.DataFrame(
        {
            **identity(place),
            "statistic": "mean",
            "period_from": place["period_from"].to_numpy()[pair],
            "period_to": place["period_to"].to_numpy()[pair],
            "method": names[method],
            **{name: values[method, pair] for name, values in parts.items()},
            "units": place.attrs["units"],
        }
    )


def identity(place: xr.Dataset) -> dict[str, str]:
    """Level, name and pollutant of a place's readings."""
    return {key: str(place.attrs[key]) for key in ("level", "name", "pollutant")}


def drivers(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """The driver groups' shares in the weather's part of the mean's change; columns ``DRIVERS``.

    For the pairs of years of ``readings.compared_pairs``; they add up to ``meteorology`` of ``attribution``.
    Groups of which a place has no driver are left out.
    """
    return _table([_drivers_of(place) for place in readings if "driver_share" in place], DRIVERS)


def _drivers_of(place: xr.Dataset) -> pd.DataFrame:
    shares = place["driver_share"].transpose("pair", "group", "member").to_numpy()
    low, high = interval(shares)
    known = np.isfinite(shares[..., 0]) & (shares != 0).any(axis=-1)
    pair, group = np.nonzero(known)
    return pd.DataFrame(
        {
            **identity(place),
            "statistic": "mean",
            "period_from": place["period_from"].to_numpy()[pair],
            "period_to": place["period_to"].to_numpy()[pair],
            "group": place["group"].to_numpy()[group],
            "share": shares[known, 0],
            "share_low": low[known],
            "share_high": high[known],
            "units": place.attrs["units"],
        }
    )


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
            "change_percent": (mci[:, 0] - 100).round(9),
            "days": known["days"].to_numpy().astype(int),
        }
    )
    return frame.assign(stations_reporting=_reporting(known))


def _reporting(periods: xr.Dataset) -> np.ndarray:
    """Stations behind a day of each period, in the mean over its days, (periods,)."""
    days = periods["reporting"].to_numpy().astype(float)
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(days))])
    number = np.concatenate([[0], np.cumsum(np.isfinite(days))])
    time = periods["time"].to_numpy()
    start = np.searchsorted(time, periods["start"].to_numpy())
    stop = np.searchsorted(time, periods["end"].to_numpy(), side="right")
    counts = number[stop] - number[start]
    return np.asarray(((total[stop] - total[start]) / np.where(counts, counts, np.nan)).round(1))


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


def interventions(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """The size of each dated intervention, of those with an observed day; columns ``INTERVENTIONS``."""
    return _table([_interventions_of(place) for place in readings if "intervention" in place.dims], INTERVENTIONS)


def _interventions_of(place: xr.Dataset) -> pd.DataFrame:
    members = place["intervention_effect"].transpose("intervention", "member").to_numpy()
    low, high = interval(members)
    frame = pd.DataFrame(
        {
            **identity(place),
            "intervention": place["intervention"].to_numpy(),
            "start": pd.DatetimeIndex(place["intervention_start"].to_numpy()).strftime("%Y-%m-%d"),
            "end": pd.DatetimeIndex(place["intervention_end"].to_numpy()).strftime("%Y-%m-%d"),
            "effect_percent": members[:, 0],
            "effect_low": low,
            "effect_high": high,
        }
    )
    return frame.dropna(subset="effect_percent")


def concentrations(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Annual and monthly statistics and three-year moving means of the annual; columns ``CONCENTRATIONS``.

    ``valid`` says whether the days suffice by HJ 663: 324 in a year, 27 in a month (25 in February).
    """
    return _table([frame for place in readings for frame in _concentrations_of(place)], CONCENTRATIONS)


def _concentrations_of(place: xr.Dataset) -> Iterable[pd.DataFrame]:
    for frequency in ("year", "month"):
        periods = place.isel(period=np.flatnonzero(place["frequency"].to_numpy() == frequency))
        starts, ends = (pd.DatetimeIndex(periods[name].to_numpy()).strftime("%Y-%m-%d") for name in ("start", "end"))
        for statistic in place["statistic"].to_numpy():
            frame = pd.DataFrame(
                {
                    **identity(place),
                    "statistic": statistic,
                    "frequency": frequency,
                    "period": periods["label"].to_numpy(),
                    "start": starts,
                    "end": ends,
                    "value": periods["observed_value"].sel(statistic=statistic).to_numpy(),
                    "days": periods["observed_days"].to_numpy().round().astype(int),
                    "valid": periods["valid"].to_numpy() >= VALID_SHARE,
                    "stations_reporting": _reporting(periods),
                    "units": place.attrs["units"],
                }
            )
            yield frame
            if frequency == "year":
                yield _moving_means(frame)


def _moving_means(years: pd.DataFrame) -> pd.DataFrame:
    """Means of three years in a row, labelled by the first and the last."""
    first, middle, last = (years.iloc[i : len(years) - 2 + i].reset_index(drop=True) for i in range(3))
    return last.assign(
        frequency="three_year",
        period=first["period"] + "-" + last["period"],
        start=first["start"],
        value=(first["value"] + middle["value"] + last["value"]) / 3,
        days=first["days"] + middle["days"] + last["days"],
        valid=first["valid"] & middle["valid"] & last["valid"],
    )
