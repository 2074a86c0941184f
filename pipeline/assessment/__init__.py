"""What the official numbers are: annual statistics, days by grade, cities attaining (HJ 663, HJ 633, GB 3095).

``windows`` names the periods, ``cities`` makes city days and panels, ``dust`` declares what is deducted,
``statistics`` computes over windows, ``tables`` writes the frames below; ``particulate_step`` asks the archive in which
state its particles are. The columns are a public contract, see METHODS.md.
"""

ASSESSMENT = (
    "level", "name", "panel", "dust", "window", "period", "start", "end", "pollutant", "statistic", "value", "printed",
    "days", "members", "valid", "limit", "standard", "attains", "units",
)  # fmt: skip
"""A row for each place, panel, dust rule, window, pollutant and statistic."""

AQI_DAYS = (
    "level", "name", "panel", "dust", "window", "period", "start", "end", "standard", "indicators", "excellent", "good",
    "light", "moderate", "heavy", "severe", "days", "members", "valid", "good_days_percent", "heavy_days_percent",
    "heavy_days_pm25_percent", "primary_pm25", "primary_pm10", "primary_o3", "primary_no2", "primary_so2", "primary_co",
)  # fmt: skip
"""A row for each place, panel, dust rule and window: days by grade of the AQI."""

ATTAINMENT = (
    "region", "panel", "dust", "window", "period", "pollutant", "statistic", "limit", "standard", "cities", "attaining",
    "since", "change",
)  # fmt: skip
"""A row for each region, panel, dust rule, window and limit: cities that attain it, how many more than in ``since``."""

PARTICULATE_STEP = (
    "pollutant", "kind", "date", "stations", "groups", "predicted_lowest", "predicted_highest", "slope", "slope_low",
    "slope_high", "verdict",
)  # fmt: skip
"""A row for each pollutant and date: the step of 2018-09-01, and placebos where nothing changed."""

OZONE_WAYS = ("name", "window", "period", "start", "end", "statistic", "of_sites", "of_city_hours", "gap", "units")
"""A row for each city and window: O3 by the mean of its sites' MDA8 and by MDA8 of its mean hours."""

GUIDELINES = (
    "level", "name", "panel", "period", "start", "end", "pollutant", "statistic", "value", "days", "members", "valid",
    "guideline", "reached", "units",
)  # fmt: skip
"""A row for each place, panel, year and statistic that WHO has levels for."""
