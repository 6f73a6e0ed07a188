"""`write_page`: a page that needs no server. The same model file, the same components, computed in the browser.

Everything comes as a script or a style sheet beside the page, because a page that is opened from a disk may load
nothing else; runtime and model are packed into text. No request ever leaves the folder.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from fieldmark.predictor import Predictor
from fieldmark_share.folder import new_folder
from fieldmark_share.runtime import CREDIT, Runtime, find_runtime
from fieldmark_share.strings import FAILURES, PAGE
from fieldmark_widgets.answer import say_label
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.knowledge import describe_model
from fieldmark_widgets.strings.classify import ANSWER, CLASSIFIER, CORRECTION, UPLOADER

SCRIPTS = ("resize", "photo", "predictor", "answer", "localmodels", "start")
"""Of `page_files`, in the order they build on each other."""
COMPONENTS = {"UploaderComponent": "uploader", "ClassifierComponent": "classifier"}
LIMITS = {"max_upload_mib": 100, "max_files": 60, "accept": "image/*", "camera": True}
"""What the uploader asks; nothing is sent anywhere, so it may be more than a server takes."""


def write_page(model: Path, out: Path, *, title: str = "", runtime: Path | None = None) -> Predictor:
    """Write the folder of a page: open its index.html, or put it on any web host.

    Args:
        title: of the page; the model's own where it is empty.
        runtime: folder of npm's onnxruntime-web; found or fetched where it is None.
    Raises:
        ModelFileError: the model does not work here.
        DatasetError: `out` is not empty.
        FieldmarkError: `no_runtime`.
    """
    predictor = Predictor.load(model)
    ort = find_runtime(runtime)
    with new_folder(out) as folder:
        for name, text in _texts(predictor, title.strip() or say_label(predictor.card.title), ort).items():
            (folder / name).write_text(text, "utf-8", newline="\n")
        (folder / "runtime.js").write_bytes(ort.script)
        (folder / "model.js").write_text(_packed("FIELDMARK_MODEL", model.read_bytes()), "ascii")
    return predictor


def _texts(predictor: Predictor, title: str, ort: Runtime) -> dict[str, str]:
    """Every file that is text, by its name."""
    words = {name: escape(text) for name, text in PAGE.items()}
    return {
        "index.html": Template(_read("index.html.in")).substitute(words, title=escape(title)),
        "fieldmark.css": stylesheet(),
        "facts.js": f"window.FIELDMARK = {_as_script(_facts(predictor))};\n",
        "fieldmark.js": _script(),
        "wasm.js": f"window.FIELDMARK_GLUE = {_as_script(ort.glue.decode('utf-8'))};\n{_packed('FIELDMARK_WASM', ort.wasm)}",
        "CREDITS.txt": f"Made with Fieldmark (Apache-2.0). The model: {predictor.card.backbone}; "
        f"{predictor.card.source}. SHA-256 {predictor.sha256}.\n\n{CREDIT}",
    }


def _facts(predictor: Predictor) -> dict[str, Any]:
    """What the page knows of its model, and every sentence it may say."""
    info = predictor.info
    return {
        "vocab": info.vocab,
        "rule": info.rule.as_dict(),
        "prob_min": info.prob_min,
        "calibration": asdict(info.calibration) if info.calibration else None,
        "sha256": predictor.sha256,
        "knowledge": asdict(describe_model(predictor)) | {"own_commands": []},
        "limits": LIMITS,
        "uploader": {**UPLOADER, "private": PAGE["private"]},
        "classifier": dict(CLASSIFIER),
        "correction": dict(CORRECTION),
        "answer": dict(ANSWER),
        "failures": {code: {"title": title, "text": text} for code, (title, text) in FAILURES.items()},
        "page": dict(PAGE),
    }


def _script() -> str:
    """The page's own script: each component is closed in itself, so that names they share do not meet."""
    parts = [
        f"const {name} = (() => {{\n{_closed(module(component))}\nreturn component;\n}})();"
        for name, component in COMPONENTS.items()
    ]
    own = [
        (resources.files("fieldmark_widgets") / "static" / "dom.js").read_text("utf-8"),
        *(_read(f"{name}.js") for name in SCRIPTS),
    ]
    return "(() => {\n" + "\n".join([*parts, *own]) + "\n})();\n"


def _closed(text: str) -> str:
    """A module as the body of a function: scripts may be loaded from a disk, modules may not."""
    if text.count("export default {") != 1:
        raise ValueError("expected a module with one default export")
    return text.replace("export default {", "const component = {")


def _packed(name: str, content: bytes) -> str:
    return f'window.{name} = "{base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")}";\n'


def _as_script(value: Mapping[str, Any] | str) -> str:
    """JSON that may stand in a script: no end of a tag in it."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")


def _read(name: str) -> str:
    return (resources.files("fieldmark_share") / "page_files" / name).read_text("utf-8")
