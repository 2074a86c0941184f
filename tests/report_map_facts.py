"""Facts of invented changes by city, in the columns of ``facts.csv``, for the report's maps."""

import numpy as np
import pandas as pd

from pipeline.regions.cities import cities, city_name

PARTS = {"observed_change": 1.0, "weather": 0.4, "emissions": 0.6, "mci_change_percent": 1.0}
"""Quantities of the facts and their sizes."""


def chinese(count=None):
    """The places of the 339 cities, or of ``count`` of them, with invented coordinates: a lattice over China."""
    codes = list(cities())[:count]
    number = np.arange(len(codes))
    places = {"latitude": 22 + (number * 7 % 20) + number / 1000, "longitude": 85 + number % 37}
    labels = {f"label_{language}": [city_name(code, language) for code in codes] for language in ("en", "zh")}
    return pd.DataFrame({"name": codes, **labels, **places})


def nowhere_in_particular(count=7, *, latitude=-20.0):
    """The places of invented cities of another country."""
    number = np.arange(count)
    names = [f"Town {letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:count]]
    labels = {"label_en": names, "label_zh": [f"{name[-1]}镇" for name in names]}
    return pd.DataFrame(
        {"name": names, **labels, "latitude": latitude + 3 * np.sin(1.7 * number), "longitude": 30 + 0.9 * number}
    )


def facts(places, *, pollutant="pm25", statistic="mean", years=range(2020, 2026), half=1.5, without=()):
    """A number of each quantity, city and year after the first: a wave over the places, without random numbers.

    Intervals reach ``half`` to either side, those of the observed change nowhere; cities ``without`` have no rows.
    """
    first, *later = years
    rows = []
    for quantity, size in PARTS.items():
        for year in later:
            for number, name in enumerate(places["name"]):
                if name in without:
                    continue
                value = 8 * size * np.sin(0.37 * number + 0.9 * (year - first) + len(quantity))
                rows.append((name, quantity, year, value, np.nan if quantity == "observed_change" else half))
    table = pd.DataFrame(rows, columns=["name", "quantity", "period_to", "value", "half"])
    index = table["quantity"] == "mci_change_percent"
    return table.drop(columns="half").assign(
        fact="", level="city", pollutant=pollutant, period_from=first, days=365, marks="", source="",
        statistic=np.where(index, "mean", statistic),
        window=np.where(index, "year", "shared_days"),
        units=np.where(index, "%", "ug m-3"),
        low=table["value"] - table["half"],
        high=table["value"] + table["half"],
    )  # fmt: skip
