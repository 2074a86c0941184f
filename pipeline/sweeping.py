"""What earlier runs left in a run folder and this one no longer makes: removed, and nothing else.

Only files that the folder's own manifests name are touched, and half-written ones that bear such a file's name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from pipeline.store import Run, file_digest

OTHERS = ("tables/bau-", "figures/en/bau-", "figures/zh/bau-", "weekly/", "report/")
"""Beginnings of what `tianbang bau`, `index` and `report` make in the same folder: not the run's to remove."""


def recorded(store: Run) -> Iterator[str]:
    """The artefacts that the folder's manifests name, each by the manifest that is its own."""
    folder = store.folder / "manifests"
    for path in sorted(folder.rglob("*.json")):
        artefact = str(path.relative_to(folder).with_suffix("").as_posix())
        manifest = store.manifest(artefact)
        if manifest is not None and manifest.get("artefact") == artefact and "key" in manifest:
            yield artefact


def sweep(store: Run, current: Collection[str], *, before: float) -> list[str]:
    """Removes recorded artefacts that are not ``current``, and half-written ones last touched ``before`` this run.

    ``before`` is in seconds since the epoch. Returns the artefacts that were removed.
    """
    known = list(recorded(store))
    left = [name for name in known if name not in current and not name.startswith(OTHERS)]
    stale = [name for name in left if _unchanged(store, name)]
    for name in stale:
        store.path(name).unlink(missing_ok=True)
        store.manifest_path(name).unlink(missing_ok=True)
    places = {path for name in {*known, *current} for path in (store.path(name), store.manifest_path(name))}
    for path in places:
        for partial in _halves(path):
            if partial.stat().st_mtime < before:
                partial.unlink(missing_ok=True)
    for folder in {path.parent for name in stale for path in (store.path(name), store.manifest_path(name))}:
        _without_empty(folder, store.folder)
    return stale


def _unchanged(store: Run, artefact: str) -> bool:
    """Whether the file is gone or still what its manifest says: what somebody put in its place is theirs."""
    path = store.path(artefact)
    return not path.exists() or (store.manifest(artefact) or {}).get("sha256") == file_digest(path)


def _halves(path: Path) -> list[Path]:
    """What ``store.written_whole`` leaves of ``path`` when its process is killed."""
    name = re.compile(rf"\.{re.escape(path.stem)}-[a-z0-9_]{{8}}\.part{re.escape(path.suffix)}")
    if not path.parent.is_dir():
        return []
    return [Path(entry.path) for entry in os.scandir(path.parent) if name.fullmatch(entry.name) and entry.is_file()]


def _without_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
