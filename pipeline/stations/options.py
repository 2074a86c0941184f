"""The config keys that every reader and weather source shares."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from pipeline.errors import InputError


class PathOptions(BaseModel):
    """Keys of a reader of files; ``path`` is a file, a folder or a pattern, relative to the config file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path

    @field_validator("path", mode="after")
    @classmethod
    def _absolute(cls, value: Path, info: ValidationInfo) -> Path:
        folder = (info.context or {}).get("folder", Path())
        value = Path(folder, value)
        if "*" not in value.name and not value.exists():
            raise ValueError(f"found no file or folder {value}; allowed: a path that exists, relative to {folder}")
        return value


def files_of(path: Path, *patterns: str) -> list[Path]:
    """The file at ``path``, or the files in that folder that match a pattern; none at all is an InputError."""
    if path.is_file():
        return [path]
    folder, patterns = (path.parent, (path.name,)) if "*" in path.name else (path, patterns)
    found = sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})
    if not found:
        raise InputError(f"{folder}: found no file like {' or '.join(patterns)}; check the path in the config")
    return found
