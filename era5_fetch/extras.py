"""Optional packages, imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from era5_fetch.errors import PackageError


def package(module: str, *, extra: str, needed_by: str) -> Any:
    """An optional package's module; `extra` installs it.

    Raises
    ------
    PackageError
        It is not installed, or cannot be loaded.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, RuntimeError) as error:  # RuntimeError: the package is there, its C library is not
        raise PackageError(f"{needed_by} needs the package {module}: pip install tianbang[{extra}]") from error
