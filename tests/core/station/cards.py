"""Videos and a way to take a card in, for the tests of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PIL import Image
from skimage.data import chelsea, gravel

from fieldmark.station.card import take_file
from fieldmark.station.ingest import Arrival
from fieldmark.station.stations import camera_named, the_station
from fieldmark.station.worker import Worker


def video(path: Path, *, seconds: int = 4, moving: bool = True) -> Path:
    """A cat that walks over gravel, at 8 frames a second."""
    cat = Image.fromarray(chelsea())
    ground = Image.fromarray(gravel()).convert("RGB") if moving else cat
    ground, cat = ground.resize((320, 240)), cat.resize((120, 90))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(8 * seconds):
            scene = ground.copy()
            if moving:
                scene.paste(cat, (number * 200 // (8 * seconds), 100))
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.asarray(scene), format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def taker(worker: Worker, camera: str = "north") -> Callable[[Path, str], Arrival]:
    with worker.store.writing() as session:
        number = camera_named(session, the_station(session), camera, now=worker.clock()).id
    return lambda path, name: take_file(worker.ingest, path, number, name, "card")
