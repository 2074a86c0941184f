"""The fitted models of a run, kept in its folder: one file for each city and pollutant, and one digest of them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from models import kept
from models.separation import Separation
from pipeline.errors import InputError
from pipeline.store import Run, digest, file_digest, written_whole

FOLDER = "models"


def artefact(readings: str) -> str:
    """The path of the model behind the readings at the path ``readings``, both in the run folder."""
    return f"{FOLDER}/{Path(readings).stem}.npz"


def keep(run: Run, path: str, separation: Separation, key: str, made_of: Mapping[str, Any]) -> None:
    """Keeps a separation with its model as the artefact ``path``, with a manifest."""
    with written_whole(run.path(path)) as partial:
        kept.keep(partial, separation)
    run.record(path, key, made_of)


def load(run: Run, path: str) -> Separation:
    """The separation kept as ``path``; one that is gone, changed or of another version is an InputError."""
    manifest = run.manifest(path)
    if manifest is None or not run.path(path).is_file():
        raise InputError(f"{run.path(path)}: found no kept model; run `tianbang run` with this config and folder")
    if manifest.get("sha256") != file_digest(run.path(path)):
        raise InputError(f"{run.path(path)}: not what its manifest says; remove it and run `tianbang run` again")
    try:
        found = kept.load(run.path(path))
    except ValueError as error:
        raise InputError(f"{error}; remove it and run `tianbang run` again") from None
    if not isinstance(found, Separation) or found.fitted is None:
        raise InputError(f"{run.path(path)}: holds no fitted separation; remove it and run `tianbang run` again")
    return found


def digest_of(run: Run, paths: Iterable[str]) -> str:
    """One SHA-256 over the models at ``paths``: the same models, the same digest, in whatever order."""
    return digest([(path, (run.manifest(path) or {}).get("sha256")) for path in sorted(paths)])
