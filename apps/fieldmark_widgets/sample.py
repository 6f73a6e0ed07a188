"""A photo to begin with, for visitors who have none at hand."""

from __future__ import annotations

import io

from fieldmark.errors import FieldmarkError
from fieldmark_widgets.strings import PROBLEM
from fieldmark_widgets.transfer import Upload


def sample_photo() -> Upload:
    """Give the cat of scikit-image (its data module says: CC0, by Stéfan van der Walt).

    Raises:
        FieldmarkError: scikit-image is not installed.
    """
    try:
        from skimage.data import chelsea
    except ImportError as error:
        raise FieldmarkError(PROBLEM["no_sample"], code="no_sample") from error
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG", quality=92)  # type: ignore[no-untyped-call]
    return Upload("chelsea.jpg", buffer.getvalue())
