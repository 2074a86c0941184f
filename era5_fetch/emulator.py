"""Boundary-layer height from fields that are forecast: gradient boosting trained on ERA5.

Open forecasts lack the height. The emulator learns its logarithm from the same hour's temperature, dew point,
wind, cloud and sun, from how the sun and the air warmed over six hours before, and where they are there from
temperature and wind at 925 and 850 hPa. All inputs mean the same at steps of one, three or six hours. What it
makes is marked as emulated, with its skill on blocks of time it was not fitted to.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch import lexicon
from era5_fetch.errors import ContentError, FileError, PeriodError, VariableError
from era5_fetch.progress import Logged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import lightgbm

    from era5_fetch.progress import Teller

TARGET = "blh"
NEEDED = ("t2m", "d2m", "u10", "v10", "tcc", "ssrd")
"""What it is always made from; canonical units."""
LEVELS = ("t925", "u925", "v925", "t850", "u850", "v850")
"""What it is made from where it is there."""
MEMORY = pd.Timedelta(hours=6)
"""How far back warming and sunshine are looked at: the longest step of the forecasts."""
SOLAR_CONSTANT = 1361.0
"""[W m-2]; Kopp and Lean 2011, doi:10.1029/2010GL045777."""
TWILIGHT = 20.0
"""Where less than this [W m-2] comes in at the top of the air, its clearness is not told."""
FOLDS = 6
PURGE = pd.Timedelta(days=3)
"""Days next to a held-out block that are not trained on either: days remember."""
FORM = 1
_TREES = 300
_OPTIONS: dict[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "deterministic": True,
    "num_threads": 1,
    "seed": 0,
    "verbosity": -1,
}

Block = Literal["month", "week"]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Skill:
    """Scores on what was held out: whole months or weeks, in turn, with three days either side purged."""

    r2: float
    r2_log: float
    """Of the logarithm."""
    bias: float
    """Mean of emulated minus true [m]."""
    slope: float
    """Of true on emulated."""
    values: int
    held_out: Block

    def __str__(self) -> str:
        return (
            f"boundary layer height on held-out {self.held_out}s: R2 {self.r2:.2f} (of its logarithm"
            f" {self.r2_log:.2f}), bias {self.bias:+.0f} m, slope {self.slope:.2f}, {self.values} values"
        )


@dataclass(frozen=True)
class Emulator:
    """A trained emulator; text throughout, so that it can be kept and compared."""

    predictors: tuple[str, ...]
    trees: str
    """LightGBM's own text."""
    smearing: float
    """Mean of true over exp(fitted logarithm); Duan 1983, doi:10.1080/01621459.1983.10478017."""
    skill: Skill
    trained_on: str

    @property
    def digest(self) -> str:
        """The same for the same emulator."""
        return hashlib.sha256(_json(asdict(self)).encode()).hexdigest()

    def emulate(self, weather: xr.Dataset) -> xr.DataArray:
        """Boundary-layer height [m], dims of `weather`, which is canonical with `latitude` and `longitude`.

        Of a forecast, the coordinate `step_hours` says what `ssrd` is the mean over. NaN where temperature,
        dew point or wind are; at the first six hours it is made without what came before.

        Raises
        ------
        VariableError
            A predictor is not there.
        """
        _require(weather, self.predictors)
        table, model = _features(weather, self.predictors), weather["t2m"]
        height = self.smearing * np.exp(np.asarray(self._booster.predict(table)))
        height[table[["t2m", "depression", "wind"]].isna().any(axis=1).to_numpy()] = np.nan
        made = model.copy(data=height.reshape(model.shape).astype("float32")).rename(TARGET)
        made.attrs = self._attributes()
        return made

    def _attributes(self) -> dict[str, str]:
        known = lexicon.variable(TARGET)
        return {
            "standard_name": known.standard_name,
            "long_name": f"{known.long_name}, emulated",
            "units": known.unit,
            "cell_methods": "time: point",
            "emulated": "true",
            "emulator": self.digest[:16],
            "skill": str(self.skill),
        }

    def filled(self, weather: xr.Dataset) -> xr.Dataset:
        """Weather with its boundary-layer height emulated; one that is there stays."""
        return weather if TARGET in weather else weather.assign({TARGET: self.emulate(weather)})

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as JSON, beside and renamed."""
        path = Path(path)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_text(_json({"form": FORM, "digest": self.digest} | asdict(self)), encoding="utf-8")
        part.replace(path)

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        import lightgbm

        return lightgbm.Booster(model_str=self.trees)


def load(path: str | PathLike[str]) -> Emulator:
    """An emulator that was saved.

    Raises
    ------
    FileError
        There is none, or it is not what was written.
    """
    path = Path(path)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        form, digest = told.pop("form"), told.pop("digest")
        found = Emulator(**told | {"predictors": tuple(told["predictors"]), "skill": Skill(**told["skill"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path}: no emulator ({type(error).__name__}): train and save it again") from error
    if form != FORM or digest != found.digest:
        raise FileError(f"{path}: form {form} or digest is not what was written, agreed form {FORM}: train it again")
    return found


def train(reanalysis: xr.Dataset, *, held_out: Block = "month", teller: Teller | None = None) -> Emulator:
    """An emulator fitted to hourly ERA5 with `blh` and `NEEDED`, and `LEVELS` where they are there.

    Dims `(time, ...)`, canonical units, coordinates `latitude` and `longitude`; hours with NaN in `blh` do not
    count. Whole months, or weeks where the record is short, are held out in up to six folds; the skill is
    told as one line, and the emulator returned is fitted to everything.

    Raises
    ------
    VariableError
        A variable is not there.
    PeriodError
        Fewer than two months (or weeks).
    ContentError
        `blh` has no value, or is not a height.
    """
    _require(reanalysis, (*NEEDED, TARGET))
    predictors = (*NEEDED, *(name for name in LEVELS if name in reanalysis))
    table = _features(reanalysis, predictors)
    height = reanalysis[TARGET].transpose(*reanalysis["t2m"].dims).values.astype("float64").ravel()
    _require_height(height)
    known = np.isfinite(height)
    times = pd.DatetimeIndex(_spread(reanalysis["time"], reanalysis["t2m"]).ravel()[known])
    table, height = table[known], height[known]
    skill = _skill(table, height, times, held_out)
    (teller or Logged()).say(str(skill))
    trees, smearing = _fitted(table, np.log(height))
    span = f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}, {height.size} values"
    return Emulator(predictors, trees.model_to_string(), smearing, skill, span)


def _fitted(table: pd.DataFrame, logarithm: Floats) -> tuple[lightgbm.Booster, float]:
    import lightgbm

    booster = lightgbm.train(_OPTIONS, lightgbm.Dataset(table, logarithm), _TREES)
    return booster, float(np.exp(logarithm - np.asarray(booster.predict(table))).mean())


def _skill(table: pd.DataFrame, height: Floats, times: pd.DatetimeIndex, held_out: Block) -> Skill:
    label = np.asarray(
        times.year * 12 + times.month if held_out == "month" else (times - times[0].floor("D")).days // 7
    )
    blocks = np.unique(label)
    if blocks.size < 2:
        raise PeriodError(f"{blocks.size} {held_out} to train on, agreed two at least: fetch a longer period")
    emulated = np.empty(height.size)
    for fold in range(min(FOLDS, blocks.size)):
        test = np.isin(label, blocks[fold::FOLDS])
        apart = ~test & _far(times, times[test])
        if not apart.any():
            raise PeriodError(f"no day is {PURGE.days} days from every held-out {held_out}: fetch a longer period")
        booster, smearing = _fitted(table[apart], np.log(height[apart]))
        emulated[test] = smearing * np.exp(np.asarray(booster.predict(table[test])))
    return _scores(height, emulated, held_out)


def _far(times: pd.DatetimeIndex, held: pd.DatetimeIndex) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which times are further than the purge from all that are held out."""
    start, hour = times.min(), pd.Timedelta(hours=1)
    at, edges = np.asarray((times - start) / hour), np.unique((held - start) / hour)
    after = np.searchsorted(edges, at)
    gaps = [np.abs(at - edges[np.clip(side, 0, edges.size - 1)]) for side in (after - 1, after)]
    return np.asarray(np.minimum(*gaps) > PURGE / hour)


