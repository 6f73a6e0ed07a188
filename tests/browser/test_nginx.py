"""Behind Debian's nginx, with the snippet that deploy-check writes: below a path, packed, through a websocket."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from browser.visit import visit
from fieldmark_share.deployfiles import nginx_conf
from server.running import RunningServer, free_port, run_server

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
FIRST_LOAD_MB = 0.1

pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx here (Debian: apt install nginx-light)")

MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {snippet}
}}
"""


@contextmanager
def nginx(upstream: str, base_url: str) -> Iterator[str]:
    """A proxy on a free port of this computer; its address."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        snippet = nginx_conf(
            listen=f"127.0.0.1:{port}", server_name="localhost", upstream=upstream, base_url=base_url
        )
        conf = Path(folder, "nginx.conf")
        conf.write_text(MAIN.format(folder=folder, snippet=snippet), "utf-8")
        command = [str(NGINX), "-p", folder, "-c", str(conf), "-e", f"{folder}/error.log"]
        process = subprocess.Popen(command)
        try:
            wait_for(port, process)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(20)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert process.poll() is None, "nginx refused the snippet"
        try:
            httpx.get(f"http://localhost:{port}/", timeout=2)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("nginx does not answer")


@pytest.fixture(scope="module", params=["/", "/apps/"])
def proxied(request: pytest.FixtureRequest, cat_model: Path) -> Iterator[tuple[str, RunningServer]]:
    """The address of the apps behind nginx, at the top and below a path."""
    base_url = request.param
    with (
        run_server(cat_model, base_url=base_url) as server,
        nginx(urlsplit(server.url).netloc, base_url) as url,
    ):
        yield f"{url}{base_url}".rstrip("/"), server


def test_a_photo_is_answered_through_the_proxy_and_the_first_load_is_small(
    proxied: tuple[str, RunningServer], chromium: Browser, cat: bytes
) -> None:
    url, _ = proxied
    with visit(chromium, url) as guest:
        network = guest.page.context.new_cdp_session(guest.page)
        network.send("Network.enable")
        sizes: list[float] = []
        network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        guest.open()
        guest.page.wait_for_load_state("networkidle")
        assert 0.005 < sum(sizes) / 1e6 <= FIRST_LOAD_MB, f"{sum(sizes) / 1e6:.2f} MB"
        guest.drop(("cat.jpg", cat))
        guest.wait()
        expect(guest.page.locator(".fm-answer .fm-title")).to_have_text("Cat")


def test_pages_are_packed_and_a_body_beyond_the_limit_is_refused(proxied: tuple[str, RunningServer]) -> None:
    url, _ = proxied
    with httpx.Client(timeout=30) as client:
        assert client.get(f"{url}/").headers["content-encoding"] == "gzip"
        big = client.post(f"{url}/", content=b"x" * (33 * 1024 * 1024))
        assert big.status_code == 413
