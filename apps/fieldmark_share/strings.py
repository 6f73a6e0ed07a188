"""The sentences of a page without a server that no component has."""

from __future__ import annotations

from types import MappingProxyType

PAGE = MappingProxyType(
    {
        "skip": "Skip to the page",
        "theme": "Switch between light and dark",
        "loading": "Getting the model ready …",
        "no_script": "This page needs JavaScript. Please switch it on and reload.",
        "no_model": "The model could not be started in this browser. Use a current Chrome, Edge, Firefox or Safari; if "
        "it is one, a file of this page is missing: copy the whole folder again.",
        "private": "Nothing leaves this page: your photos stay on your device.",
    }
)

FAILURES = MappingProxyType(
    {
        "empty": ("Empty", "The file is empty. Copy it again from where it was made."),
        "not_an_image": (
            "Not an image",
            "Expected a photo, such as JPEG, PNG, WebP or AVIF; this file is none. Content decides, not the name.",
        ),
        "not_decoded": (
            "Not decoded",
            "It is cut off or damaged, or of a kind that this browser does not know. Save it as a JPEG.",
        ),
        "too_many_pixels": ("Too large", "A photo may have 50 megapixels. Save it smaller."),
        "bad_aspect": ("Too long", "A photo may be 200 times as long as it is wide. Cut it first."),
        "unexpected": ("Could not be read", "Something unexpected happened. Reload the page and try again."),
    }
)
