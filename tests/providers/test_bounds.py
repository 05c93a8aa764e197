"""No service can fill the memory, whatever it answers and whoever reads it."""

from __future__ import annotations

import gzip

import pytest

from tamma.errors import ConfigError, ProviderError, StreamInterrupted
from tamma.providers.common import bounds
from tamma.providers.common.http import check_base_url
from tamma.providers.interface import ProviderSettings, complete
from tests.providers.vendors import HTTP
from tests.providers.vendors.base import HttpVendor, Said, ask
from tests.support.raw_http import Answer, RawServer


@pytest.fixture(params=HTTP, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> HttpVendor:
    return request.param


async def test_no_compression_is_asked_for(vendor: HttpVendor) -> None:
    async with RawServer(Answer(vendor.wire(Said(["a", "b", "c"])))) as server:
        provider = vendor.provider(server.url)
        await complete(provider, ask())
        await provider.close()
    assert {each.headers["accept-encoding"] for each in server.received} == {"identity"}


@pytest.mark.parametrize("status", [200, 400])
async def test_a_compressed_answer_is_not_unpacked(vendor: HttpVendor, status: int) -> None:
    bomb = Answer([gzip.compress(b"data: " + b"x" * 1_000_000)], status, {"content-encoding": "gzip"})
    async with RawServer(bomb) as server:
        provider = vendor.provider(server.url)
        with pytest.raises(StreamInterrupted, match="compressed"):
            await complete(provider, ask())
        await provider.close()


async def test_lists_and_refusals_have_an_end(vendor: HttpVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_AT_ONCE", 100_000)
    endless = Answer([*[b" " * 30_000] * 4, "hang"], content_type="application/json")
    if vendor.models_answer is None:
        pytest.skip(f"{vendor.name} lists no models")
    async with RawServer(endless) as server:
        provider = vendor.provider(server.url)
        with pytest.raises(ProviderError, match="larger than 100000 bytes"):
            await provider.models()
        await provider.close()


async def test_a_list_may_be_nested_as_it_likes(vendor: HttpVendor) -> None:
    if vendor.models_answer is None:
        pytest.skip(f"{vendor.name} lists no models")
    async with RawServer(Answer([b"[" * 60_000], content_type="application/json")) as server:
        provider = vendor.provider(server.url)
        with pytest.raises(StreamInterrupted):
            await provider.models()
        await provider.close()


async def test_streams_have_an_end(vendor: HttpVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_STREAMED", 100_000)
    begun = vendor.wire(Said(["a", "b", "c"]))[:4]
    filler = b"\n" if "ollama" in vendor.name else b": nothing\n\n"
    async with RawServer(Answer([*begun, *[filler * 3000] * 40, "hang"])) as server:
        provider = vendor.provider(server.url)
        with pytest.raises(StreamInterrupted, match="larger than 100000 bytes"):
            await complete(provider, ask())
        await provider.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "https://host:99999/v1",
        "https://host/\nv1",
        "https://exa\u200bmple.com",
        "https://host/v1?key=canary-query",
        "https://host/v1#canary-part",
        "canary-no-scheme",
    ],
)
def test_an_address_that_cannot_be_right_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_base_url(ProviderSettings("mine", "openai"), url)
    assert "canary" not in str(caught.value)
