"""Collects photos of several things into a dataset: searched, fetched, looked at and taken in as they arrive."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, perf_counter

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.catalog import Catalog
from fieldmark.collect.arrival import Arrival, Receiver, new_photo
from fieldmark.collect.candidate import Candidate
from fieldmark.collect.credits import write_credits
from fieldmark.collect.failure import FetchFailed
from fieldmark.collect.leaving import run_leaving
from fieldmark.collect.licence import wanted_codes
from fieldmark.collect.offers import Offers
from fieldmark.collect.outcome import Ledger, Outcome
from fieldmark.collect.polite import Polite
from fieldmark.collect.provider import Provider
from fieldmark.collect.providers import find_provider
from fieldmark.collect.report import CollectReport
from fieldmark.collect.rules import Rules
from fieldmark.collect.spread import spread_of
from fieldmark.errors import Cancelled, CollectError
from fieldmark.importing import dataset_for
from fieldmark.labels import clean_label

BATCH = 40
"""Photos that the catalog takes together."""
FLUSH_S = 1.5
"""Longest that a photo waits for others, so that a page shows it soon."""
AT_ONCE = 24
"""Photos on their way at a time, from all servers together; bounds the memory."""
TICK_S = 0.25
"""How often somebody who watches is asked whether to go on, also while nothing comes."""
ENDS_ALL = frozenset(("no_connection", "needs_extra", "rate_limited", "off", "refused_address"))
"""What would end the search for every other class as well."""

Watcher = Callable[[Outcome], None]


@dataclass(frozen=True)
class Wanted:
    """One class to collect."""

    term: str
    """What is searched for."""
    n: int = 150
    """Collected photos that the class shall have."""
    label: str = ""
    """What the photos are called; the term where empty."""

    @property
    def name(self) -> str:
        """The label as it is kept."""
        return clean_label(self.label or self.term)


def collect(
    into: str | os.PathLike[str] | Catalog,
    wanted: Sequence[Wanted],
    *,
    who: str,
    provider: str | Provider = "openverse",
    licences: Collection[str] = ("open",),
    rules: Rules | None = None,
    callback: Callback = silent,
    watch: Watcher | None = None,
) -> CollectReport:
    """Search for photos and take them into a dataset folder, which is made where there is none.

    Each is decoded before it counts; the same bytes are not taken twice; licence, author and page are kept with it.
    What had arrived when a run was cancelled or killed is not fetched again by the next one, and what is gone for
    good is not asked for again. All of one run is one act, which `Catalog.undo` takes back.

    Args:
        into: the dataset folder.
        provider: a name of PROVIDERS, or a source of one's own.
        licences: words of licence.GROUPS or codes; photos under others are left out.
        rules: what may be fetched.
        callback: told after every photo, and several times a second; may raise Cancelled.
        watch: given every outcome, in the thread that collects.
    Raises:
        CollectError: the source cannot be asked, and nothing came.
        DatasetError, StoreError: the dataset cannot be used.
        Cancelled: the callback stopped it; what was collected so far stays, as that act.
    """
    rules = rules or Rules()
    rules.check()
    codes = wanted_codes(licences)
    source = find_provider(provider) if isinstance(provider, str) else provider
    if not wanted:
        raise CollectError("Nothing was asked for. Name at least one class.", code="nothing_wanted")
    with dataset_for(into) as catalog:
        work = _Collecting(catalog, source, codes, rules, who=who, callback=callback, watch=watch or _nobody)
        return run_leaving(work.run(wanted), work.stop)


class _Collecting:
    """One run."""

    def __init__(
        self,
        catalog: Catalog,
        provider: Provider,
        codes: frozenset[str],
        rules: Rules,
        *,
        who: str,
        callback: Callback,
        watch: Watcher,
    ) -> None:
        self._catalog, self._provider, self._codes, self._rules = catalog, provider, codes, rules
        self._who, self._callback, self._watch = who, callback, watch
        self._ledger = Ledger(catalog.root)
        self._receiver = Receiver(catalog, self._ledger, provider.name)
        self._batch: list[Arrival] = []
        self._flushed = monotonic()
        self._flushing: asyncio.Task[None] | None = None
        self._act_id: int | None = None
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._known = 0
        self._stopped = False
        self._problems: dict[str, str] = {}
        self._failure: FetchFailed | None = None

    def stop(self) -> None:
        """Stop within a moment; may be called from any thread."""
        self._stopped = True

    async def run(self, wanted: Sequence[Wanted]) -> CollectReport:
        """Collect every class, one after the other."""
        started = perf_counter()
        try:
            await self._take_left_over()
            async with Polite(self._rules) as client:
                await self._classes(wanted, client)
        except (Cancelled, asyncio.CancelledError) as stop:  # the latter is Ctrl-C's
            await self._finish()
            raise Cancelled(_stopped(self._count("added"))) from stop
        table = await self._finish()
        if self._failure is not None and not self._outcomes and not self._known:
            raise self._failure
        return CollectReport(
            self._catalog.root, self._provider.title, {want.name: want.n for want in wanted}, self._have(), tuple(self._outcomes.values()),
            self._known, self._problems, spread_of(self._present()), table, self._act_id, perf_counter() - started,
        )  # fmt: skip

    async def _classes(self, wanted: Sequence[Wanted], client: Polite) -> None:
        for place, want in enumerate(wanted):
            try:
                await self._class(want, client)
            except FetchFailed as failed:
                self._failure = failed
                ended = wanted[place:] if failed.code in ENDS_ALL else [want]
                self._problems |= {other.name: str(failed) for other in ended}
                if failed.code in ENDS_ALL:
                    return

    async def _class(self, want: Wanted, client: Polite) -> None:
        """Take photos from the search until there are enough; several are on their way at a time."""
        offers = Offers(self._provider.search(want.term, licences=self._codes, client=client))
        fetching: set[asyncio.Task[Arrival | Outcome]] = set()
        got, tried = self._have()[want.name], set[str]()
        try:
            while True:
                self._tell(want, got)
                if got + len(fetching) < want.n and len(fetching) < AT_ONCE:
                    offers.look()
                if not await _any_done([*fetching, *offers.looking]):
                    break
                for task in [task for task in fetching if task.done()]:
                    fetching.remove(task)
                    got += await self._keep(task.result())
                candidate = offers.take()
                if candidate is not None and self._is_new(candidate, want, tried):
                    fetching.add(asyncio.create_task(self._fetch(candidate, want.name, client)))
                if monotonic() - self._flushed > FLUSH_S:
                    await self._flush_beside()
        finally:
            await _stop([*fetching, *offers.looking])
        if offers.failure is not None:  # raised only now: what was on its way has come
            raise offers.failure
        if got < want.n:
            self._problems[want.name] = f"{self._provider.title} has no more: {got} of {want.n} photos."

    def _is_new(self, candidate: Candidate, want: Wanted, tried: set[str]) -> bool:
        """Whether an address is worth asking: a source may give one twice, and an earlier run may have settled it."""
        if candidate.url in tried:
            return False
        tried.add(candidate.url)
        if not self._may_use(candidate):
            return False
        before = self._ledger.get(want.name, candidate.url)
        if before is None or not before.is_settled:
            return True
        self._known += (want.name, candidate.url) not in self._outcomes
        return False

    def _may_use(self, candidate: Candidate) -> bool:
        """Whether the licence is one that was asked for; unknown will do only where nobody ever says."""
        if candidate.licence is None:
            return not self._provider.tells_licence
        return candidate.licence.code in self._codes

    async def _fetch(self, candidate: Candidate, label: str, client: Polite) -> Arrival | Outcome:
        try:
            data = self._receiver.arrived(label, candidate.url) or await client.get(candidate.url)
        except FetchFailed as failed:
            return self._receiver.failed(candidate, label, failed)
        return await asyncio.to_thread(self._receiver.receive, candidate, label, data)

    async def _keep(self, result: Arrival | Outcome) -> bool:
        """Note an outcome; True when it is a photo that counts."""
        if isinstance(result, Arrival):
            self._batch.append(result)
            self._outcomes[result.outcome.label, result.outcome.url] = result.outcome
            if len(self._batch) >= BATCH:
                await self._flush_beside()
            return True
        self._settle([result])
        return False

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        self._ledger.write(*outcomes)
        for outcome in outcomes:
            self._outcomes[outcome.label, outcome.url] = outcome
            self._watch(outcome)

    async def _flush_beside(self) -> None:
        """Let the catalog take what has arrived while the next photos come; one batch at a time."""
        if self._flushing is None or self._flushing.done():
            await self._flushed_before()
            self._flushing = asyncio.create_task(self._flush())

    async def _flushed_before(self) -> None:
        """Wait for the batch that the catalog is taking; raises what it could not do."""
        if self._flushing is None:
            return
        try:
            await asyncio.shield(self._flushing)  # a stop does not reach it: what it takes is to be counted
        finally:
            if self._flushing.done():
                self._flushing = None

    async def _flush(self) -> None:
        """Let the catalog take what has arrived."""
        self._flushed = monotonic()
        batch, self._batch = self._batch, []
        if not batch:
            return
        self._settle(await asyncio.to_thread(self._take, batch))

    def _take(self, batch: Sequence[Arrival]) -> list[Outcome]:
        why = f"collected from {self._provider.title}"
        act = self._catalog.add(list(map(new_photo, batch)), who=self._who, why=why, act_id=self._act_id)
        self._act_id = act.id
        taken = {photo.hash for photo in self._catalog.with_hash([a.outcome.hash for a in batch])}
        return [
            replace(arrival.outcome, status="added") if arrival.outcome.hash in taken
            else replace(arrival.outcome, status="failed", code="not_kept", passing=True, reason="The disk did not take it.")
            for arrival in batch
        ]  # fmt: skip

    async def _take_left_over(self) -> None:
        for arrival in self._receiver.left_over():
            await self._keep(arrival)
        await self._flushed_before()
        await self._flush()

    async def _finish(self) -> Path:
        await self._flushed_before()
        await self._flush()
        await self._take_left_over()  # what came while everything was being stopped
        return await asyncio.to_thread(write_credits, self._catalog)

    def _tell(self, want: Wanted, got: int) -> None:
        if self._stopped:
            raise Cancelled("Stopped.")
        self._callback(Progress(f"Collecting {want.name}", min(got, want.n), want.n))

    def _have(self) -> Counter[str]:
        """Collected photos that are in the dataset now, by the label they were collected for."""
        return Counter(outcome.label for outcome in self._present())

    def _present(self) -> list[Outcome]:
        added = [outcome for outcome in self._ledger.outcomes() if outcome.status == "added"]
        there = {photo.hash for photo in self._catalog.with_hash([outcome.hash for outcome in added])}
        return [outcome for outcome in added if outcome.hash in there]

    def _count(self, status: str) -> int:
        return sum(outcome.status == status for outcome in self._outcomes.values())


async def _any_done(tasks: Sequence[asyncio.Task[object]]) -> bool:
    """Wait for the first of some tasks, and for a moment at most; False when there are none."""
    if tasks:
        await asyncio.wait(tasks, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
    return bool(tasks)


async def _stop(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _stopped(n: int) -> str:
    photos = "1 photo was" if n == 1 else f"{n} photos were"
    return f"Stopped. {photos} collected; the same again goes on from there."


def _nobody(outcome: Outcome) -> None:
    """Watch nothing."""
