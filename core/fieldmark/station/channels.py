"""Where alerts go: a webhook, signed; or mail. Each send carries the alert's key, so that a receiver drops repeats.

A channel takes alerts, unless it says otherwise: one for notices is told of cameras that fall silent, in every stage.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Literal, Protocol, get_args

import httpx

from fieldmark.errors import StationError

TIMEOUT_S = 10.0
Payload = Mapping[str, Any]
Takes = Literal["alerts", "notices", "both"]
"""alerts: of sightings, as the stage allows · notices: of cameras that are silent · both."""


class ChannelError(Exception):
    """A send that did not succeed; it is tried again."""


class Channel(Protocol):
    """Something that takes an alert, or raises ChannelError."""

    name: str
    is_escalation: bool
    """Whether it is used only for alerts that nobody has acknowledged."""
    takes: Takes

    def send(self, payload: Payload, key: str) -> str:
        """Deliver, and give what the receiver answered."""


@dataclass(frozen=True)
class Webhook:
    """Posts JSON to an address.

    `Fieldmark-Signature: t=SECONDS,v1=HEX` is the HMAC-SHA256 of "SECONDS.BODY" under the shared secret: a receiver
    checks it, refuses what is older than five minutes, and drops an `Idempotency-Key` that it has seen.
    """

    name: str
    url: str
    secret: str
    is_escalation: bool = False
    takes: Takes = "alerts"

    def send(self, payload: Payload, key: str) -> str:
        """Post once; a redirect is not followed, because it would carry the alert elsewhere."""
        body = json.dumps(payload, sort_keys=True).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "Fieldmark-Signature": signature(self.secret, body, int(time.time())),
        }
        try:
            answer = httpx.post(
                self.url, content=body, headers=headers, timeout=TIMEOUT_S, follow_redirects=False
            )
        except httpx.TimeoutException as exc:
            raise ChannelError(f"no answer within {TIMEOUT_S:.0f} s") from exc
        except httpx.HTTPError as exc:
            raise ChannelError(f"it cannot be reached ({exc})") from exc
        if not answer.is_success:
            raise ChannelError(f"HTTP {answer.status_code}")
        return f"HTTP {answer.status_code}"


@dataclass(frozen=True)
class Mail:
    """Sends mail by SMTP, encrypted unless it says otherwise."""

    name: str
    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = ""
    use_tls: bool = True
    is_escalation: bool = False
    takes: Takes = "alerts"

    def send(self, payload: Payload, key: str) -> str:
        """Hand one message to the server."""
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Subject"] = _subject(payload)
        message["Message-ID"] = f"<{key}@fieldmark>"
        message.set_content("\n".join(f"{name}: {value}" for name, value in payload.items()))
        try:
            with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S) as server:
                if self.use_tls:
                    server.starttls()
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as exc:
            raise ChannelError(f"the mail server does not take it ({exc})") from exc
        return "accepted"


def _subject(payload: Payload) -> str:
    """One line, whatever a camera is called: a line break would begin another header."""
    what = payload.get("label") or payload["kind"]
    return " ".join(f"{what} at {payload['camera']}".split())


def signature(secret: str, body: bytes, seconds: int) -> str:
    """Sign a body as of a moment (seconds since 1970)."""
    signed = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={signed}"


def channel_of(settings: Mapping[str, Any]) -> Channel:
    """Make a channel of what the rules say: {"kind": "webhook", "name": …, "url": …, "secret": …}, or "mail".

    Raises:
        StationError: another kind, or a part that is missing or unknown.
    """
    kinds = {"webhook": Webhook, "mail": Mail}
    kind, parts = settings.get("kind"), {k: v for k, v in settings.items() if k != "kind"}
    if kind not in kinds:
        raise StationError(f"{kind!r} is no kind of channel; it is webhook or mail.", code="bad_channel")
    if parts.get("takes", "alerts") not in get_args(Takes):
        raise StationError(
            f"A channel takes {', '.join(get_args(Takes))}, and not {parts['takes']!r}.", code="bad_channel"
        )
    if "to" in parts:
        parts["to"] = tuple(parts["to"])
    try:
        channel: Channel = kinds[kind](**parts)
    except TypeError as exc:
        raise StationError(f"The {kind} channel cannot be used: {exc}.", code="bad_channel") from exc
    return channel


def channels_of(settings: Iterable[Mapping[str, Any]]) -> list[Channel]:
    """Make all channels of the rules; raises StationError as `channel_of`, and where two have one name.

    By its name it is known which of them has an alert already.
    """
    channels = [channel_of(each) for each in settings]
    names = [channel.name for channel in channels]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise StationError(f"Two channels are called {', '.join(twice)}.", code="bad_channel")
    return channels
