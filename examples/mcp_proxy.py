"""An MCP client whose server stands behind `sidecritic mcp-proxy`; no model, no keys.

    python examples/mcp_proxy.py

The client asks for a wrong deletion, is told why not, and asks for a refund instead. The policy
is a pack of one check, in this file; the server is this file as well (`serve`).
"""

import asyncio
import os
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.server.mcpserver import MCPServer
from mcp_types import TextContent

from sidecritic.checks.base import Objection, Pack, call_check
from sidecritic.checks.case import Case

server = MCPServer("shop")


@server.tool()
def delete_order(order: str) -> str:
    """Delete an order."""
    return f"{order} is gone"


@server.tool()
def refund_order(order: str) -> str:
    """Refund an order."""
    return f"{order} is refunded"


@call_check("deletion", policy="Orders are kept.", risk=0.9, tools=["delete_order"])
def no_deletion(case: Case) -> Objection:
    return Objection("Orders are never deleted; refund it instead.")


PACK = Pack("shop", calls=(no_deletion,))


async def main() -> list[str]:
    file = Path(__file__)
    supervised = StdioServerParameters(
        command=sys.executable,
        args=[
            *("-m", "sidecritic", "mcp-proxy", "--critic", "policy"),
            *("--pack", f"{file.stem}:PACK"),
            *("--", sys.executable, str(file), "serve"),
        ],
        env={"PYTHONPATH": os.pathsep.join([str(file.parent), *sys.path])},
    )
    said: list[str] = []
    async with Client(supervised) as client:
        for tool in ("delete_order", "refund_order"):
            result = await client.call_tool(tool, {"order": "B2"})
            said += [part.text for part in result.content if isinstance(part, TextContent)]
    return said


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        server.run("stdio")
    else:
        print(*asyncio.run(main()), sep="\n")
