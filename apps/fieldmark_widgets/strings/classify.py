"""The English of the classify app: uploading, answers, corrections, and what goes wrong."""

from __future__ import annotations

from types import MappingProxyType

UPLOADER = MappingProxyType(
    {
        "region": "Add photos",
        "headline": "Drop photos here",
        "choose": "Choose photos",
        "hint": "or paste them.",
        "hint_more": "or drop or paste more.",
        "private": "Nothing leaves this server.",
        "release": "Let go to add them",
        "sending": "Sending {name}",
        "percent": "{percent} %",
        "waiting": "waiting",
        "cancel": "Cancel",
        "cancel_one": "Cancel sending {name}",
        "done_one": "1 photo is here.",
        "done_many": "{n} photos are here.",
        "clear": "Start again",
        "dismiss": "Dismiss",
        "too_large": "{name}: too large, {size}. At most {limit} a photo: save it smaller, as a JPEG.",
        "too_many": "Only the first {limit} of {n} photos were taken. Add the others afterwards.",
        "unreadable": "{name}: cannot be read here. If it is a folder, open it and choose the photos in it.",
        "lost": "{name}: not sent, because the connection was lost. Reload this page and add it again.",
        "out_of_step": "{name}: not sent, because a part of it went missing. Add it again.",
        "bad_message": "Not sent: the browser's message was not understood. Reload this page.",
        "unnamed": "photo",
        "camera": "Use the camera",
        "camera_view": "What the camera sees",
        "camera_starting": "The camera is starting. Allow it if you are asked.",
        "camera_take": "Take the photo",
        "camera_other": "Other camera",
        "camera_stop": "Stop the camera",
        "camera_name": "camera {time}.jpg",
        "camera_denied": "The camera is blocked for this page. Allow it at the sign beside the page's address, then "
        "try again; or choose a photo instead.",
        "camera_none": "No camera was found. Connect one and try again, or choose a photo instead.",
        "camera_busy": "The camera is in use by another program. Close that and try again, or choose a photo instead.",
        "camera_failed": "The camera did not start ({reason}). Choose a photo instead.",
    }
)

CLASSIFIER = MappingProxyType(
    {
        "region": "Classify photos",
        "photos": "Photos",
        "photo_alt": "The photo {name}",
        "previous": "Previous photo",
        "next": "Next photo",
        "position": "{i} of {n}",
        "position_failed": "{i} of {n}, {failed} not read",
        "empty_intro": "Add a photo to begin",
        "empty_title": "What is in it?",
        "empty_text": "The answer comes here: how sure the model is, and which part of the photo decided.",
        "samples": "No photo at hand? Try one of these.",
        "sample": "Try the sample photo: {title}",
        "busy_title": "Looking at the photo",
        "waiting_one": "1 more to come",
        "waiting": "{n} more to come",
        "stop": "Stop",
        "show_map": "Show where it looked",
        "hide_map": "Hide where it looked",
        "show_all": "Show all {n}",
        "show_few": "Show fewer",
        "clear": "Start again",
        "bars": "How likely each kind is",
        "knows": "What this model knows",
        "kinds": "Kinds it can name",
        "limits": "What it will not do well",
        "n_train": "Learned from {n} photos",
        "n_train_none": "Learned from none of your photos",
        "file": "Model file {sha}",
        "honest": "When it does not know, it says so",
        "own": "Make your own",
        "own_text": "Put photos of each kind in a folder of its own, and train on them; it takes seconds. A model of "
        "your photos also tells when something is unlike all of them.",
        "own_folders": "photos/otter/…  photos/beaver/…",
    }
)

CORRECTION = MappingProxyType(
    {
        "ask": "Is this wrong?",
        "region": "Correct the answer",
        "what": "What is it?",
        "choose": "Choose",
        "other": "Something else",
        "name": "Its name",
        "consent": "Keep this photo and my answer here, so that the people who run this page can look at it and "
        "improve the model. It is kept without place, time and camera.",
        "send": "Send",
        "cancel": "Cancel",
        "keeping": "Keeping it",
        "kept": "Thank you. Kept as “{said}”, to be looked at by a person.",
        "take_back": "Take it back",
        "taken_back": "Taken back: the photo is deleted here.",
        "no_label": "Say what it is first, in at most {limit} characters.",
        "no_consent": "Nothing was kept, because you did not agree to it.",
        "too_many": "That is enough for one visit: {limit} corrections are kept. Thank you.",
    }
)

OWN_COMMANDS = ("fieldmark train photos --out mine.onnx", "fieldmark serve --model mine.onnx")
"""What to type for a model of one's own."""

SAMPLES = MappingProxyType({"cat": "Cat", "coffee": "Coffee"})
"""The sample photos, by name."""

ANSWER = MappingProxyType(
    {
        "this_looks_like": "This looks like",
        "this_could_be": "This could be",
        "closest": "The closest it knows",
        "or": "{first} or {second}?",
        "familiar": "Familiar",
        "clear": "Clear",
        "unsure": "Unsure",
        "unfamiliar": "Unfamiliar",
        "failed": "Not read",
        "familiar_text": "Much like the photos this model learned from.",
        "clear_text": "One answer stands out. This model cannot tell when something is new to it.",
        "unsure_text": "{first} {p_first}, {second} {p_second}: ask somebody.",
        "unsure_alone_text": "{first}, but only {p_first}: ask somebody.",
        "unfamiliar_text": "Nothing like the photos this model learned from.",
        "announce": "{name}: {label}, {percent}. {verdict}. {text}",
        "announce_failed": "{name}: {title}. {text}",
        "failed_title": "Could not be read",
    }
)

HONEST = MappingProxyType(
    {
        "unsure": "Between two answers: “{first} 54\u202f%, {second} 41\u202f%: ask somebody.”",
        "unfamiliar": "“Nothing like the photos this model learned from.”",
        "unfamiliar_without_photos": "This model learned from none of your photos, so it cannot say “unfamiliar” yet. "
        "One trained on yours can.",
        "first": "Grizzly",
        "second": "black bear",
    }
)
"""Examples for the panel on honesty: a verdict, and what is said then; two kinds, for a model that names none."""

PROBLEM = MappingProxyType(
    {
        "unexpected": "Something unexpected happened ({id}). It is in the server's log under this number; "
        "nothing you can mend here. Reload the page and try again.",
        "no_model_title": "There is no model here yet",
        "bad_model_title": "The model cannot be used",
        "bad_callable": "The model answered {answer}; expected a dict of at least one label to its probability, each "
        "between 0 and 1.",
    }
)
