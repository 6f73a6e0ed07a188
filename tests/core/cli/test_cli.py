"""The command line, run as users run it: in a process of its own."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import brick, chelsea, grass

from fieldmark.cachefolder import CACHE_VARIABLE, cache_folder
from fieldmark.finetuning.sofar import read_so_far
from fieldmark.models.places import find_models

ROOT = Path(__file__).parents[3]


def fieldmark(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fieldmark", *map(str, arguments)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for label, texture in (("brick", brick()), ("grass", grass())):
        (folder / label).mkdir()
        for i in range(12):
            top, left = 128 * (i // 4), 128 * (i % 4)
            Image.fromarray(texture[top : top + 128, left : left + 128]).save(folder / label / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def cat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cat") / "chelsea.jpg"
    Image.fromarray(chelsea()).save(path)
    return path


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("trained") / "textures.onnx"
    return out, json.loads(fieldmark("train", photos, "--out", out, "--json").stdout)


def test_train_prints_one_json_object_with_everything_promised(
    trained: tuple[Path, dict[str, object]],
) -> None:
    out, said = trained
    promised = {
        "n_train",
        "n_valid",
        "vocab",
        "error_rate",
        "error_rate_ci",
        "valid_loss",
        "wrong",
        "seconds",
    }
    assert promised | {"backbone", "mode", "model_sha256"} <= said.keys()
    assert said["vocab"] == ["brick", "grass"]
    assert said["n_train"] + said["n_valid"] == 24  # type: ignore[operator]
    assert out.is_file()


def test_augmented_views_are_learned_from_when_asked_for(photos: Path, tmp_path: Path) -> None:
    options = ("--out", tmp_path / "m.onnx", "--views", "1", "--image-size", "64", "--json")
    said = json.loads(fieldmark("train", photos, *options).stdout)
    assert said["views"] == 1
    assert said["seconds"]["views"] > 0
    assert "Error" in fieldmark("train", photos, "--out", "m.onnx", "--views", "-1", code=2).stderr


def test_the_trained_model_tells_its_textures_apart(
    trained: tuple[Path, dict[str, object]], photos: Path
) -> None:
    out, _ = trained
    predictions = json.loads(fieldmark("predict", out, photos, "--json").stdout)["predictions"]
    assert len(predictions) == 24
    assert sum(p["label"] == Path(p["path"]).parent.name for p in predictions) >= 23


def test_a_split_file_decides_who_is_held_out(photos: Path, tmp_path: Path) -> None:
    names = [path.relative_to(photos).as_posix() for path in sorted(photos.rglob("*.png"))]
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": names[::2], "valid": names[1::2]}))
    said = json.loads(
        fieldmark("train", photos, "--out", tmp_path / "m.onnx", "--split", split, "--json").stdout
    )
    assert (said["n_train"], said["n_valid"]) == (12, 12)


def test_a_bad_split_file_is_refused_with_all_its_faults(photos: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["brick/0.png", "brick/0.png", "brick/none.png"], "valid": []}))
    done = fieldmark("train", photos, "--out", tmp_path / "m.onnx", "--split", split, "--json", code=1)
    reason = json.loads(done.stdout)["error"]["reason"]
    assert "brick/none.png" in reason
    assert "more than once" in reason
    assert "'valid'" in reason


def test_predict_answers_for_each_path_and_a_bad_photo_is_a_failure_in_its_place(
    cat_model: Path, cat: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "notes.jpg"
    bad.write_text("no photo at all")
    first, second, third = json.loads(fieldmark("predict", cat_model, cat, bad, cat, "--json").stdout)[
        "predictions"
    ]
    assert first["label"] == third["label"] == "cat"
    assert second["failure"]["code"] == "not_an_image"
    assert first["familiarity_p"] is None


def test_predict_writes_a_table_that_a_spreadsheet_does_not_run(
    cat_model: Path, cat: Path, tmp_path: Path
) -> None:
    named = tmp_path / "=cmd.jpg"
    named.write_bytes(cat.read_bytes())
    table = tmp_path / "out.csv"
    subprocess.run(
        [sys.executable, "-m", "fieldmark", "predict", cat_model, "=cmd.jpg", "--csv", table],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    header, row = csv.reader(table.read_text("utf-8").splitlines())
    assert header[:4] == ["path", "label", "prob", "verdict"]
    assert row[:2] == ["'=cmd.jpg", "cat"]


def test_pretrained_builds_a_classifier_from_names(tmp_path: Path, cat: Path) -> None:
    out = tmp_path / "cats.onnx"
    fieldmark("pretrained", "--class", "cat=tabby,tiger cat,Egyptian cat", "--out", out)
    (prediction,) = json.loads(fieldmark("predict", out, cat, "--json").stdout)["predictions"]
    assert prediction["label"] == "cat"


def test_the_demo_model_is_built_where_the_apps_look_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDMARK_HOME", str(tmp_path))
    fieldmark("pretrained", "--demo")
    assert find_models(os.environ)[-1] == tmp_path / "models" / "bears.onnx"
    assert (tmp_path / "models" / "bears.onnx").is_file()


def test_an_ambiguous_kind_is_refused_and_both_are_listed(tmp_path: Path) -> None:
    done = fieldmark("pretrained", "--class", "crane=crane", "--out", tmp_path / "x.onnx", code=1)
    assert "n02012849" in done.stderr
    assert "n03126707" in done.stderr


def test_kinds_can_be_searched() -> None:
    found = json.loads(fieldmark("pretrained", "--search", "bear", "--json").stdout)["kinds"]
    assert "n02132136" in {kind["id"] for kind in found}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("train", "nowhere", "--out", "x.onnx"), "no folder"),
        (("predict", "nowhere.onnx", "."), "cannot be read"),
        (("check", "nowhere"), "no folder"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence_with_exit_code_1(
    arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in fieldmark(*arguments, code=1).stderr


@pytest.mark.parametrize(
    "arguments",
    [("train",), ("nonsense",), ("train", ".", "--out", "x.onnx", "--mode", "magic"), ("pretrained",)],
)
def test_wrong_usage_has_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert fieldmark(*arguments, code=2).stdout == ""


def test_check_reports_without_changing_anything(photos: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in photos.rglob("*")}
    said = json.loads(fieldmark("check", photos, "--json").stdout)
    assert {"files", "ok", "rejected", "duplicates", "near_duplicates"} <= said.keys()
    assert said["ok"] == 24
    assert before == {path: path.stat().st_mtime_ns for path in photos.rglob("*")}


def test_photos_are_put_aside_on_request_and_undo_brings_them_back(photos: Path) -> None:
    (photos / "brick" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    before = sorted(path.relative_to(photos) for path in photos.rglob("*"))
    said = json.loads(fieldmark("check", photos, "--quarantine", "rejected", "--json").stdout)
    assert said["quarantined"] == 1
    assert not (photos / "brick" / "cut.jpg").exists()
    assert json.loads(fieldmark("undo", photos, "--json").stdout)["photos"] == 1
    assert sorted(path.relative_to(photos) for path in photos.rglob("*")) == before


def test_a_folder_is_imported_changed_and_taken_back(photos: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    assert json.loads(fieldmark("import", photos, dataset, "--json").stdout)["added"] > 0
    assert "photos imported" not in fieldmark("undo", dataset).stdout
    done = fieldmark("undo", dataset, code=1)
    assert "nothing to undo" in done.stderr


def test_auto_fits_and_says_what_fine_tuning_would_cost(photos: Path, tmp_path: Path) -> None:
    options = ("--mode", "auto", "--image-size", "64")
    said = json.loads(fieldmark("train", photos, "--out", tmp_path / "m.onnx", *options, "--json").stdout)
    assert said["mode"] == "fit"
    assert said["advice"]["minutes"] > 0
    assert "Fine-tuning would take" in said["advice"]["sentence"]


@pytest.mark.skipif(os.name == "nt", reason="interrupts as Unix does")
def test_fine_tuning_that_was_interrupted_gives_its_best_so_far_as_the_same_kind_of_model_file(
    photos: Path, cat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = own_cache(tmp_path / "cache", monkeypatch) / "fine-tune"
    out, options = tmp_path / "m.onnx", ("--mode", "fine-tune", "--epochs", "50", "--image-size", "64")
    command = [sys.executable, "-c", LISTENING, "train", photos, "--out", out, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
        while not any((so_far := read_so_far(run)) and so_far.done for run in runs.glob("*")):
            assert training.poll() is None
            time.sleep(0.1)
        training.send_signal(signal.SIGINT)
        _, said = training.communicate()
    assert re.search(r"Stopped after epoch \d+ of 51\. The same command goes on from there", said)
    assert [file for run in runs.glob("*") for file in run.glob("pixels*")] == []
    taken = json.loads(
        fieldmark("train", photos, "--out", out, *options, "--take-best", "--tta", "2", "--json").stdout
    )
    assert taken["mode"] == ("fine-tune" if taken["best_epoch"] else "fit")
    assert 0 < len(taken["epochs"]) < 51
    assert (taken["tta"]["views"], taken["tta"]["n_valid"]) == (2, taken["n_valid"])
    (answer,) = json.loads(fieldmark("predict", out, cat, "--json").stdout)["predictions"]
    assert answer["label"] in taken["vocab"]


LISTENING = """import signal, sys
from fieldmark.__main__ import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())"""
"""The command line, which a Ctrl-C reaches also where the tests run in the background."""


def own_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with the backbones and features of the one that all share, and no run of anybody else."""
    folder.mkdir()
    for shared in cache_folder().iterdir():
        if shared.name != "fine-tune":
            (folder / shared.name).symlink_to(shared)
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    return folder


