"""The command line: every step without a screen. Exit codes: 0 done, 1 failed with a sentence, 2 usage."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldmark.cli import clean, collect, data, label, station
from fieldmark.cli.corrections import corrections
from fieldmark.cli.options import Json, Photos
from fieldmark.cli.sections import MAIN, arrange, commands_of, name_of
from fieldmark.cli.terminal import command, errors, output, print_json, progress_bars
from fieldmark.errors import BackboneError, DatasetError
from fieldmark.models.architecture import DEFAULT_ARCH, EFFICIENTNET_LITE0
from fieldmark.models.places import find_demo_model

PLUGINS = "fieldmark.commands"

cli = typer.Typer(
    name="fieldmark",
    help="From a folder of photos to an image classifier you can share and supervise.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for group in (data, clean, collect, label):
    cli.registered_commands.extend(group.cli.registered_commands)
cli.command()(command(corrections))
cli.add_typer(station.cli, name="station")


@cli.command()
@command
def train(
    folder: Photos,
    out: Annotated[Path, typer.Option(help="Where the model file is written.")],
    mode: Annotated[
        str,
        typer.Option(
            help="fit: seconds. fine-tune: minutes. auto: fit, and say whether the other would pay."
        ),
    ] = "fit",
    epochs: Annotated[
        int, typer.Option(help="Of fine-tuning, after a first one for the head.", min=1, max=200)
    ] = 4,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop fine-tuning early, after so many epochs in a row without a lower loss on the held-out photos. Without "
            "it every epoch is run: learning slows down towards the end, and the last epochs are often the best. Either way "
            "the best one is saved.",
            min=1,
            max=200,
        ),
    ] = None,
    take_best: Annotated[
        bool,
        typer.Option(
            "--take-best",
            help="With the command of a fine-tuning that was stopped: save its best epoch so far instead of going on.",
        ),
    ] = False,
    tta: Annotated[
        int,
        typer.Option(
            help="Say as well what the mean over so many augmented views of each held-out photo would give. The model file "
            "answers from the photo as it is.",
            min=0,
            max=32,
        ),
    ] = 0,
    arch: Annotated[
        str,
        typer.Option(
            help=f"Backbone: this one; {EFFICIENTNET_LITE0.name}, the same in float32, at about two thirds of the speed; any of timm "
            "(resnet18) or torchvision/NAME; NAME@FILE.safetensors takes the weights from a file, NAME alone from the hub."
        ),
    ] = DEFAULT_ARCH,
    image_size: Annotated[
        int | None,
        typer.Option(
            help="Side of the square, in pixels: 256; fine-tuning learns from 7/8 of it.", min=32, max=1024
        ),
    ] = None,
    resize: Annotated[str, typer.Option(help="crop, squish or pad.")] = "crop",
    valid_pct: Annotated[float, typer.Option(help="Fraction held out to judge by.", min=0.01, max=0.9)] = 0.2,
    seed: Annotated[int, typer.Option(help="Another number, another split.")] = 42,
    split: Annotated[Path | None, typer.Option(help="split.json: {train: [...], valid: [...]}.")] = None,
    split_by: Annotated[str, typer.Option(help="random, by_date or by_group.")] = "random",
    balanced: Annotated[bool, typer.Option(help="Weigh classes equally.")] = False,
    views: Annotated[
        int,
        typer.Option(
            help="Augmented views of each photo to fit on as well; each takes as long again.", max=8, min=0
        ),
    ] = 0,
    title: Annotated[str, typer.Option(help="Name of the model.")] = "",
    json_output: Json = False,
) -> None:
    """Train on a folder of photos and save one model file."""
    from fieldmark.finetune import FineTuneConfig
    from fieldmark.fitting.trainconfig import FIT_SIZE_PX, TrainConfig
    from fieldmark.imaging.resize import ResizeRule
    from fieldmark.splits import SplitConfig
    from fieldmark.training import train as train_folder

    how = _choose("--mode", mode, ("fit", "fine-tune", "auto"))
    rule = ResizeRule(image_size or FIT_SIZE_PX, _choose("--resize", resize, ("crop", "squish", "pad")))
    method = _choose("--split-by", split_by, ("random", "by_date", "by_group"))
    config = TrainConfig(arch=arch, rule=rule, seed=seed, balanced=balanced, views=views, title=title)
    splits = SplitConfig(valid_pct=valid_pct, seed=seed, method=method, file=split)
    if how != "fine-tune" and (take_best or patience):
        raise typer.BadParameter("--take-best and --patience are for --mode fine-tune.")
    tuning = FineTuneConfig(epochs=epochs, seed=seed, patience=patience)
    with progress_bars() as callback:
        result = train_folder(
            folder,
            out,
            config=config,
            split=splits,
            mode=how,
            tuning=tuning,
            take_best=take_best,
            tta=tta,
            tell=errors.print,
            callback=callback,
        )
    if json_output:
        print_json(result.as_dict())
        return
    for path, error in result.learner.failures.items():
        errors.print(f"Left out {path}: {error}")
    for note in result.notes[len(result.warnings) :]:  # those were told before the start
        errors.print(note)
    output.print(f"{result.card.summary} {result.seconds['total']:.1f} s.")
    if result.tta is not None:
        output.print(result.tta.sentence)
    if result.advice is not None:
        output.print(result.advice.sentence)
    output.print(f"Saved {out}. Try it: fieldmark predict {out} PHOTO, or fieldmark serve --model {out}")


@cli.command()
@command
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="A model file.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Photos and folders of photos.")],
    csv: Annotated[Path | None, typer.Option(help="Write a table instead.")] = None,
    json_output: Json = False,
) -> None:
    """Classify photos."""
    from fieldmark.callbacks import Progress
    from fieldmark.models.answers import as_record, expand, write_csv
    from fieldmark.predictor import Predictor

    photos, predictor = expand(paths), Predictor.load(model)
    records = []
    with progress_bars() as callback:
        for path, answer in zip(photos, predictor.stream(photos), strict=True):
            records.append(as_record(path, answer))
            callback(Progress("Classifying", len(records), len(photos)))
    if csv is not None:
        write_csv(csv, records, predictor.vocab)
        errors.print(f"Wrote {len(records)} rows to {csv}.")
    if json_output:
        print_json({"model_sha256": predictor.sha256, "predictions": records})
    elif csv is None:
        for record in records:
            output.print(_line(record))


@cli.command()
@command
def pretrained(
    classes: Annotated[
        list[str] | None, typer.Option("--class", metavar="NAME=KIND,KIND...", help="A class and its kinds.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the model file is written.")] = None,
    rest: Annotated[str, typer.Option(help="Label for everything else.")] = "something else",
    title: Annotated[str, typer.Option(help="Name of the model.")] = "",
    search: Annotated[
        str | None, typer.Option(metavar="WORD", help="List the kinds with WORD in it.")
    ] = None,
    demo: Annotated[bool, typer.Option(help="Build the bear model that the apps start with.")] = False,
    json_output: Json = False,
) -> None:
    """Build a classifier from ImageNet's 1000 kinds, without a photo."""
    from fieldmark.models.imagenet import search_kinds
    from fieldmark.pretrained import build_demo, build_pretrained

    if search is not None:
        found = [{"id": kind.synset, "names": list(kind.names)} for kind in search_kinds(search)]
        if json_output:
            print_json({"kinds": found})
        for kind in [] if json_output else found:
            output.print(f"{kind['id']}  {', '.join(kind['names'])}")
        if not found:
            raise BackboneError(f"No kind of ImageNet has {search!r} in its name.", code="unknown_kind")
        return
    if demo:
        target = out or find_demo_model(os.environ)
        card = build_demo(target)
    elif classes and out:
        target = out
        card = build_pretrained(dict(map(_class_option, classes)), out, rest=rest, title=title)
    else:
        raise typer.BadParameter(
            "Give --class NAME=KIND,... and --out MODEL.onnx; or --search WORD; or --demo."
        )
    if json_output:
        print_json({"model": str(target), "card": card.as_dict()})
    else:
        output.print(f"Saved {target}: {', '.join(card.classes)}.")


