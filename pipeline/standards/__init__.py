"""China's assessment standards as data (``standards.yml``) and the rules that read it.

``days`` makes assessed days of hours (HJ 663), ``versions`` knows limits and tables by date (GB 3095, HJ 633, WHO),
``rounding`` is GB/T 8170, ``air_quality_index`` HJ 633, ``reference_state`` the break of 2018-09-01.
"""

from pipeline.standards.days import (
    HOURS_FOR_8H_MEAN,
    HOURS_FOR_DAILY_MEAN,
    MDA8_LIMIT,
    WINDOWS_FOR_MDA8,
    by_day,
    daily,
    daily_mean,
    maximum_daily_8h,
)
from pipeline.standards.versions import IN_FORCE, Standard, standard, standard_for, standard_in_force, standards

__all__ = [
    "HOURS_FOR_8H_MEAN",
    "HOURS_FOR_DAILY_MEAN",
    "IN_FORCE",
    "MDA8_LIMIT",
    "WINDOWS_FOR_MDA8",
    "Standard",
    "by_day",
    "daily",
    "daily_mean",
    "maximum_daily_8h",
    "standard",
    "standard_for",
    "standard_in_force",
    "standards",
]
