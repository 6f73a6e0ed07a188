"""One model for many visitors: a process that holds it, a queue in front of it, and jobs beside it.

`fieldmark.service.service.Service` runs it, `fieldmark.service.client` asks it. Knows no Jupyter and no web server.
"""

from __future__ import annotations

__all__: list[str] = []
