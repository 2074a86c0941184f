"""Units as files spell them, and the few conversions to the canonical form."""

from __future__ import annotations

from era5_fetch.errors import DecodeError

_SPELLINGS = {
    "(0 - 1)": "1",
    "0-1": "1",
    "fraction": "1",
    "dimensionless": "1",
    "~": "1",
    "m of water equivalent": "m",
    "C": "degC",
    "celsius": "degC",
    "mbar": "hPa",
    "millibars": "hPa",
    "m/s": "m s-1",
}
_CONVERSIONS = {
    ("m", "mm"): (1000.0, 0.0),
    ("kg m-2", "mm"): (1.0, 0.0),
    # ERA5 labels an hourly accumulation by the hour that ends it
    ("J m-2", "W m-2"): (1 / 3600, 0.0),
    ("hPa", "Pa"): (100.0, 0.0),
    ("degC", "K"): (1.0, 273.15),
    ("%", "1"): (0.01, 0.0),
    ("1", "%"): (100.0, 0.0),
}


def spelled(unit: str) -> str:
    """A unit in the spelling of the lexicon: `m s**-1` -> `m s-1`; code tables are numbers, `1`."""
    plain = " ".join(unit.replace("**", "").split())
    return "1" if plain.startswith("(Code table") else _SPELLINGS.get(plain, plain)


def conversion(name: str, found: str, agreed: str) -> tuple[float, float]:
    """Factor and offset that take a value in unit `found` to unit `agreed`.

    Raises
    ------
    DecodeError
        No conversion is agreed.
    """
    if spelled(found) == agreed:
        return 1.0, 0.0
    try:
        return _CONVERSIONS[spelled(found), agreed]
    except KeyError:
        raise DecodeError(f"{name!r} is in {found!r}, agreed {agreed!r}: is it the variable it says?") from None
