"""The English of the labeller; what it shares with the cleaner is there."""

from __future__ import annotations

from types import MappingProxyType

from fieldmark_widgets.strings.cleaner import CLEANER

LABELLER = MappingProxyType(
    {
        **CLEANER,
        "region": "Label photos",
        "waiting_many": "{n} photos wait for a label",
        "waiting_one": "1 photo waits for a label",
        "waiting_none_left": "Every photo has a label",
        "first": "Begin with these {k}: each stands for many that look like it. With two photos of two classes, "
        "suggestions come.",
        "useful": "These {k} would teach the model most. It has learned from {n} labels so far.",
        "sure": "{k} photos of which the model is at least {percent} sure, the surest first. Ctrl A chooses all, a takes "
        "the suggestions.",
        "sure_none": "The model is not yet {percent} sure of any photo. Label some more of the useful ones.",
        "all": "All {k}, by name.",
        "apply_now": "Apply the labels below: then they can be trained on.",
        "agreed": "Its suggestion was right for {right} of the last {n} that you labelled.",
        "show": "Which photos",
        "show_useful": "Most useful next",
        "show_sure": "Only need a nod",
        "show_all": "All",
        "looking": "Looking at the photos, so that the most useful ones come first",
        "again": "Using what you said",
        "next": "Ask anew",
        "failed_read": "cannot be read ({n}): look at All, and delete what you do not want to keep.",
        "empty_title": "No photo waits for a label",
        "empty": "Import a folder without classes, or any photos “without labels”: they come here, and the model suggests.",
        "done_title": "Every photo has a label",
        "done": "Train next. More photos without labels come here as soon as they are imported.",
        "probably": "{label}?",
        "said": "{percent} · {name}",
        "unlabelled": "no label",
        "target_suggested": "Probably {label}",
        "target_plain": "What is it?",
        "labelled": "labelled",
        "no_classes": "Press / and write what it shows; the first class then has the key 1.",
        "key_digits": "it is the class with this number",
        "key_accept": "take the suggestion",
        "key_delete": "no photo to keep: delete it",
        "key_unsure": "unsure: ask me later",
        "key_next": "ask anew, for the most useful ones",
    }
)
