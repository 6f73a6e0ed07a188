"""The apps of this server: what the start page shows, and which notebook stands behind each address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from fieldmark.account import Account, Role

HERE = Path(__file__).parent


@dataclass(frozen=True)
class AppCard:
    """An app as a visitor sees it."""

    name: str
    """The notebook's name without its ending, and the address of its page."""
    title: str
    description: str
    icon: str
    """What is drawn on its card: an SVG path on 24 × 24."""
    is_private: bool = False
    """Whether it reads folders of this computer, and so is for the people at it."""
    least: Role = "viewer"
    """Who may open it, on a server with accounts."""

    def is_open_to(self, who: Account | None) -> bool:
        """Whether somebody may open it; None is anybody, on a server without accounts."""
        return who is None or who.may(self.least)


APPS: Mapping[str, AppCard] = MappingProxyType(
    {
        card.name: card
        for card in (
            AppCard(
                "classify",
                "Classify photos",
                "Drop a photo: what it shows, how sure that is, and which part of it decided.",
                "M3 5h18v14h-18z M3 16.5l5.2-5.2l4.3 4.3l3-3l5.5 5.5 M16 9.2v.1",
            ),
            AppCard(
                "studio",
                "Train a model",
                "From a folder of your photos to a model of your own, with its mistakes in plain sight.",
                "M4 20v-6 M10 20v-11 M16 20v-8 M22 20v-16 M2 20h20",
                is_private=True,
                least="ranger",
            ),
            AppCard(
                "book",
                "Read along",
                "The chapter of the fastai book, beside the same job here. It runs while you read.",
                "M12 6c-2-1.6-5-2-9-2v14c4 0 7 .4 9 2c2-1.6 5-2 9-2v-14c-4 0-7 .4-9 2z M12 6v14",
                is_private=True,
                least="ranger",
            ),
            AppCard(
                "monitor",
                "Watch cameras",
                "What the cameras saw, what needs you, and how far to trust it.",
                "M4 7h3l2-3h6l2 3h3v12h-16z M12 10a3.2 3.2 0 1 0 0 6.4a3.2 3.2 0 1 0 0-6.4z",
                is_private=True,
            ),
        )
    }
)
"""Every app there may be, in the order of the start page."""


def find_notebooks() -> Path:
    """The folder of the notebooks: inside the installed package, or `apps` in a checkout."""
    installed = HERE / "notebooks"
    return installed if installed.is_dir() else HERE.parent


def find_apps(folder: Path, *, private: bool = True) -> tuple[AppCard, ...]:
    """The apps whose notebook is there; without `private`, those that anybody may use."""
    cards = [card for card in APPS.values() if (folder / f"{card.name}.ipynb").is_file()]
    return tuple(card for card in cards if private or not card.is_private)
