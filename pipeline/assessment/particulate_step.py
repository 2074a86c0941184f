"""In which state are an archive's particles before 2018-09-01? The step across stations of different height tells.

If they are in standard state (273.15 K, 1013.25 hPa), the change of state moved each station by its own
s = log(p/1013.25 · 273.15/T): by some 5 % in the plains, by more than 30 % in Lhasa. The change from the year before to
the year after, calendar month by calendar month, is

    log C_after - log C_before = a_month + b · s + companions + noise

over stations: b is 0 when the archive needs no conversion and 1 when it does. What all stations share in a month is
``a_month``; gases, whose break is one factor for all, may stand beside the particles as companions and take up what
weather and emissions did to both. The same is asked at dates when nothing changed (placebos), and how far their slopes
scatter about zero is part of the interval: two years differ in more than their state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from pipeline.assessment import PARTICULATE_STEP
from pipeline.standards.reference_state import CHANGED, PARTICLES, ambient_factor

LEAST_DAYS = 15
"""Days of a month that must be known on either side."""
LEAST_GROUPS = 5
"""Groups of stations from which on a spread between groups is worth printing."""
COVERAGE = 0.90


def particulate_step(
    days: xr.Dataset,
    weather: xr.Dataset,
    groups: Mapping[str, str],
    *,
    companions: Sequence[str] = ("no2", "co"),
    placebo_years: Sequence[int] = (-2, -1, 1, 2),
) -> pd.DataFrame:
    """The slope of the step on the predicted step, with a 90 % interval and a verdict; columns ``PARTICULATE_STEP``.

    ``days`` holds daily particles (and companions) as archived, ``weather`` t2m [K] and sp [Pa], all (station, time).
    Errors of the stations of one group (a city, a province) are dependent; the interval is of Student's t with as many
    degrees of freedom as groups less one, and holds the scatter of the placebos' slopes (``placebo_years`` away).
    A row for each pollutant and each date with data on both sides; without the step's own, none.
    """
    frames = [
        _of_pollutant(days, weather, groups, name, companions, placebo_years) for name in PARTICLES if name in days
    ]
    return pd.DataFrame([row for rows in frames for row in rows], columns=list(PARTICULATE_STEP))


def _of_pollutant(
    days: xr.Dataset,
    weather: xr.Dataset,
    groups: Mapping[str, str],
    name: str,
    companions: Sequence[str],
    placebo_years: Sequence[int],
) -> list[dict[str, object]]:
    months = {key: _monthly(days[key], log=True) for key in (name, *companions) if key in days}
    factor = ambient_factor(weather["t2m"], weather["sp"])
    predicted = _monthly(factor.copy(data=np.log(factor.to_numpy())), log=False)
    dates = [pd.Timestamp(CHANGED), *(pd.Timestamp(CHANGED) + pd.DateOffset(years=shift) for shift in placebo_years)]
    fits = [_fit(_changes(months, predicted, date, groups), name) for date in dates]
    if fits[0] is None:
        return []
    placebos = [fit["slope"] for fit in fits[1:] if fit is not None]
    between = float(np.mean(np.square(placebos))) if placebos else 0.0
    return [
        _row(name, "placebo" if place else "step", date, fit, 0.0 if place else between)
        for place, (date, fit) in enumerate(zip(dates, fits, strict=True))
        if fit is not None
    ]


def _monthly(values: xr.DataArray, *, log: bool) -> pd.DataFrame:
    """Monthly means, or their logarithms; months down, stations across; NaN with too few days."""
    frame = pd.DataFrame(
        values.transpose("time", "station").to_numpy(), values.get_index("time"), values.get_index("station")
    )
    months = frame.resample("MS")
    mean = months.mean().where(months.count() >= LEAST_DAYS)
    return mean.where(mean > 0).map(np.log) if log else mean


def _changes(
    months: Mapping[str, pd.DataFrame], predicted: pd.DataFrame, date: pd.Timestamp, groups: Mapping[str, str]
) -> pd.DataFrame:
    """From the twelve months before ``date`` to those after, by station and calendar month; rows without gaps."""
    before = pd.date_range(date - pd.DateOffset(years=1), periods=12, freq="MS")
    after = pd.date_range(date, periods=12, freq="MS")

    def change(frame: pd.DataFrame) -> pd.Series:
        return pd.Series(
            (frame.reindex(after).to_numpy() - frame.reindex(before).to_numpy()).ravel(),
            pd.MultiIndex.from_product([after.month, frame.columns], names=["month", "station"]),
        )

    rows = pd.DataFrame({key: change(frame) for key, frame in months.items()})
    state = predicted.reindex(before).set_axis(after.month, axis=0).rename_axis(index="month", columns="station")
    rows["predicted"] = state.stack().reindex(rows.index)
    rows = rows.dropna(axis=1, how="all").dropna().reset_index()
    return rows.assign(group=rows["station"].map(dict(groups)))


def _fit(rows: pd.DataFrame, name: str) -> dict[str, float] | None:
    """The slope on ``predicted`` within months and its standard error, robust to dependence within groups.

    Least squares with the cluster-robust variance of Liang and Zeger (1986), doi 10.1093/biomet/73.1.13.
    """
    if name not in rows or "predicted" not in rows or rows["group"].nunique() < LEAST_GROUPS:
        return None
    regressors = [key for key in rows if key not in ("month", "station", "group", name)]
    centred = rows[[name, *regressors]] - rows.groupby("month")[[name, *regressors]].transform("mean")
    design, target = centred[regressors].to_numpy(), centred[name].to_numpy()
    bread = np.linalg.pinv(design.T @ design)
    slopes = bread @ design.T @ target
    scores = pd.DataFrame(design * (target - design @ slopes)[:, None]).groupby(rows["group"].to_numpy()).sum()
    count = len(scores)
    variance = count / (count - 1) * bread @ (scores.T.to_numpy() @ scores.to_numpy()) @ bread
    at = regressors.index("predicted")
    by_station = rows.groupby("station")["predicted"].mean()
    return {
        "slope": float(slopes[at]),
        "error": float(np.sqrt(variance[at, at])),
        "stations": len(by_station),
        "groups": count,
        "lowest": float(by_station.min()),
        "highest": float(by_station.max()),
    }


def _row(name: str, kind: str, date: pd.Timestamp, fit: Mapping[str, float], between: float) -> dict[str, object]:
    quantile = stats.t.ppf((1 + COVERAGE) / 2, fit["groups"] - 1)
    half = float(quantile * np.sqrt(fit["error"] ** 2 + between))
    low, high = fit["slope"] - half, fit["slope"] + half
    return {
        "pollutant": name,
        "kind": kind,
        "date": f"{date:%Y-%m-%d}",
        "stations": int(fit["stations"]),
        "groups": int(fit["groups"]),
        "predicted_lowest": fit["lowest"],
        "predicted_highest": fit["highest"],
        "slope": fit["slope"],
        "slope_low": low,
        "slope_high": high,
        "verdict": verdict(low, high) if kind == "step" else "",
    }


def verdict(low: float, high: float) -> str:
    """What an interval of the slope says of ``particulate_reference``, in one line."""
    none, full = low <= 0 <= high, low <= 1 <= high
    if none == full:
        why = "holds both 0 and 1" if none else "holds neither 0 nor 1"
        return f"undecided: the interval {low:.2f} to {high:.2f} {why}"
    return (
        "as_reported: no step of state in the archive"
        if none
        else "ambient: days before 2018-09-01 are in standard state"
    )
