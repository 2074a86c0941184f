"""The steps of a report: each writes its artefacts with their manifests, and leaves what is fresh as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import xarray as xr
import yaml

from pipeline import stages
from pipeline.attribution import file_name
from pipeline.config import Config, show
from pipeline.errors import ConfigError, NothingToDo
from pipeline.progress import say, tracked
from pipeline.report import Asked, as_html, as_pdf
from pipeline.report.claims import claims, claims_2025, load_claims
from pipeline.report.document import Drawn, Parts, compose
from pipeline.report.facts import facts, read_tables
from pipeline.report.figures import FORMATS, NotMade, ReportFigure
from pipeline.report.figures.plan import planned
from pipeline.report.gridded import gridded
from pipeline.report.printing import (
    no_claims,
    printed_claims,
    printed_sensitivity,
    printed_tables,
    sensitivity_sentences,
)
from pipeline.report.scope import Scope, last_month, scope_of
from pipeline.report.sensitivity import Headline, sensitivity
from pipeline.report.sentences import sentences
from pipeline.report.supplement import (
    CHECKSUMS,
    CRATE,
    Provenance,
    code_digest,
    installed,
    plain_config,
    provenance,
    readme,
    without_paths,
    write_supplement,
    write_zip,
)
from pipeline.report.tables import tables
from pipeline.stages import Keys, write_csv
from pipeline.store import Run, digest, file_digest, write_text, written_whole
from pipeline.sweeping import recorded
from pipeline.wording import Language

ABOUT = "Air quality, weather's part and emissions' part by city and region, with intervals; data to {last_day}."


def as_of(config: Config, folder: Path, asked: Asked) -> tuple[Config, Path]:
    """The config and folder of a report as of a month: cut there where the data go on, else as they are.

    A year or month that the period does not have, and a config without regions, are a ConfigError.
    """
    if not config.regions:
        raise ConfigError(
            "regions: found none, and a report is of regions; give region -> cities, or keys such as [nation]"
        )
    end = scope_of(config, (), year=asked.year, through=asked.through).end.date()
    if end > config.period[1] and asked.through is not None:
        raise ConfigError(
            f"report: --through: found {asked.through}, after the end of the period {show(config.period)}"
        )
    if asked.through is None or end == config.period[1]:
        return config, folder
    if end < config.base_period[1]:
        raise ConfigError(
            f"report: --through: found {asked.through}, before the end of the base period {show(config.base_period)}; "
            "give a later month"
        )
    cut = config.model_copy(update={"period": (config.period[0], end)})
    return cut, folder.with_name(f"{folder.name}-through-{asked.through}")


@dataclass(frozen=True)
class Making:
    """A report that is being made: the run it is read from, what is asked, and the key of all its artefacts."""

    config: Config
    store: Run
    scope: Scope
    asked: Asked
    keys: Keys
    scheduler: str | None = None

    @classmethod
    def of(cls, config: Config, folder: Path, asked: Asked, scheduler: str | None) -> Making:
        """The report of a finished run: without a month that is asked for, until the last one with observations."""
        store = Run(folder)
        regions = tuple(stages.read_places(store)[1])
        scope = scope_of(config, regions, year=asked.year, through=asked.through)
        if asked.through is None:
            texts = pd.read_csv(store.path("tables/concentrations.csv"), dtype={"period": str, "name": str})
            month = last_month(texts, scope)
            if month is None:
                raise NothingToDo(f"report: no place has an observed day in {asked.year}; give another --year")
            scope = scope_of(config, regions, year=asked.year, through=month)
        return cls(config, store, scope, asked, stages.keys(config), scheduler)

    @cached_property
    def place(self) -> str:
        """Where the report lies in the run folder."""
        return f"report/{self.scope.year}" + (f"-{self.scope.end:%m}" if self.scope.partial else "")

    @property
    def page(self) -> Path:
        """The HTML file."""
        return self.store.path(f"{self.place}/report.html")

    @property
    def zip(self) -> str:
        """The supplement as one file, beside the report's folder."""
        return f"report/tianbang-report-{self.config.name}-{self.place.removeprefix('report/')}.zip"

    @cached_property
    def key(self) -> str:
        """What every artefact of the report depends on."""
        claims = [] if self.asked.claims is None else [file_digest(self.asked.claims)]
        of = [self.keys.products, self.scope.year, self.scope.months, claims, code_digest(), installed()]
        return digest([*of, self.config.languages])

    @cached_property
    def origin(self) -> Provenance:
        """What the report is made of."""
        return provenance(self.config, self.keys.made_of, self.scope.end.date())

    def fresh(self) -> bool:
        """Whether the zip and everything in it is there, made of exactly this."""
        names = (self.store.manifest(self.zip) or {}).get("files", [])
        return self.store.fresh(self.zip, self.key) and all(self._is_fresh(name) for name in names)

    def _is_fresh(self, name: str) -> bool:
        return self.store.fresh(f"{self.place}/{name}", self.key)

    def _recorded(self, name: str) -> str:
        """Records a file of the report that was just written; returns its name."""
        self.store.record(f"{self.place}/{name}", self.key, self.keys.made_of)
        return name

    def _csv(self, name: str, frame: pd.DataFrame) -> str:
        write_csv(self.store, f"{self.place}/{name}", frame)
        return self._recorded(name)

    def _text(self, name: str, text: str) -> str:
        write_text(self.store.path(f"{self.place}/{name}"), text)
        return self._recorded(name)

    @cached_property
    def _readings(self) -> list[xr.Dataset]:
        say("report: reading the run")
        outcomes = stages.readings_stage(self.config, self.store, self.keys, self.scheduler)
        asked = self.config.model_copy(update={"levels": ("region", "city")})
        return stages.load_readings(asked, self.store, outcomes)

    def facts(self) -> pd.DataFrame:
        """FACTS of the report, written as ``facts.csv``; its tables beside them."""
        found = facts(read_tables(self.store.folder), self._readings, self.scope)
        self._csv("facts.csv", found)
        for name, frame in tables(found, self.scope).items():
            self._csv(f"tables/{name}.csv", frame)
        return found

    def claims(self, facts: pd.DataFrame) -> pd.DataFrame:
        """The claims beside our values, written as ``claims.csv``."""
        listed = claims_2025() if self.asked.claims is None else load_claims(self.asked.claims)
        found = claims(facts, self.scope, listed)
        self._csv("claims.csv", found)
        return found

    def sensitivity(self) -> pd.DataFrame:
        """The headline under other choices, written as ``sensitivity.csv``."""
        headline = Headline(self.scope.year, self.scope.base_year, self.scope.months, self.scope.year_start)
        found = sensitivity(self.config, self.store.folder, headline, scheduler=self.scheduler, key=self.keys)
        self._csv("sensitivity.csv", found)
        return found

    def drawn(self, facts: pd.DataFrame, sensitivity: pd.DataFrame, language: Language) -> list[Drawn]:
        """The figures in one language, drawn."""
        figures = list(planned(self.config, self.store, self.scope, (facts, sensitivity), language))
        found = []
        for section, figure in tracked(figures, stage=f"figures ({language})", total=len(figures)):
            files = {} if isinstance(figure, NotMade) else self._draw(figure)
            found.append(Drawn(section, figure, files))
        return found

    def _draw(self, figure: ReportFigure) -> dict[str, Path]:
        names = {suffix: f"figures/{figure.language}/{file_name(figure.name)}.{suffix}" for suffix in FORMATS}
        if not all(map(self._is_fresh, names.values())):
            figure.write(self.store.path(f"{self.place}/figures"), tuple(FORMATS))
            for name in names.values():
                self._recorded(name)
        return {suffix: self.store.path(f"{self.place}/{name}") for suffix, name in names.items()}

    def parts(
        self,
        facts: pd.DataFrame,
        claims: pd.DataFrame,
        sensitivity: pd.DataFrame,
        drawn: Sequence[Drawn],
        *,
        language: Language,
    ) -> Parts:
        """What the document is composed of, in one language."""
        of_claims = self.asked.claims is not None or (claims["agrees"] != "cannot be checked").any()
        return Parts(
            self.config,
            self.store,
            self.scope,
            facts,
            self.origin,
            [*sentences(facts, self.scope, language), *sensitivity_sentences(sensitivity, self.scope, language)],
            [
                *printed_tables(facts, self.scope, language),
                printed_claims(claims, facts, language) if of_claims else no_claims(claims, language),
                printed_sensitivity(sensitivity, self.scope, language),
            ],
            drawn,
            self.notes,
        )

    @cached_property
    def notes(self) -> list[str]:
        """What the run noted, paths by their last part."""
        noted = (self.store.manifest("tables/attribution.csv") or {}).get("notes", [])
        return [without_paths(str(note)) for note in noted]

    def documents(self, parts: Mapping[Language, Parts], facts: pd.DataFrame) -> None:
        """HTML in all languages, and a PDF in each."""
        composed = {language: compose(own, language) for language, own in parts.items()}
        as_html.write_html(list(composed.values()), facts, self.page)
        self._recorded("report.html")
        for language, document in composed.items():
            say(f"report: setting the PDF ({language})")
            with written_whole(self.store.path(f"{self.place}/report.{language}.pdf")) as partial:
                as_pdf.write_pdf(document, partial)
            self._recorded(f"report.{language}.pdf")

    def supplement(self, facts: pd.DataFrame) -> None:
        """Data, provenance, checksums and the zip of everything; files of an earlier report are removed."""
        title = f"tianbang report {self.config.name} {self.place.removeprefix('report/')}"
        last_day = self.origin.last_day
        grid = gridded(facts, title=title, last_day=str(last_day))
        stages.write_netcdf(self.store, f"{self.place}/report.nc", grid)
        self._recorded("report.nc")
        self._csv("inputs.csv", pd.DataFrame(self.origin.inputs.items(), columns=["name", "sha256"]))
        self._text("config.yml", yaml.safe_dump(plain_config(self.config), allow_unicode=True, sort_keys=False))
        self._text("notes.txt", "".join(f"{note}\n" for note in self.notes))
        self._text("README.md", readme(self.config, title))
        folder, names = self.store.path(self.place), self._swept()
        names = write_supplement(folder, names, self.origin, title=title, about=ABOUT.format(last_day=last_day))
        for name in (CRATE, CHECKSUMS):
            self._recorded(name)
        write_zip(self.store.path(self.zip), folder, names, last_day=last_day)
        self.store.record(self.zip, self.key, {**self.keys.made_of, "files": names})

    def _swept(self) -> list[str]:
        """The files of this report; recorded ones of an earlier report that this one does not have are removed."""
        own = [one for one in recorded(self.store) if one.startswith(f"{self.place}/")]
        fresh = [one for one in own if self.store.fresh(one, self.key) and not one.endswith((CRATE, CHECKSUMS))]
        for stale in set(own) - set(fresh):
            self.store.path(stale).unlink(missing_ok=True)
            self.store.manifest_path(stale).unlink(missing_ok=True)
        return [one.removeprefix(f"{self.place}/") for one in fresh]
