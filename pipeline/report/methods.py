"""The methods appendix, written from the run's own settings (``methods.yml``): config, places, manifests, skill."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml

from models.counterfactual import LEAST_SHARED_DAYS
from pipeline.config import Config
from pipeline.quality import report_rows
from pipeline.quality.rules import RULES
from pipeline.regions import label
from pipeline.regions.definitions import definitions
from pipeline.report.blocks import Block, Cell, Column, Equation, Grid, Heading, Items, Paragraph
from pipeline.report.document_wording import listed, say
from pipeline.stages import DAILY, QUALITY, read_places
from pipeline.standards.versions import IN_FORCE, standards
from pipeline.store import Run
from pipeline.wording import LEAST_R2, Language, driver_in, number, phrase, pollutant_in, source_in

LETTER = "A"
CHINESE = "[\u2e80-\uffef]"
AFTERNOON = "_afternoon"


@cache
def _sections() -> Any:
    return yaml.safe_load(files("pipeline.report").joinpath("methods.yml").read_text(encoding="utf-8"))


def methods(config: Config, store: Run, language: Language) -> list[Block]:
    """The appendix in one language: sections, equations, and the tables of quality and skill."""
    known = settings(config, store, language)
    blocks: list[Block] = []
    for count, section in enumerate(_sections(), start=1):
        blocks.append(Heading(2, f"{LETTER}.{count} {section['title'][language]}", f"methods-{count}"))
        for given in section["content"]:
            if known.get(given.get("when", ""), True):
                blocks += _blocks(given, config, store, language, known)
    return blocks


def _blocks(
    given: Mapping[str, Any], config: Config, store: Run, language: Language, known: Mapping[str, Any]
) -> Iterator[Block]:
    if "equation" in given:
        yield Equation(*(_worded(given[form], language) for form in ("equation", "plain")))
    elif "items" in given:
        yield Items(tuple(filled(one[language], known) for one in given["items"]))
    elif "table" in given:
        table = {"quality": quality_table, "skill": skill_table}[given["table"]](config, store, language)
        yield table or Paragraph(say(f"no_{given['table']}", language), "note")
    else:
        yield Paragraph(filled(given[language], known))


def _worded(equation: str, language: Language) -> str:
    return re.sub("<(\\w+)>", lambda found: say(f"in_equation_{found[1]}", language), equation)


def filled(text: str, known: Mapping[str, Any]) -> str:
    """``text`` with its placeholders filled; beside a Chinese character, where YAML broke the line, stands no space."""
    return re.sub(f" (?={CHINESE})|(?<={CHINESE}) ", "", text.format(**known))


def settings(config: Config, store: Run, language: Language) -> dict[str, Any]:
    """What the appendix says of a run, as text in one language, and the conditions of its paragraphs."""
    stations, regions = read_places(store)
    return {
        "observations": source_in(language, config.observations.reader),
        "weather": source_in(language, config.weather.source),
        "start": config.period[0],
        "end": config.period[1],
        "stations": len(stations),
        "stations_assessed": sum(bool(facts["assessed"]) for facts in stations.values()),
        "cities": len({facts["city"] for facts in stations.values()}),
        "pollutants": listed([pollutant_in(language, one) for one in config.pollutants], language),
        "also": listed([pollutant_in(language, one) for one in config.assessment.pollutants], language),
        "utc_offset": f"{config.utc_offset:+d}",
        "drivers": listed(drivers_of(store, language), language),
        "regions": bool(regions) and listed(regions_of(regions, language), language, separator="semicolon"),
        "no_regions": not regions,
        "rules": listed(rules_of(config, language), language, separator="semicolon"),
        "printing": say(f"printing_{config.assessment.printing}", language),
        "standards": listed(standards_of(config, language), language, separator="semicolon"),
        "dust": listed([f"{one.name} ({one.start} – {one.end})" for one in config.assessment.dust], language),
        "particulate": say(f"particulate_{config.assessment.particulate_reference}", language),
        "interventions": listed([f"{one.name}, {one.start} – {one.end}" for one in config.interventions], language),
        "base": phrase("to", language, start=config.base_period[0], end=config.base_period[1]),
        "year_start": config.year_start,
        "least_days": LEAST_SHARED_DAYS,
        "block_days": config.model.block_days,
        "members": config.model.members,
        "seed": config.model.seed,
        "methods": listed(list(config.model.methods), language),
        "least_r2": LEAST_R2,
    }


def drivers_of(store: Run, language: Language) -> list[str]:
    """The weather quantities of the run's days, as they are called."""
    import xarray as xr

    with xr.open_dataset(store.path(DAILY[1])) as weather:
        return [_driver(str(name), language) for name in weather.data_vars]


