"""The keys of a config that an archive needs: where the files are, how they are read, and where the archive is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.config import Config, read_yaml
from pipeline.errors import ConfigError
from pipeline.stations import ObservationOptions


class Settings(BaseModel):
    """``archive: FILE.zarr`` beside ``observations``; the keys of a run are not asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    observations: Annotated[ObservationOptions, Field(discriminator="reader")]
    archive: Path
    utc_offset: int = Field(default=8, ge=-12, le=14)


def settings_of(config: Path) -> Settings:
    """The settings in a YAML config; paths are relative to it. What is missing or wrong is a ConfigError."""
    raw = read_yaml(config)
    folder = config.parent.resolve()
    if not isinstance(raw, dict):
        raise ConfigError(f"{config}: found {type(raw).__name__}; allowed: a mapping of keys, see configs/beijing.yml")
    if unknown := sorted(set(map(str, raw)) - set(Config.model_fields)):
        raise ConfigError(f"{config}: {unknown[0]}: unknown key; known here: {', '.join(Config.model_fields)}")
    try:
        found = Settings.model_validate(raw, context={"folder": folder})
    except ValidationError as error:
        raise ConfigError(
            "\n".join(f"{config}: {_place(each['loc'])}: {each['msg']}" for each in error.errors())
        ) from None
    return found.model_copy(update={"archive": folder / found.archive})


def archive_of(path: Path) -> Path:
    """The folder of an archive, given itself or a config that names it."""
    return path if path.is_dir() else settings_of(path).archive


def _place(location: Sequence[int | str]) -> str:
    return ".".join(map(str, location)) or "the file"