def _scores(true: Floats, emulated: Floats, held_out: Block) -> Skill:
    slope = float(np.cov(true, emulated)[0, 1] / emulated.var(ddof=1))
    return Skill(
        r2=_r2(true, emulated),
        r2_log=_r2(np.log(true), np.log(emulated)),
        bias=float((emulated - true).mean()),
        slope=slope,
        values=true.size,
        held_out=held_out,
    )


def _r2(true: Floats, found: Floats) -> float:
    return float(1 - ((true - found) ** 2).sum() / ((true - true.mean()) ** 2).sum())


def weather_of(path: str | PathLike[str]) -> xr.Dataset:
    """Weather from a file, in memory: a canonical one, on a grid or at places, as it stands; or of any dialect.

    Raises
    ------
    FileError, DecodeError, PackageError
        As in `decode.open_file`.
    """
    from era5_fetch.container import Container, sniff
    from era5_fetch.decode import CONVENTIONS, open_file

    if sniff(Path(path)) is Container.HDF5:
        with xr.open_dataset(path, engine="netcdf4") as found:
            if found.attrs.get("Conventions") == CONVENTIONS and "time" in found.dims:
                return found.load()
    return open_file(path)


# -- inputs -------------------------------------------------------------------------------------------------------


def _features(weather: xr.Dataset, predictors: Sequence[str]) -> pd.DataFrame:
    """One row for each time and place, in the order of `t2m`."""
    w = {name: weather[name].transpose(*weather["t2m"].dims).astype("float64") for name in predictors}
    hour = weather["time"].dt.hour + weather["time"].dt.minute / 60 + weather["longitude"] / 15
    made: dict[str, Any] = {
        "t2m": w["t2m"],
        "depression": w["t2m"] - w["d2m"],
        "wind": np.hypot(w["u10"], w["v10"]),
        "u10": w["u10"],
        "v10": w["v10"],
        "tcc": w["tcc"],
        "hour_sine": np.sin(2 * np.pi * hour / 24),
        "hour_cosine": np.cos(2 * np.pi * hour / 24),
        "sun": sun_height(weather["time"], weather["latitude"], weather["longitude"]),
        "warming": w["t2m"] - _earlier(w["t2m"]),
    }
    made |= _sunshine(weather, w["ssrd"])
    for level in (925, 850):
        if f"t{level}" in w:
            made[f"stability{level}"] = w[f"t{level}"] - w["t2m"]
        if f"u{level}" in w and f"v{level}" in w:
            shear = np.hypot(w[f"u{level}"] - w["u10"], w[f"v{level}"] - w["v10"])
            made[f"shear{level}"] = shear
    return pd.DataFrame({name: _spread(field, weather["t2m"]).ravel() for name, field in made.items()})


