"""Fetching photos: only the right bytes are kept, from a real server."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import bench_data
import pytest
from bench_data import Photo, PhotoSet, blob_name, fetch, find_set, read_table
from PIL import Image
from skimage.data import chelsea


def jpeg(side: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(chelsea()).resize((side, side // 2)).save(out, "JPEG")
    return out.getvalue()


class Server(ThreadingHTTPServer):
    """Answers by path; what it does not have is not found."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes | list[int]] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        found = self.server.files.get(self.path, b"")
        if isinstance(found, list):  # statuses to give first
            self.send_error(found.pop(0)) if found else self._send(jpeg(90))
        elif found:
            self._send(found)
        else:
            self.send_error(404)

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def photos(*files: tuple[str, bytes], longest_px: int | None = None) -> PhotoSet:
    made = tuple(Photo(blob_name(content), file, f"in it/{file}") for file, content in files)
    return PhotoSet("set", "who/what", "abc123", longest_px, 90, made)


def test_a_blob_has_the_name_that_git_gives_it() -> None:
    assert blob_name(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_the_table_names_every_photo_by_address_and_blob() -> None:
    sets = {found.name: found for found in read_table()}
    assert len(sets["bears"].photos) == 416
    assert sum(len(found.photos) for found in sets.values()) == 3578
    assert all(len(photo.blob) == 40 for found in sets.values() for photo in found.photos)
    first = sets["sign_digits"].photos[0]
    assert (first.file, first.path) == ("0/IMG_1118.jpg", "Dataset/0/IMG_1118.JPG")
    assert all(len({p.file for p in found.photos}) == len(found.photos) for found in sets.values())


def test_photos_are_fetched_once_and_larger_ones_scaled(server: Server, tmp_path: Path) -> None:
    small, large = jpeg(90), jpeg(400)
    server.files = {"/who/what/HEAD/in%20it/a/small.jpg": small, "/who/what/HEAD/in%20it/a/large.jpg": large}
    wanted = photos(("a/small.jpg", small), ("a/large.jpg", large), longest_px=200)
    for _ in range(2):
        assert fetch(wanted, tmp_path, raw=server.url, api=server.url) == {}
    assert len(server.asked) == 2
    assert (tmp_path / "a/small.jpg").read_bytes() == small
    with Image.open(tmp_path / "a/large.jpg") as image:
        assert image.size == (200, 100)


def test_what_was_removed_since_comes_from_its_commit_or_from_gits_own_store(
    server: Server, tmp_path: Path
) -> None:
    old, gone = jpeg(80), jpeg(70)
    server.files = {
        "/who/what/abc123/in%20it/old.jpg": old,
        f"/repos/who/what/git/blobs/{blob_name(gone)}": gone,
    }
    assert fetch(photos(("old.jpg", old), ("gone.jpg", gone)), tmp_path, raw=server.url, api=server.url) == {}
    assert (tmp_path / "gone.jpg").read_bytes() == gone


def test_other_bytes_are_not_kept_and_the_rest_goes_on(server: Server, tmp_path: Path) -> None:
    good = jpeg(90)
    server.files = {"/who/what/HEAD/in%20it/good.jpg": good, "/who/what/HEAD/in%20it/bad.jpg": jpeg(91)}
    reasons = fetch(
        photos(("bad.jpg", b"other"), ("good.jpg", good)), tmp_path, raw=server.url, api=server.url
    )
    assert list(reasons) == ["bad.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == ["good.jpg"]


def test_a_server_that_stumbles_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.files = {"/who/what/HEAD/in%20it/a.jpg": [503, 502]}
    assert fetch(photos(("a.jpg", jpeg(90))), tmp_path, raw=server.url, api=server.url) == {}


def test_without_a_connection_each_photo_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_data, "ATTEMPTS", 1)
    reasons = fetch(photos(("a.jpg", b"x")), tmp_path, raw="http://127.0.0.1:9", api="http://127.0.0.1:9")
    assert "ConnectError" in reasons["a.jpg"]


def test_the_sample_is_always_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_data, "HERE", tmp_path)
    folder = find_set("sample")
    assert folder is not None
    assert sorted(path.name for path in (folder / "train").iterdir()) == ["brick", "grass", "gravel"]
    assert find_set("no such set") is None
