from __future__ import annotations

import json
import re
import tempfile
import time
from pathlib import Path

import httpx
import nbformat
import pytest

from fieldmark.staying import sign_beside, staying
from fieldmark_server.apptable import APPS
from server.running import RunningServer, run_server

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [path.stem for path in (ROOT / "apps").glob("*.ipynb")]


def read_config(html: str) -> dict[str, object]:
    found = re.search(r'<script id="jupyter-config-data" type="application/json">(.*?)</script>', html, re.S)
    assert found, html
    config: dict[str, object] = json.loads(found[1])
    return config


def leave(visitor: httpx.Client, kernel: object) -> httpx.Response:
    """What a page does when it is closed."""
    headers = {"X-XSRFToken": visitor.cookies["_xsrf"]}
    return visitor.post(f"/voila/api/shutdown/{kernel}", headers=headers)


def test_the_start_page_links_to_every_app_that_is_there(visitor: httpx.Client) -> None:
    page = visitor.get("/")
    assert page.status_code == 200
    assert re.findall(r'class="fm-card fm-app" href="/(\w+)"', page.text) == [
        name for name in APPS if name in NOTEBOOKS
    ]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_app_opens_without_source_or_error(name: str, visitor: httpx.Client) -> None:
    page = visitor.get(f"/{name}")
    assert page.status_code == 200
    assert "application/vnd.jupyter.widget-view+json" in page.text
    for forbidden in ("import ", "build_or_explain", "Traceback", "fm-notice", str(ROOT)):
        assert forbidden not in page.text
    leave(visitor, read_config(page.text)["kernelId"])


def test_a_visitor_who_leaves_takes_the_kernel_along(visitor: httpx.Client) -> None:
    """Without the _xsrf cookie the goodbye is answered 403, and each reload leaves a kernel behind."""
    kernel = read_config(visitor.get("/classify").text)["kernelId"]
    assert visitor.get(f"/api/kernels/{kernel}").status_code == 200
    assert leave(visitor, kernel).status_code == 204
    assert visitor.get(f"/api/kernels/{kernel}").status_code == 404


def test_a_kernel_that_trains_outlives_its_page_until_that_is_done(visitor: httpx.Client) -> None:
    kernel = read_config(visitor.get("/classify").text)["kernelId"]
    (connection_file,) = Path(tempfile.gettempdir()).glob(f"voila_*/kernel-{kernel}.json")
    with staying(sign_beside(connection_file)):
        assert leave(visitor, kernel).status_code == 204
        time.sleep(2.5)
        assert visitor.get(f"/api/kernels/{kernel}").status_code == 200
    deadline = time.monotonic() + 30
    while visitor.get(f"/api/kernels/{kernel}").status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert visitor.get(f"/api/kernels/{kernel}").status_code == 404


def test_nobody_else_can_end_a_visitors_kernel_by_a_link(
    visitor: httpx.Client, server: RunningServer
) -> None:
    kernel = read_config(visitor.get("/classify").text)["kernelId"]
    stranger = httpx.post(f"{server.url}/voila/api/shutdown/{kernel}", timeout=60)
    assert stranger.status_code == 403
    assert visitor.get(f"/api/kernels/{kernel}").status_code == 200
    leave(visitor, kernel)


def test_the_second_visitor_does_not_wait_for_a_kernel(server: RunningServer) -> None:
    """A notebook is run before somebody comes; the page is then there at once."""
    for pause_s in (4, 8, 16, 32):
        with httpx.Client(base_url=server.url, timeout=60) as visitor:
            time.sleep(pause_s)  # the server is refilling its pool, on a busy machine for longer
            start = time.monotonic()
            page = visitor.get("/classify")
            waited = time.monotonic() - start
            leave(visitor, read_config(page.text)["kernelId"])
        if waited < 0.5:
            return
    pytest.fail(f"a page took {waited:.1f} s")


def test_an_address_that_is_not_there_gets_a_friendly_page(visitor: httpx.Client) -> None:
    page = visitor.get("/no/such/page")
    assert page.status_code == 404
    assert "There is no such page" in page.text
    assert 'href="/"' in page.text


def test_nothing_in_a_page_comes_from_elsewhere(visitor: httpx.Client) -> None:
    page = visitor.get("/")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    assert all(address.startswith(("/", "#", "data:")) for address in addresses)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_the_style_sheet_may_be_kept_by_browsers(visitor: httpx.Client) -> None:
    address = re.findall(r'href="(/assets/fieldmark.css[^"]+)"', visitor.get("/").text)[0]
    sheet = visitor.get(address)
    assert sheet.status_code == 200
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert "max-age=31536000" in sheet.headers["Cache-Control"]
    assert visitor.get("/assets/app.py").status_code == 404


def test_a_full_server_says_so(cat_model: Path) -> None:
    with run_server(cat_model, max_kernels=1) as server:
        first = httpx.get(f"{server.url}/classify", timeout=60)
        kernel = read_config(first.text)["kernelId"]
        second = httpx.get(f"{server.url}/classify", timeout=60)
        assert httpx.get(f"{server.url}/api/kernels/{kernel}", timeout=60).status_code == 200
    assert second.status_code == 503
    assert "Many people are here just now" in second.text


def test_a_notebook_that_breaks_shows_a_sentence_and_no_traceback(cat_model: Path, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        cells=[nbformat.v4.new_code_cell("secret = 'a-secret-value'\nprint(secret)\n1 / 0")],
    )
    nbformat.write(notebook, tmp_path / "classify.ipynb")
    with run_server(cat_model, root_dir=str(tmp_path)) as server:
        page = httpx.get(f"{server.url}/classify", timeout=60)
    assert "This page could not be built" in page.text
    for forbidden in ("ZeroDivisionError", "a-secret-value", "Traceback", "secret"):
        assert forbidden not in page.text
    assert "ZeroDivisionError" in server.log


def test_a_missing_model_is_explained_on_the_page(tmp_path: Path) -> None:
    with run_server(tmp_path / "none.onnx") as server:
        page = httpx.get(f"{server.url}/classify", timeout=60)
    assert page.status_code == 200
    assert "Notice object" in page.text
    assert "Traceback" not in page.text
