"""Every number of the report, once, with its interval, its units and the file of the run that it is read from.

FACTS is a table of one row a number; everything the report shows is taken from it, so that a number can be traced by
its ``fact``. The columns are a public contract, see METHODS.md. What a run does not have, gives no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from models.counterfactual import interval
from pipeline.readings import mean_of
from pipeline.report.indices import TO_DATE, WHOLE_YEAR_DAYS, YEARLY, index_rows
from pipeline.report.scope import Scope
from pipeline.stages import read_places
from pipeline.store import Run

FACTS = (
    "fact", "level", "name", "pollutant", "statistic", "quantity", "window", "period_from", "period_to", "value", "low",
    "high", "units", "days", "marks", "source",
)  # fmt: skip
READ = ("assessment", "aqi_days", "attainment", "attribution", "attribution_months", "drivers", "concentrations")
"""Tables of the run that facts are read from, by name."""
NEEDED_OF_READINGS = ("index_actual", "index_reference", "days", "meteorology", "emissions")
HEADLINE = {"pm25": "mean", "pm10": "mean", "no2": "mean", "so2": "mean", "co": "p95", "o3": "p90"}
"""The statistic by which a pollutant's year is told (HJ 663); of others the mean."""
LIMITS = {"pm25": (35.0, 30.0), "o3": (160.0,)}
"""Limits whose attaining cities are counted: grade II of GB 3095-2012, of GB 3095-2026 until 2030."""
SHARES = ("heavy_days_percent", "heavy_days_pm25_percent", "good_days_percent")
WHOLE_SEASON_DAYS = 79
"""Days that the months of a whole season need: 27, 27 and 25."""
PARTS = ("observed_change", "weather", "emissions", "residual", "interaction", "unobserved")
"""What a change is made of: the first is the sum of weather, emissions, residual and unobserved."""
TRAILING, THREE_YEARS = "trailing_twelve_months", "three_years"
PARTIAL_WITH_YEAR = "partial_with_year"
"""The window of a change from a whole year to a part of one: unlike compared with unlike, and marked so."""
SHARED_DAYS = "shared_days"
"""The window of an attribution: the calendar days that both years have."""
OF_PARTS = (TO_DATE, PARTIAL_WITH_YEAR)
TEXTS = ("pollutant", "statistic", "period_from", "period_to", "marks")
SERIES = ["level", "name", "pollutant", "statistic", "quantity", "marks", "units", "source"]


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of a run folder that facts are read from, by name; those that are not there are left out."""
    texts = dict.fromkeys(["name", "region", "period", "period_from", "period_to"], str)
    paths = {name: folder / "tables" / f"{name}.csv" for name in READ}
    return {name: pd.read_csv(path, dtype=texts) for name, path in paths.items() if path.is_file()}


def read_readings(folder: Path, scope: Scope) -> Iterator[xr.Dataset]:
    """Of every city of a run folder, then of the scope's regions, what facts need of the readings."""
    store = Run(folder)
    regions = read_places(store)[1]
    for pollutant in scope.pollutants:
        paths = sorted(folder.glob(f"readings/city-*-{pollutant}.nc"))
        cities = {str(city.attrs["name"]): city for city in map(_needed_of, paths)}
        yield from cities.values()
        for region in scope.regions:
            members = [cities[city] for city in regions.get(region, ()) if city in cities]
            if members:
                yield mean_of(members).assign_attrs(level="region", name=region)


def _needed_of(path: Path) -> xr.Dataset:
    """Small enough to keep for all cities of a nation: without weeks and series."""
    with xr.open_dataset(path) as readings:
        needed = readings[list(NEEDED_OF_READINGS)]
        return needed.isel(period=np.flatnonzero(needed["frequency"].to_numpy() != "week")).load()


def facts(tables: Mapping[str, pd.DataFrame], readings: Iterable[xr.Dataset], scope: Scope) -> pd.DataFrame:
    """FACTS of a run: from its ``tables`` (``read_tables``) and the readings of its regions and cities.

    Regions beyond those of the scope and years beyond its own are left out. Intervals are of 90 %, empty where a
    number has none. Sorted by ``fact``, which is unique: the order of regions, tables and readings changes nothing.
    """
    wanted = {name: _of_scope(frame, scope) for name, frame in tables.items() if len(frame)}
    frames = [
        *_concentrations(wanted.get("assessment"), scope),
        *_shares(wanted.get("aqi_days"), scope),
        *_attaining(wanted.get("attainment"), scope),
        *_from_readings(readings, wanted, scope),
        *_seasons(wanted.get("attribution_months"), scope),
        *_drivers(wanted.get("drivers"), scope),
    ]
    return _numbered(frames)


