"""A page without a server: opened from the disk, offline, and it answers as the Predictor does."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect
from skimage.data import chelsea, coffee

from browser.visit import DESK, PHONE, visit
from fieldmark.errors import FieldmarkError
from fieldmark.imaging.resize import Method, ResizeRule, fit_photo, seen_region
from fieldmark.predictor import Failure, Prediction, Predictor
from fieldmark.sources.sample import write_sample
from fieldmark.training import train
from fieldmark_share import write_page
from fieldmark_share.page import LIMITS
from fieldmark_share.runtime import FILES, find_runtime
from fieldmark_widgets.answer import say_answer
from fieldmark_widgets.picture import draw_map

TOLERANCE = 1e-3
FILTERED_DOWN_FIRST = {"tall"}
"""Pillow filters a tall photo down before across, here it is always across before down: one level of 255 at most."""
TITLE = "</script><script>alert(1)</script> & cats"

COMPUTE = """async ([letters, width, height]) => {
  const data = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const predictor = await window.fieldmark.predictor;
  const photo = { data, width, height };
  const outputs = await predictor.compute(photo);
  const prediction = await predictor.predict(photo);
  const { region } = predictor.explain(prediction, photo);
  const arrays = Object.fromEntries(Object.entries(outputs).map(([name, { data, dims }]) => [name, { data: [...data], dims }]));
  return { arrays, verdict: prediction.verdict, label: prediction.label, p: prediction.familiarity_p, region };
}"""
FIT = """([letters, width, height, rule]) => {
  const data = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  let text = "";
  for (const byte of window.fieldmark.fitPhoto({ data, width, height }, rule)) text += String.fromCharCode(byte);
  return btoa(text);
}"""
SAY = "([name, prediction, vocab]) => window.fieldmark.sayAnswer(name, prediction, { ...window.FIELDMARK, vocab })"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of photos, so with everything a model may have: the sample of brick, grass and gravel."""
    folder = tmp_path_factory.mktemp("sample")
    train(write_sample(folder / "photos"), folder / "sample.onnx")
    return folder / "sample.onnx"


