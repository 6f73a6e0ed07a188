"""The few statistics behind every number that is shown to a user: intervals here; rates, drift, and counts of the unseen.

The latter three are imported by their own names (`fieldmark.stats.rates` …): they need more, and take longer to load.
"""

from __future__ import annotations

from fieldmark.stats.intervals import Z_95, Interval, clopper_pearson, highest_rate, is_lower, wilson

__all__ = ["Z_95", "Interval", "clopper_pearson", "highest_rate", "is_lower", "wilson"]
