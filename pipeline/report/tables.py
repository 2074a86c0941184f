"""The report's tables, from its facts: as numbers for files, and as they are printed, English and Chinese."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.facts import HEADLINE, PARTIAL_WITH_YEAR, SHARED_DAYS, SHARES, THREE_YEARS, TRAILING
from pipeline.report.gaps import Section, headline_window, missing
from pipeline.report.indices import TO_DATE, YEARLY
from pipeline.report.scope import Scope
from pipeline.report.wording import (
    concentration_decimals,
    number,
    period_in,
    place_in,
    pollutant_in,
    say,
    signed,
)
from pipeline.wording import Language, direction, units_in

SECTION_OF: dict[str, Section] = {
    "concentrations": "concentrations",
    "changes": "concentrations",
    "attaining": "attaining",
    "heavy_days": "heavy_days",
    "index": "index",
    "attribution": "attribution",
    "attribution_seasons": "attribution",
}
TABLES = tuple(SECTION_OF)
"""The tables of the report, in its order; each belongs to a section, whose gaps are told under it."""
BOUNDS = ("", "_low", "_high")


def tables(found: pd.DataFrame, scope: Scope) -> dict[str, pd.DataFrame]:
    """Every table of ``TABLES`` from FACTS, numbers unrounded; one without any number has no rows.

    Regions stand in the order of the scope; ``marks`` say what is of a part of a year (``partial``), ``window`` what is
    compared with what.
    """
    own = found[(found["level"] == "region") & found["name"].isin(scope.regions)]
    makers: dict[str, Callable[[pd.DataFrame, Scope], pd.DataFrame]] = {
        "concentrations": _concentrations,
        "changes": _changes,
        "attaining": _attaining,
        "heavy_days": _heavy_days,
        "index": _index,
        "attribution": _attribution,
        "attribution_seasons": _seasons,
    }
    return {name: _ordered(make(own, scope), scope) for name, make in makers.items()}


def _ordered(frame: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Rows by pollutant and region in the order of the scope; then as they come."""
    if frame.empty:
        return frame
    places = frame["name"].map({name: k for k, name in enumerate(scope.regions)})
    pollutants = frame.get("pollutant", pd.Series("", frame.index)).map(
        {name: k for k, name in enumerate(scope.pollutants)}
    )
    by = frame.assign(_place=places, _pollutant=pollutants.fillna(len(scope.pollutants)))
    return by.sort_values(["_pollutant", "_place"], kind="stable").reset_index(drop=True)[list(frame.columns)]


CONCENTRATIONS = ("name", "pollutant", "statistic", "window", "period", "value", "units", "days", "marks")
CHANGES = (
    "name", "pollutant", "statistic", "window", "period_from", "period_to", "value_from", "value_to", "change",
    "change_percent", "units", "days", "marks",
)  # fmt: skip
ATTAINING = (
    "name", "pollutant", "limit", "window", "period_from", "period_to", "cities", "attaining_from", "attaining_to",
    "change", "marks",
)  # fmt: skip
HEAVY_DAYS = (
    "name", "measure", "dust", "window", "period_from", "period_to", "value_from", "value_to", "change_points", "marks",
)  # fmt: skip
INDEX = (
    "name", "pollutant", "window", "against", "period_from", "period_to", "mci", "mci_low", "mci_high",
    "change_percent", "change_percent_low", "change_percent_high", "reading", "days", "marks",
)  # fmt: skip
ATTRIBUTION = (
    "name", "pollutant", "statistic", "period_from", "period_to",
    *(f"{part}{end}" for part in ("observed_change", "weather", "emissions", "residual")
      for end in (("",) if part == "observed_change" else BOUNDS)),
    "interaction", "unobserved", "weather_percent", "emissions_percent", "units", "days", "marks",
)  # fmt: skip
SEASONS = (*ATTRIBUTION[:3], "season", *ATTRIBUTION[3:])


def _frame(rows: Sequence[Mapping[str, Any]] | pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns)).reset_index(drop=True)


def _marked(marks: pd.Series, kept: str = "partial") -> pd.Series:
    return marks.map(lambda text: kept if kept in text.split(";") else "")


def _dust(marks: pd.Series) -> pd.Series:
    return marks.str.contains("dust=excluded").map({True: "excluded", False: "kept"})


