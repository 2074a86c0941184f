"""The methods that are compared, by the names the command line knows them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from models.basis import Drivers
from models.methods import (
    Additive,
    Booster,
    CalendarSwap,
    FixedEmission,
    Forest,
    KolmogorovZurbenko,
    Method,
    MultipleRegression,
    Ours,
    ResampledAll,
    ResampledWeather,
    Result,
    Stacked,
    Task,
    Without,
    WithTrees,
)
from pipeline.errors import ConfigError

TREES = 100
"""Trees of a forest here; three times as many, the habit of the field, move the error in a world by about 0.01."""
OURS, FOREST = "ours", "forest"


@dataclass(frozen=True)
class WithLags:
    """A method of the field that is shown yesterday's drivers and the means of days too, as if they were of the day."""

    method: Method

    def __call__(self, task: Task) -> Result:
        """See ``Method``."""
        return self.method(replace(task, roles=Drivers(tuple(task.roles.columns), {}, ())))


@dataclass(frozen=True)
class Contestant:
    """A method, what it is called in a table, and whether it can be told the dates of an intervention."""

    label: str
    method: Method
    told_dates: bool = True


def contestants(trees: int = TREES) -> Mapping[str, Contestant]:
    """Every method by its name, in the order of the table."""
    forest = Forest(trees)
    return {
        OURS: Contestant("tianbang's separation", Ours()),
        "ours-without-smooth": Contestant("  without its smooth response", Without(smooth=False)),
        "ours-without-memory": Contestant("  without memory of days", Without(memory=False)),
        "ours-white-noise": Contestant("  without noise that persists", Without(persistent=False)),
        "ours-with-trees": Contestant("  with boosted trees on its residual", WithTrees()),
        FOREST: Contestant("random forest, all but the trend resampled", ResampledAll(forest)),
        "forest-weather": Contestant("random forest, weather resampled (±14 days)", ResampledWeather(forest)),
        "boosting": Contestant("gradient boosting, weather resampled", ResampledWeather(Booster(), None)),
        "forest-swap": Contestant("random forest, years' weather swapped", CalendarSwap(forest)),
        "boosting-swap": Contestant("gradient boosting, years' weather swapped", CalendarSwap(Booster())),
        "fixed-emission": Contestant("fixed emission (forest of two years)", FixedEmission(forest), told_dates=False),
        "regression": Contestant("stepwise regression, ten-day means", MultipleRegression(), told_dates=False),
        "kz": Contestant("Kolmogorov-Zurbenko filter", KolmogorovZurbenko(), told_dates=False),
        "gam": Contestant("additive model (splines)", Additive()),
        "forest-lags": Contestant(
            "random forest, weather resampled, and days before", WithLags(ResampledWeather(forest))
        ),
        "boosting-lags": Contestant(
            "gradient boosting, weather resampled, and days before", WithLags(ResampledWeather(Booster(), None))
        ),
        "gam-lags": Contestant("additive model (splines), and days before", WithLags(Additive())),
        "stacked": Contestant("ours, additive and boosting, stacked by skill", Stacked()),
    }


def chosen(names: Sequence[str], trees: int = TREES) -> Mapping[str, Contestant]:
    """The contestants of these names, all without any. Raises ConfigError for a name that is none."""
    known = contestants(trees)
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"--methods: found {unknown}; allowed: {', '.join(known)}")
    return {name: known[name] for name in names or known}
