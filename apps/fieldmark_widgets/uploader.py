"""The uploader: photos from a visitor's computer into the kernel, by choosing, dropping or pasting.

In a notebook:

    uploader = Uploader()
    display(uploader)
    uploader.files          # the uploads that arrived, in order

The browser announces its files; the kernel lets them in one after the other, as its memory allows. A file comes
in pieces of at most 1 MiB, each acknowledged: no limit of a websocket is in the way, a bar can move, and sending
can be cancelled. Sizes are checked in the browser for the visitor's sake, and here because a browser can say
anything.
"""

from __future__ import annotations

from typing import Any

import traitlets

from fieldmark.errors import FieldmarkError
from fieldmark.images import PHOTO_SUFFIXES
from fieldmark_widgets.assets import module
from fieldmark_widgets.component import Component
from fieldmark_widgets.guard import guard
from fieldmark_widgets.strings.classify import UPLOADER
from fieldmark_widgets.transfer import MIB, Transfer, Upload, bad_message

Message = dict[str, Any]


class Uploader(Component):
    """Takes photos from a visitor; `files` is the result.

    Messages from the browser, each with the id it gave the file: `begin` (name, size), `chunk` (offset, and one
    buffer), `cancel`; without an id: `clear`, and `hello` from a page that was just opened. Answers, with the id:
    `ready`, `ack` (received), `done`, `refused` (reason); and `cleared` when all are forgotten.
    """

    _esm = module("uploader")

    files = traitlets.Tuple()
    """The uploads that arrived, oldest first. Observe it; `remove` or `clear` gives their memory back."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: nothing yet · busy: receiving · ready: files are here · failed: the last one was refused."""
    max_upload_mib = traitlets.Float(30.0, min=0.0).tag(sync=True)
    """Size of one file, in MiB, up to which it is taken."""
    max_files = traitlets.Int(60, min=1).tag(sync=True)
    """Files that may be added in one go."""
    max_held_mib = traitlets.Float(128.0, min=0.0)
    """Memory for files that nobody took yet, in MiB; the next ones wait in the browser until there is room."""
    accept = traitlets.Unicode(",".join(["image/*", *sorted(PHOTO_SUFFIXES)])).tag(sync=True)
    """What the file dialog offers. In the end content decides, whatever the name."""
    camera = traitlets.Bool(True).tag(sync=True)
    """Whether photos may be taken with the camera of the visitor's device."""
    waiting = traitlets.Int(0)
    """Files that were announced and are not here yet."""
    _strings = traitlets.Dict(dict(UPLOADER)).tag(sync=True)
    _names = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        """Start empty; every limit is a trait."""
        super().__init__(**traits)
        self._announced: list[Message] = []
        self._transfer: Transfer | None = None
        self.on_msg(self._receive)

    def add(self, name: str, content: bytes) -> None:
        """Add a file from Python, as if a visitor had sent it.

        Raises:
            FieldmarkError: it is larger than `max_upload_mib`.
        """
        transfer = Transfer("", name, len(content), max_size=self._max_size)
        transfer.add(0, content)
        self._keep(transfer.finish())

    def remove(self, upload: Upload) -> None:
        """Give a file's memory back, which lets the next one in."""
        self.files = tuple(file for file in self.files if file is not upload)
        self._go_on()

    def clear(self) -> None:
        """Forget all files, also those on their way."""
        self._announced.clear()
        self._transfer = None
        self.files = ()
        self.problem = ""
        self.state = "empty"
        self.send({"kind": "cleared"})
        self._go_on()

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, buffers: list[memoryview]) -> None:
        try:
            self._dispatch(message["kind"], message, buffers)
        except FieldmarkError as error:
            self._refuse(message.get("id"), str(error))
        except (KeyError, TypeError, ValueError, IndexError):  # no browser of ours wrote it
            self._refuse(message.get("id"), str(bad_message()))
        self._go_on()

    def _dispatch(self, kind: str, message: Message, buffers: list[memoryview]) -> None:
        if kind == "begin":
            self._announce(str(message["id"]), str(message["name"]), int(message["size"]))
        elif kind == "chunk":
            self._take_chunk(str(message["id"]), int(message["offset"]), buffers[0])
        elif kind == "cancel":
            self._forget(str(message["id"]))
        elif kind == "clear":
            self.clear()
        elif kind == "hello":  # what another page was sending will not come any more
            self._announced.clear()
            self._transfer = None

    def _announce(self, key: str, name: str, size: int) -> None:
        if len(self._announced) >= 2 * self.max_files:
            raise bad_message()
        Transfer(key, name, size, max_size=self._max_size)  # refuses at once what can never be let in
        self._announced.append({"key": key, "name": name, "size": size})

    def _take_chunk(self, key: str, offset: int, chunk: memoryview) -> None:
        if self._transfer is None or self._transfer.key != key:
            return  # what was still on its way when the visitor cancelled
        self._transfer.add(offset, chunk)
        self.send({"kind": "ack", "id": key, "received": self._transfer.received})

    def _forget(self, key: str) -> None:
        self._announced = [file for file in self._announced if file["key"] != key]
        if self._transfer is not None and self._transfer.key == key:
            self._transfer = None

    def _refuse(self, key: object, reason: str) -> None:
        self._forget(str(key))
        self.send({"kind": "refused", "id": key, "reason": reason})
        self.state = "failed"

    # --- Letting files in ---

    @property
    def _max_size(self) -> int:
        return int(self.max_upload_mib * MIB)

    def _go_on(self) -> None:
        """Finish what is complete, begin with what is next, and say how things stand."""
        while True:
            if self._transfer is not None and self._transfer.complete:
                self._finish(self._transfer)
            elif self._transfer is None and self._announced and self._has_room(self._announced[0]["size"]):
                self._transfer = Transfer(**self._announced.pop(0), max_size=self._max_size)
                self.send({"kind": "ready", "id": self._transfer.key})
            else:
                break
        self._show_state()

    def _has_room(self, size: int) -> bool:
        held = sum(len(file.content) for file in self.files)
        return held == 0 or held + size <= self.max_held_mib * MIB

    def _finish(self, transfer: Transfer) -> None:
        self._transfer = None
        self.send({"kind": "done", "id": transfer.key})
        self._keep(transfer.finish())

    def _keep(self, upload: Upload) -> None:
        self.files = (*self.files, upload)
        self._show_state()

    def _show_state(self) -> None:
        self._names = [file.name for file in self.files]
        self.waiting = len(self._announced) + (self._transfer is not None)
        if self._transfer is not None or self._announced:
            self.state = "busy"
        elif self.files:
            self.state = "ready"
        elif self.state != "failed":
            self.state = "empty"
