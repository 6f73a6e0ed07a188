"""The rules of a station: which classes alarm, how a visit is told from the next, when something may leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fieldmark.errors import StationError

BOUNDS: Mapping[str, tuple[float, float]] = {
    "alarm_min": (0.0001, 0.9999),
    "sure_min": (0, 0.9999),
    "gap_s": (1, 86_400),
    "independence_s": (1, 86_400),
    "audit_share": (0.05, 1),
    "lease_s": (1, 86_400),
    "precision_min": (0.5, 0.9999),
    "missed_max": (0, 0.2),
    "cooldown_s": (0, 31 * 86_400),
    "escalate_s": (1, 31 * 86_400),
    "expire_s": (1, 31 * 86_400),
}
"""Least and most of each figure. Without an audit misses are never measured; with no precision a gate holds nothing."""


def _lies_between(value: object, low: float, high: float) -> bool:
    """Whether it is a number, and such a one: NaN is none, and true is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


@dataclass(frozen=True)
class Rules:
    """Kept with the station; a change is written to the audit log."""

    alarm: tuple[str, ...] = ()
    """Classes whose visit somebody must know of."""
    blank: tuple[str, ...] = ("blank", "empty", "none", "nothing")
    """Classes that mean that nothing is there."""
    person: tuple[str, ...] = ("person", "human", "people")
    """Classes whose frames are withheld from display and export, unless a chief asks."""
    alarm_min: float = 0.5
    """Probability of any class of the alarm from which on an event is highlighted, in (0, 1)."""
    sure_min: float = 0.6
    """Probability of its label below which an event without alarm is looked at as unsure, in [0, 1)."""
    gap_s: int = 120
    """Seconds without a frame after which the next one begins a new event."""
    independence_s: int = 30 * 60
    """Seconds after which the same class at the same camera counts as another visit."""
    audit_share: float = 0.05
    """Share of the events in which nothing was found that people see all the same, blind; at least 0.05."""
    lease_s: int = 120
    """Seconds for which one person holds an event that is being reviewed."""
    precision_min: float = 0.80
    """What the lower bound of reviewed precision must reach before alerts may be automatic."""
    missed_max: float = 0.01
    """What the upper bound of the miss rate must stay below for the same."""
    cooldown_s: int = 600
    """Seconds after an automatic alert in which the same camera raises no other."""
    escalate_s: int = 900
    """Seconds without acknowledgement after which an alert goes to everybody."""
    expire_s: int = 24 * 3600
    """Seconds after which an alert that could not be sent is of no use any more."""
    channels: tuple[Mapping[str, Any], ...] = field(default=())
    """Where alerts go, as `channels.channel_of` reads them."""
    silence_notices: bool = True
    """Whether a channel that takes notices is told of a camera that falls silent, and when it is heard again."""
    crops: bool = False
    """Whether the part of a frame that differs from its camera's own background is looked at as well, closer."""
    keep_days: Mapping[str, int] = field(default_factory=dict)
    """For how many days after they came pictures are kept, by label; "person" for whatever shows one, "*" for the rest.
    Empty: for good."""
    test_cameras: tuple[str, ...] = ()
    """Cameras whose reviewed visits test models and never train them; chosen once, see `todataset`."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, all faults at once."""
        faults = [
            *(
                f"{name} must lie between {low} and {high}"
                for name, (low, high) in BOUNDS.items()
                if not _lies_between(getattr(self, name), low, high)
            ),
            *(
                ["keep_days must be whole days, one or more"]
                if any(type(days) is not int or days < 1 for days in self.keep_days.values())
                else []
            ),
            *(["silence_notices is true or false"] if type(self.silence_notices) is not bool else []),
            *(
                [f"{', '.join(both)} cannot alarm and be blank"]
                if (both := set(self.alarm) & set(self.blank))
                else []
            ),
        ]
        if faults:
            raise StationError(f"These rules cannot be used: {'; '.join(faults)}.", code="bad_rules")

    def as_dict(self) -> dict[str, Any]:
        """As it is kept."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Rules:
        """Read what was kept; what this version does not know is left out."""
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in kept.items()
            if name in cls.__dataclass_fields__
        }
        return cls(**known)
