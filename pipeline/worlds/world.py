"""A world: weather, emissions and what is observed of the air, together with the physics that made it.

Because the physics is at hand, what others must estimate is known here: the counterfactual table, the index
and the size of an intervention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.worlds.air import Physics
from pipeline.worlds.counterfactuals import FloatArray, Place, Statistic
from pipeline.worlds.emissions import EmissionHistory, Intervention
from pipeline.worlds.pairing import Frequency, Period, periods
from pipeline.worlds.weather import UNITS, VARIABLES

__all__ = ["INSTRUMENT", "Frequency", "Period", "Statistic", "World", "create", "periods"]

INSTRUMENT = {"pm25": 0.05, "o3": 0.03}  # relative noise of a daily value


@dataclass(frozen=True)
class World:
    """What is observed at places, and all that made it.

    ``weather`` has dims (place, day, variable), ``emissions`` (place, day) relative to 1; ``actual`` is a
    Dataset of pollutants (place, day) [ug m-3] without NaN, ``observed`` the same with instrument noise.
    """

    name: str
    seed: int
    days: pd.DatetimeIndex
    weather: xr.DataArray
    emissions: xr.DataArray
    actual: xr.Dataset
    observed: xr.Dataset
    physics: Mapping[str, Physics]
    interventions: tuple[Intervention, ...] = ()
    shared: float = 0.0

    @property
    def places(self) -> list[str]:
        """Names of the places."""
        return [str(place) for place in self.weather["place"].values]

    def weather_frame(self, place: str) -> pd.DataFrame:
        """Daily weather of one place: index day, one column per variable."""
        rows = self.weather.sel(place=place).values
        return pd.DataFrame(rows, index=self.days, columns=list(VARIABLES))

    def series(self, place: str, pollutant: str) -> pd.Series:
        """Observed daily concentrations of one place [ug m-3]."""
        return pd.Series(self.observed[pollutant].sel(place=place).values, index=self.days, name=pollutant)

    def years(self) -> list[Period]:
        """The complete calendar years of the record."""
        return periods(self.days, "year")

    def truth(
        self,
        pollutant: str,
        statistic: Statistic = "mean",
        among: Sequence[Period] | None = None,
        *,
        draws: int = 16,
    ) -> xr.DataArray:
        """The counterfactual table [ug m-3], dims (place, emission_period, weather_period).

        The physics is run again over each emission period under the weather of each other period, day by
        calendar day in their order (29 February meets 28 February), spun up from the days before, and
        averaged over ``draws`` of what is unobserved. NaN where two periods share no season or the days
        asked for lie outside the record. ``among`` defaults to the calendar years.
        """
        chosen = self.years() if among is None else list(among)
        tables = [place.table(statistic, chosen, draws) for place in self._each(pollutant)]
        starts = _labels(chosen)
        return xr.DataArray(
            np.stack(tables),
            dims=("place", "emission_period", "weather_period"),
            coords={"place": self.places, "emission_period": starts, "weather_period": starts},
            name=pollutant,
            attrs={"units": "ug m-3", "statistic": statistic, "draws": draws},
        )

    def true_index(
        self,
        pollutant: str,
        frequency: Frequency = "year",
        *,
        base: Period | None = None,
        statistic: Statistic = "mean",
        draws: int = 16,
    ) -> xr.DataArray:
        """Meteorological condition index 100 C[ref, w] / C[ref, ref_w] of each period, dims (place, period).

        The emissions of the base period (the first year by default, always twelve months) stand on the same
        calendar days of every year; a month or week is compared with its calendar days in the base period.
        """
        reference = self.years()[0] if base is None else base
        chosen = periods(self.days, frequency)
        values = [place.index(statistic, chosen, reference, draws) for place in self._each(pollutant)]
        return xr.DataArray(
            np.stack(values),
            dims=("place", "period"),
            coords={"place": self.places, "period": _labels(chosen)},
            name="mci",
            attrs={"units": "1", "base": "/".join(_labels([reference])), "frequency": frequency},
        )

    def index_means(
        self, pollutant: str, among: Sequence[Period], base: Period, *, statistic: Statistic = "mean", draws: int = 16
    ) -> FloatArray:
        """The two means [ug m-3] whose ratio is the index of each period, (place, period, 2): see ``true_index``."""
        return np.stack([place.index_means(statistic, among, base, draws) for place in self._each(pollutant)])

    def intervention_effect(self, pollutant: str, event: Intervention, *, draws: int = 16) -> xr.DataArray:
        """True size of an intervention [%], dims (place): its days with and without it, same weather."""
        sizes = [place.intervention_effect(event, draws) for place in self._each(pollutant)]
        return xr.DataArray(sizes, dims="place", coords={"place": self.places}, attrs={"units": "%"})

    def _each(self, pollutant: str) -> list[Place]:
        model = self.physics[pollutant]
        return _places(self.weather, self.emissions, model, seed=self.seed, shared=self.shared)


def create(
    name: str,
    weather: Mapping[str, pd.DataFrame],
    emissions: Mapping[str, EmissionHistory],
    physics: Mapping[str, Physics],
    *,
    seed: int,
    shared: float = 0.0,
) -> World:
    """A world from daily weather and emissions per place (same days everywhere), one physics per pollutant.

    What is unobserved and the instruments' noise belong to the seed, the place and the pollutant; ``shared``
    is the part of the persistent factor's variance that the places have in common.
    """
    rows, sources = _weather_array(weather), _emission_array(emissions)
    places = {key: _places(rows, sources, model, seed=seed, shared=shared) for key, model in physics.items()}
    actual = {key: [place.actual() for place in each] for key, each in places.items()}
    observed = {key: [_measured(place, air) for place, air in zip(places[key], actual[key], strict=True)]
                for key in physics}  # fmt: skip
    return World(
        name=name,
        seed=seed,
        days=pd.DatetimeIndex(rows["day"].values, name="day"),
        weather=rows,
        emissions=sources,
        actual=_dataset(actual, sources),
        observed=_dataset(observed, sources),
        physics=dict(physics),
        interventions=next(iter(emissions.values())).interventions,
        shared=shared,
    )


def _places(
    weather: xr.DataArray, emissions: xr.DataArray, physics: Physics, *, seed: int, shared: float
) -> list[Place]:
    days = pd.DatetimeIndex(weather["day"].values, name="day")
    rows = zip(weather["place"].values, weather.values, emissions.values, strict=True)
    return [Place(str(name), seed, days, own, sources, physics, shared) for name, own, sources in rows]


def _weather_array(weather: Mapping[str, pd.DataFrame]) -> xr.DataArray:
    places = list(weather)
    days = pd.DatetimeIndex(weather[places[0]].index, name="day")
    rows = np.stack([weather[place][list(VARIABLES)].to_numpy(dtype=float) for place in places])
    return xr.DataArray(
        rows,
        dims=("place", "day", "variable"),
        coords={"place": places, "day": days, "variable": list(VARIABLES)},
        attrs={"units": ", ".join(f"{name} {unit}" for name, unit in UNITS.items())},
    )


def _emission_array(emissions: Mapping[str, EmissionHistory]) -> xr.DataArray:
    places = list(emissions)
    coords = {"place": places, "day": emissions[places[0]].days}
    values = np.stack([history.values for history in emissions.values()])
    return xr.DataArray(values, dims=("place", "day"), coords=coords, attrs={"units": "1"})


def _measured(place: Place, air: FloatArray) -> FloatArray:
    noise = place.rng("instrument").standard_normal(len(air))
    return np.asarray(air * np.exp(INSTRUMENT[place.physics.pollutant] * noise))


def _dataset(values: Mapping[str, Sequence[FloatArray]], like: xr.DataArray) -> xr.Dataset:
    arrays = {key: (("place", "day"), np.stack(rows), {"units": "ug m-3"}) for key, rows in values.items()}
    return xr.Dataset(arrays, coords={"place": like["place"], "day": like["day"]})


def _labels(chosen: Sequence[Period]) -> list[str]:
    return [f"{first:%Y-%m-%d}" for first, _ in chosen]
