"""A small server that speaks the protocols of Openverse, iNaturalist and Wikimedia Commons, as published, and
serves photos: on time, late, broken, moved or not at all.

Also a process of its own: python photosource.py --port 8000 --latency-ms 50
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from PIL import Image

FAULTS = ("gone", "forbidden", "error", "page", "cut", "empty", "circle", "slow", "huge", "busy")
"""Ways in which an address gives no photo; `/fault/gone/1.jpg` is one of each kind."""


@dataclass
class Offer:
    """What the server has of one thing."""

    n: int
    photo: Callable[[int], bytes]
    first: int = 0
    faults: Mapping[int, str] = field(default_factory=dict)
    copies: Mapping[int, int] = field(default_factory=dict)
    """A photo that has the bytes of another."""


class PhotoSource(ThreadingHTTPServer):
    """The server; what it was asked is in `asked`, by path."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, offers: Mapping[str, Offer], *, port: int = 0, latency_s: float = 0.0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.offers, self.latency_s = dict(offers), latency_s
        self.asked: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.at_once = self.most_at_once = 0
        self.drifted = False
        """Answer as a source does whose fields were renamed."""
        self.rate_limited = 0
        """How many of the next questions get 429."""
        self.retry_after = "1"
        self.bears = 1000
        """Photos that it gives at a time; who asks for more gets 429, and is noted in `refused`."""
        self.refused = 0
        self.gives = math.inf
        """Photos that it gives before it keeps who asks waiting, until this is raised."""
        self.given = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def photo_url(self, term: str, number: int) -> str:
        offer = self.offers[term]
        place = f"fault/{offer.faults[number]}" if number in offer.faults else "photo"
        return f"{self.url}/{place}/{term.replace(' ', '_')}/{number}.jpg"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def photo_source(offers: Mapping[str, Offer], **options: Any) -> Iterator[PhotoSource]:
    """Run the server in a thread."""
    server = PhotoSource(offers, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@cache
def noise(seed: int, width: int = 320, height: int = 240) -> bytes:
    """A photo that no other is like."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = (
        True  # as every web server of the day: else a kept connection waits 40 ms for each body
    )
    server: PhotoSource

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        with self.server.lock:
            self.server.asked[parts.path] += 1
            self.server.agents.add(self.headers.get("User-Agent", ""))
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        try:
            time.sleep(self.server.latency_s)
            self._route(parts.path, dict(parse_qsl(parts.query)))
        finally:
            with self.server.lock:
                self.server.at_once -= 1

    def _route(self, path: str, query: dict[str, str]) -> None:
        if self.server.rate_limited and not path.startswith(("/photo", "/fault")):
            self.server.rate_limited -= 1
            self._send(
                429, b'{"detail": "Request was throttled."}', **{"Retry-After": self.server.retry_after}
            )
        elif path == "/openverse/v1/images/":
            self._openverse(query)
        elif path == "/inat/v1/taxa":
            self._taxa(query)
        elif path == "/inat/v1/observations":
            self._observations(query)
        elif path == "/w/api.php":
            self._commons(query)
        elif path == "/addresses":
            self._json(
                [self.server.photo_url(query["term"], number) for number in self._numbers(query["term"])]
            )
        elif path == "/asked":
            self._json(self.server.asked)
        elif path.startswith("/photo/"):
            if self.server.at_once > self.server.bears:
                self.server.refused += 1
                self._send(429, b"", **{"Retry-After": "0"})
            else:
                self._photo(path)
        elif path.startswith("/fault/"):
            self._fault(path.split("/")[2], path)
        else:
            self._send(404, b"{}")

    # --- Openverse ---

    def _openverse(self, query: dict[str, str]) -> None:
        size, page = int(query.get("page_size", 20)), int(query.get("page", 1))
        if size > 20:
            self._json({"detail": "page_size must be between 1 & 20 for unauthenticated requests."}, 401)
            return
        if size * page > 240:
            self._json({"detail": "Pagination is limited for anonymous requests."}, 401)
            return
        wanted = query.get("license", "by,by-sa,cc0,by-nc").split(",")
        numbers = [number for number in self._numbers(query["q"]) if self._code(number) in wanted]
        shown = numbers[size * (page - 1) : size * page]
        self._json({
            "result_count": len(numbers), "page_count": min(12, math.ceil(len(numbers) / size)), "page_size": size,
            "page": page, "hits" if self.server.drifted else "results": [self._openverse_result(query["q"], n) for n in shown],
        })  # fmt: skip

    def _openverse_result(self, term: str, number: int) -> dict[str, Any]:
        return {
            "id": f"{term}-{number}", "title": f"{term} no. {number}", "url": self.server.photo_url(term, number),
            "foreign_landing_url": f"https://photos.example/{number}", "creator": f"Person {number % 7}",
            "license": ("by", "by-sa", "cc0", "by-nc")[number % 4], "license_version": ("4.0", "2.0", "1.0", "4.0")[number % 4],
            "license_url": "https://creativecommons.org/", "provider": "flickr", "source": "flickr", "width": 320,
            "height": 240, "thumbnail": f"https://photos.example/{number}/thumb", "attribution": "…", "category": "photograph",
        }  # fmt: skip

    # --- iNaturalist ---

    def _taxa(self, query: dict[str, str]) -> None:
        known = [term for term in self.server.offers if term != "teddy bear"]
        taxa = [
            {"id": 100 + known.index(term), "name": f"Ursus {known.index(term)}", "preferred_common_name": term.title(), "rank": "species"}
            for term in known if query["q"].lower() in term
        ]  # fmt: skip
        self._json({"total_results": len(taxa), "page": 1, "per_page": 10, "results": taxa})

    def _observations(self, query: dict[str, str]) -> None:
        if "taxon_id" in query:
            terms = [term for term in self.server.offers if term != "teddy bear"]
            term = terms[int(query["taxon_id"]) - 100]
        else:
            term = query["taxon_name"]
        below = int(query.get("id_below", 10**9))
        ids = [number for number in reversed(range(self._offer(term).n)) if 1000 + number < below]
        shown = ids[: min(200, int(query.get("per_page", 30)))]
        wanted = query["photo_license"].split(",")
        results = [self._observation(term, number) for number in shown if f"cc-{self._code(number)}" in wanted or self._code(number) in wanted]  # fmt: skip
        self._json({"total_results": len(ids), "page": 1, "per_page": len(shown), "results": results})

    def _observation(self, term: str, number: int) -> dict[str, Any]:
        code = self._code(number)
        photo = {
            "id": number, "license_code": code if code == "cc0" else f"cc-{code}", "attribution": "(c) …",
            "url": self.server.photo_url(term, number).replace(f"/{number}.jpg", f"/{number}/square.jpg"),
            "original_dimensions": {"width": 2048, "height": 1536},
        }  # fmt: skip
        return {
            "id": 1000 + number, "uri": f"https://www.inaturalist.org/observations/{1000 + number}", "quality_grade": "research",
            "observed_on": f"2024-{number % 12 + 1:02}-15", "time_observed_at": f"2024-{number % 12 + 1:02}-15T06:30:00+02:00",
            "place_guess": ("Abruzzo, IT", "Yukon, CA")[number % 2], "location": "41.8,13.8",
            "taxon": {"name": "Ursus", "preferred_common_name": term}, "user": {"login": f"user{number % 7}", "name": None},
            "photos": [photo, photo | {"id": 90_000 + number}],
        }  # fmt: skip

    # --- Wikimedia Commons ---

    def _commons(self, query: dict[str, str]) -> None:
        term = query["gsrsearch"].removeprefix("filetype:bitmap ")
        if term == "maxlag":
            self._json(
                {"error": {"code": "maxlag", "info": "Waiting for a database server: 7 seconds lagged."}}
            )
            return
        limit, offset = int(query["gsrlimit"]), int(query.get("gsroffset", 0))
        numbers = self._numbers(term)[offset : offset + limit]
        answer: dict[str, Any] = {"batchcomplete": True}
        if offset + limit < self._offer(term).n:
            answer["continue"] = {"gsroffset": offset + limit, "continue": "gsroffset||"}
        if numbers:
            answer["query"] = {"pages": [self._commons_page(term, number, offset + place) for place, number in enumerate(numbers)][::-1]}  # fmt: skip
        self._json(answer)

    def _commons_page(self, term: str, number: int, index: int) -> dict[str, Any]:
        code = self._code(number)
        name = {"cc0": "CC0", "by": "CC BY 4.0", "by-sa": "CC BY-SA 3.0", "by-nc": "CC BY-NC 2.0"}[code]
        meta = {
            "LicenseShortName": name, "Artist": f'<a href="//commons.example/User:{number % 7}">Person &amp; {number % 7}</a>',
            "DateTimeOriginal": f"2019-0{number % 9 + 1}-02 08:15:00", "GPSLatitude": "46.5", "GPSLongitude": "11.3",
        }  # fmt: skip
        info = {
            "thumburl": self.server.photo_url(term, number), "url": "https://upload.example/original.jpg", "width": 4000,
            "height": 3000, "descriptionurl": f"https://commons.example/File:{number}.jpg", "mime": "image/jpeg" if number % 10 else "image/svg+xml",
            "extmetadata": {key: {"value": value, "source": "commons-desc-page"} for key, value in meta.items()},
        }  # fmt: skip
        return {
            "pageid": number,
            "ns": 6,
            "title": f"File:{term} {number}.jpg",
            "index": index,
            "imageinfo": [info],
        }

    # --- Photos ---

    def _photo(self, path: str) -> None:
        _, _, name, *rest = path.split("/")
        term = name.replace("_", " ")
        number = int(rest[0].removesuffix(".jpg"))
        offer = self._offer(term)
        with self.server.lock:
            self.server.given += 1
            place = self.server.given
        while place > self.server.gives:
            time.sleep(0.05)
        number = offer.copies.get(number, number)
        self._send(200, offer.photo(offer.first + number), **{"Content-Type": "image/jpeg"})

    def _fault(self, kind: str, path: str) -> None:
        photo = noise(len(path))
        status = {"gone": 404, "forbidden": 403, "error": 500}.get(kind)
        if status is not None:
            self._send(status, b"no")
        elif kind == "page":
            self._send(
                200, b"<!doctype html><title>Sign in</title>" + b" " * 500, **{"Content-Type": "text/html"}
            )
        elif kind == "cut":
            self._send(200, photo[: len(photo) // 2], **{"Content-Type": "image/jpeg"})
        elif kind == "empty":
            self._send(200, b"")
        elif kind == "circle":
            self._send(302, b"", Location=path)
        elif kind == "moved":
            self._send(301, b"", Location=path.replace("/fault/moved/", "/photo/"))
        elif kind == "busy":
            self._send(503, b"", **{"Retry-After": "0"})
        elif kind == "huge":
            self._trickle(photo, announced=10**9, pause_s=0)
        else:
            self._trickle(photo, announced=len(photo), pause_s=0.2)

    def _trickle(self, photo: bytes, *, announced: int, pause_s: float) -> None:
        """A body that comes byte by byte, or never ends."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        for start in range(60):
            self.wfile.write(photo[start : start + 1])
            self.wfile.flush()
            time.sleep(pause_s)

    # --- All ---

    def _offer(self, term: str) -> Offer:
        return self.server.offers.get(term, Offer(0, noise))

    def _numbers(self, term: str) -> range:
        return range(self._offer(term).n)

    def _code(self, number: int) -> str:
        return ("by", "by-sa", "cc0", "by-nc")[number % 4]

    def _json(self, answer: Any, status: int = 200) -> None:
        self._send(status, json.dumps(answer).encode(), **{"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def sample_offers() -> dict[str, Offer]:
    """Brick, grass and gravel, photographed: three classes that can be told apart."""
    from fieldmark.sources.sample import CLASSES, sample_photos

    patches: dict[str, list[bytes]] = {label: [] for label in CLASSES}
    for photo in sample_photos(mislabelled=False):
        file = io.BytesIO()
        photo.image.save(file, "JPEG", quality=92)
        patches[photo.label].append(file.getvalue())
    return {label: Offer(len(photos), photos.__getitem__) for label, photos in patches.items()}


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--sample", action="store_true", help="photos of brick, grass and gravel")
    parser.add_argument("--n", type=int, default=240, help="photos of each thing")
    parser.add_argument("--broken", type=float, default=0.0, help="share of addresses that give no photo")
    parser.add_argument("--copies", type=float, default=0.0, help="share that are copies")
    parser.add_argument(
        "--prepared", action="store_true", help="make all photos first, so that no question waits for it"
    )
    told = parser.parse_args()
    terms = ("grizzly bear", "black bear", "teddy bear")
    offers = sample_offers() if told.sample else {
        term: faulty(told.n, first=place * 100_000, broken=told.broken, copies=told.copies) for place, term in enumerate(terms)
    }  # fmt: skip
    server = PhotoSource(offers, port=told.port, latency_s=told.latency_ms / 1000)
    if told.prepared:
        offer = offers[next(iter(offers))]
        for number in range(offer.n):
            offer.photo(offer.first + number)
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    server.serve_forever()


def faulty(n: int, *, first: int = 0, broken: float = 0.05, copies: float = 0.02) -> Offer:
    """Photos of which a share is broken and a share are copies, evenly spread."""
    kinds = ("gone", "forbidden", "error", "page", "cut", "empty", "circle")
    every, copied = (round(1 / broken) if broken else n + 1), (round(1 / copies) if copies else n + 1)
    faults = {number: kinds[place % len(kinds)] for place, number in enumerate(range(every - 1, n, every))}
    numbers = range(copied - 2, n, copied)
    return Offer(n, lambda seed: noise(seed, 640, 480), first, faults, {k: k - 1 for k in numbers if k not in faults and k - 1 not in faults})  # fmt: skip


if __name__ == "__main__":
    main()
