"""The field's methods and ours under one protocol: a ``Task`` in, a ``Result`` out.

A method knows days, drivers and a target; nothing of pollutants or places.
"""

from models.methods.additive import Additive
from models.methods.fixed_emission import FixedEmission
from models.methods.kolmogorov_zurbenko import KolmogorovZurbenko
from models.methods.learners import Booster, Forest
from models.methods.multiple_regression import MultipleRegression
from models.methods.ours import Ours, Without, WithTrees
from models.methods.readings import Separated, Swapped, TwoSeries, undeclared
from models.methods.resampling import ResampledAll, ResampledWeather
from models.methods.stacked import Stacked
from models.methods.swapping import CalendarSwap
from models.methods.task import Method, Result, Shares, Task

__all__ = [
    "Additive",
    "Booster",
    "CalendarSwap",
    "FixedEmission",
    "Forest",
    "KolmogorovZurbenko",
    "Method",
    "MultipleRegression",
    "Ours",
    "ResampledAll",
    "ResampledWeather",
    "Result",
    "Separated",
    "Shares",
    "Stacked",
    "Swapped",
    "Task",
    "TwoSeries",
    "WithTrees",
    "Without",
    "undeclared",
]
