"""Meteorology-normalized air-quality attribution: how much was the weather, how much was the emissions."""

__version__ = "0.1.0"
