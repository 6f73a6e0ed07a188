"""The components in an ipykernel 6, which hands on what threads say in another way than 7 does."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from PIL import Image
from skimage.data import chelsea

CELL = """
from pathlib import Path
import ipykernel
from fieldmark_widgets import Classifier
from IPython.display import display
print(ipykernel.__version__)
display(Classifier.load(Path(MODEL)))
"""


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last ipykernel before 7, in a folder of its own."""
    folder = tmp_path_factory.mktemp("older")
    options = ("--quiet", "--no-deps", "--disable-pip-version-check", "--target", folder)
    command = [sys.executable, "-m", "pip", "install", *options, "ipykernel<7", "nest_asyncio"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@contextmanager
def kernel(older: Path, **environment: str) -> Iterator[BlockingKernelClient]:
    path = os.pathsep.join([str(older), *filter(None, sys.path)])
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=os.environ | {"PYTHONPATH": path} | environment)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def listen(client: BlockingKernelClient, wanted: Callable[[str, Any], bool]) -> Any:
    """The content of the first message that is wanted."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            heard = client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        if wanted(heard["msg_type"], heard["content"]):
            return heard["content"]
    raise TimeoutError


def tell(
    client: BlockingKernelClient, widget: str, content: dict[str, Any], buffers: Sequence[bytes] = ()
) -> None:
    """Send a widget what its page would."""
    data = {"comm_id": widget, "data": {"method": "custom", "content": content}}
    client.session.send(client.shell_channel.socket, client.session.msg("comm_msg", data), buffers=buffers)


def widget_with(client: BlockingKernelClient, trait: str) -> str:
    """The next widget that has such a trait."""
    opened = listen(client, lambda kind, content: kind == "comm_open" and trait in state_of(content))
    return str(opened["comm_id"])


def state_of(content: Any) -> dict[str, Any]:
    found: dict[str, Any] = content.get("data", {}).get("state") or {}
    return found


def test_an_answer_from_a_thread_reaches_the_page(older: Path, cat_model: Path) -> None:
    with kernel(older) as client:
        client.execute(CELL.replace("MODEL", repr(str(cat_model))))
        printed = listen(client, lambda kind, _: kind in ("stream", "error"))
        assert printed["text"].startswith("6."), printed
        opened = listen(
            client, lambda kind, content: kind == "comm_open" and "_knowledge" in state_of(content)
        )
        uploader = state_of(opened)["uploader"].removeprefix("anywidget:").removeprefix("IPY_MODEL_")
        photo = make_photo()
        for content, buffers in (
            ({"kind": "begin", "id": "1", "name": "cat.jpg", "size": len(photo)}, []),
            ({"kind": "chunk", "id": "1", "offset": 0}, [photo]),
        ):
            tell(client, uploader, content, buffers)
        shown = listen(client, lambda _, content: bool(state_of(content).get("_shown")))
        assert state_of(shown)["_shown"]["answer"]["title"] == "Cat"


def test_the_studio_imports_and_trains(older: Path, tmp_path: Path) -> None:
    notebook = json.loads((Path(__file__).parents[2] / "apps" / "studio.ipynb").read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    with kernel(older, FIELDMARK_HOME=str(tmp_path)) as client:
        client.execute("\n".join(["import ipykernel; print(ipykernel.__version__)", *cells]))
        printed = listen(client, lambda kind, _: kind in ("stream", "error"))
        assert printed["text"].startswith("6."), printed
        importer, studio = (widget_with(client, trait) for trait in ("_n_unlabelled", "_steps"))

        def hear(widget: str, trait: str) -> Any:
            return state_of(
                listen(client, lambda _, said: said.get("comm_id") == widget and state_of(said).get(trait))
            )[trait]

        tell(client, importer, {"kind": "sample"})
        assert "168 photos" in json.dumps(hear(importer, "_result"))
        tell(client, studio, {"kind": "go", "step": "train"})
        trainer = widget_with(client, "_rounds")
        tell(client, trainer, {"kind": "train"})
        assert hear(trainer, "_result")["headline"] == "1 of 48 photos wrong"


def make_photo() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG")
    return buffer.getvalue()