@pytest.fixture(scope="module")
def folder(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        find_runtime()
    except FieldmarkError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("static") / "page"
    write_page(model, folder, title=TITLE)
    return folder


@pytest.fixture(scope="module")
def page(chromium: Browser, folder: Path) -> Iterator[Page]:
    """The page from the disk, in a browser that is offline."""
    with visit(chromium, folder.as_uri()) as guest:
        guest.page.context.set_offline(True)
        guest.page.goto(f"{folder.as_uri()}/index.html")
        guest.page.locator("[data-model=ready]").wait_for(timeout=120_000)
        yield guest.page


@pytest.fixture(scope="module")
def predictor(model: Path) -> Predictor:
    return Predictor.load(model, precision="f32")


def letters(image: Image.Image) -> str:
    return base64.b64encode(np.ascontiguousarray(np.asarray(image)).tobytes()).decode()


def photos() -> dict[str, Image.Image]:
    random = np.random.default_rng(0)
    return {
        "cat": Image.fromarray(chelsea()),
        "coffee": Image.fromarray(coffee()).resize((1200, 801)),
        "tall": Image.fromarray(chelsea()).resize((301, 1203)),
        "noise": Image.fromarray(random.integers(0, 256, (517, 733, 3), np.uint8)),
        "small": Image.fromarray(random.integers(0, 256, (31, 47, 3), np.uint8)),
        "black": Image.new("RGB", (640, 480)),
    }


@pytest.mark.parametrize("method", ["crop", "squish", "pad"])
@pytest.mark.parametrize("name", photos())
def test_a_photo_becomes_the_same_square_to_the_last_bit_but_for_the_order_of_filters(
    name: str, method: Method, page: Page
) -> None:
    image = photos()[name]
    for size in (224, 96):
        rule = ResizeRule(size, method)
        found = page.evaluate(FIT, [letters(image), *image.size, rule.as_dict()])
        square = np.frombuffer(base64.b64decode(found), np.uint8).reshape(size, size, 3)
        apart = np.abs(square.astype(int) - fit_photo(image, rule))
        assert apart.max() <= (1 if name in FILTERED_DOWN_FIRST else 0)


@pytest.mark.parametrize("name", photos())
def test_the_outputs_are_those_of_the_predictor_on_the_same_pixels(
    name: str, page: Page, predictor: Predictor
) -> None:
    image = photos()[name]
    found = page.evaluate(COMPUTE, [letters(image), *image.size])
    expected = predictor._one(fit_photo(image, predictor.info.rule)[None])
    down_first = name in FILTERED_DOWN_FIRST
    for output in ("probs",) if down_first else ("probs", "knn", "mahalanobis", "cam", "features"):
        array = np.array(found["arrays"][output]["data"], np.float32).reshape(found["arrays"][output]["dims"])
        scale = max(1.0, float(np.abs(expected[output]).max())) * (5 if down_first else 1)
        assert np.abs(array - expected[output]).max() <= TOLERANCE * scale, output
    (prediction,) = predictor.predict([encode_png(image)])
    assert isinstance(prediction, Prediction)
    assert (found["label"], found["verdict"]) == (prediction.label, prediction.verdict)
    assert found["p"] == pytest.approx(prediction.familiarity_p, abs=0.02)
    assert found["region"] == pytest.approx(seen_region(image.size, predictor.info.rule))


def encode_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


VOCABS = (("grizzly_bear", "otter", "no_bear"), ("ants", "élan", "7"), ("walrus", "_", "<b>"))


@pytest.mark.parametrize("vocab", VOCABS, ids=lambda vocab: vocab[0])
@pytest.mark.parametrize("verdict", ["familiar", "unsure", "unfamiliar"])
def test_the_words_are_those_of_the_app(vocab: tuple[str, ...], verdict: Any, page: Page) -> None:
    for probs in ((0.54, 0.41, 0.05), (0.997, 0.002, 0.001), (0.05, 0.06, 0.89), (0.48, 0.495, 0.025)):
        for p in (None, 0.4):
            best = int(np.argmax(probs))
            prediction = Prediction(
                vocab[best], probs[best], dict(zip(vocab, probs, strict=True)), verdict, p
            )
            said = page.evaluate(
                SAY, ["a photo", {"probs": probs, "verdict": verdict, "familiarity_p": p}, vocab]
            )
            expected = say_answer("a photo", prediction)
            for part in ("intro", "title", "verdict", "word", "text", "announcement"):
                assert said[part] == getattr(expected, part)
            assert [(bar["label"], bar["percent"]) for bar in said["bars"]] == [
                (bar.label, bar.percent) for bar in expected.bars
            ]


def test_the_map_is_drawn_as_in_the_app(page: Page, predictor: Predictor) -> None:
    image = photos()["cat"]
    drawn = page.evaluate(
        """async ([letters, width, height]) => {
          const data = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
          const predictor = await window.fieldmark.predictor;
          const map = predictor.explain(await predictor.predict({ data, width, height }), { width, height });
          const bytes = new Uint8Array(await (await window.fieldmark.drawMap(map)).arrayBuffer());
          return btoa(String.fromCharCode(...bytes));
        }""",
        [letters(image), *image.size],
    )
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(drawn))).convert("RGBA"), float)
    expected = np.asarray(
        Image.open(io.BytesIO(draw_map(predictor.explain(encode_png(image))))).convert("RGBA"), float
    )
    assert found.shape == expected.shape
    assert np.abs(found[..., 3] - expected[..., 3]).max() <= 2


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_from_the_disk_and_offline_a_photo_is_answered(
    size: ViewportSize, chromium: Browser, folder: Path, cat: bytes, predictor: Predictor
) -> None:
    with visit(chromium, folder.as_uri(), size) as guest:  # which sees to it that nothing is asked elsewhere
        guest.page.context.set_offline(True)
        guest.page.goto(f"{folder.as_uri()}/index.html")
        guest.page.locator(".fm-uploader").wait_for()
        guest.drop(("cat.jpg", cat), ("notes.txt", b"no photo"), ("half.jpg", cat[:9000]), ("none.jpg", b""))
        expect(guest.page.locator(".fm-thumb")).to_have_count(4, timeout=120_000)
        guest.wait()
        guest.wait_for_map()
        (prediction,) = predictor.predict([cat])
        assert not isinstance(prediction, Failure)
        expected = say_answer("cat.jpg", prediction)
        expect(guest.page.locator(".fm-answer .fm-chip")).to_have_text(expected.word)
        guest.check_widths("static")
        for scheme in ("dark", "light"):
            guest.page.emulate_media(color_scheme=scheme)
            guest.check_access(f"answered-{scheme}", preload=False)  # nobody may fetch a style sheet here
        guest.page.locator(".fm-thumb").nth(1).click()
        expect(guest.page.locator(".fm-answer")).to_contain_text("Not an image")
        guest.page.locator(".fm-thumb").last.click()
        expect(guest.page.locator(".fm-answer")).to_contain_text("The file is empty")
        guest.page.get_by_role("button", name="Start again").click()
        guest.wait("empty")


def test_it_is_a_page_of_any_web_host_and_its_title_is_text(
    chromium: Browser, folder: Path, cat: bytes
) -> None:
    with host(folder) as url, visit(chromium, url) as guest:
        guest.page.goto(f"{url}/index.html")
        expect(guest.page.get_by_role("heading", level=1)).to_have_text(TITLE)
        guest.drop(("cat.jpg", cat))
        guest.page.locator(".fm-classifier.is-ready").wait_for(timeout=120_000)
        guest.page.get_by_role("button", name="Use the camera").click()
        expect(guest.page.locator(".fm-failures")).to_contain_text("The camera is blocked for this page")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, _format: str, *args: object) -> None:
        pass


class host:  # noqa: N801 - used as a context, like open
    """The plainest web host there is: files, and no header of its own."""

    def __init__(self, folder: Path) -> None:
        handler = functools.partial(Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_without_the_runtime_a_sentence_says_where_to_get_it(model: Path, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    command = (
        sys.executable,
        "-m",
        "fieldmark",
        "share",
        model,
        "--static",
        "--out",
        tmp_path / "out",
        "--json",
    )
    done = subprocess.run([*command, "--runtime", tmp_path], capture_output=True, text=True, check=False)
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "no_runtime"
    assert "npm pack onnxruntime-web@" in error["reason"]
    assert not (tmp_path / "out").exists()


def test_another_runtime_than_the_tested_one_is_refused(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(FieldmarkError, match="is not that of onnxruntime-web"):
        find_runtime(tmp_path)


def test_every_limit_of_the_page_is_a_trait_of_the_uploader() -> None:
    from fieldmark_widgets import Uploader

    assert set(LIMITS) <= set(Uploader.class_trait_names())
