"""The key of the CDS: found where its own clients look for it, shown nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from era5_fetch.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

URL = "https://cds.climate.copernicus.eu/api"
"""The CDS, where nothing else is said."""
HIDDEN = "***"
_FILES = (("ECMWF_DATASTORES_RC_FILE", ".ecmwfdatastoresrc"), ("CDSAPI_RC", ".cdsapirc"))
_PREFIXES = ("ECMWF_DATASTORES", "CDSAPI")


class Key:
    """A key that is not shown: its text, its representation and its formats are `***`."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not written anywhere")

    def reveal(self) -> str:
        """The secret itself, for the header of a request to the CDS and for nothing else."""
        return self._secret

    def redacted(self, text: str) -> str:
        """A text without the secret in it."""
        return text.replace(self._secret, HIDDEN) if self._secret else text


@dataclass(frozen=True)
class Access:
    """Where the CDS is and the key it knows us by."""

    url: str
    key: Key


def access(
    key: str | Key | None = None,
    url: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Access:
    """The key and the address of the CDS: as given, or from the environment, or from the clients' files.

    In this order: the arguments; ECMWF_DATASTORES_KEY and _URL; CDSAPI_KEY and CDSAPI_URL;
    ~/.ecmwfdatastoresrc; ~/.cdsapirc (or the files that ECMWF_DATASTORES_RC_FILE and CDSAPI_RC name).

    Raises
    ------
    SourceError
        There is no key, or key or address are those of the CDS before 2024.
    """
    variables = os.environ if environment is None else environment
    settings = list(_settings(variables, home or Path.home()))
    found = key or next((s["key"] for s in settings if s.get("key")), None)
    if found is None:
        raise SourceError(
            "no key for the CDS: set CDSAPI_KEY, or put `url:` and `key:` into ~/.cdsapirc; yours stands on "
            "https://cds.climate.copernicus.eu/profile"
        )
    address = (url or next((s["url"] for s in settings if s.get("url")), URL)).rstrip("/")
    return Access(_require_new(address), _require_token(found if isinstance(found, Key) else Key(found)))


def _settings(variables: Mapping[str, str], home: Path) -> Iterator[dict[str, str]]:
    for prefix in _PREFIXES:
        yield {name: variables.get(f"{prefix}_{name.upper()}", "") for name in ("url", "key")}
    for variable, name in _FILES:
        yield _of_file(Path(variables.get(variable) or home / name).expanduser())


def _of_file(path: Path) -> dict[str, str]:
    """The `name: value` lines of a file; nothing where there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read ({type(error).__name__}), agreed lines `url:` and `key:`") from None
    pairs = (line.split(":", 1) for line in lines if ":" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, value in pairs}


def _require_new(url: str) -> str:
    if url.endswith("/v2"):
        raise SourceError(f"{url}: the address of the CDS before 2024, agreed {URL}: correct `url`")
    return url


def _require_token(key: Key) -> Key:
    if ":" in key.reveal():
        raise SourceError(
            "the key has the form UID:KEY of the CDS before 2024, agreed a token alone: take the one on "
            "https://cds.climate.copernicus.eu/profile"
        )
    return key
