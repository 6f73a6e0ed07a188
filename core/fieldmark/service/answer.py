"""Answers as plain values and back: the same between processes and over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldmark.modelfile import ModelCard
from fieldmark.prediction import ActivationMap, Failure, Prediction

MAP_DIGITS = 3
"""Of the values of a map: a thousandth is less than a shade of colour."""


@dataclass(frozen=True)
class ModelFacts:
    """What a service says of the model that answers."""

    sha256: str
    vocab: tuple[str, ...]
    card: ModelCard


@dataclass(frozen=True)
class Answer:
    """What came of one photo."""

    result: Prediction | Failure
    sha256: str
    """Of the model that answered."""
    map: ActivationMap | None = None


def result_record(result: Prediction | Failure) -> dict[str, Any]:
    """Plain values of a result, for JSON."""
    if isinstance(result, Failure):
        return {"failure": {"code": result.code, "reason": result.reason}}
    return {
        "label": result.label,
        "prob": result.prob,
        "probs": dict(result.probs),
        "verdict": result.verdict,
        "familiarity_p": result.familiarity_p,
    }


def read_result(record: Mapping[str, Any]) -> Prediction | Failure:
    """Turn plain values into a result again."""
    if "failure" in record:
        return Failure(record["failure"]["code"], record["failure"]["reason"])
    names = ("label", "prob", "probs", "verdict", "familiarity_p")
    return Prediction(**{name: record[name] for name in names})


def map_record(activation: ActivationMap) -> dict[str, Any]:
    """Plain values of a map, for JSON: rows from the top, and the part of the photo that they cover."""
    values = np.asarray(activation.values, np.float64).round(MAP_DIGITS).tolist()
    return {"values": values, "region": [float(side) for side in activation.region]}


def read_map(record: Mapping[str, Any]) -> ActivationMap:
    """Turn plain values into a map again."""
    left, top, right, bottom = record["region"]
    return ActivationMap(np.array(record["values"], np.float32), (left, top, right, bottom))


def facts_record(facts: ModelFacts) -> dict[str, Any]:
    """Plain values of what is said of a model, for JSON."""
    return {"sha256": facts.sha256, "vocab": list(facts.vocab), "card": facts.card.as_dict()}


def read_facts(record: Mapping[str, Any]) -> ModelFacts:
    """Turn plain values into what is said of a model again."""
    return ModelFacts(record["sha256"], tuple(record["vocab"]), ModelCard.from_dict(record["card"]))
