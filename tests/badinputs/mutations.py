"""A seeded mutator: small good photos, damaged in ways that openers have been known to fall over."""

from __future__ import annotations

import random
import zlib
from collections import Counter

from badinputs.seeds import seed, seed_names
from fieldmark.errors import BadImageError
from fieldmark.images import DEFAULT_LIMITS, Limits, open_photo
from fieldmark.imaging.capture import capture_time

SMALL = Limits(max_pixels=250_000)
"""Keeps a damaged header from costing a second; one execution in a hundred runs with the real limits."""

_EDGE_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(number: int) -> tuple[str, bytes]:
    """The damaged photo with this number, and the name of the good one it came from."""
    rng = random.Random(number)
    names = seed_names()
    name = names[number % len(names)]
    data = bytearray(seed(name))
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        rng.choice(_MUTATORS)(data, rng)
    if name.endswith(".png") and rng.random() < 0.8:
        repair_checksums(data)
    return name, bytes(data)


def fuzz(numbers: range) -> Counter[str]:
    """Decode every damaged photo of a range; how many were accepted, or refused by which reason.

    Raises:
        AssertionError: something else than a BadImageError came out, with the number to repeat it.
    """
    outcomes: Counter[str] = Counter()
    for number in numbers:
        name, data = mutated(number)
        try:
            open_photo(
                data, need_px=(None, 8)[number & 1], limits=DEFAULT_LIMITS if number % 100 == 0 else SMALL
            )
            outcomes["accepted"] += 1
        except BadImageError as error:
            outcomes[error.code] += 1
        except BaseException as exc:
            raise AssertionError(f"mutated({number}), from {name}, escaped as {exc!r}") from exc
        if number % 8 == 0:
            capture_time(data)
    return outcomes


def repair_checksums(data: bytearray) -> None:
    """Make the chunks of a PNG valid again, so that the damage gets past its checksums."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        end = at + 8 + length
        if end + 4 > len(data):
            return
        data[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4)
        at = end + 4


def _flip_bit(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set_byte(data: bytearray, rng: random.Random) -> None:
    if data:
        data[_place(data, rng)] = rng.randrange(256)


def _set_number(data: bytearray, rng: random.Random) -> None:
    size = rng.choice((1, 2, 4))
    at = _place(data, rng)
    number = (rng.choice(_EDGE_NUMBERS) + rng.randrange(-1, 2)) % (1 << 8 * size)
    data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _delete(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 16, 64))]


def _insert(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16, 300)))


def _repeat(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + rng.choice((1, 4, 16, 64))] * rng.choice((1, 2, 30))


def _splice(data: bytearray, rng: random.Random) -> None:
    other = seed(rng.choice(seed_names()))
    at, start = _place(data, rng), rng.randrange(len(other))
    data[at : at + 64] = other[start : start + rng.choice((4, 64, 512))]


def _place(data: bytearray, rng: random.Random) -> int:
    """Somewhere, more often near the beginning: that is where the headers are."""
    if not data:
        return 0
    return rng.randrange(min(len(data), 200) if rng.random() < 0.6 else len(data))


_MUTATORS = (
    _flip_bit,
    _flip_bit,
    _set_byte,
    _set_byte,
    _set_number,
    _set_number,
    _cut,
    _delete,
    _insert,
    _repeat,
    _splice,
)
