"""One YAML file becomes one frozen, validated tree; whatever is not agreed is refused by key."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from models.calendar import day_of_every_year
from pipeline.assessment.dust import DustEvent
from pipeline.assessment.options import AssessmentOptions, Panel
from pipeline.clusters import Scheduler
from pipeline.errors import ConfigError, TianbangError
from pipeline.operations.alerts import Alerts
from pipeline.quality import Options as QualityOptions
from pipeline.stations import ObservationOptions
from pipeline.stations.archive import Options as ArchiveOptions
from pipeline.vocabulary import meant_pollutant
from pipeline.weather import WeatherOptions
from pipeline.weekly.windows import DayName, WindowName

Period = tuple[datetime.date, datetime.date]


class Frozen(BaseModel):
    """A part of the tree: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, serialize_by_alias=True)


class Intervention(Frozen):
    """A dated change of emissions that the trend may follow abruptly (both days included)."""

    name: str
    start: datetime.date
    end: datetime.date

    @model_validator(mode="after")
    def _in_order(self) -> Intervention:
        if self.end < self.start:
            raise ValueError(f"starts {self.start} after it ends {self.end}; allowed: start <= end")
        return self


def each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """``names``; a ValueError for a name given twice."""
    if len(set(names)) < len(names):
        raise ValueError(f"found {list(names)}; allowed: each name once")
    return names


MethodName = Literal["additive", "regression", "boosting", "boosting-swap", "forest", "fixed-emission", "filter"]
"""Methods of the field that a run can set beside ours, see ``pipeline.other_methods``."""


class Model(Frozen):
    """How places are fitted and how the uncertainty is sampled."""

    members: int = Field(default=20, ge=2, le=1000, description="block-bootstrap members")
    block_days: int = Field(default=14, ge=1, le=120, description="length of a resampled block [day]")
    seed: int = Field(default=1, ge=0)
    minimum_days: int = Field(default=365, ge=90, description="observed days a place needs to be fitted")
    methods: tuple[MethodName, ...] = Field(
        default=("additive", "regression", "boosting"), description="other methods whose parts are printed beside ours"
    )

    @field_validator("methods")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(value)


OPEN_DATA = "opendata"


