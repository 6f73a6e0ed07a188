from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fieldmark.errors import FieldmarkError
from fieldmark_widgets import Uploader
from fieldmark_widgets.transfer import MIB
from widgets.messages import receive, sent, set_trait

CHUNK = 1024 * 1024


def send_file(uploader: Uploader, name: str, content: bytes, *, key: str = "k") -> None:
    """As uploader.js does it: announce, wait to be let in, then piece by piece."""
    receive(uploader, {"kind": "begin", "id": key, "name": name, "size": len(content)})
    if {"kind": "ready", "id": key} not in sent(uploader):
        return
    for offset in range(0, len(content), CHUNK):
        receive(uploader, {"kind": "chunk", "id": key, "offset": offset}, content[offset : offset + CHUNK])


def refusals(uploader: Uploader) -> list[str]:
    return [message["reason"] for message in sent(uploader) if message["kind"] == "refused"]


def test_a_file_arrives_whole_under_its_name(cat_jpeg: bytes) -> None:
    uploader = Uploader()
    send_file(uploader, "cat.jpg", cat_jpeg)
    (upload,) = uploader.files
    assert (upload.name, upload.content) == ("cat.jpg", cat_jpeg)
    assert uploader.state == "ready"
    assert [message["kind"] for message in sent(uploader)] == ["ready", "ack", "done"]


def test_a_file_beyond_the_websocket_limit_arrives_in_pieces() -> None:
    uploader = Uploader()
    content = bytes(range(256)) * (12 * 4096)  # 12 MiB; jupyter_server takes 10 in one message
    send_file(uploader, "big.jpg", content)
    assert uploader.files[0].content == content
    acks = [message["received"] for message in sent(uploader) if message["kind"] == "ack"]
    assert acks == [n * MIB for n in range(1, 13)]


def test_an_empty_file_arrives_too() -> None:
    uploader = Uploader()
    send_file(uploader, "empty.jpg", b"")
    assert [upload.content for upload in uploader.files] == [b""]


def test_files_arrive_in_the_order_they_were_chosen() -> None:
    uploader = Uploader()
    for key in "abc":
        receive(uploader, {"kind": "begin", "id": key, "name": f"{key}.jpg", "size": 1})
    assert sent(uploader) == [{"kind": "ready", "id": "a"}]
    for key in "abc":
        assert uploader.state == "busy"
        receive(uploader, {"kind": "chunk", "id": key, "offset": 0}, b"x")
    assert [upload.name for upload in uploader.files] == ["a.jpg", "b.jpg", "c.jpg"]
    assert uploader.state == "ready"


def test_a_file_over_the_limit_gets_a_sentence() -> None:
    uploader = Uploader(max_upload_mib=1)
    send_file(uploader, "huge.jpg", b"x" * (MIB + 1))
    assert refusals(uploader) == [
        "huge.jpg: too large, 1 MiB. At most 1 MiB a photo: save it smaller, as a JPEG."
    ]
    assert uploader.files == ()
    assert uploader.state == "failed"


def test_a_browser_that_sends_more_than_it_announced_is_refused() -> None:
    uploader = Uploader()
    receive(uploader, {"kind": "begin", "id": "k", "name": "a.jpg", "size": 3})
    receive(uploader, {"kind": "chunk", "id": "k", "offset": 0}, b"xxxx")
    assert "a part of it went missing" in refusals(uploader)[0]
    assert uploader.files == ()


def test_files_wait_in_the_browser_while_memory_is_full() -> None:
    uploader = Uploader(max_held_mib=2)
    send_file(uploader, "a.jpg", b"x" * (MIB + 1), key="a")
    receive(uploader, {"kind": "begin", "id": "b", "name": "b.jpg", "size": MIB})
    assert {"kind": "ready", "id": "b"} not in sent(uploader)
    uploader.remove(uploader.files[0])
    assert {"kind": "ready", "id": "b"} in sent(uploader)


def test_one_file_is_let_in_however_small_the_memory() -> None:
    uploader = Uploader(max_held_mib=0)
    send_file(uploader, "a.jpg", b"xyz")
    assert len(uploader.files) == 1


