"""The people of a station, and what each may do: viewers look, rangers review, chiefs decide how the station works.

Who somebody is, is answered in one place only, the first of these that there is:

1. On a server with accounts (`fieldmark serve --users`) the account is who you are, with its role. The station's own list
   is not asked, and nobody signs in twice.
2. On a server without accounts, a shared tablet say, the station's list: a name and a PIN. The first one entered is a
   chief; from then on nobody decides without signing in.
3. While nobody is entered, whoever opens the dashboard and says a name may do everything: a station on one computer, used
   by one person, needs no more.

At the command line it is whoever may write to the station's folder; the name said with --who is held to 2 and 3.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldmark.account import ROLES, Account, Role
from fieldmark.errors import StationError
from fieldmark.station.auditlog import write_down
from fieldmark.station.tables import Person, SignIn, Station

ACCOUNT = "account"
"""Where a session keeps the account that acts in it."""
SHORTEST_PIN = 6
SIGNED_IN = timedelta(hours=12)
"""A shift: then somebody signs in again."""
MOST_TRIES, LOCKED = 5, timedelta(minutes=1)
"""So many wrong PINs in a row, and the person has to wait: guessing a PIN of six digits takes months."""


def people(session: Session, station_id: int) -> Sequence[Person]:
    """List the people who are entered, by name."""
    return session.scalars(
        select(Person).where(Person.station_id == station_id, Person.gone_at.is_(None)).order_by(Person.name)
    ).all()


def act_as(session: Session, account: Account | None) -> None:
    """Say which account of the server acts in a session; None where the server has none."""
    session.info[ACCOUNT] = account


def role_of(session: Session, station_id: int, who: str) -> Role | None:
    """Give a person's role: an account's own; a chief's while nobody is entered; None for nobody who is known."""
    account: Account | None = session.info.get(ACCOUNT)
    if account is not None:
        return account.role if account.name == who else None
    if not _is_anybody_entered(session, station_id):
        return "chief" if who.strip() else None
    person = _find(session, station_id, who)
    return None if person is None else _as_role(person.role)


def require(session: Session, station_id: int, who: str, role: Role) -> None:
    """Refuse an act that takes a role which the person does not have.

    Raises:
        StationError: `no_name`, or `role` with who may do it.
    """
    if not who.strip():
        raise StationError("Say who you are: this is written down with a name.", code="no_name")
    own = role_of(session, station_id, who)
    if own is None or ROLES.index(own) < ROLES.index(role):
        told = "not entered here" if own is None else f"a {own}"
        raise StationError(f"This takes a {role}; {who} is {told}.", code="role")


def add_person(
    session: Session, station: Station, name: str, role: str, *, pin: str, who: str, now: datetime
) -> Person:
    """Enter a person, or give one another role and PIN.

    Raises:
        StationError: `role` where `who` is no chief; `bad_person` where something is missing, all of it said.
    """
    require(session, station.id, who, "chief")
    name, is_first = name.strip(), not _is_anybody_entered(session, station.id)
    faults = [
        *([] if name else ["a name is missing"]),
        *([] if role in ROLES else [f"{role!r} is none of {', '.join(ROLES)}"]),
        *([] if len(pin) >= SHORTEST_PIN else [f"the PIN needs at least {SHORTEST_PIN} characters"]),
        *(["the first one entered has to be a chief, who enters the others"] if is_first and role != "chief" else []),
    ]  # fmt: skip
    known = session.scalar(select(Person).where(Person.station_id == station.id, Person.name == name))
    if not faults and known is not None and role != "chief":
        faults = _chief_needed(session, station, known)
    if faults:
        raise StationError(
            f"{name or 'This person'} cannot be entered: {'; '.join(faults)}.", code="bad_person"
        )
    person = known or Person(station_id=station.id, name=name, since=now, wrong_tries=0)
    before = {"role": person.role} if known is not None and person.gone_at is None else {}
    person.role, person.pin_hash, person.gone_at, person.locked_until = role, _hash_pin(pin), None, None
    session.add(person)
    session.flush()
    _end_sign_ins(session, person)
    _log(session, person, who, before, {"role": role}, now)
    return person


