"""The run folder: artefacts written beside and renamed, each with a manifest that says what made it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.errors import InputError


def digest(content: Any) -> str:
    """SHA-256 of anything JSON can say (keys sorted; paths and dates by their text)."""
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; for a folder, of the names and digests of its files."""
    if path.is_dir():
        return digest([(file.name, file_digest(file)) for file in sorted(path.iterdir()) if file.is_file()])
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``; on leaving without an error it is synced and renamed to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=f".part{path.suffix}", dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """``text`` as UTF-8 under ``path``, whole or not at all."""
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Run:
    """A run folder. An artefact is fresh when its manifest carries the same key and the digest of its bytes."""

    folder: Path

    def path(self, artefact: str) -> Path:
        """Where an artefact lives."""
        return self.folder / artefact

    def manifest_path(self, artefact: str) -> Path:
        """Where the manifest of an artefact lives."""
        return self.folder / "manifests" / f"{artefact}.json"

    def manifest(self, artefact: str) -> dict[str, Any] | None:
        """The manifest of an artefact; None when there is none or it cannot be read."""
        try:
            content = json.loads(self.manifest_path(artefact).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def fresh(self, artefact: str, key: str) -> bool:
        """Whether the artefact was made whole by exactly what ``key`` stands for."""
        manifest = self.manifest(artefact)
        if manifest is None or manifest.get("key") != key or not self.path(artefact).is_file():
            return False
        # a run that was killed between an artefact and its manifest leaves a pair that does not belong together
        return bool(manifest.get("sha256") == file_digest(self.path(artefact)))

    def record(self, artefact: str, key: str, made_of: Mapping[str, Any], *, notes: Iterable[str] = ()) -> None:
        """Writes the artefact's manifest: version, key, what it was made of, and notes for the reader."""
        manifest = {
            "artefact": artefact,
            "tianbang": __version__,
            "key": key,
            "sha256": file_digest(self.path(artefact)),
            **made_of,
            "notes": list(notes),
        }
        text = json.dumps(manifest, indent=1, sort_keys=True, default=str, ensure_ascii=False)
        write_text(self.manifest_path(artefact), text)
