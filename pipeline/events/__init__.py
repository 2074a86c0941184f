"""Extreme weather by named criteria, and what fixed emissions give on such days against others.

Criteria are data (``criteria.yml``). ``flags`` says of every day of one place whether it is one of each event,
``episodes`` which runs of days they make, ``at_fixed_emissions`` what the concentration is on them; ``events`` and
``episodes_of_places`` are the public tables.
"""

from pipeline.events.concentrations import at_fixed_emissions
from pipeline.events.criteria import Criterion, criteria, event_in, events_of_interest
from pipeline.events.episodes import episodes
from pipeline.events.flags import flags, left_out
from pipeline.events.tables import EPISODES, EVENTS, episodes_of_places, events, of_interest

__all__ = [
    "EPISODES",
    "EVENTS",
    "Criterion",
    "at_fixed_emissions",
    "criteria",
    "episodes",
    "episodes_of_places",
    "event_in",
    "events",
    "events_of_interest",
    "flags",
    "left_out",
    "of_interest",
]
