"""The tables of an assessment; their columns are a contract (``pipeline.assessment``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.assessment import ASSESSMENT, ATTAINMENT, OZONE_WAYS
from pipeline.assessment.network import Network, both_ways
from pipeline.assessment.options import AssessmentOptions
from pipeline.assessment.statistics import mean_of_cities, over_windows, three_years
from pipeline.assessment.windows import Window
from pipeline.standards.rounding import at_most, decimals, printed, rounded
from pipeline.standards.versions import WHO, assessed, guideline, standard_for, standards


def assessment(network: Network, options: AssessmentOptions, *, stations: bool = False) -> pd.DataFrame:
    """Every statistic of HJ 663 of regions and cities, and of ``stations`` when asked; columns ``ASSESSMENT``.

    A city is the mean of its stations' days, a region the mean of its cities' statistics, so of their percentiles. What
    is not valid is missing: its row has days and no value. A limit is grade II of the standard that judges the window's
    end; months have none. Dust ``excluded`` deducts events from particles, as CNEMC does; validity counts the days
    that were measured.
    """
    frames = [frame for name in network.pollutants for frame in _of_pollutant(network, options, name)]
    if stations:
        frames += [_of_stations(network, options, name) for name in network.pollutants]
    return pd.concat(frames, ignore_index=True)[list(ASSESSMENT)]


def _of_pollutant(network: Network, options: AssessmentOptions, pollutant: str) -> Iterator[pd.DataFrame]:
    chosen = network.windows(options)
    for panel in options.panels:
        members = network.panel(pollutant, panel)
        measured = network.of_cities(pollutant, panel)
        for dust, days in both_ways(network, measured, options.dust):
            found = over_windows(days, chosen, list(assessed(pollutant)), measured=measured)
            stations = xr.DataArray([len(members[str(name)]) for name in found["place"].to_numpy()], dims="place")
            cities = found.assign(members=xr.ones_like(found["days"]) * stations)
            about = {"panel": panel, "dust": dust, "pollutant": pollutant, "units": measured.attrs["units"]}
            for level, places in (("region", of_regions(cities, network.regions)), ("city", cities)):
                yield _frame(*with_three_years(places, chosen), {"level": level, **about}, options)


def _of_stations(network: Network, options: AssessmentOptions, pollutant: str) -> pd.DataFrame:
    days, chosen = network.days[pollutant].rename(station="place"), network.windows(options)
    found = over_windows(days, chosen, list(assessed(pollutant)))
    found = found.assign(members=xr.ones_like(found["days"]))
    about = {"level": "station", "panel": "all", "dust": "kept", "pollutant": pollutant, "units": days.attrs["units"]}
    return _frame(*with_three_years(found, chosen), about, options)


def with_three_years(found: xr.Dataset, dated: Sequence[Window]) -> tuple[xr.Dataset, list[Window]]:
    """``found`` along ``window`` with moving means over three years behind it, and the windows of both."""
    years = [w for w, window in enumerate(dated) if window.kind == "year"]
    three = [
        Window("three_years", f"{dated[first].label}-{dated[last].label}", dated[first].start, dated[last].end)
        for first, last in zip(years, years[2:], strict=False)
    ]
    return xr.concat([found, three_years(found.isel(window=years))], dim="window", join="override"), [*dated, *three]


def of_regions(cities: xr.Dataset, regions: Mapping[str, Sequence[str]]) -> xr.Dataset:
    """``mean_of_cities`` of each region, along ``place``."""
    found = [mean_of_cities(cities, members) for members in regions.values()]
    return xr.concat(found, dim=pd.Index(list(regions), name="place", dtype=object))


def _frame(
    found: xr.Dataset, dated: Sequence[Window], about: Mapping[str, str], options: AssessmentOptions
) -> pd.DataFrame:
    """The rows of ``found`` (place, window, statistic), places slowest."""
    found = found.transpose("place", "window", "statistic", missing_dims="ignore")
    pollutant, units = about["pollutant"], about["units"]
    shape = tuple(found.sizes[name] for name in ("place", "window", "statistic"))

    def spread(values: object, at: tuple[int, ...]) -> np.ndarray:
        return np.broadcast_to(np.asarray(values).reshape(at), shape).ravel()

    frame = pd.DataFrame({"name": spread(found["place"].to_numpy(), (-1, 1, 1)), **about})
    for column, values in _of_windows(dated, pollutant, options).items():
        frame[column] = spread(values, (1, -1, 1))
    frame["statistic"] = spread(found["statistic"].to_numpy(), (1, 1, -1))
    frame["value"] = found["value"].to_numpy().ravel()
    for column in ("days", "valid", "members"):
        frame[column] = spread(found[column].to_numpy(), (*shape[:2], 1))
    frame["limit"] = spread(
        _limits(dated, pollutant, map(str, found["statistic"].to_numpy()), options), (1, *shape[1:])
    )
    frame["attains"] = _attains(frame, pollutant)
    frame["printed"] = printed(frame["value"].to_numpy(), frame.pop("decimals").to_numpy())
    return frame.assign(units=units)


def _of_windows(dated: Sequence[Window], pollutant: str, options: AssessmentOptions) -> dict[str, list[object]]:
    ends = [window.end.date() for window in dated]
    return {
        "window": [window.kind for window in dated],
        "period": [window.label for window in dated],
        "start": [f"{window.start:%Y-%m-%d}" for window in dated],
        "end": [f"{window.end:%Y-%m-%d}" for window in dated],
        "standard": [standard_for(end, judged_by=options.standard).key for end in ends],
        "decimals": [decimals(pollutant, date=end, printing=options.printing) for end in ends],
    }


def _limits(
    dated: Sequence[Window], pollutant: str, statistics: Iterable[str], options: AssessmentOptions
) -> np.ndarray:
    averages, names = assessed(pollutant), list(statistics)
    limits = [
        [
            None
            if window.kind == "month"
            else standard_for(window.end.date(), judged_by=options.standard).limit(pollutant, averages[name])
            for name in names
        ]
        for window in dated
    ]
    return np.array(limits, dtype=float)


def judged(values: np.ndarray, pollutant: str) -> np.ndarray:
    """Values as a limit meets them: rounded once, to the decimals of the standard however they are printed."""
    first = next(iter(standards().values()))
    return rounded(values, decimals(pollutant, date=first.since))


def _attains(frame: pd.DataFrame, pollutant: str) -> pd.Series:
    below = pd.Series(judged(frame["value"].to_numpy(), pollutant) <= frame["limit"], dtype="boolean")
    return below.where(frame["value"].notna() & frame["limit"].notna())


def limits_of(pollutant: str) -> list[tuple[str, float, str]]:
    """(statistic, limit, where it comes from): grade II of every version, WHO's guideline of the annual mean."""
    found: dict[tuple[str, float], str] = {}
    for name, average in assessed(pollutant).items():
        for version in standards().values():
            if (limit := version.limit(pollutant, average)) is not None:
                found.setdefault((name, limit), version.key)
        if average == "year" and (level := guideline(pollutant, average)):
            found.setdefault((name, level["aqg"]), WHO)
    return [(name, limit, key) for (name, limit), key in found.items()]