def remove_person(session: Session, station: Station, name: str, *, who: str, now: datetime) -> None:
    """Let a person go; what they decided keeps their name.

    Raises:
        StationError: `role` where `who` is no chief; `bad_person` for nobody who is known, and for the last chief.
    """
    require(session, station.id, who, "chief")
    person = _find(session, station.id, name)
    if person is None:
        raise StationError(f"Nobody called {name!r} is entered.", code="bad_person")
    if fault := _chief_needed(session, station, person):
        raise StationError(f"{name} cannot go: {fault[0]}.", code="bad_person")
    person.gone_at = now
    _end_sign_ins(session, person)
    _log(session, person, who, {"role": person.role}, {}, now)


def sign_in(session: Session, station: Station, name: str, pin: str, *, now: datetime) -> str | None:
    """Give the token that says who somebody is for as long as a shift lasts; None where name and PIN do not fit.

    A wrong PIN is counted, so whoever calls keeps the change.

    Raises:
        StationError: `locked` after too many wrong ones.
    """
    person = _find(session, station.id, name)
    if person is None:
        _hash_pin(pin)  # as long as for one who is there, so that names cannot be tried out
        return None
    if person.locked_until is not None and person.locked_until > now:
        raise StationError("Too many wrong PINs. Wait a minute.", code="locked")
    if not _fits(pin, person.pin_hash):
        person.wrong_tries += 1
        if person.wrong_tries >= MOST_TRIES:
            person.wrong_tries, person.locked_until = 0, now + LOCKED
        return None
    person.wrong_tries, token = 0, secrets.token_urlsafe(24)
    session.add(SignIn(token_hash=_digest(token), person_id=person.id, until=now + SIGNED_IN))
    return token


def whose(session: Session, token: str, *, now: datetime) -> Person | None:
    """Give the person who signed in with a token; None when that is over."""
    found = session.get(SignIn, _digest(token)) if token else None
    if found is None or found.until < now:
        return None
    person = session.get_one(Person, found.person_id)
    return person if person.gone_at is None else None


def sign_out(session: Session, token: str) -> bool:
    """End a sign-in before its time; False where there is none."""
    if (found := session.get(SignIn, _digest(token))) is not None:
        session.delete(found)
    return found is not None


def _is_anybody_entered(session: Session, station_id: int) -> bool:
    where = (Person.station_id == station_id, Person.gone_at.is_(None))
    return session.scalar(select(Person.id).where(*where).limit(1)) is not None


def _find(session: Session, station_id: int, name: str) -> Person | None:
    where = (Person.station_id == station_id, Person.name == name.strip(), Person.gone_at.is_(None))
    return session.scalar(select(Person).where(*where))


def _as_role(role: str) -> Role:
    return next(known for known in ROLES if known == role)


def _chief_needed(session: Session, station: Station, person: Person) -> list[str]:
    """Without a chief nobody could enter anybody any more."""
    where = (Person.station_id == station.id, Person.role == "chief", Person.gone_at.is_(None))
    others = session.scalar(select(func.count()).where(*where, Person.id != person.id))
    is_last = person.role == "chief" and person.gone_at is None and not others
    return ["a station needs a chief, and there is no other"] if is_last else []


def _end_sign_ins(session: Session, person: Person) -> None:
    for row in session.scalars(select(SignIn).where(SignIn.person_id == person.id)):
        session.delete(row)


def _hash_pin(pin: str) -> str:
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_stretch(pin, salt).hex()}"


def _fits(pin: str, kept: str) -> bool:
    salt, wanted = kept.split(":")
    return hmac.compare_digest(_stretch(pin, bytes.fromhex(salt)).hex(), wanted)


def _stretch(pin: str, salt: bytes) -> bytes:
    """Make trying PINs out on a stolen store slow: some 50 ms each."""
    return hashlib.scrypt(pin.encode(), salt=salt, n=2**14, r=8, p=1, maxmem=64 * 1024 * 1024)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _log(
    session: Session, person: Person, who: str, before: dict[str, str], after: dict[str, str], now: datetime
) -> None:
    subject = f"person {person.name}"[:64]
    write_down(session, at=now, who=who, what="person", subject=subject, before=before, after=after)
