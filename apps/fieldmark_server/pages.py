"""The pages: start, an app, and what is shown when something is not there."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.ioloop import IOLoop
from voila.tornado.handler import TornadoVoilaHandler

from fieldmark.account import ROLE_HEADER, USER_HEADER, Account
from fieldmark_server.accounts import account_of
from fieldmark_server.apptable import APPS, AppCard
from fieldmark_server.assets import asset_url
from fieldmark_server.visitors import Visitors

NEEDED = frozenset({"anywidget", "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"})
"""Extensions of JupyterLab for a page that shows more than our widgets, as book.ipynb does; whatever else is installed here
is not for visitors."""
KERNEL_OF_PAGE = re.compile(r'"kernelId": "([\w-]+)"')
"""As index.html.j2 writes it."""


def page_facts(base_url: str, title: str, *, login: bool) -> dict[str, Any]:
    """What every template of ours needs to know."""
    return {
        "title": title,
        "home": base_url,
        "stylesheet": asset_url(base_url, "fieldmark.css"),
        "script": asset_url(base_url, "page.js"),
        "widgets": asset_url(base_url, "host.js"),
        "login": login,
    }


class Page(JupyterHandler):
    """A page that needs no kernel."""

    def render_page(self, template: str, title: str, **facts: Any) -> None:
        """Send a template of ours."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        environment = self.settings["voila_jinja2_env"]
        known = getattr(self, "_jupyter_current_user", None)  # not yet, where a request is refused early
        login = bool(known and self.identity_provider.auth_enabled)
        page = page_facts(self.base_url, title, login=login)
        self.finish(environment.get_template(template).render(page=page, **facts))

    def write_error(self, status_code: int, **_facts: Any) -> None:
        """Show a page that says what to do, whatever went wrong; the log has the rest."""
        if status_code == 503:
            self.set_header("Retry-After", "60")
        self.render_page("error.html", "Fieldmark", status_code=status_code)


class StartPage(Page):
    """Lists the apps."""

    def initialize(self, *, cards: tuple[AppCard, ...], demo: str) -> None:
        """Take the apps to list, and where the simulated station is asked for; empty where it is not offered."""
        self.cards, self.demo = cards, demo

    @web.authenticated
    def get(self) -> None:
        """Show the list."""
        who = account_of(self)
        cards = [card for card in self.cards if card.is_open_to(who)]
        demo = self.demo if any(card.name == "monitor" for card in cards) else ""
        xsrf = self.xsrf_token.decode() if demo else ""
        self.render_page("start.html", "Fieldmark", cards=cards, demo=demo, xsrf=xsrf)


class MissingPage(Page):
    """Answers for every address that is not there."""

    async def prepare(self) -> None:  # type: ignore[override]  # asks nothing of who it is
        """Refuse, whatever is asked."""
        raise web.HTTPError(404)


class AppPage(Page, TornadoVoilaHandler):  # type: ignore[misc]  # voila carries no types
    """An app: its notebook runs in a kernel of the visitor's own."""

    def initialize(self, *, visitors: Visitors, unclaimed_s: float, **settings: Any) -> None:
        """Take who is here already, and how long a kernel waits for its page to connect."""
        super().initialize(**settings)
        self.visitors, self.unclaimed_s = visitors, unclaimed_s
        self.kernel_of_page: str | None = None

    @web.authenticated
    async def get(self, name: str) -> None:
        """Run the notebook and send its page as it comes."""
        if not APPS[name].is_open_to(who := account_of(self)):
            raise web.HTTPError(403)
        self._name_visitor(who)
        if not self.visitors.enter(self.kernel_manager.list_kernel_ids()):
            raise web.HTTPError(503)
        # Sets the cookie that lets the page say goodbye: without it the server answers 403, and the kernel of
        # every visitor who left stays.
        _ = self.xsrf_token
        try:
            await TornadoVoilaHandler.get(self, path=f"{name}.ipynb")
        finally:
            self.visitors.opened(self.kernel_of_page)
            if self.kernel_of_page is not None:
                IOLoop.current().spawn_callback(self._end_unclaimed, self.kernel_of_page)

    async def _end_unclaimed(self, kernel: str) -> None:
        """End a kernel that no page came for: robots and link previews read pages, and would take every place."""
        await asyncio.sleep(self.unclaimed_s)
        kernels: Any = self.kernel_manager
        if kernel in kernels and not self.visitors.is_claimed(kernel):
            await kernels.shutdown_kernel(kernel, now=True)

    def _name_visitor(self, who: Account | None) -> None:
        """Tell the kernel whose page it is, whatever the browser says."""
        for header in (USER_HEADER, ROLE_HEADER):
            self.request.headers.pop(header, None)
        if who is not None:
            self.request.headers[USER_HEADER], self.request.headers[ROLE_HEADER] = who.name, who.role

    def write(self, chunk: str | bytes | dict[str, Any]) -> None:
        """Send a part of the page; the one with its kernel's name in it tells whose kernel that is."""
        if isinstance(chunk, str) and (found := KERNEL_OF_PAGE.search(chunk)):
            self.kernel_of_page = found[1]
        super().write(chunk)


def describe_page(
    page_config: dict[str, Any], *, base_url: str, notebook_path: str, settings: dict[str, Any], **_: Any
) -> dict[str, Any]:
    """Give the template of an app what it needs; Voilà's `page_config_hook`."""
    card = APPS[notebook_path.removesuffix(".ipynb")]
    login = settings["identity_provider"].auth_enabled
    needed = [each for each in page_config["federated_extensions"] if each["name"] in NEEDED]
    facts = page_facts(base_url, card.title, login=login)
    return {**page_config, "federated_extensions": needed, "fieldmark": facts}
