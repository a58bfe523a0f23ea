"""The county's time."""

from datetime import timedelta, timezone

COUNTY_TIME = timezone(timedelta(hours=8))
"""Beijing time, all year: days, nights and case numbers are reckoned in it."""

CLOCK_SLACK = timedelta(minutes=5)
"""How far ahead of ours the clock of a device or of another machine may be and still be meant."""
