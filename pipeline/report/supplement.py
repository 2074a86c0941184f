"""The data supplement: every file of the report with its digest, what made it as an RO-Crate, and all as one zip.

Nothing in it names a machine, a folder or a user, and it holds no clock: its time is that of the data's last day.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import mimetypes
import platform
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

import pipeline
from pipeline import __version__
from pipeline.config import WHERE, Config
from pipeline.store import file_digest, write_text, written_whole
from pipeline.wording import source_in

CRATE, CHECKSUMS = "ro-crate-metadata.json", "checksums.sha256"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
"""Where the digest of a file is defined for RO-Crate 1.1."""
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
TYPES = {
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".nc": "application/x-netcdf",
    ".sha256": "text/plain",
    ".yml": "application/yaml",
}
DISTRIBUTION = "tianbang"


@dataclass(frozen=True)
class Provenance:
    """What a report was made of: the digests of its inputs by name, and of its config; the code; the environment."""

    config: Config
    config_digest: str
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    code: str
    last_day: datetime.date


def provenance(config: Config, made_of: Mapping[str, Any], last_day: datetime.date) -> Provenance:
    """Of a run's manifest (``stages.Keys.made_of``) and of what is installed here."""
    inputs = {without_paths(name): str(value) for name, value in sorted(made_of["inputs"].items())}
    return Provenance(config, str(made_of["config"]), inputs, installed(), code_digest(), last_day)


def installed() -> dict[str, str]:
    """The versions of Python and of what the program asks for, by name."""
    asked = [line for line in metadata.requires(DISTRIBUTION) or () if "extra ==" not in line]
    names = sorted((re.split(r"[^\w.-]", line)[0] for line in asked), key=str.lower)
    return {"Python": platform.python_version(), **{name: metadata.version(name) for name in names}}


def code_digest() -> str:
    """SHA-256 over the program's files, by name: the code that ran, also between two versions."""
    root = Path(pipeline.__file__).parents[1]
    found = hashlib.sha256()
    for package in ("era5_fetch", "models", "pipeline"):
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(f"{path.relative_to(root).as_posix()} {file_digest(path)}\n".encode())
    return found.hexdigest()


def without_paths(text: str) -> str:
    """``text`` with paths by their last part only."""
    return re.sub(r"(?<![\w:/.])(?:~|[A-Za-z]:)?[/\\](?:[^\s/\\,;:()'\"]+[/\\])*(?=[^\s/\\,;:()'\"])", "", text)


def plain_config(config: Config) -> Any:
    """The config as JSON holds it, paths by their last part."""

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): shown(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [shown(one) for one in value]
        return without_paths(value) if isinstance(value, str) and not value.startswith(("http:", "https:")) else value

    return shown(config.model_dump(mode="json", exclude={"weekly"} | WHERE, exclude_defaults=True))


def readme(config: Config, title: str) -> str:
    """README.md of the supplement: what is in it, its columns, licences."""
    text = (files("pipeline.report") / "templates" / "README.md").read_text(encoding="utf-8")
    return text.replace("TITLE", title).replace("OBSERVATIONS", source_in("en", config.observations.reader))


def write_supplement(folder: Path, names: Sequence[str], origin: Provenance, *, title: str, about: str) -> list[str]:
    """Writes crate and checksums of the files ``names`` of ``folder``; returns them with these two."""
    crate = ro_crate(folder, names, origin, title=title, about=about)
    write_text(folder / CRATE, json.dumps(crate, indent=1, ensure_ascii=False) + "\n")
    listed = sorted([*names, CRATE])
    write_text(folder / CHECKSUMS, "".join(f"{file_digest(folder / name)}  {name}\n" for name in listed))
    return [*listed, CHECKSUMS]


def write_zip(path: Path, folder: Path, names: Sequence[str], *, last_day: datetime.date) -> None:
    """The files as one zip, by name and all of one time and mode: equal files are equal bytes."""
    when = (*last_day.timetuple()[:3], 0, 0, 0)
    with written_whole(path) as partial, zipfile.ZipFile(partial, "w") as packed:
        for name in sorted(names):
            entry = zipfile.ZipInfo(f"{path.stem}/{name}", when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            packed.writestr(entry, (folder / name).read_bytes(), compresslevel=9)


def ro_crate(folder: Path, names: Sequence[str], origin: Provenance, *, title: str, about: str) -> dict[str, Any]:
    """RO-Crate 1.1 metadata with the report as the result of one run of the program (profile Process Run Crate)."""
    day = origin.last_day.isoformat()
    listed = list(_files(folder, names))
    made = [{"@id": one["@id"]} for one in listed if one["@id"] not in ("inputs.csv", "config.yml")]
    return {
        "@context": [CONTEXT, TERMS],
        "@graph": [
            {
                "@id": CRATE,
                "@type": "CreativeWork",
                "about": {"@id": "./"},
                "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "name": title,
                "description": about,
                "datePublished": day,
                "temporalCoverage": f"{origin.config.period[0]}/{day}",
                "conformsTo": {"@id": PROFILE},
                "license": {"@id": "#licences"},
                "hasPart": [{"@id": one["@id"]} for one in listed],
                "mentions": {"@id": "#report"},
            },
            {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
            {
                "@id": "#licences",
                "@type": "CreativeWork",
                "name": "Licences",
                "description": "Those of the observations, the weather and the map's boundaries; README.md names them.",
            },
            {
                "@id": "#report",
                "@type": "CreateAction",
                "name": "tianbang report",
                "description": f"{title}; data to {day}, inputs by their SHA-256 in inputs.csv",
                "instrument": {"@id": "#tianbang"},
                "object": [{"@id": "config.yml"}, {"@id": "inputs.csv"}, {"@id": "#seed"}, {"@id": "#config"}],
                "result": made,
                "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
            },
            *_instrument(origin),
            *listed,
        ],
    }


def _instrument(origin: Provenance) -> Iterator[dict[str, Any]]:
    yield {
        "@id": "#tianbang",
        "@type": "SoftwareApplication",
        "name": "tianbang",
        "version": __version__,
        "identifier": {"@id": "#code"},
        "softwareRequirements": [{"@id": _package(name, version)} for name, version in origin.versions.items()],
    }
    yield _value("#code", "sha256 of the program's files", origin.code)
    yield _value("#config", "sha256 of the whole config", origin.config_digest)
    yield _value("#seed", "model.seed", origin.config.model.seed)
    for name, version in origin.versions.items():
        yield {"@id": _package(name, version), "@type": "SoftwareApplication", "name": name, "version": version}


def _package(name: str, version: str) -> str:
    """The package URL of a version (purl)."""
    kind = "generic" if name == "Python" else "pypi"
    return f"pkg:{kind}/{name.lower()}@{version}"


def _value(identifier: str, name: str, value: object) -> dict[str, Any]:
    return {"@id": identifier, "@type": "PropertyValue", "name": name, "value": value}


def _files(folder: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for name in sorted(names):
        path = folder / name
        yield {
            "@id": name,
            "@type": "File",
            "name": name,
            "encodingFormat": TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream",
            "contentSize": str(path.stat().st_size),
            "sha256": file_digest(path),
        }