def attainment(found: pd.DataFrame, regions: Mapping[str, Sequence[str]], *, since: int | None = None) -> pd.DataFrame:
    """How many cities of each region attain each limit, from the rows of ``assessment``; columns ``ATTAINMENT``.

    China's limits judge the rounded value, WHO's guideline the value as it is, as in ``guidelines``.
    ``cities`` counts those with a valid value. ``change`` is against the same window of the year ``since`` (the first
    one there is, by default); missing when that is not there.
    """
    rows = found[(found["level"] == "city") & (found["window"] != "month") & found["value"].notna()]
    frames = [
        _attaining(rows[(rows["pollutant"] == pollutant) & (rows["statistic"] == name)], limit, key)
        for pollutant in rows["pollutant"].unique()
        for name, limit, key in limits_of(str(pollutant))
    ]
    if not frames:
        return pd.DataFrame(columns=list(ATTAINMENT))
    counted = [
        _counted(frame[frame["name"].isin(list(members))]).assign(region=region)
        for region, members in regions.items()
        for frame in frames
    ]
    return _with_change(pd.concat(counted, ignore_index=True), since)[list(ATTAINMENT)]


def _attaining(rows: pd.DataFrame, limit: float, key: str) -> pd.DataFrame:
    pollutant = str(rows["pollutant"].iloc[0]) if len(rows) else ""
    values = rows["value"].to_numpy()
    attaining = at_most(values, limit) if key == WHO else judged(values, pollutant) <= limit
    return rows.assign(limit=limit, standard=key, attaining=attaining)