@cli.command()
@command
def app(
    data: Annotated[Path | None, typer.Option(help="A folder of photos: train on it first.")] = None,
    model: Annotated[Path | None, typer.Option(help="Model file to serve.")] = None,
    port: Annotated[int, typer.Option(help="Port of the page.", min=1, max=65535)] = 8866,
) -> None:
    """Do the main job: build the model if there is none yet, then serve the apps."""
    from fieldmark.pretrained import build_demo

    if data is not None and model is None:
        model = Path("var", "models", f"{data.resolve().name}.onnx")
        train(data, model)
    elif model is None and not (demo := find_demo_model(os.environ)).exists():
        output.print("Building the bear model from ImageNet's kinds (a few seconds, once) …")
        build_demo(demo)
    _plugins()["serve"](port=port, model=model, data=data)


def run() -> int:
    """Run one command with the arguments of this process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if not _is_own(
        sys.argv[1:2]
    ):  # those above are slow to load: whoever trains does not wait for the server
        for name, function in _plugins().items():
            cli.command(name)(command(function))
    arrange(cli, MAIN)
    cli()
    return 0


def _is_own(words: list[str]) -> bool:
    """Whether the first word of the command line, if any, names one of core's commands."""
    return bool(words) and words[0] in map(name_of, commands_of(cli))


def _plugins() -> dict[str, Callable[..., None]]:
    """Commands of the packages above this one, which core must not import."""
    return {point.name: point.load() for point in entry_points(group=PLUGINS)}


def _choose(option: str, value: str, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise typer.BadParameter(f"{value!r} is none of: {', '.join(allowed)}.", param_hint=option)
    return value


def _class_option(text: str) -> tuple[str, list[str]]:
    name, equals, kinds = text.partition("=")
    if not (name.strip() and equals):
        raise DatasetError(f"{text!r} names no class. Write it like cat=tabby,tiger cat.", code="bad_class")
    return name.strip(), [kind for kind in map(str.strip, kinds.split(",")) if kind]


def _line(record: dict[str, Any]) -> str:
    if "failure" in record:
        return f"{record['path']}\tfailed\t{record['failure']['reason']}"
    return f"{record['path']}\t{record['label']}\t{100 * record['prob']:.0f} %\t{record['verdict']}"
