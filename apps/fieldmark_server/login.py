"""The page that asks for the password, in the look of the others."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.login import LoginFormHandler

from fieldmark_server.pages import Page

WRONG_PASSWORD_S = 1.0
"""Pause after a wrong password, which makes guessing slow."""


class LoginPage(Page, LoginFormHandler):
    """Lets in whoever knows the password or the token."""

    @allow_unauthenticated
    async def post(self) -> None:
        """Take the form."""
        user = self.current_user = self.identity_provider.process_login_form(self)
        if user is None:
            await asyncio.sleep(WRONG_PASSWORD_S)
            self.set_status(401)
            self._render({"error": "wrong"})
            return
        self.identity_provider.set_login_cookie(self, user)
        self._redirect_safe(self.get_argument("next", default=self.base_url))  # type: ignore[no-untyped-call]

    def _render(self, message: dict[str, Any] | None = None) -> None:
        self.render_page(
            "login.html",
            "Log in",
            is_wrong=message is not None,
            next_page=self.get_argument("next", default=self.base_url),
            xsrf=self.xsrf_token.decode(),
        )