def _driver(name: str, language: Language) -> str:
    if name.endswith(AFTERNOON):
        return say("afternoon", language, driver=driver_in(language, name.removesuffix(AFTERNOON)))
    return driver_in(language, name)


def regions_of(regions: Mapping[str, list[str]], language: Language) -> list[str]:
    """Each region with the number of its cities and, of a definition, its years and source."""
    found = []
    for name, cities in regions.items():
        known = definitions().get(name)
        years = "" if known is None else f", {known.since}–{known.until or ''}"
        found.append(say("region_of", language, name=label(name, language), count=len(cities), years=years))
    return found


def rules_of(config: Config, language: Language) -> list[str]:
    """The screening rules in force."""
    return [getattr(RULES[name], _named(language)) for name in config.quality.rules]


def standards_of(config: Config, language: Language) -> list[str]:
    """The versions that judge some of the run's days, with the day each came into force."""
    chosen = config.assessment.standard
    versions = list(standards().values())
    if chosen != IN_FORCE:
        versions = [one for one in versions if one.key == chosen]
    else:
        ends = [one.since for one in versions[1:]]
        first, last = config.period
        versions = [
            one
            for one, end in zip(versions, [*ends, None], strict=True)
            if one.since <= last and (end is None or end > first)
        ]
    return [say("standard_since", language, name=getattr(one, _named(language)), since=one.since) for one in versions]


def _named(language: Language) -> str:
    return "chinese" if language == "zh" else "english"


def quality_table(config: Config, store: Run, language: Language) -> Grid | None:
    """What was rejected, by rule and variable; None where nothing was."""
    found = pd.read_csv(store.path(QUALITY))
    found = found[found["values"] > 0]
    if found.empty:
        return None
    rows = [
        {**row, "variable": pollutant_in(language, row["variable"]), "threshold": readable_units(row["threshold"])}
        for row in report_rows(found, language, config.quality)
    ]
    columns = [
        ("meaning", False),
        ("threshold", False),
        ("variable", False),
        ("values", True),
        ("share", True),
        ("stations", True),
    ]
    return Grid(
        "methods-quality",
        say("table", language, number=f"{LETTER}1"),
        say("quality_caption", language),
        tuple(Column(say(f"column_{name}", language), numbers) for name, numbers in columns),
        tuple(tuple(Cell(row[name]) for name, _ in columns) for row in rows),
    )


def readable_units(threshold: str) -> str:
    """A threshold as it is printed; a rule's range of its own variable says nothing."""
    return threshold.replace("valid_range", "").replace("ug m-3", "µg m⁻³").replace(" x ", " × ")


def skill_table(config: Config, store: Run, language: Language) -> Grid | None:
    """Scores on held-out months: the median and range over cities of each pollutant; None where there are none."""
    skill = pd.read_csv(store.path("tables/skill.csv"))
    skill = skill[skill["level"] == ("city" if "city" in set(skill["level"]) else "region")].dropna(subset="r2")
    if skill.empty:
        return None
    rows = []
    for pollutant, own in skill.groupby("pollutant", sort=False):
        cells = [pollutant_in(language, str(pollutant)), str(len(own))]
        cells += [_spread(own[column], decimals) for column, decimals in (("r2", 2), ("slope", 2), ("rmse", 1))]
        rows.append(tuple(map(Cell, cells)))
    names = ("pollutant", "cities", "r2", "slope", "rmse")
    return Grid(
        "methods-skill",
        say("table", language, number=f"{LETTER}2"),
        say("skill_caption", language),
        tuple(Column(say(f"column_{name}", language), name != "pollutant") for name in names),
        tuple(rows),
        say("skill_note", language),
    )


def _spread(column: pd.Series, decimals: int) -> str:
    low, middle, high = (number(float(column.quantile(share)), decimals) for share in (0.0, 0.5, 1.0))
    return f"{middle} ({low}–{high})"