def _of_scope(frame: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """The rows of the scope's regions, and of every city."""
    own = frame.rename(columns={"region": "name"}).assign(level=frame.get("level", "region"))
    own["name"] = own["name"].astype(str)
    of_region = (own["level"] == "region") & own["name"].isin(scope.regions)
    return pd.DataFrame(own[of_region | (own["level"] == "city")])


def _numbered(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame(columns=list(FACTS))
    found = pd.concat([_completed(frame) for frame in filled], ignore_index=True)
    found = found[np.isfinite(found["value"])]
    found["fact"] = [fact_of(*parts) for parts in found[list(NAMED_BY)].itertuples(index=False, name=None)]
    found["days"] = found["days"].astype("Int64")
    found = found.sort_values("fact", kind="stable").reset_index(drop=True)
    return pd.DataFrame(found, columns=list(FACTS))


def _completed(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with every column of FACTS but ``fact``: texts and bounds it lacks are empty, parts of years marked."""
    own = frame.copy()
    for name in (*TEXTS, "low", "high", "days"):
        if name not in own:
            own[name] = "" if name in TEXTS else np.nan
    partial = np.where(own["window"].isin(OF_PARTS), "partial", "")
    own["marks"] = [";".join(filter(None, marks)) for marks in zip(own["marks"], partial, strict=True)]
    numbers = {name: own[name].astype(float) for name in ("value", "low", "high", "days")}
    return own.assign(**numbers)[[*NAMED_BY, *numbers, "units", "source"]]


NAMED_BY = ("level", "name", "pollutant", "statistic", "quantity", "window", "period_from", "period_to", "marks")
STATES = ("partial",)
"""Marks that say how a number stands, not which it is; ``years=4`` is one too."""


def fact_of(*parts: str) -> str:
    """The id of a number from its place in the table: ``NAMED_BY`` without empty parts, joined by ``/``.

    Of the marks those that tell numbers apart; a slash within a part becomes ``--``.
    """
    *named, marks = parts
    apart = [mark for mark in marks.split(";") if mark not in STATES and not mark.startswith("years=")]
    return "/".join(part.replace("/", "--") for part in [*named, *apart] if part)


def _years_of(frame: pd.DataFrame, scope: Scope) -> pd.Series:
    """The year that each row's window belongs to; ``<NA>`` for windows that the report does not use."""
    window, period = frame["window"], frame["period"].astype(str)
    year = pd.Series(pd.NA, frame.index, dtype="Int64")
    whole = scope.years[:-1] if scope.partial else scope.years
    labels = {YEARLY: {str(known): known for known in whole}}
    labels[THREE_YEARS] = {f"{known - 2}-{known}": known for known in whole}
    if scope.partial:
        labels[TO_DATE] = {scope.to_date(known): known for known in scope.years}
        labels[TRAILING] = {scope.trailing(known): known for known in scope.years}
    for kind, years in labels.items():
        year[window == kind] = period[window == kind].map(years).astype("Int64")
    return year


def _dated(frame: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Rows of the report's windows, with their ``year``; dust that is left out is a mark."""
    own = frame.assign(year=_years_of(frame, scope)).dropna(subset="year")
    dust = np.where(own["dust"] == "excluded", "dust=excluded", "")
    return own.assign(marks=dust, period_to=own["period"].astype(str))


def _concentrations(assessment: pd.DataFrame | None, scope: Scope) -> Iterator[pd.DataFrame]:
    """Concentrations of every pollutant by its headline statistic, and their changes; of the constant panel too."""
    if assessment is None:
        return
    headline = assessment["pollutant"].map(HEADLINE).fillna("mean")
    own = assessment[(assessment["statistic"] == headline) & assessment["value"].notna()]
    own = own[(own["level"] == "region") | own["pollutant"].isin(scope.pollutants)]
    dated = _dated(own, scope)
    for panel, suffix in (("all", ""), ("constant", "_constant_panel")):
        chosen = dated[(dated["panel"] == panel) & ((panel == "all") | (dated["level"] == "region"))]
        levels = chosen.assign(quantity=f"concentration{suffix}", source="tables/assessment.csv")
        yield levels
        for change in _changes(levels, scope):
            yield change.assign(quantity=f"change{suffix}")
            percent = 100 * change["value"] / change["from"].where(change["from"] > 0)
            yield change.assign(quantity=f"change_percent{suffix}", value=percent, units="%")


def _changes(levels: pd.DataFrame, scope: Scope) -> Iterator[pd.DataFrame]:
    """Changes of dated facts: like with like, and the partial year with whole ones; with the value they start ``from``.

    Between the years of ``Scope.pairs``; of cities only those that end in the report's year. ``days`` are the fewer.
    """
    pairs = pd.DataFrame(scope.pairs, columns=["first", "year"]).astype("Int64")
    after = levels.merge(pairs, on="year")
    after = after[(after["level"] == "region") | (after["year"] == scope.year)]
    yield _difference(levels, after, along=["window"])
    part = after[(after["window"] == TO_DATE) & (after["year"] == scope.year)]
    yield _difference(levels[levels["window"] == YEARLY], part, along=[]).assign(window=PARTIAL_WITH_YEAR)


def _difference(before: pd.DataFrame, after: pd.DataFrame, *, along: list[str]) -> pd.DataFrame:
    """``after`` less ``before`` of the year ``first``; both share their series and ``along``."""
    earlier = before[[*SERIES, *along, "year", "period_to", "value", "days"]].rename(columns={"year": "first"})
    both = after[[*SERIES, "window", "first", "period_to", "value", "days"]].merge(
        earlier, on=[*SERIES, *along, "first"], suffixes=("", "_before")
    )
    return both.assign(
        **{"from": both["value_before"]},
        period_from=both["period_to_before"],
        value=both["value"] - both["value_before"],
        days=both[["days", "days_before"]].min(axis=1),
    )


def _shares(aqi_days: pd.DataFrame | None, scope: Scope) -> Iterator[pd.DataFrame]:
    """Shares of good and of heavily polluted days, and their changes in percentage points."""
    if aqi_days is None:
        return
    dated = _dated(aqi_days[aqi_days["panel"] == "all"], scope)
    long = dated.melt([name for name in dated if name not in SHARES], list(SHARES), "quantity", "value")
    levels = long.dropna(subset="value").assign(pollutant="", statistic="", units="%", source="tables/aqi_days.csv")
    yield levels
    for change in _changes(levels, scope):
        yield change.assign(quantity=change["quantity"] + "_change", units="percentage points")


def _attaining(attainment: pd.DataFrame | None, scope: Scope) -> Iterator[pd.DataFrame]:
    """Cities with a valid value, those that attain a limit, and how many more do than before."""
    if attainment is None:
        return
    kinds = [(pollutant, HEADLINE[pollutant], limit) for pollutant, limits in LIMITS.items() for limit in limits]
    named = pd.DataFrame(kinds, columns=["pollutant", "statistic", "limit"])
    dated = _dated(attainment[attainment["panel"] == "all"].merge(named), scope)
    limits = "limit=" + dated["limit"].map("{:g}".format)
    marks: pd.Series = limits + np.where(dated["marks"] == "", "", ";" + dated["marks"])
    levels = dated.assign(marks=marks, units="cities", days=np.nan, source="tables/attainment.csv")
    yield levels.assign(quantity="cities", value=levels["cities"])
    counted = levels.assign(quantity="cities_attaining", value=levels["attaining"])
    yield counted
    for change in _changes(counted, scope):
        yield change.assign(quantity="cities_attaining_change")


def _from_readings(
    readings: Iterable[xr.Dataset], tables: Mapping[str, pd.DataFrame], scope: Scope
) -> Iterator[pd.DataFrame]:
    """The index of each place, and its parts of the changes with the residual's interval, that members know."""
    spreads = []
    for place in readings:
        about = {key: str(place.attrs[key]) for key in ("level", "name", "pollutant")}
        if about["level"] == "city" or (about["level"] == "region" and about["name"] in scope.regions):
            index = index_rows(place, scope, with_seasons=about["level"] == "region")
            yield index.assign(**about, statistic="mean", source="readings")
            spreads.append(_spread_of_parts(place, about))
    if "attribution" in tables:
        yield from _parts(tables["attribution"], spreads, scope)


PAIR = ["level", "name", "pollutant", "statistic", "period_from", "period_to"]


def _spread_of_parts(place: xr.Dataset, about: Mapping[str, str]) -> pd.DataFrame:
    """Half the width of the interval of weather and emissions together, so of the residual, by statistic and pair."""
    together = (place["meteorology"] + place["emissions"]).transpose("statistic", "pair", "member").to_numpy()
    low, high = interval(together)
    statistics, pairs = place["statistic"].to_numpy(), range(place.sizes["pair"])
    return pd.DataFrame(
        {
            **about,
            "statistic": np.repeat(statistics, len(pairs)),
            **{
                name: np.tile(place[name].to_numpy().astype(int).astype(str), len(statistics))
                for name in ("period_from", "period_to")
            },
            "half": ((high - low) / 2).ravel(),
        }
    )


def _parts(attribution: pd.DataFrame, spreads: Sequence[pd.DataFrame], scope: Scope) -> Iterator[pd.DataFrame]:
    """What each change between two years is made of, over the days they share; of cities no change of years between."""
    own = _between(attribution, scope).assign(window=SHARED_DAYS, source="tables/attribution.csv")
    own["marks"] = np.where(own["days"] < WHOLE_YEAR_DAYS, "partial", "")
    if spreads:
        own = own.merge(pd.concat(spreads, ignore_index=True), on=PAIR, how="left")
        ends = (("low", own["residual"] - own["half"]), ("high", own["residual"] + own["half"]))
        own = own.assign(**{f"residual_{end}": values for end, values in ends})
    yield from _of_parts(own)


def _between(frame: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Rows of the scope's pairs of years, of cities those from the base or to the report's year."""
    ends = frame[["period_from", "period_to"]].astype(int).astype(str)
    pairs = {f"{first}-{last}" for first, last in scope.pairs}
    of_cities = {f"{first}-{last}" for first, last in scope.pairs if first == scope.base_year or last == scope.year}
    labels = ends["period_from"] + "-" + ends["period_to"]
    chosen = labels.isin(of_cities) | (labels.isin(pairs) & (frame["level"] == "region"))
    return frame.assign(period_from=ends["period_from"], period_to=ends["period_to"])[chosen]


def _of_parts(changes: pd.DataFrame) -> Iterator[pd.DataFrame]:
    renamed = changes.rename(columns=lambda name: name.replace("meteorology", "weather"))
    for name in PARTS:
        yield renamed.assign(quantity=name, **_bounded(renamed, name))
    start = renamed["observed_from"].where(renamed["observed_from"] > 0)
    for name in ("observed_change", "weather", "emissions"):
        percents = {key: 100 * values / start for key, values in _bounded(renamed, name).items()}
        yield renamed.assign(quantity=f"{name}_percent", units="%", **percents)


def _bounded(frame: pd.DataFrame, name: str) -> dict[str, pd.Series]:
    empty = pd.Series(np.nan, frame.index)
    ends = {end: frame.get(f"{name}_{end}", empty) for end in ("low", "high")}
    return {"value": frame[name], **ends}


def _seasons(months: pd.DataFrame | None, scope: Scope) -> Iterator[pd.DataFrame]:
    """The same parts for each season, of the scope's regions."""
    if months is None:
        return
    own = months[(months["frequency"] == "season") & (months["level"] == "region")]
    dated = _between(own, scope)
    dated["marks"] = np.where(dated["days"] < WHOLE_SEASON_DAYS, "partial", "")
    yield from _of_parts(dated.assign(window="season " + dated["period"], source="tables/attribution_months.csv"))


def _drivers(drivers: pd.DataFrame | None, scope: Scope) -> Iterator[pd.DataFrame]:
    """The shares of the driver groups in the weather's part."""
    if drivers is None:
        return
    own = _between(drivers, scope).rename(columns={"share_low": "low", "share_high": "high"})
    marked = own.assign(value=own["share"], marks="group=" + own["group"].astype(str))
    yield marked.assign(quantity="driver_share", window=SHARED_DAYS, source="tables/drivers.csv")
