"""Each source against a server that speaks its published protocol; and what is said when it does not any more."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.photosource import Offer, PhotoSource, noise, photo_source
from fieldmark.catalog import Catalog
from fieldmark.collect import Candidate, Provider, Rules, Wanted, collect, find_provider, verify
from fieldmark.collect.addresses import is_public
from fieldmark.collect.licence import CODES, Licence, read_licence, wanted_codes
from fieldmark.collect.polite import Polite
from fieldmark.collectpermit import permit_for_others
from fieldmark.errors import CollectError

PATHS = {"openverse": "/openverse/v1", "inaturalist": "/inat/v1", "commons": "/w/api.php"}


@pytest.fixture
def source() -> Iterator[PhotoSource]:
    offers = {
        "grizzly bear": Offer(450, noise),
        "brown bear": Offer(30, noise),
        "teddy bear": Offer(9, noise),
    }
    with photo_source(offers) as server:
        yield server


def at(source: PhotoSource, name: str) -> Provider:
    return find_provider(name, source.url + PATHS[name])


def found(provider: Provider, term: str, licences: frozenset[str] = frozenset(CODES)) -> list[Candidate]:
    async def search() -> list[Candidate]:
        async with Polite(Rules(attempts=1)) as client:
            results: AsyncIterator[Candidate] = provider.search(term, licences=licences, client=client)
            return [candidate async for candidate in results]

    return asyncio.run(search())


def test_openverse_is_paged_as_deep_as_it_allows_without_a_key(source: PhotoSource) -> None:
    candidates = found(at(source, "openverse"), "grizzly bear")
    assert len(candidates) == len({c.url for c in candidates}) == 240
    assert source.asked["/openverse/v1/images/"] == 12
    assert candidates[1].licence == Licence("by-sa", "2.0")
    assert (candidates[1].author, candidates[1].page, candidates[1].source) == ("Person 1", "https://photos.example/1", "flickr")  # fmt: skip


def test_inaturalist_is_asked_by_taxon_and_gives_one_photo_an_observation(source: PhotoSource) -> None:
    candidates = found(at(source, "inaturalist"), "Grizzly Bear", frozenset(("by", "cc0", "by-sa", "by-nc")))
    assert len(candidates) == 450
    assert source.asked["/inat/v1/observations"] == 3
    first = candidates[0]
    assert first.url.endswith("/large.jpg")
    assert first.page == "https://www.inaturalist.org/observations/1449"
    assert (first.taken, first.place, first.author) == ("2024-06-15T06:30:00+02:00", "Yukon, CA", "user1")


def test_inaturalist_says_so_when_it_knows_no_such_living_thing(source: PhotoSource) -> None:
    with pytest.raises(CollectError, match=r"knows no living thing called 'teddy bear'.*take Openverse"):
        found(at(source, "inaturalist"), "teddy bear")
    with pytest.raises(
        CollectError, match=r"called 'bear'. Meant is perhaps one of these: Grizzly Bear, Brown Bear"
    ):
        found(at(source, "inaturalist"), "bear")


def test_commons_is_followed_to_its_end_and_drawings_are_left_out(source: PhotoSource) -> None:
    candidates = found(at(source, "commons"), "grizzly bear")
    assert len(candidates) == 405  # every tenth is an SVG
    assert candidates[0].author == "Person & 1"
    assert (candidates[0].taken, candidates[0].place) == ("2019-02-02T08:15:00", "46.5, 11.3")
    assert candidates[0].licence == Licence("by-sa", "3.0")
    with pytest.raises(CollectError, match="Wikimedia Commons says: Waiting for a database"):
        found(at(source, "commons"), "maxlag")


def test_one_class_that_a_source_does_not_know_does_not_end_the_others(
    source: PhotoSource, tmp_path: Path
) -> None:
    source.offers["grizzly bear"] = Offer(20, noise)
    wanted = [Wanted("teddy bear", 3), Wanted("grizzly bear", 3)]
    report = collect(
        tmp_path / "a", wanted, who="test", provider=at(source, "inaturalist"), rules=Rules(attempts=1)
    )
    assert list(report.problems) == ["teddy bear"]
    photos = Catalog.open(tmp_path / "a").photos()
    assert len(photos) == 3
    assert all(photo.captured and photo.group for photo in photos)


@pytest.mark.parametrize("name", PATHS)
def test_verifying_says_what_is_as_it_was(source: PhotoSource, name: str) -> None:
    findings = verify(at(source, name))
    assert [finding.line() for finding in findings if not finding.ok] == []
    assert findings[-1].what == "photo"


def test_verifying_a_source_without_an_interface_of_its_own_fetches_a_photo(
    source: PhotoSource, tmp_path: Path
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"{source.url}/fault/gone/bear/1.jpg\n{source.photo_url('brown bear', 1)}\n", "utf-8")
    assert [finding.line() for finding in verify(find_provider("list", str(listed)))] == [
        "ok   photo: 320 × 240, licence unknown"
    ]


def test_verifying_says_what_has_drifted(source: PhotoSource) -> None:
    source.drifted = True
    command = [sys.executable, "-m", "fieldmark", "collect", "--verify", "--json", "--endpoint", source.url + PATHS["openverse"]]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert not answer["ok"]
    assert "the answer has ['hits'," in answer["findings"][0]["said"]
    with pytest.raises(CollectError, match=r"answered otherwise than it did.*fieldmark collect --verify"):
        found(at(source, "openverse"), "grizzly bear")


def test_a_table_of_addresses_brings_its_labels_and_licences(source: PhotoSource, tmp_path: Path) -> None:
    table = tmp_path / "photos.csv"
    rows = [f"{source.photo_url('brown bear', n)},{'bear' if n % 2 else 'no bear'},CC BY 4.0,me,https://me.example/{n}" for n in range(8)]  # fmt: skip
    table.write_text("url,label,licence,author,page\n" + "\n".join(rows), "utf-8")
    command = [sys.executable, "-m", "fieldmark", "collect", str(tmp_path / "a"), "--provider", "list", "--endpoint", str(table), "--json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["added"] == 8
    assert Catalog.open(tmp_path / "a").counts() == {"bear": 4, "no bear": 4}


def test_a_list_without_licences_says_that_they_are_unknown(source: PhotoSource, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(
        f"# mine\n{source.photo_url('brown bear', 1)}\nnot an address\nfile:///etc/passwd\n", "utf-8"
    )
    report = collect(
        tmp_path / "a", [Wanted("bear")], who="test", provider=find_provider("list", str(listed))
    )
    (photo,) = Catalog.open(tmp_path / "a").photos()
    assert photo.licence == "licence unknown"
    assert {failure.code for failure in report.failures} == {"bad_url"}


def test_without_ddgs_the_web_search_is_one_sentence(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['ddgs'] = None\n"
        "from fieldmark.collect import Wanted, collect\n"
        "try: collect(sys.argv[1], [Wanted('bear')], who='test', provider='web')\n"
        "except Exception as error: print(error.code, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (
        "needs_extra Web search needs the package ddgs. Install fieldmark[web], or take Openverse, whose photos "
        "come with a licence."
    )


def test_the_command_line_says_in_one_sentence_that_a_provider_is_down(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fieldmark", "collect", str(tmp_path / "a"), "--class", "bear", "--endpoint", "http://127.0.0.1:9"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == "No connection to 127.0.0.1. Check that this computer is online."
    assert not (tmp_path / "a").exists()


# --- Licences ---


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("cc-by-nc", "by-nc"), ("CC BY-SA 3.0", "by-sa"), ("CC BY-NC-SA 2.0", "by-nc-sa"), ("cc0", "cc0"), ("CC0", "cc0"),
        ("pdm", "pdm"), ("Public domain", "pdm"), ("PD-old", "pdm"), ("by", "by"), ("cc by nc nd", "by-nc-nd"),
        ("https://creativecommons.org/licenses/by/4.0/", "by"), ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0"),
        ("All rights reserved", None), ("by me", None), ("bystander", None), ("GFDL", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_a_licence_is_understood_however_it_is_written(said: str | None, code: str | None) -> None:
    licence = read_licence(said)
    assert (licence.code if licence else None) == code


@given(st.sampled_from(CODES), st.sampled_from(["1.0", "2.5", "4.0"]))
def test_a_licence_survives_its_own_name(code: str, version: str) -> None:
    licence = read_licence(Licence(code, version).name)
    assert licence is not None
    assert licence.code == code


def test_open_licences_allow_change_and_trade() -> None:
    assert wanted_codes(["open"]) == {"cc0", "pdm", "by", "by-sa"}
    assert wanted_codes(["CC-BY-NC, cc0"]) == {"by-nc", "cc0"}


# --- Behind a public server (FAULTS H48) ---


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.5.4", "169.254.169.254", "0.0.0.0", "::1", "fe80::1%eth0", "fd00::1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "100.64.0.1", "224.0.0.1", "255.255.255.255"],
)  # fmt: skip
def test_a_private_address_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_a_public_address_is_public() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_public_server_reaches_nothing_private(source: PhotoSource, host: str) -> None:
    address = source.photo_url("brown bear", 0).replace("127.0.0.1", host)

    async def fetch(rules: Rules) -> bytes:
        async with Polite(rules) as client:
            return await client.get(address)

    assert asyncio.run(fetch(Rules()))
    asked = sum(source.asked.values())
    with pytest.raises(CollectError, match="leads to a private network") as caught:
        asyncio.run(fetch(Rules(public_only=True)))
    assert caught.value.code == "refused_address"
    assert sum(source.asked.values()) == asked


def test_collecting_is_off_behind_a_public_server_until_somebody_allows_it(tmp_path: Path) -> None:
    from fieldmark.collect import rules_from_environment

    assert rules_from_environment({}).enabled
    assert not rules_from_environment({}).public_only
    public = rules_from_environment(permit_for_others({}, known=False))
    assert not public.enabled
    with pytest.raises(CollectError, match="switched off on this server"):
        collect(tmp_path / "a", [Wanted("bear")], who="visitor", rules=public)
    allowed = rules_from_environment(permit_for_others({"FIELDMARK_COLLECT": "on"}, known=False))
    assert (allowed.enabled, allowed.public_only, allowed.max_bytes, allowed.timeout_s) == (
        True,
        True,
        10 * 2**20,
        10.0,
    )


@pytest.mark.parametrize(
    ("said", "known", "permit"),
    [("", True, "public"), ("on", True, "public"), ("off", True, "off"), ("", False, "off"), ("public", False, "public"),
     ("of", True, "off")],
)  # fmt: skip
def test_a_server_for_others_never_lets_a_kernel_fetch_as_at_home(
    said: str, known: bool, permit: str
) -> None:
    assert permit_for_others({"FIELDMARK_COLLECT": said}, known=known) == {"FIELDMARK_COLLECT": permit}
