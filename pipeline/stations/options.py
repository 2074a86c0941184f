"""The config keys that every reader and weather source shares."""

from __future__ import annotations

import os
from collections.abc import Collection
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
        return existing(value, (info.context or {}).get("folder", Path()))


def existing(path: Path, folder: Path) -> Path:
    """A path relative to a folder, made absolute; a ValueError unless it is there, or is a pattern."""
    path = Path(folder, path)
    if "*" not in path.name and not path.exists():
        raise ValueError(f"found no file or folder {path}; allowed: a path that exists, relative to {folder}")
    return path


def files_of(path: Path, *patterns: str) -> list[Path]:
    """The file at ``path``, or the files in that folder that match a pattern; none at all is an InputError."""
    if path.is_file():
        return [path]
    folder, patterns = (path.parent, (path.name,)) if "*" in path.name else (path, patterns)
    found = sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})
    if not found:
        there = ", ".join(file.name for file in other_files(folder, ())[:3]) or "no file at all"
        raise InputError(
            f"{folder}: found no file like {' or '.join(patterns)}, but {there}; check the path in the config"
        )
    return found


def other_files(path: Path, taken: Collection[Path]) -> list[Path]:
    """Files below the folder ``path`` that are not ``taken``; what is hidden or in a Zarr store does not count.

    Empty for a file or a pattern: what these name is asked for, the rest of their folder is not.
    """
    if not path.is_dir():
        return []
    known, found = set(taken), list[Path]()
    for folder, names, files in os.walk(path):
        names[:] = [name for name in names if not name.startswith(".") and not name.endswith(".zarr")]
        found += [file for name in files if not name.startswith(".") and (file := Path(folder, name)) not in known]
    return sorted(found)
