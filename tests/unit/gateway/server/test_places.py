"""Paths and headers of other doors to the same formats: Azure, OpenRouter, proxies that observe."""

from hashlib import sha256

import pytest
from openai import AzureOpenAI

from tests.gateway import approves, code, gateway, post
from tests.wire import Json, call, chat, wire_server
from tests.wires.streams import response

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
DEPLOYED = "openai/deployments/My-GPT/chat/completions?api-version=2025-01-01"


def test_azures_client_is_supervised_and_its_key_is_the_upstreams() -> None:
    client = {"name": "shop", "key_sha256": sha256(b"shop-key").hexdigest()}
    critic = approves()
    with (
        wire_server(chat(None, calls=[call("refund", {})])) as upstream,
        gateway(
            upstream.root,
            critic=critic,
            clients=[client],
            upstream={"base_url": upstream.root, "key_env": "UPSTREAM_KEY"},
        ) as door,
        AzureOpenAI(
            azure_endpoint=door.root, api_key="shop-key", api_version="2025-01-01", max_retries=0
        ) as azure,
    ):
        answer = azure.chat.completions.create(model="My-GPT", messages=HI["messages"])
    assert answer.choices[0].message.tool_calls
    assert [c.name for c in critic.seen[0].action.calls] == ["refund"]
    (received,) = upstream.received
    assert received.path == f"/{DEPLOYED}"
    assert received.headers["api-key"] == "sk-upstream-0123456789"
    assert "authorization" not in received.headers


@pytest.mark.parametrize(
    ("path", "is_supervised"),
    [
        (DEPLOYED, True),
        ("openai/v1/chat/completions", True),
        ("v1/openai/v1/chat/completions", True),
        ("openai/deployments/a/b/chat/completions", False),
        ("openai/Deployments/a/chat/completions", False),
        ("openai/deployments/a/Chat/Completions", False),
        ("openai/deployments//chat/completions", False),
    ],
)
def test_a_path_of_azures_is_supervised_or_refused(path: str, is_supervised: bool) -> None:
    critic = approves()
    with wire_server(chat()) as upstream, gateway(upstream.root, critic=critic) as door:
        answer = post(door, path, HI)
    assert answer.status_code == (200 if is_supervised else 404)
    assert bool(critic.seen) is is_supervised


def test_what_is_proxied_is_so_below_a_deployment() -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        assert post(door, "openai/deployments/a/embeddings", {"input": "a"}).status_code == 200
        assert code(post(door, "openai/deployments/a/images", {})) == "unsupervised_path"


def test_responses_of_azures_are_supervised() -> None:
    critic = approves()
    with wire_server(response()) as upstream, gateway(upstream.root, critic=critic) as door:
        assert post(door, "openai/responses", {"model": "m", "input": "Hi"}).status_code == 200
        assert len(door.settled()) == 1


KNOWN = {
    "http_referer": "https://shop.example.com",
    "x_title": "Shop",
    "x_openrouter_provider": "a",
    "x_ms_client_request_id": "b",
    "helicone_auth": "Bearer h",
    "langfuse_trace_id": "c",
    "x_portkey_provider": "d",
    "cf_aig_cache_ttl": "1",
    "x_litellm_tags": "e",
    "baggage": "f=1",
}
OTHERS = {"cookie": "a=b", "x_forwarded_for": "1.2.3.4", "x_api_key": "k", "x_own": "1"}


def test_headers_that_routers_and_observers_read_go_on_and_others_stay() -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        post(door, "v1/chat/completions", HI, **KNOWN, **OTHERS)
    received = upstream.received[0].headers
    for name, value in KNOWN.items():
        assert received[name.replace("_", "-")] == value
    assert not {name.replace("_", "-") for name in OTHERS} & received.keys()
