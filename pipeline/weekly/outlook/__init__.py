"""The outlook: the index of the days ahead from forecast weather, what was issued, and how it did.

``forecast`` brings forecast hours to the daily quantities of the models, ``archive`` keeps what was issued,
``correction`` takes the forecast's bias out, ``ahead`` is the index by day, ``verification`` scores what was issued.
"""
