"""The page's own connection to its kernel, in the place of JupyterLab's."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from browser.conftest import Visitor
from browser.visit import visit
from server.running import run_server
from server.wire import pack, unpack

CHANNEL = re.compile(r"/api/kernels/[\w-]+/channels")


@pytest.mark.parametrize("path", ["/classify", "/studio", "/monitor"])
def test_a_page_opens_with_a_handful_of_requests(path: str, visitor: Visitor) -> None:
    with visitor() as guest:
        guest.open(path)
        guest.page.locator("body:not(.fm-is-opening)").wait_for(timeout=60_000)
        fetched = [url for url in guest.requested if not url.startswith(("blob:", "data:"))]
        assert len(fetched) < 12, fetched
        assert not any("/voila/" in url for url in fetched)


def test_a_connection_that_breaks_is_taken_up_again_and_nothing_sent_meanwhile_is_lost(
    visitor: Visitor, cat: bytes
) -> None:
    sockets: list[tuple[WebSocketRoute, WebSocketRoute]] = []
    with visitor() as guest:
        guest.page.route_web_socket(
            CHANNEL, lambda socket: sockets.append((socket, socket.connect_to_server()))
        )
        guest.open()
        for end in sockets[0]:
            end.close()
        guest.drop(("cat.jpg", cat))
        guest.wait()
        assert len(sockets) == 2


def test_what_a_kernel_tells_before_its_states_are_there_is_not_lost(visitor: Visitor) -> None:
    """A thread changes something while the page still fetches what there is."""

    def listen(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def hand_on(message: str | bytes) -> None:
            data = unpack(message).content.get("data", {})
            if data.get("method") == "update_states":
                (comm,) = (key for key, each in data["states"].items() if "_knowledge" in each["state"])
                change = {"method": "update", "state": {"problem": "Said early."}, "buffer_paths": []}
                page.send(pack("comm_msg", {"comm_id": comm, "data": change}, channel="iopub"))
            page.send(message)

        server.on_message(hand_on)

    with visitor() as guest:
        guest.page.route_web_socket(CHANNEL, listen)
        guest.open()
        expect(guest.page.locator(".fm-classifier > .fm-failure")).to_have_text("Said early.")


CELLS = {
    "another widget": "from ipywidgets import Label\nLabel('of another kind')",
    "no widget": "from IPython.display import HTML\nHTML('<p>of another kind</p>')",
}


@pytest.mark.parametrize("cell", list(CELLS.values()), ids=list(CELLS))
def test_what_is_not_ours_is_shown_by_voilas_own_script(
    cell: str, chromium: Browser, cat_model: Path, tmp_path: Path
) -> None:
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        cells=[nbformat.v4.new_code_cell(cell)],
    )
    nbformat.write(notebook, tmp_path / "classify.ipynb")
    with run_server(cat_model, root_dir=str(tmp_path)) as server, visit(chromium, server.url) as guest:
        guest.page.goto(f"{server.url}/classify")
        expect(guest.page.get_by_text("of another kind")).to_be_visible(timeout=60_000)
