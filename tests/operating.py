"""What an operator does beside a running gateway: a config file, commands, and a request to see."""

import json
from pathlib import Path
from typing import Any

import httpx2
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from tests.wire import Json

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
PLAIN = "correct horse battery staple"
"""A secret that looks like none."""


def post(root: str, body: Any = HI, **headers: str) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=120) as client:
        return client.post(f"{root}/v1/chat/completions", json=body, headers=headers)


def config_file(folder: Path, upstream: str, database: Path, *, content: bool = False) -> Path:
    file = folder / "gateway.toml"
    file.write_text(
        f"""
[upstreams.openai]
base_url = "{upstream}/v1"

[routes.openai]  # the only one
upstream = "openai"
mode = "shadow"  # for now
critic = "policy"
pack = "sidecritic.packs.shop:SHOP"
gate = "all"

[store]
url = "sqlite:///{database}"
content = {str(content).lower()}
redact = ["{PLAIN}"]
"""
    )
    return file


def command(*words: str) -> Result:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done


def waiting_case(config: Path) -> Json:
    for _ in range(2000):
        found = json.loads(command("reviews", "ls", "--json", "--config", str(config)).stdout)
        if found["cases"]:
            return found["cases"][0]
    raise AssertionError("no case was filed")
