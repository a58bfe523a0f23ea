"""The county's time."""

from datetime import timedelta, timezone

COUNTY_TIME = timezone(timedelta(hours=8))
"""Beijing time, all year: days, nights and case numbers are reckoned in it."""
