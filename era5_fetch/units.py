"""Units as files spell them, and the few conversions to the canonical form."""

from __future__ import annotations

import re

from era5_fetch.errors import DecodeError

_CAPITALS = ("m", "mm", "cm", "km", "J m-2", "kJ m-2", "W m-2", "m s-1", "kg m-2", "kg m-2 s-1", "kg kg-1", "g kg-1")
"""Units told from others even where a file has them in capitals."""
_SPELLINGS = {
    **{unit.lower(): unit for unit in _CAPITALS},
    **dict.fromkeys(("", "-", "~", "(0 - 1)", "0-1", "0 - 1", "fraction", "dimensionless", "unitless"), "1"),
    **dict.fromkeys(("c", "°c", "degc", "deg c", "degree c", "degrees c", "celsius", "degree celsius"), "degC"),
    **dict.fromkeys(("degrees celsius", "degree_celsius", "degrees_celsius", "degree_c", "degrees_c", "deg_c"), "degC"),
    **dict.fromkeys(("k", "kelvin", "kelvins", "degk"), "K"),
    **dict.fromkeys(("f", "°f", "degf", "fahrenheit"), "degF"),
    **dict.fromkeys(("mb", "mbar", "millibar", "millibars", "hpa"), "hPa"),
    **dict.fromkeys(("pa", "pascal", "pascals"), "Pa"),
    **dict.fromkeys(("percent", "per cent", "%"), "%"),
    **dict.fromkeys(("m of water equivalent", "metre", "metres", "meter", "meters"), "m"),
    **dict.fromkeys(("millimetre", "millimetres", "millimeter", "millimeters"), "mm"),
    **dict.fromkeys(("ms-1", "metre per second", "meter per second", "meters per second", "mps"), "m s-1"),
}
"""By lower case."""
_PER = re.compile(r"\s*/\s*([A-Za-z]+)(\d*)")
_POINT = re.compile(r"(?<=[A-Za-z\d])[.·*](?=[A-Za-z])")
_AN_HOUR = re.compile(r"\b(hr|hour)-1")
_CONVERSIONS = {
    ("m", "mm"): (1000.0, 0.0),
    ("kg m-2", "mm"): (1.0, 0.0),
    # ERA5 labels an hourly accumulation by the hour that ends it
    ("J m-2", "W m-2"): (1 / 3600, 0.0),
    ("kJ m-2", "W m-2"): (1 / 3.6, 0.0),
    ("MJ m-2", "W m-2"): (1e6 / 3600, 0.0),
    ("cm", "mm"): (10.0, 0.0),
    # a mean rate over the hour is the hour's amount
    ("mm h-1", "mm"): (1.0, 0.0),
    ("kg m-2 h-1", "mm"): (1.0, 0.0),
    ("m h-1", "mm"): (1000.0, 0.0),
    ("kg m-2 s-1", "mm"): (3600.0, 0.0),
    ("mm s-1", "kg m-2 s-1"): (1.0, 0.0),
    ("mm h-1", "kg m-2 s-1"): (1 / 3600, 0.0),
    ("g kg-1", "kg kg-1"): (1e-3, 0.0),
    ("km", "m"): (1000.0, 0.0),
    ("kPa", "Pa"): (1000.0, 0.0),
    ("hPa", "Pa"): (100.0, 0.0),
    ("degF", "K"): (5 / 9, 459.67 * 5 / 9),
    ("degC", "K"): (1.0, 273.15),
    ("%", "1"): (0.01, 0.0),
    ("1", "%"): (100.0, 0.0),
}


def spelled(unit: str) -> str:
    """A unit in the spelling of the lexicon: `m s**-1` -> `m s-1`; code tables are numbers, `1`."""
    plain = _POINT.sub(" ", unit.replace("**", "").replace("^", ""))
    plain = _PER.sub(lambda found: f" {found[1]}-{found[2] or 1}", plain)
    plain = _AN_HOUR.sub("h-1", " ".join(plain.split()))
    return "1" if plain.startswith("(Code table") else _SPELLINGS.get(plain.lower(), plain)


def is_rate(unit: str) -> bool:
    """Whether a unit is per time."""
    return spelled(unit).endswith((" h-1", " s-1"))


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
