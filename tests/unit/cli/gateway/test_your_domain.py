"""Every command of docs/your-domain.md, in the order of the page, typed by a program.

The provider and the critic's model are one server on loopback; nothing else is put in its place.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.operating import DOOR, Process, free_port
from tests.unit.cli.gateway.desk import chats, files, models
from tests.unit.cli.gateway.test_walk import decided, environment, program, typed
from tests.wire import wire_server

PAGE = Path(__file__).parents[4] / "docs" / "your-domain.md"
ASKED = [*["Book a visit for Rex."] * 15, *["Yes, book slot S-9 for Rex, as you said."] * 15]


def commands() -> list[list[str]]:
    """Return the words of each command of the page."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


class Newcomer:
    """Somebody who types what the page says, in a folder with policy and tools."""

    def __init__(self, folder: Path, provider: str) -> None:
        self.folder = folder
        self.provider = provider
        self.listen = f"127.0.0.1:{free_port()}"
        _, self.tools, self.agent = files(folder)
        (folder / "chats.jsonl").write_text(chats())
        self.said: dict[str, str] = {}
        """What each command printed, by its first words and what is special about it."""
        self.ids: dict[str, list[str]] = {}

    def type(self, words: Sequence[str]) -> None:
        """Type one command of the page, with this machine's addresses and ids in it."""
        name = " ".join(words[1:3]) if words[1] == "decisions" else words[1]
        if name == "serve" and "--check" not in words:
            self.serve()
        elif name in ("decisions show", "decisions label"):
            self.about_decisions(words)
        else:
            done = typed(self.folder, *self.here(words), OPENAI_API_KEY="sk-operator")
            special = {"--blocked", "chats.jsonl", "shadow"}.intersection(words)
            self.said[" ".join([name, *special])] = done

    def here(self, words: Sequence[str]) -> Iterator[str]:
        """Yield the words with the addresses of this machine in place of the provider's."""
        for word in words[1:]:
            yield word.replace("https://api.openai.com/v1", self.provider)
        if words[1] == "init":
            yield from ("--listen", self.listen)
        if words[1] == "replay":
            yield from ("--critic-base-url", self.provider)

    def serve(self) -> None:
        """Let the agent talk to the server until everything is judged."""
        running = Process([str(DOOR), "serve"], cwd=self.folder, env=environment())
        try:
            running.wait_for(b"answers (ok")
            assert program(self.agent, self.tools, f"http://{self.listen}", *ASKED) == [
                ["book_visit"]
            ] * len(ASKED)
            rows = decided(self.folder / "sidecritic.db", len(ASKED))
        finally:
            running.kill()
        for row in rows:
            self.ids.setdefault(row["verdict"], []).append(row["id"])

    def about_decisions(self, words: Sequence[str]) -> None:
        # The critic is right about this desk: what it objects to is wrong.
        ids = self.ids["approve" if "right" in words else "revise"]
        named = ids if "label" in words else ids[:1]
        kept = [word for word in words[1:] if word != "ID"]
        typed(self.folder, *kept[:2], *named, *kept[2:])


def test_the_page_is_walked_from_policy_to_enforcement(tmp_path: Path) -> None:
    with wire_server(models) as provider:
        newcomer = Newcomer(tmp_path / "desk", provider.base_url)
        for words in commands():
            newcomer.type(words)
    said = newcomer.said
    assert "find_owner" in said["init"]
    assert "set here" in said["serve"]
    assert "15 would have been blocked" in said["decisions ls"]
    caught = re.search(r"agent +15 of 15 .* 0 of 15 ", said["replay"])
    assert caught, "all that was wrong, nothing that was right"
    assert re.search(r"all +1 of 1 .* 0 of 1 ", said["replay chats.jsonl"])
    assert "enforce" in said["pilot"]
    assert "shadow → enforce" in said["promote"]
    assert "enforce → shadow" in said["promote shadow"]


def test_a_route_that_was_promoted_withholds_what_is_refused(tmp_path: Path) -> None:
    with wire_server(models) as provider:
        newcomer = Newcomer(tmp_path / "desk", provider.base_url)
        newcomer.type(commands()[0])
        newcomer.type(
            ["sidecritic", "promote", *["--config", "gateway.toml", "--route", "agent", "--yes"]]
        )
        running = Process([str(DOOR), "serve"], cwd=newcomer.folder, env=environment())
        try:
            running.wait_for(b"answers (ok")
            root = f"http://{newcomer.listen}"
            (first, second) = program(newcomer.agent, newcomer.tools, root, ASKED[0], ASKED[-1])
        finally:
            running.kill()
    assert isinstance(first, str), "a message in place of the call"
    assert second == ["book_visit"]
