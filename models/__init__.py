"""Rows and columns: what separates the weather's part of a series from everything else.

Knows days, drivers and a target; knows nothing of stations, reanalyses or pollutants.
"""