class Outlook(Frozen):
    """The days ahead: which forecast, from where, and where what was issued is kept.

    ``from`` is ECMWF's open data, the URL of a mirror of them, or a folder with the files of forecasts.
    """

    source: Literal["ifs", "aifs"] = "ifs"
    origin: str = Field(default=OPEN_DATA, alias="from", description="opendata, a URL, or a folder of forecast files")
    emulator: Path | None = Field(default=None, description="file of `era5-fetch blh train`; open data have no blh")
    archive: Path | None = Field(default=None, description="folder of issued outlooks; by default in the run folder")
    cache: Path | None = Field(default=None, description="folder for what is fetched; by default that of era5-fetch")
    correct_from: int = Field(default=30, ge=10, le=1000, description="past outlooks that a correction needs by lead")

    @field_validator("origin", mode="after")
    @classmethod
    def _somewhere(cls, value: str, info: ValidationInfo) -> str:
        return (
            value
            if value == OPEN_DATA or value.startswith(("http://", "https://"))
            else str(existing(Path(value), info))
        )

    @field_validator("emulator", mode="after")
    @classmethod
    def _there(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return value and existing(value, info)

    @field_validator("archive", "cache", mode="after")
    @classmethod
    def _beside_the_config(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return value and ((info.context or {}).get("folder", Path()) / value.expanduser()).resolve()


class Weekly(Frozen):
    """The weekly index: when weeks and seasonal years start, what it is compared with, how it is called."""

    week_starts: DayName = "monday"
    season_starts: str = Field(default="03-01", description="first day of the seasonal year, MM-DD")
    recent_years: int = Field(default=5, ge=1, le=30, description="whole years before the week's that are a reference")
    classes: tuple[float, float, float, float] = Field(
        default=(80.0, 95.0, 105.0, 120.0),
        description="limits between very favourable ... very unfavourable, of weeks and the month to date",
    )
    classes_of_years: tuple[float, float, float, float] = Field(
        default=(90.0, 97.0, 103.0, 110.0), description="the same of the year and the seasonal year to date"
    )
    outlook: Outlook = Outlook()

    @field_validator("season_starts")
    @classmethod
    def _a_day_of_every_year(cls, value: str) -> str:
        return day_of_every_year(value)

    @field_validator("classes", "classes_of_years")
    @classmethod
    def _about_100(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not 0 < value[0] < value[1] < 100 < value[2] < value[3]:
            raise ValueError(f"found {list(value)}; allowed: four limits in order, two below and two above 100")
        return value

    def limits(self, window: WindowName) -> tuple[float, float, float, float]:
        """The limits between the classes of a window."""
        return self.classes_of_years if window in ("year", "season") else self.classes


WHERE = {"scheduler", "alerts"}
"""Keys that change no result, and stand in no digest."""


class Config(Frozen):
    """Everything a run depends on. Paths are absolute after ``load``."""

    name: str = Field(pattern=r"^\w[\w.-]*$")
    period: Period
    base_period: Period
    year_start: str = "01-01"
    utc_offset: int = Field(default=8, ge=-12, le=14, description="local standard time minus UTC [whole hours]")
    pollutants: tuple[str, ...] = Field(default=("pm25", "o3"), min_length=1)
    observations: Annotated[ObservationOptions, Field(discriminator="reader")]
    archive: Path | None = Field(
        default=None, description="archive that `tianbang ingest` fills from the observations and a run reads"
    )
    weather: Annotated[WeatherOptions, Field(discriminator="source")]
    stations: Path | tuple[Path, ...] | None = Field(
        default=None, description="list of stations, or several, newest last"
    )
    regions: dict[str, tuple[str, ...]] | tuple[str, ...] | Path | None = None
    mixed_definitions: bool = Field(
        default=False, description="regions of definitions that were never in force together"
    )
    quality: QualityOptions = QualityOptions()
    assessment: AssessmentOptions = AssessmentOptions()
    panel: Panel = Field(
        default="all", description="stations of a city that is separated: all, or those that are valid in every year"
    )
    levels: tuple[Literal["station", "city", "region"], ...] = ("station", "city", "region")
    interventions: tuple[Intervention, ...] = ()
    model: Model = Model()
    weekly: Weekly = Weekly()
    scheduler: Scheduler = Scheduler()
    alerts: Alerts = Alerts()
    languages: tuple[Literal["en", "zh"], ...] = Field(default=("en", "zh"), min_length=1)

    @field_validator("period", "base_period")
    @classmethod
    def _in_order(cls, value: Period) -> Period:
        if value[1] <= value[0]:
            raise ValueError(f"starts {value[0]} and ends {value[1]}; allowed: [first day, last day], in order")
        return value

    @field_validator("year_start")
    @classmethod
    def _a_day_of_every_year(cls, value: str) -> str:
        return day_of_every_year(value)

    @field_validator("pollutants", "levels", "languages")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(value)

    @field_validator("pollutants")
    @classmethod
    def _spelled(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            meant = meant_pollutant(name)
            if meant and meant != name:
                raise ValueError(f"found {name!r}; allowed: {meant!r}")
        return value

    @field_validator("regions", mode="before")
    @classmethod
    def _lists_of_cities(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return value
        return region_lists(value) if value is not None and not isinstance(value, str | Path) else value

    @model_validator(mode="after")
    def _defined(self) -> Config:
        from pipeline.regions.definitions import regions_of

        if isinstance(self.regions, tuple):
            try:
                regions_of(self.regions, mixed=self.mixed_definitions)
            except TianbangError as error:
                raise ValueError(str(error)) from None
        return self

    @field_validator("archive", mode="after")
    @classmethod
    def _beside_the_config(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return value and ((info.context or {}).get("folder", Path()) / value).resolve()

    @field_validator("stations", "regions", mode="after")
    @classmethod
    def _found(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Path):
            return existing(value, info)
        if isinstance(value, tuple) and info.field_name == "stations":
            return tuple(existing(path, info) for path in value)
        return value

    @property
    def read_from(self) -> ObservationOptions:
        """Where a run reads observations: the archive where there is one, else the files."""
        if self.archive is None:
            return self.observations
        return ArchiveOptions.model_construct(reader="archive", path=self.archive)

    @property
    def assessed_pollutants(self) -> tuple[str, ...]:
        """The pollutants of the assessment: those that are separated, then the others it asks for."""
        return tuple(dict.fromkeys([*self.pollutants, *self.assessment.pollutants]))

    @model_validator(mode="after")
    def _base_inside(self) -> Config:
        if self.base_period[0] < self.period[0] or self.base_period[1] > self.period[1]:
            raise ValueError(
                f"base_period: found {show(self.base_period)}; allowed: inside the period {show(self.period)}"
            )
        return self


def show(period: Period) -> str:
    """A period as it is printed: first day/last day."""
    return f"{period[0]}/{period[1]}"


def existing(path: Path, info: ValidationInfo) -> Path:
    """``path`` made absolute against the folder of the config file; missing files are refused."""
    folder = (info.context or {}).get("folder", Path())
    path = (folder / path).resolve()
    if not path.exists():
        raise ValueError(f"found no file or folder {path}; allowed: a path that exists, relative to {folder}")
    return path


def region_lists(value: Any) -> dict[str, tuple[str, ...]]:
    """Region -> cities from what a YAML file holds; anything else is a ValueError that says what is allowed."""
    if not isinstance(value, Mapping) or not all(isinstance(cities, list | tuple) for cities in value.values()):
        raise ValueError(f"found {value!r}; allowed: a list of cities for each region, such as {{Beijing: [Beijing]}}")
    return {str(region): tuple(map(str, cities)) for region, cities in value.items()}


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key given twice is an error, not a silent overwrite."""


def _unique_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"line {node.start_mark.line + 1}: key {key!r} given twice; allowed: once")
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; not a file, not YAML, or a key given twice: ConfigError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); give the path of a UTF-8 YAML file") from None
    return _parsed(text, where=str(path))


def _parsed(text: str, *, where: str) -> Any:
    try:
        return yaml.load(text, Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: not YAML: {' '.join(str(error).split())}") from None
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    except ValueError as error:  # what PyYAML makes of 2021-02-30
        raise ConfigError(f"{where}: found a date that does not exist ({error}); allowed: YYYY-MM-DD") from None


def load(path: Path, settings: Sequence[str] = ()) -> Config:
    """The validated config at ``path``, with ``KEY.KEY=VALUE`` settings laid over it.

    Raises ConfigError with one line for each key that is unknown, missing or wrong.
    """
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: found {type(raw).__name__}; allowed: a mapping of keys, see configs/beijing.yml")
    for setting in settings:
        raw = _with_setting(raw, setting)
    return validate(raw, folder=path.parent, where=str(path))


def validate(raw: Mapping[str, Any], *, folder: Path, where: str) -> Config:
    """``raw`` as a Config; relative paths are relative to ``folder``."""
    try:
        return Config.model_validate(raw, context={"folder": folder.resolve()})
    except ValidationError as error:
        raise ConfigError("\n".join(_lines(error, raw, where))) from None


def _with_setting(raw: dict[str, Any], setting: str) -> dict[str, Any]:
    key, equals, value = setting.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set: found {setting!r}; allowed: KEY=VALUE, such as observations.path=data")
    head, _, rest = key.partition(".")
    if not rest:
        return {**raw, head: _parsed(value, where=f"--set {head}")}
    inner = raw.get(head, {})
    if not isinstance(inner, dict):
        raise ConfigError(f"--set {key}: {head!r} holds a value, not keys; allowed: {head}=VALUE")
    return {**raw, head: _with_setting(inner, f"{rest}={value}")}


def _lines(error: ValidationError, raw: Mapping[str, Any], where: str) -> Iterable[str]:
    for problem in error.errors():
        place = [part for part in problem["loc"] if not _is_tag(part, problem["loc"], raw)]
        key = "".join(f"{part}." for part in place)[:-1]
        # what concerns several keys names them itself
        yield f"{where}: {key}: {_explain(problem, raw, place)}" if key else f"{where}: {_explain(problem, raw, place)}"


def _is_tag(part: Any, location: tuple[Any, ...], raw: Mapping[str, Any]) -> bool:
    tags = {"observations": "reader", "weather": "source"}
    block = raw.get(str(location[0])) if location else None
    return (
        len(location) > 1
        and part is location[1]
        and location[0] in tags
        and isinstance(block, dict)
        and block.get(tags[str(location[0])]) == part
    )


def _explain(problem: Any, raw: Mapping[str, Any], place: Sequence[Any]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    found = _at(raw, place)
    if kind == "extra_forbidden":
        return f"unknown key; known here: {', '.join(_known(place[:-1], raw))}"
    if kind == "missing":
        return "found nothing; this key is required"
    if kind == "value_error":
        return str(context["error"])
    if kind == "union_tag_invalid":
        return f"found {context['tag']!r}; allowed: {context['expected_tags']}"
    if kind == "union_tag_not_found":
        return f"found no {context['discriminator']}; this key is required"
    allowed = problem["msg"].removeprefix("Input should be ").replace("tuple", "list").replace("Tuple", "list")
    return f"found {found!r}; allowed: {allowed.replace('dictionary or object to extract fields from', 'mapping')}"


def _at(raw: Any, place: Sequence[Any]) -> Any:
    for part in place:
        listed = isinstance(raw, list) and isinstance(part, int) and part < len(raw)
        if not (listed or (isinstance(raw, Mapping) and part in raw)):
            return raw
        raw = raw[part]
    return raw


BLOCKS: Mapping[str, type[BaseModel]] = {
    "assessment": AssessmentOptions,
    "quality": QualityOptions,
    "weekly": Weekly,
    "interventions": Intervention,
    "scheduler": Scheduler,
    "alerts": Alerts,
}
"""The blocks of a config whose keys are the same in every config."""


def _known(place: Sequence[Any], raw: Mapping[str, Any]) -> list[str]:
    from pipeline.stations import READERS
    from pipeline.weather import SOURCES

    if not place:
        return list(Config.model_fields)
    block = raw.get(str(place[0]), {})
    if place[0] == "observations":
        return list(READERS[block["reader"]].Options.model_fields)
    if place[0] == "weather":
        return list(SOURCES[block["source"]].Options.model_fields)
    if place[0] == "assessment" and "dust" in place:
        return list(DustEvent.model_fields)
    fields = (Outlook if "outlook" in place else BLOCKS.get(str(place[0]), Model)).model_fields
    return [field.alias or name for name, field in fields.items()]