def test_options_of_fine_tuning_are_refused_where_nothing_is_fine_tuned(photos: Path, tmp_path: Path) -> None:
    done = fieldmark("train", photos, "--out", tmp_path / "m.onnx", "--take-best", code=2)
    assert "--mode fine-tune" in done.stderr


def test_photos_without_labels_are_imported_and_it_says_where_they_get_one(
    photos: Path, tmp_path: Path
) -> None:
    done = fieldmark("import", photos / "brick", tmp_path / "set", code=1)
    assert "import --unlabelled" in done.stderr
    done = fieldmark("import", "--unlabelled", photos, tmp_path / "set")
    assert "24 photos imported" in done.stdout
    assert f"fieldmark serve --data {tmp_path / 'set'}" in done.stdout.replace("\n", "")


LOADED = """
import sys
from fieldmark.cli.main import run
try:
    run()
finally:
    print("loaded:", *sys.modules)
"""


def test_a_command_of_core_does_not_load_the_server_and_help_still_lists_its_commands(photos: Path) -> None:
    command = [sys.executable, "-c", LOADED]
    checked = subprocess.run([*command, "check", str(photos)], capture_output=True, text=True, check=False)
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "fieldmark.check" in checked.stdout
    assert "fieldmark_server" not in checked.stdout
    assert "fieldmark_server" in helped.stdout
    assert "serve" in helped.stdout.partition("loaded:")[0]
