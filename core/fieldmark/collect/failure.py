"""Why something could not be fetched."""

from __future__ import annotations

from fieldmark.errors import CollectError


class FetchFailed(CollectError):  # noqa: N818 - named after what happened, as Cancelled is
    """One address that gave nothing; the sentence says why."""

    def __init__(self, message: str, *, code: str = "fetch_failed", passing: bool = True) -> None:
        """Keep the reason.

        Args:
            passing: whether asking again later may help; if not, it is not asked again.
        """
        super().__init__(message, code=code)
        self.passing = passing
