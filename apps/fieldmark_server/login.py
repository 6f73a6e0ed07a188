"""The pages that let people in and out, in the look of the others."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.login import LoginFormHandler
from tornado import web

from fieldmark_server.accounts import AccountsProvider
from fieldmark_server.pages import Page

WRONG_PASSWORD_S = 1.0
"""Pause after a wrong password, which makes guessing slow."""
MAX_WAITING = 32
"""Logins at a time. A password takes a tenth of a second of a processor to check: they wait for one another, beside
everything else, and a flood of them is refused."""


class LoginPage(Page, LoginFormHandler):
    """Lets in whoever knows a password."""

    _checking = asyncio.Lock()
    _waiting = 0

    @allow_unauthenticated
    async def post(self) -> None:
        """Take the form."""
        user = self.current_user = await self._check()
        if user is None:
            await asyncio.sleep(WRONG_PASSWORD_S)
            self.set_status(401)
            self._render({"error": "wrong"})
            return
        self.identity_provider.set_login_cookie(self, user)
        self._redirect_safe(self.get_argument("next", default=self.base_url))  # type: ignore[no-untyped-call]

    async def _check(self) -> Any:
        if LoginPage._waiting >= MAX_WAITING:
            raise web.HTTPError(503)
        LoginPage._waiting += 1
        try:
            async with self._checking:
                return await asyncio.to_thread(self.identity_provider.process_login_form, self)
        finally:
            LoginPage._waiting -= 1

    def _render(self, message: dict[str, Any] | None = None) -> None:
        self.render_page(
            "login.html",
            "Log in",
            is_wrong=message is not None,
            asks_name=isinstance(self.identity_provider, AccountsProvider),
            name=self.get_body_argument("name", ""),
            next_page=self.get_argument("next", default=self.base_url),
            xsrf=self.xsrf_token.decode(),
        )


class LogoutPage(Page):
    """Says who is logged in, and lets them out."""

    @web.authenticated
    def get(self) -> None:
        """Ask; a link from elsewhere logs nobody out."""
        named = isinstance(self.identity_provider, AccountsProvider)
        who = self.current_user.username if named else ""
        self.render_page("logout.html", "Log out", who=who, xsrf=self.xsrf_token.decode())

    @web.authenticated
    def post(self) -> None:
        """Forget the login."""
        self.identity_provider.clear_login_cookie(self)
        self.redirect(self.settings["login_url"])
