"""The English of the trainer."""

from __future__ import annotations

from types import MappingProxyType

TRAINER = MappingProxyType(
    {
        "region": "Train",
        "empty_title": "Not ready to train",
        "no_project": "No dataset is open. Import some photos first.",
        "title": "Train on {n} photos of {classes} classes",
        "train": "Train",
        "again": "Train again",
        "cancel": "Cancel",
        "starting": "Starting",
        "progress": "{step}: {done} of {total}",
        "progress_open": "{step} …",
        "seconds": "{s} s",
        "stopped": "Stopped. The training from before stays; photos that were read need not be read again.",
        "wrong_one": "1 of {n} photos wrong",
        "wrong": "{k} of {n} photos wrong",
        "error": "error {rate}, 95 % {low}–{high}",
        "held_out": "on photos that were held out, learned from {n}, {seconds} s",
        "history": "Trainings so far",
        "round": "{wrong} of {n} wrong",
        "round_note": "{at}, learned from {n_train}",
        "round_same": "judged by the same photos",
        "uneven": "{most} has {times} times as many photos as {least}.",
        "balanced": "Weigh classes equally",
        "fit_title": "How the model sees a photo",
        "crop": "Crop",
        "crop_text": "Keeps the middle. Good when what counts is in it.",
        "squish": "Squish",
        "squish_text": "Keeps everything, and distorts it.",
        "pad": "Pad",
        "pad_text": "Keeps everything, on grey.",
        "another": "Another photo",
        "views_title": "Other views to learn from",
        "views_text": "Parts of each photo, flipped, turned, brighter or darker. Each takes as long again as the first "
        "training; worth trying when photos are few.",
        "views_0": "None",
        "views_1": "1 view",
        "views_2": "2 views",
        "size": "Size",
        "size_text": "{px} pixels",
        "size_slower": "{px} pixels, {times} × slower",
        "more": "More choices",
        "split_title": "Photos to judge by",
        "random": "at random",
        "by_date": "the latest",
        "by_group": "groups it never saw",
        "given": "The dataset itself says which photos to judge by.",
        "share": "Share held out",
        "seed": "Draw again",
        "no_dates": "The latest: only when every photo says when it was taken; {n} do not.",
        "no_groups": "Groups: only when every photo has one; {n} have none.",
        "unreadable": "This photo cannot be read: {reason}",
        "stale": "Photos, labels or choices have changed since the last training.",
    }
)
"""Sentences of the trainer."""