def _counted(rows: pd.DataFrame) -> pd.DataFrame:
    by = ["panel", "dust", "window", "period", "start", "end", "pollutant", "statistic", "limit", "standard"]
    return rows.groupby(by, sort=False, as_index=False).agg(
        cities=("attaining", "size"), attaining=("attaining", "sum")
    )


def _with_change(counted: pd.DataFrame, since: int | None) -> pd.DataFrame:
    named = counted["window"].isin(["year", "months_to_date"])
    year = counted["period"].str[:4].where(named, counted["end"].str[:4]).astype(int)
    series = ["region", "panel", "dust", "window", "pollutant", "statistic", "limit"]
    base = year.groupby([counted[name] for name in series]).transform("min") if since is None else since
    counted = counted.assign(since=base)
    at_base = counted[year == counted["since"]].set_index(series)["attaining"]
    at_base = at_base[~at_base.index.duplicated()]
    before = at_base.reindex(pd.MultiIndex.from_frame(counted[series])).to_numpy(dtype=float)
    change = pd.Series(counted["attaining"].to_numpy(dtype=float) - before, counted.index)
    return counted.assign(change=change.where(counted["window"] != "custom").astype("Int64"))


def ozone_two_ways(network: Network, of_city_hours: xr.DataArray | None, options: AssessmentOptions) -> pd.DataFrame:
    """O3 of cities by the mean of its sites' MDA8 and by MDA8 of its mean hours, and the gap; columns ``OZONE_WAYS``.

    ``of_city_hours`` (place, time) are days of the second kind (``cities.city_days_of_hours``). HJ 663 averages the
    stations' assessed days, which is what other tables hold; the gap, ours minus the other, says what the choice is
    worth. Both statistics are over the days that both ways have; no row without hours of O3.
    """
    if of_city_hours is None or "o3" not in network.pollutants:
        return pd.DataFrame(columns=list(OZONE_WAYS))
    of_sites = network.of_cities("o3", "all")
    other = of_city_hours.reindex(place=of_sites["place"].to_numpy(), time=network.time)
    both = of_sites.notnull() & other.notnull()
    chosen = network.windows(options)
    about = {"level": "city", "panel": "all", "dust": "kept", "pollutant": "o3", "units": of_sites.attrs["units"]}
    found = {
        way: over_windows(days.where(both), chosen, list(assessed("o3")))
        for way, days in (("of_sites", of_sites), ("of_city_hours", other))
    }
    frames = {
        way: _frame(data.assign(members=xr.zeros_like(data["days"])), chosen, about, options)
        for way, data in found.items()
    }
    ways = frames["of_sites"].assign(**{way: frame["value"].to_numpy() for way, frame in frames.items()})
    ways = ways.assign(gap=ways["of_sites"] - ways["of_city_hours"])
    return ways.dropna(subset="gap").reset_index(drop=True)[list(OZONE_WAYS)]
