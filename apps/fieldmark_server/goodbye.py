"""Goodbye: a page that is closed ends its kernel, unless that is training, which it may finish first."""

from __future__ import annotations

import asyncio
from typing import Any

from tornado import web
from tornado.ioloop import IOLoop
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler

from fieldmark.staying import sign_beside

LOOK_AGAIN_S = 1.0


class GoodbyeHandler(VoilaShutdownKernelHandler):  # type: ignore[misc]  # voila carries no types
    """What a page calls when it is closed."""

    @web.authenticated
    async def post(self, kernel_id: str) -> None:
        """End the kernel now, or as soon as it has done what it stays for."""
        if not _stays(self.kernel_manager, kernel_id):
            await super().post(kernel_id)
            return
        IOLoop.current().spawn_callback(_end_when_done, self.kernel_manager, kernel_id)
        self.set_status(204)
        self.finish()


async def _end_when_done(kernels: Any, kernel_id: str) -> None:
    while _stays(kernels, kernel_id):
        await asyncio.sleep(LOOK_AGAIN_S)
    if kernel_id in kernels:
        await kernels.shutdown_kernel(kernel_id)


def _stays(kernels: Any, kernel_id: str) -> bool:
    return kernel_id in kernels and sign_beside(kernels.get_kernel(kernel_id).connection_file).exists()
