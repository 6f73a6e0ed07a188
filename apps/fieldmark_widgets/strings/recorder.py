"""The English of the recorder; what it says of a camera is the uploader's."""

from __future__ import annotations

from types import MappingProxyType

from fieldmark_widgets.strings.classify import UPLOADER

RECORDER = MappingProxyType(
    {
        **{key: text for key, text in UPLOADER.items() if key.startswith("camera")},
        "region": "Record photos with a camera",
        "title": "Record with a camera",
        "intro": "Hold the button of a class while you show the thing: five photos a second go into that class. Turn it, move "
        "it, change what is behind it.",
        "class": "Class",
        "class_n": "Class no. {n}",
        "hold": "Hold to record",
        "hold_hint": "Hold the button, or the space bar on it. A tap takes one photo.",
        "recording": "Recording: {n}",
        "add": "Add a class",
        "none_came": "No picture had come from the camera yet. Hold the button again.",
        "no_name": "Give the class a name first.",
        "insecure": "This page may not use a camera: browsers allow that only over https, or on the computer itself. On a "
        "phone, take photos one by one; or open the page over https.",
        "no_camera_api": "This browser gives pages no camera. Take photos with another program, and import them.",
        "take_photos": "Take photos",
        "have": "{n} photos, {times} recordings",
        "have_one": "1 photo, 1 recording",
        "have_once": "{n} photos, 1 recording",
        "recorded": "{n} photos of {label} recorded",
        "recorded_one": "1 photo of {label} recorded",
        "same": "{n} were exactly the same and not taken.",
        "undo": "Take them out again",
        "undone": "{n} photos of {label} were taken out again.",
        "once_more": "Record {labels} once more, from another side or in another place: a model learns from one recording, and "
        "another one has to check it.",
        "too_long": "A recording has at most {most} photos. Let go, and record again from another side.",
        "too_large": "A photo of this size is not taken here. Import it instead.",
        "bad_message": "The page sent something that is no photo. Open it again.",
        "unreadable": "The camera sent a picture that cannot be read: {reason}",
        "private": "Photos stay on this computer.",
    }
)