def _sunshine(weather: xr.Dataset, flux: xr.DataArray) -> dict[str, xr.DataArray]:
    """Mean short-wave radiation over the six hours before [W m-2], and its share of what came in at the top."""
    times = pd.DatetimeIndex(weather.indexes["time"])
    step = weather["step_hours"] if "step_hours" in weather.coords else xr.ones_like(weather["time"], dtype="float64")
    span = MEMORY / pd.Timedelta(hours=1)
    total = (flux * step).fillna(0.0).cumsum("time")
    gaps = flux.isnull().cumsum("time")
    mean = ((total - _earlier(total)) / span).where(_covered(times, np.asarray(step)) & (gaps == _earlier(gaps)))
    middles = [weather["time"] - np.timedelta64(60 * h + 30, "m") for h in range(int(span))]
    heights = (sun_height(at, weather["latitude"], weather["longitude"]).clip(0) for at in middles)
    top = sum(h.assign_coords(time=weather["time"]) for h in heights) * (SOLAR_CONSTANT / span)
    return {"sunshine": mean, "clearness": (mean / top).where(top > TWILIGHT)}


def _covered(times: pd.DatetimeIndex, step: Floats) -> xr.DataArray:
    """Whether steps that are there make up all of the six hours before each time."""
    total, before = np.cumsum(np.nan_to_num(step)), times.get_indexer(times - MEMORY)
    return xr.DataArray((before >= 0) & np.isclose(total - total[before], MEMORY / pd.Timedelta(hours=1)), dims="time")


def _earlier(field: xr.DataArray) -> xr.DataArray:
    """A field six hours before; NaN where that time is not there."""
    times = field.indexes["time"]
    position = times.get_indexer(times - MEMORY)
    there = xr.DataArray(position >= 0, dims="time", coords={"time": times})
    return field.isel(time=np.maximum(position, 0)).assign_coords(time=times).where(there)


def sun_height(time: xr.DataArray, latitude: xr.DataArray, longitude: xr.DataArray) -> xr.DataArray:
    """The sine of the sun's height, from UTC time, latitude and longitude [degrees]; below zero at night.

    Declination by Cooper 1969, doi:10.1016/0038-092X(69)90047-4 (within 0.5 degree), hour angle from mean solar
    time (within 17 minutes).
    """
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + time.dt.dayofyear) / 365)
    angle = np.radians(15 * (time.dt.hour + time.dt.minute / 60 - 12) + longitude)
    north = np.radians(latitude)
    height: xr.DataArray = np.sin(north) * np.sin(declination) + np.cos(north) * np.cos(declination) * np.cos(angle)
    return height


def _spread(field: xr.DataArray, model: xr.DataArray) -> np.ndarray[Any, Any]:
    """A field's values at every time and place of another."""
    return np.asarray(field.broadcast_like(model.drop_attrs()).transpose(*model.dims).values)


def _require(weather: xr.Dataset, names: Sequence[str]) -> None:
    if lacking := [name for name in (*names, "latitude", "longitude") if name not in weather.variables]:
        raise VariableError(
            f"no {', '.join(lacking)}, from which {TARGET} is emulated; found: {', '.join(map(str, weather))}"
        )


def _require_height(height: Floats) -> None:
    if not np.isfinite(height).any() or np.nanmin(height) <= 0:
        low = float(np.nanmin(height)) if np.isfinite(height).any() else np.nan
        raise ContentError(f"{TARGET} from {low:g} m on, agreed a height above zero: is it ERA5's?")


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, sort_keys=True, ensure_ascii=False)