def test_sending_can_be_cancelled_and_the_next_file_comes_in() -> None:
    uploader = Uploader()
    for key in "ab":
        receive(uploader, {"kind": "begin", "id": key, "name": f"{key}.jpg", "size": 2})
    receive(uploader, {"kind": "chunk", "id": "a", "offset": 0}, b"x")
    receive(uploader, {"kind": "cancel", "id": "a"})
    receive(uploader, {"kind": "chunk", "id": "a", "offset": 1}, b"x")  # was on its way already
    receive(uploader, {"kind": "chunk", "id": "b", "offset": 0}, b"xx")
    assert [upload.name for upload in uploader.files] == ["b.jpg"]
    assert refusals(uploader) == []


def test_a_reloaded_page_does_not_wait_for_what_the_old_one_was_sending() -> None:
    uploader = Uploader()
    receive(uploader, {"kind": "begin", "id": "old", "name": "old.jpg", "size": 5})
    receive(uploader, {"kind": "hello"})
    send_file(uploader, "new.jpg", b"xyz", key="new")
    assert [upload.name for upload in uploader.files] == ["new.jpg"]


def test_clear_forgets_everything() -> None:
    uploader = Uploader()
    send_file(uploader, "a.jpg", b"xyz")
    receive(uploader, {"kind": "begin", "id": "b", "name": "b.jpg", "size": 5})
    receive(uploader, {"kind": "clear"})
    assert (uploader.files, uploader.state) == ((), "empty")


def test_a_page_is_told_that_what_it_was_sending_is_forgotten() -> None:
    uploader = Uploader()
    for key in ("1", "2"):
        receive(uploader, {"kind": "begin", "id": key, "name": f"{key}.jpg", "size": 3})
    assert uploader.waiting == 2
    uploader.clear()
    assert uploader.waiting == 0
    assert sent(uploader)[-1] == {"kind": "cleared"}


def test_python_can_add_files_too() -> None:
    uploader = Uploader()
    uploader.add("folder/cat.jpg", b"xyz")
    assert [(upload.name, upload.content) for upload in uploader.files] == [("cat.jpg", b"xyz")]
    with pytest.raises(FieldmarkError, match=r"big\.jpg: too large"):
        uploader.add("big.jpg", b"x" * (31 * MIB))


def test_observers_see_each_file_as_it_arrives() -> None:
    uploader = Uploader()
    seen: list[int] = []
    uploader.observe(lambda change: seen.append(len(change["new"])), "files")
    for key in "ab":
        send_file(uploader, f"{key}.jpg", b"x", key=key)
    assert seen == [1, 2]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "begin"},
        {"kind": "begin", "id": "k", "name": "a", "size": "many"},
        {"kind": "begin", "id": "k", "name": "a", "size": -1},
        {"kind": "begin", "id": "k", "name": "a", "size": None},
        {"kind": "chunk", "id": "k", "offset": 0},
        {"kind": "chunk", "id": "k", "offset": []},
    ],
)
def test_a_message_that_no_browser_of_ours_sends_is_refused_with_a_sentence(message: dict[str, Any]) -> None:
    uploader = Uploader()
    receive(uploader, message)
    assert refusals(uploader) == ["Not sent: the browser's message was not understood. Reload this page."]


def test_announcing_without_end_is_refused() -> None:
    uploader = Uploader(max_files=3)
    for n in range(20):
        receive(uploader, {"kind": "begin", "id": f"{n}", "name": "a.jpg", "size": 1})
    assert len(refusals(uploader)) == 20 - 7  # one on its way, six waiting
    assert len(uploader._announced) == 6


def test_a_page_cannot_raise_its_own_limits_beyond_the_kernels_memory(
    make_jpeg: Callable[..., bytes],
) -> None:
    """Limits are shown in the browser, so they are synced; only the kernel may set them."""
    uploader = Uploader(max_upload_mib=1)
    set_trait(uploader, max_upload_mib=1000.0, max_files=10_000)
    assert (uploader.max_upload_mib, uploader.max_files) == (1, 60)
