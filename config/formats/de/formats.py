"""Dates in German."""

DATE_FORMAT = "j. F Y"
DATETIME_FORMAT = "j. F Y, H:i"
SHORT_DATE_FORMAT = "j. M Y"
SHORT_DATETIME_FORMAT = "j. M Y, H:i"
SECOND_FORMAT = "j. M Y, H:i:s"
MONTH_DAY_FORMAT = "j. F"
MONTH_DAY_TIME_FORMAT = "j. F, H:i"
