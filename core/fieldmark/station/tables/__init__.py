"""The tables of a station's store. Portable types only, so that the same code runs on SQLite and PostgreSQL.

Times are UTC and know it; a frame keeps the camera's own naive time, the zone it was read in, and the time at which the
server received it, because clocks of cameras are wrong in every way there is. Reviews and the audit log are only ever
added to.
"""

from fieldmark.station.tables.base import NAMING, Base, Utc
from fieldmark.station.tables.beats import Beat
from fieldmark.station.tables.people import Audit, Person, Plan, SignIn
from fieldmark.station.tables.pictures import Clip, Frame, Model, Prediction, Rejected
from fieldmark.station.tables.places import Camera, Deployment, Station
from fieldmark.station.tables.visits import Event, LogEntry, Review
from fieldmark.station.tables.words import Alert, Delivery, Notice, Silence

__all__ = [
    "NAMING",
    "Alert",
    "Audit",
    "Base",
    "Beat",
    "Camera",
    "Clip",
    "Delivery",
    "Deployment",
    "Event",
    "Frame",
    "LogEntry",
    "Model",
    "Notice",
    "Person",
    "Plan",
    "Prediction",
    "Rejected",
    "Review",
    "SignIn",
    "Silence",
    "Station",
    "Utc",
]