def _concentrations(own: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Every window's concentration, years in order; dust kept."""
    rows = own[(own["quantity"] == "concentration") & (_dust(own["marks"]) == "kept")]
    order = {window: k for k, window in enumerate((YEARLY, TO_DATE, TRAILING, THREE_YEARS))}
    rows = rows.assign(order=rows["window"].map(order)).sort_values(["order", "period_to"], kind="stable")
    return _frame(rows.assign(period=rows["period_to"], marks=_marked(rows["marks"])), CONCENTRATIONS)


COMPARED = (YEARLY, TO_DATE, TRAILING, THREE_YEARS, PARTIAL_WITH_YEAR)


def _changes(own: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """The changes that end in the report's year, of a three-year mean in its last whole one: by window, dust kept."""
    plain = own[_dust(own["marks"]) == "kept"]
    keys = ["name", "pollutant", "statistic", "window", "period_from", "period_to"]
    rows = plain[plain["quantity"] == "change"]
    rows = rows[rows["period_to"].isin(_last_periods(scope).values())]
    percent = plain.loc[plain["quantity"] == "change_percent", [*keys, "value"]]
    rows = rows.rename(columns={"value": "change"}).merge(percent.rename(columns={"value": "change_percent"}), on=keys)
    levels = plain[plain["quantity"] == "concentration"].set_index(["name", "pollutant", "period_to"])["value"]
    for end in ("from", "to"):
        rows[f"value_{end}"] = _looked_up(levels, rows, ["name", "pollutant", f"period_{end}"])
    rows = rows.assign(order=rows["window"].map(COMPARED.index)).sort_values(["order", "period_from"], kind="stable")
    return _frame(rows.assign(marks=_marked(rows["marks"])), CHANGES)


def _looked_up(values: pd.Series, rows: pd.DataFrame, keys: list[str]) -> np.ndarray:
    if rows.empty:
        return np.empty(0)
    return values.reindex(pd.MultiIndex.from_frame(rows[keys])).to_numpy()


def _last_periods(scope: Scope) -> dict[str, str]:
    """The period of each window that the report's changes end in."""
    last = scope.year - scope.partial
    whole = {YEARLY: str(scope.year), THREE_YEARS: f"{last - 2}-{last}"}
    parts = {TO_DATE: scope.to_date(scope.year), TRAILING: scope.trailing(scope.year)}
    return {**whole, **(parts if scope.partial else {})}


def _ends(own: pd.DataFrame, level: str, change: str, scope: Scope) -> pd.DataFrame:
    """Numbers of the report's year beside those of the base year, like with like and a part with the whole year.

    ``value_from``, ``value_to`` and ``change``; without a change only what is known of the report's year.
    """
    window, _, period = headline_window(scope)
    keys = ["name", "pollutant", "kind", "period_to"]
    rows = own.assign(kind=_kind(own["marks"]))
    levels = rows[rows["quantity"] == level].drop_duplicates([*keys, "window"])
    now = levels[(levels["window"] == window) & (levels["period_to"] == period)]
    changes = rows[(rows["quantity"] == change) & (rows["period_to"] == period)]
    changes = changes[changes["window"].isin([window, PARTIAL_WITH_YEAR])]
    changes = changes[changes["period_from"].isin([str(scope.base_year), scope.to_date(scope.base_year)])]
    values = levels.set_index(["name", "pollutant", "kind", "period_to"])["value"]
    found = changes.rename(columns={"value": "change"})
    lone = now.merge(found[keys].drop_duplicates(), on=keys, how="left", indicator=True)
    lone = lone[lone["_merge"] == "left_only"].assign(change=np.nan)
    both = pd.concat([found, lone], ignore_index=True) if len(lone) else found.reset_index(drop=True)
    both["value_to"] = _looked_up(values, both, keys)
    both["value_from"] = _looked_up(values, both, ["name", "pollutant", "kind", "period_from"])
    order = both["window"].map(COMPARED.index)
    return both.assign(order=order, marks=_marked(both["marks"])).sort_values(["kind", "order"], kind="stable")


def _kind(marks: pd.Series) -> pd.Series:
    """The marks that tell numbers of one quantity apart: a limit, dust."""
    return marks.map(lambda text: ";".join(mark for mark in text.split(";") if mark.startswith(("limit=", "dust="))))


def _attaining(own: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Cities attaining each limit, dust kept; the higher limit first."""
    plain = own[_dust(own["marks"]) == "kept"]
    rows = _ends(plain, "cities_attaining", "cities_attaining_change", scope)
    counts = plain[plain["quantity"] == "cities"].assign(kind=lambda frame: _kind(frame["marks"]))
    counts = counts.drop_duplicates(["name", "pollutant", "kind", "period_to"])
    counted = counts.set_index(["name", "pollutant", "kind", "period_to"])["value"]
    rows["cities"] = _looked_up(counted, rows, ["name", "pollutant", "kind", "period_to"])
    rows["limit"] = rows["kind"].str.removeprefix("limit=").astype(float)
    rows = rows.sort_values(["limit", "order"], ascending=[False, True], kind="stable")
    return _frame(rows.rename(columns={"value_from": "attaining_from", "value_to": "attaining_to"}), ATTAINING)


def _heavy_days(own: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Shares of heavily polluted days by AQI and by PM2.5, and of good days, dust kept and left out."""
    frames = [_ends(own, name, f"{name}_change", scope).assign(measure=name) for name in SHARES]
    rows = pd.concat(frames, ignore_index=True)
    rows["dust"] = rows["kind"].map({"": "kept", "dust=excluded": "excluded"})
    return _frame(rows.rename(columns={"change": "change_points"}), HEAVY_DAYS)


def _index(own: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """The report's index against the base year, the year before and the recent years, of its months and of seasons."""
    window, _, period = headline_window(scope)
    named = own["quantity"].isin(["mci_change_percent", "mci_recent_change_percent"])
    seasons = own["window"].str.startswith("season ")
    rows = own[
        named
        & ((own["window"] == window) & (own["period_to"] == period) | seasons & (own["period_to"] == str(scope.year)))
    ]
    rows = rows.rename(columns={name: f"change_percent{end}" for name, end in _BOUNDED.items()})
    levels = own[own["quantity"] == "mci"].rename(columns={name: f"mci{end}" for name, end in _BOUNDED.items()})
    keys = ["name", "pollutant", "window", "period_to"]
    rows = rows.merge(levels[[*keys, *(f"mci{end}" for end in BOUNDS)]], on=keys, how="left")
    rows["against"] = [_against(row, scope) for row in rows.to_dict("records")]
    rows["reading"] = [
        READINGS[direction(low, high)]
        for low, high in rows[["change_percent_low", "change_percent_high"]].itertuples(index=False, name=None)
    ]
    order = rows["window"].map(lambda text: ("", *SEASON_NAMES).index(text.partition(" ")[2]))
    by = rows["against"].map(AGAINST.index)
    rows = rows.assign(order=order, by=by, marks=_marked(rows["marks"])).sort_values(["order", "by"], kind="stable")
    return _frame(rows, INDEX)


_BOUNDED = {"value": "", "low": "_low", "high": "_high"}
READINGS = {"lowered": "favourable", "raised": "unfavourable", "little": "little"}
AGAINST = ("base_year", "year_before", "recent_years")
SEASON_NAMES = ("MAM", "JJA", "SON", "DJF")


def _against(row: Mapping[Any, Any], scope: Scope) -> str:
    if row["quantity"] == "mci_recent_change_percent":
        return "recent_years"
    return "base_year" if str(row["period_from"])[:4] == str(scope.base_year) else "year_before"


def _attribution(own: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """What the changes to the report's year are made of, over the calendar days of both years."""
    return _frame(_wide(own[own["window"] == SHARED_DAYS], scope), ATTRIBUTION)


def _seasons(own: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """The same by season, of the change from the base year."""
    rows = own[own["window"].str.startswith("season ") & (own["period_from"] == str(scope.base_year))]
    wide = _wide(rows, scope)
    wide["season"] = wide["window"].str.removeprefix("season ")
    order = wide["season"].map({name: k for k, name in enumerate(SEASON_NAMES)})
    return _frame(wide.assign(order=order).sort_values("order", kind="stable"), SEASONS)


def _wide(rows: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """A row for each change, its parts as columns with ``_low`` and ``_high``."""
    parts = [name for name in ATTRIBUTION if f"{name}_low" in ATTRIBUTION or name in _LONE]
    pairs = {(str(first), str(last)) for first, last in scope.headline_pairs}
    ends = pd.Series(list(zip(rows["period_from"], rows["period_to"], strict=True)), rows.index, dtype=object)
    rows = rows[ends.isin(pairs) & rows["quantity"].isin(parts)]
    keys = ["name", "pollutant", "statistic", "window", "period_from", "period_to"]
    first = rows[rows["quantity"] == "weather"].drop_duplicates(keys)
    found = first[[*keys, "units", "days", "marks"]]
    for part in parts:
        values = rows.loc[rows["quantity"] == part, [*keys, *_BOUNDED]]
        named = {name: f"{part}{end}" for name, end in _BOUNDED.items()}
        found = found.merge(values.rename(columns=named), on=keys, how="left")
    return found.assign(marks=_marked(found["marks"])).sort_values(["period_from", "statistic"], kind="stable")


_LONE = ("observed_change", "interaction", "unobserved", "weather_percent", "emissions_percent")


@dataclass(frozen=True)
class Shown:
    """A table as it is printed: headings and rows of text; ``notes`` stand under it, what is missing among them."""

    name: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def shown(found: pd.DataFrame, scope: Scope, language: Language) -> list[Shown]:
    """The tables of ``TABLES`` as a reader sees them: rounded once, with intervals in brackets, units in the rows."""
    made, gaps = tables(found, scope), missing(found, scope)
    result = []
    for name, frame in made.items():
        notes = [say(f"note_{key}", language) for key in _notes(name, frame)]
        notes += [gap.said(language) for gap in gaps if gap.section == SECTION_OF[name]]
        headings, rows = (
            _by_year(frame, scope, language) if name == "concentrations" else _listed(name, frame, scope, language)
        )
        result.append(Shown(name, say(f"table_{name}", language), headings, rows, tuple(notes)))
    return result


Texts = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""Headings and rows."""


def _listed(name: str, frame: pd.DataFrame, scope: Scope, language: Language) -> Texts:
    headings = tuple(say(f"column_{key}", language) for key in PRINTED[name])
    return headings, tuple(tuple(_cells(name, row, scope, language)) for row in frame.to_dict("records"))


def _by_year(frame: pd.DataFrame, scope: Scope, language: Language) -> Texts:
    """Concentrations with a column for each year of Figure 1; windows that end in a year stand under it."""
    years = [str(year) for year in scope.shown_years]
    headings = [say(f"column_{key}", language) for key in PRINTED["concentrations"]]
    rows = []
    for (_, _, _), own in frame.groupby(["name", "pollutant", "window"], sort=False):
        labels = own["period"].map(lambda period: year_label(period, scope))
        cells = dict(zip(labels, own.to_dict("records"), strict=True))
        first = own.iloc[0].to_dict()
        named = list(_cells("concentrations", first, scope, language))
        values = [
            _number_cell("concentrations", "value", cells[year], scope) if year in cells else "–" for year in years
        ]
        rows.append((*named, *values))
    return (*headings, *(period_in(year, language) for year in years)), tuple(rows)


def year_label(period: str, scope: Scope) -> str:
    """The year of the report that a window belongs to."""
    if len(period) == len("2020"):
        return period
    parts = {scope.to_date(year): str(year) for year in scope.years} | {
        scope.trailing(year): str(year) for year in scope.years
    }
    return parts.get(period, period[-4:])


PRINTED: dict[str, tuple[str, ...]] = {
    "concentrations": ("place", "pollutant", "window"),
    "changes": ("place", "pollutant", "compared", "period_from", "period_to", "value_from", "value_to", "change",
                "change_percent"),
    "attaining": ("place", "pollutant", "limit", "compared", "period_from", "period_to", "cities", "attaining_from",
                  "attaining_to", "change"),
    "heavy_days": ("place", "measure", "dust", "compared", "period_from", "period_to", "value_from", "value_to",
                   "change_points"),
    "index": ("place", "pollutant", "window", "period_to", "against", "mci", "change_percent", "reading"),
    "attribution": ("place", "pollutant", "period_from", "period_to", "observed_change", "weather", "emissions",
                    "residual", "unobserved", "weather_percent", "emissions_percent"),
    "attribution_seasons": ("place", "pollutant", "season", "period_from", "period_to", "observed_change", "weather",
                            "emissions", "residual"),
}  # fmt: skip
"""Columns of each table as printed; the files have more."""


def _notes(name: str, frame: pd.DataFrame) -> Iterator[str]:
    if frame.empty:
        yield "empty"
        return
    if (frame["marks"] == "partial").any():
        yield "partial"
    if (frame.get("window", pd.Series(dtype=object)) == PARTIAL_WITH_YEAR).any():
        yield "unlike"
    if name == "index" or name.startswith("attribution"):
        yield "interval"
    if name.startswith("attribution"):
        yield "shared_days"


def _cells(name: str, row: Mapping[Any, Any], scope: Scope, language: Language) -> Iterator[str]:
    for column in PRINTED[name]:
        yield _cell(name, column, row, scope, language)


def _cell(table: str, column: str, row: Mapping[Any, Any], scope: Scope, language: Language) -> str:
    if column in WORDS:
        return WORDS[column](row, scope, language)
    return _number_cell(table, column, row, scope)


def _number_cell(table: str, column: str, row: Mapping[Any, Any], scope: Scope) -> str:
    """A number as its table prints it, with its interval where it has one; a dash for what is not known."""
    value = float(row[column]) if pd.notna(row[column]) else float("nan")
    if not np.isfinite(value):
        return "–"
    places = _places(table, column, row, scope)
    write = number if column in LEVELS else signed
    low, high = (float(row.get(f"{column}_{end}", np.nan)) for end in ("low", "high"))
    bounds = f" [{write(low, places)}, {write(high, places)}]" if np.isfinite(low) else ""
    return f"{write(value, places)}{bounds}"


COUNTS = ("cities", "attaining_from", "attaining_to")
LEVELS = (*COUNTS, "mci", "value", "value_from", "value_to")
"""Columns of what is not a change, so printed without a sign."""


def _places(table: str, column: str, row: Mapping[Any, Any], scope: Scope) -> int:
    if column in COUNTS or (table == "attaining" and column == "change"):
        return 0
    if table in ("concentrations", "changes") and column != "change_percent":
        return concentration_decimals(str(row["pollutant"]), scope)
    return 1


def _pollutant(row: Mapping[Any, Any], scope: Scope, language: Language) -> str:
    name, statistic = str(row["pollutant"]), str(row.get("statistic", ""))
    text = pollutant_in(name, language)
    if statistic and (statistic != "mean" or HEADLINE.get(name, "mean") != "mean"):
        text = say("with_statistic", language, name=text, statistic=say(f"short_{statistic}", language))
    return (
        text if "units" not in row else say("with_units", language, name=text, units=units_in(language, row["units"]))
    )


def _end(name: str) -> Callable[[Mapping[Any, Any], Scope, Language], str]:
    def said(row: Mapping[Any, Any], scope: Scope, language: Language) -> str:
        text = str(row[name])
        if not text:
            return "–"
        of_season = "season" in row or str(row.get("window", "")).startswith("season ")
        if text == str(scope.year) and scope.partial and not of_season:
            text = scope.to_date(scope.year)
        printed = period_in(text, language)
        mark = row["marks"] == "partial" and name == "period_to"
        return f"{printed}†" if mark else printed

    return said


def _window(row: Mapping[Any, Any], scope: Scope, language: Language) -> str:
    window = str(row["window"])
    return say(f"season_{window[-3:]}" if window.startswith("season ") else f"window_{window}", language)


WORDS: dict[str, Callable[[Mapping[Any, Any], Scope, Language], str]] = {
    "place": lambda row, scope, language: place_in(str(row["name"]), language),
    "pollutant": _pollutant,
    "window": _window,
    "compared": lambda row, scope, language: say(f"compared_{row['window']}", language),
    "period_from": _end("period_from"),
    "period_to": _end("period_to"),
    "limit": lambda row, scope, language: f"{row['limit']:g} {units_in(language, 'ug m-3')}",
    "measure": lambda row, scope, language: say(f"short_{row['measure']}", language),
    "dust": lambda row, scope, language: say(f"dust_{row['dust']}", language),
    "against": lambda row, scope, language: say(
        f"against_{row['against']}", language, period=period_in(str(row["period_from"]), language)
    ),
    "reading": lambda row, scope, language: say(f"word_{row['reading']}", language),
    "season": lambda row, scope, language: say(f"season_{row['season']}", language),
}
"""How each column of words is printed."""
