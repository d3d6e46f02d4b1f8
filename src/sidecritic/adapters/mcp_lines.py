"""The lines that messages of MCP travel on: our own stdin and stdout, a process, or HTTP."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import httpx2
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
)
from mcp.shared.message import ClientMessageMetadata, SessionMessage
from mcp_types import PROTOCOL_VERSION_META_KEY, JSONRPCRequest, jsonrpc_message_adapter
from pydantic import ValidationError

from sidecritic.adapters.mcp import Line
from sidecritic.errors import ConfigError
from sidecritic.values import object_of, text_of

_LONGEST = 64_000_000
"""Bytes of one message."""


@asynccontextmanager
async def standard(incoming: BinaryIO, outgoing: BinaryIO) -> AsyncGenerator[Line]:
    """Read messages from one pipe and write them to another, one a line.

    The SDK's own server cannot stop waiting for a line when the other side ends.

    Raises:
        ConfigError: `incoming` is not a pipe.
    """
    reader = asyncio.StreamReader(limit=_LONGEST)
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), incoming
        )
    except ValueError as cause:
        raise ConfigError("standard input is a file; an MCP client writes to a pipe") from cause
    try:
        yield _messages(reader), _Written(outgoing)
    finally:
        transport.close()


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[SessionMessage | Exception]:
    while line := await reader.readline():
        try:
            yield SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValidationError as problem:
            yield problem


@dataclass(frozen=True, slots=True)
class _Written:
    out: BinaryIO
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, item: SessionMessage, /) -> None:
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        async with self.lock:
            await asyncio.to_thread(self._write, text.encode() + b"\n")

    def _write(self, line: bytes) -> None:
        self.out.write(line)
        self.out.flush()


@asynccontextmanager
async def started(command: Sequence[str], env: Mapping[str, str]) -> AsyncGenerator[Line]:
    """Run a server as a process for the length of the block.

    Raises:
        ConfigError: the program does not exist.
    """
    program, *arguments = command
    server = StdioServerParameters(command=program, args=arguments, env=dict(env))
    try:
        async with stdio_client(server, errlog=sys.stderr) as line:
            yield line
    except FileNotFoundError as cause:
        raise ConfigError(f"no program {program!r}; check the command after --") from cause


@asynccontextmanager
async def reached(url: str, headers: Mapping[str, str]) -> AsyncGenerator[Line]:
    """Hold a connection to a server over streamable HTTP for the length of the block."""
    timeout = httpx2.Timeout(30.0, read=None)
    async with (
        httpx2.AsyncClient(headers=dict(headers), timeout=timeout) as client,
        streamable_http_client(url, http_client=client) as (receives, sends),
    ):
        yield receives, _Stamped(sends)


@dataclass(frozen=True, slots=True)
class _Stamped:
    """Repeats in HTTP headers what a message says in its body, as MCP over HTTP requires."""

    sends: Any

    async def send(self, item: SessionMessage, /) -> None:
        message = item.message
        if isinstance(message, JSONRPCRequest):
            headers = _headers(message.method, message.params or {})
            if headers:
                item = SessionMessage(message, ClientMessageMetadata(headers=headers))
        await self.sends.send(item)


def _headers(method: str, params: Mapping[str, Any]) -> dict[str, str]:
    version = text_of(object_of(params, "_meta"), PROTOCOL_VERSION_META_KEY)
    if not version:
        return {}
    headers = {MCP_PROTOCOL_VERSION_HEADER: version, MCP_METHOD_HEADER: method}
    name = text_of(params, NAME_BEARING_METHODS.get(method, ""))
    return headers | ({MCP_NAME_HEADER: encode_header_value(name)} if name else {})
