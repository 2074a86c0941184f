"""Which station stands for which city, which city for which region, and how their means are taken.

Cities are keyed by their code of GB/T 2260, regions by the key of a definition that says in which years a name meant
which cities (``definitions.yml``); ``label`` says how either is printed.
"""

from pipeline.regions.belonging import with_cities
from pipeline.regions.cities import City, cities, city_of
from pipeline.regions.definitions import Definition, definitions, label, regions_of
from pipeline.regions.means import STATIONS_FOR_CITY, STATIONS_FOR_SMALL_CITY, city_mean
from pipeline.regions.places import Places, places, read_regions
from pipeline.stations.station_lists import read_stations

__all__ = [
    "STATIONS_FOR_CITY",
    "STATIONS_FOR_SMALL_CITY",
    "City",
    "Definition",
    "Places",
    "cities",
    "city_mean",
    "city_of",
    "definitions",
    "label",
    "places",
    "read_regions",
    "read_stations",
    "regions_of",
    "with_cities",
]
