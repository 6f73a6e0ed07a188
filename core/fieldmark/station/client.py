"""The desk from another process: a dashboard's kernel posts what people say to the worker, the store's one writer."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from fieldmark.account import Account
from fieldmark.errors import StationError
from fieldmark.station.desk import Outcome
from fieldmark.station.door import ENDPOINT
from fieldmark.station.ingest import Arrival
from fieldmark.station.reviews import Said

TIMEOUT_S = 10.0
CARD_TIMEOUT_S = 300.0
"""For a file of a card, which may be a long video."""


COMMAND_TIMEOUT_S = 3600.0
"""For what the command line asks: a detector's list of a million photos takes a while, a first look at a season, too."""


class DeskClient:
    """As `desk.Desk`, for whoever is not the worker."""

    def __init__(self, folder: Path, *, account: Account | None = None) -> None:
        """Speak to the worker of the station in a folder, whenever one runs there.

        Args:
            account: who is logged in at the server, where it has accounts: then that is who decides.
        """
        self.folder, self.account = folder, account
        self.token = ""
        """What says who somebody is, once they signed in."""
        self._http: httpx.Client | None = None

    def close(self) -> None:
        """Let go of the connection; the next act makes another."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def hold(self, event_id: int, who: str) -> bool:
        """Lease an event; False where somebody else holds it."""
        return bool(self._post("hold", event_id=event_id, who=who)["held"])

    def review(self, said: Said) -> Outcome:
        """Post a review; raises StationError as `Desk.review`, and `no_worker`."""
        return _outcome(self._post("review", **vars(said)))

    def undo(self, event_id: int, who: str) -> Outcome:
        """Take the last review back; raises as `Desk.undo`, and `no_worker`."""
        return _outcome(self._post("undo", event_id=event_id, who=who))

    def see_person(self, event_id: int, who: str, why: str, *, role: str) -> datetime:
        """Ask to see a visit with a person; raises StationError as `Desk.see_person`, and `no_worker`."""
        answer = self._post("person", event_id=event_id, who=who, why=why, role=role)
        return datetime.fromisoformat(answer["until"])

    def take_card_file(self, path: Path, camera: str, name: str) -> Arrival:
        """Have the worker take a file of a card in; raises StationError as `card.take_file`, and `no_worker`."""
        said = {"path": str(path.absolute()), "camera": camera, "name": name}
        return Arrival(**self._post("card", timeout_s=CARD_TIMEOUT_S, **said))

    def sign_in(self, name: str, pin: str) -> str:
        """Sign in for a shift; gives the token, which is sent along from now on; StationError `wrong_pin`, `locked`."""
        self.token = str(self._post("sign_in", name=name, pin=pin)["token"])
        return self.token

    def sign_out(self) -> None:
        """End the shift."""
        self.token, token = "", self.token
        self._post("sign_out", token=token)

    def ask(self, act: str, who: str, **said: Any) -> dict[str, Any]:
        """Ask the office for something; raises StationError as `Office` does, and `no_worker`."""
        return self._post(act, who=who, **said)

    def command(self, act: str, **said: Any) -> dict[str, Any]:
        """Have the worker do what the command line asks; raises StationError as `commands.perform`, and `no_worker`."""
        return self._post(act, at="command", timeout_s=COMMAND_TIMEOUT_S, **said)

    def _post(
        self, act: str, *, at: str = "desk", timeout_s: float = TIMEOUT_S, **said: Any
    ) -> dict[str, Any]:
        try:
            endpoint = json.loads((self.folder / ENDPOINT).read_text("utf-8"))
            answer = self._client().post(
                f"{endpoint['url']}/{at}/{act}",
                json={"token": self.token, **self._asking(), **said},
                headers={"Authorization": f"Bearer {endpoint['secret']}"},
                timeout=timeout_s,
            )
        except (OSError, httpx.HTTPError) as exc:
            raise StationError(
                f"Nothing can be decided now, because no worker runs. Start it: fieldmark station run {self.folder}",
                code="no_worker",
            ) from exc
        content: dict[str, Any] = answer.json()
        if not answer.is_success:
            raise StationError(content["error"]["reason"], code=content["error"]["code"])
        return content

    def _asking(self) -> dict[str, Any]:
        return {} if self.account is None else {"account": asdict(self.account)}

    def _client(self) -> httpx.Client:
        """Made once: each would read the certificates anew, which takes longer than a review. No proxy is asked."""
        if self._http is None:
            self._http = httpx.Client(trust_env=False)
        return self._http


def _outcome(content: dict[str, Any]) -> Outcome:
    return Outcome(content["event_id"], content["state"], content["alert_key"], tuple(content["fell_back"]))
