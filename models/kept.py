"""A fitted model as one file and back: its arrays as they are, what holds them together as JSON, and no code.

The file is a NumPy archive: entries ``0``, ``1``, ... are arrays, ``structure`` is UTF-8 JSON that says how they make
up the tree. Only dataclasses of ``MODULES`` are built, so that a foreign file can at worst be refused.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from models import basis, noise, regression, response, separation

FORMAT = "tianbang-model/1"
MODULES: tuple[ModuleType, ...] = (basis, noise, regression, response, separation)
"""Where the dataclasses of a model are defined."""
PLAIN = (bool, int, float, str, type(None))


@cache
def registry() -> dict[str, type[Any]]:
    """The dataclasses that may be kept, by their name."""
    return {
        name: found
        for module in MODULES
        for name, found in vars(module).items()
        if isinstance(found, type) and dataclasses.is_dataclass(found) and found.__module__ == module.__name__
    }


def keep(path: Path, model: Any) -> None:
    """Writes a tree of the registry's dataclasses, arrays, frames of numbers, dates, mappings and tuples to ``path``.

    The same model gives the same bytes. TypeError for anything else, with its name.
    """
    arrays: list[np.ndarray] = []
    content = {"format": FORMAT, "model": _taken_apart(model, arrays)}
    structure = np.frombuffer(json.dumps(content, ensure_ascii=False).encode(), dtype=np.uint8)
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, structure=structure, **{str(i): own for i, own in enumerate(arrays)})


def load(path: Path) -> Any:
    """The model that ``keep`` wrote: the same numbers, bit by bit.

    ValueError for a file that is none, is cut, or holds a model of another form than this version's.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            content = json.loads(bytes(archive["structure"]))
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise ValueError(f"found no {FORMAT}")
            arrays = [archive[str(i)] for i in range(len(archive.files) - 1)]
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        raise ValueError(f"{path}: not a whole kept model ({' '.join(str(error).split())})") from None
    try:
        return _put_together(content["model"], arrays)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: a model of another version ({' '.join(str(error).split())})") from None


def _taken_apart(value: Any, arrays: list[np.ndarray]) -> Any:  # noqa: C901 - one line for each kind
    """What JSON says of ``value``; its arrays are appended to ``arrays``."""
    if isinstance(value, np.generic):
        return {"number": _taken_apart(np.array(value), arrays)}
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object:
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, pd.Timestamp):
        return {"day": value.isoformat()}
    if isinstance(value, pd.DatetimeIndex):
        return {"days": _taken_apart(value.to_numpy(), arrays), "name": value.name}
    if isinstance(value, pd.DataFrame):
        parts = {"columns": [str(name) for name in value], "values": value.to_numpy(dtype=float), "index": value.index}
        return {"table": _taken_apart(parts, arrays)}
    if isinstance(value, tuple | list):
        return {"row": [_taken_apart(entry, arrays) for entry in value]}
    if isinstance(value, Mapping):
        return {"mapping": [[_taken_apart(part, arrays) for part in pair] for pair in value.items()]}
    name = type(value).__name__
    if registry().get(name) is not type(value) or not dataclasses.is_dataclass(value):
        raise TypeError(f"{name} cannot be kept; agreed the dataclasses {', '.join(registry())} and what they hold")
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {"class": name, "fields": {key: _taken_apart(part, arrays) for key, part in fields.items()}}


def _put_together(found: Any, arrays: list[np.ndarray]) -> Any:  # noqa: C901 - one line for each kind
    if isinstance(found, PLAIN):
        return found
    if "array" in found:
        return arrays[found["array"]]
    if "number" in found:
        return _put_together(found["number"], arrays)[()]
    if "day" in found:
        return pd.Timestamp(found["day"])
    if "days" in found:
        return pd.DatetimeIndex(_put_together(found["days"], arrays), name=found["name"])
    if "table" in found:
        parts = _put_together(found["table"], arrays)
        return pd.DataFrame(parts["values"], index=parts["index"], columns=list(parts["columns"]))
    if "row" in found:
        return tuple(_put_together(entry, arrays) for entry in found["row"])
    if "mapping" in found:
        return {_put_together(key, arrays): _put_together(part, arrays) for key, part in found["mapping"]}
    fields = {key: _put_together(part, arrays) for key, part in found["fields"].items()}
    return registry()[found["class"]](**fields)
