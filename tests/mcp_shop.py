"""A real MCP server, over stdio or HTTP: what it carries out it writes into a file.

    python -m tests.mcp_shop FILE [PORT]
"""

import sys
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations

ran = Path(sys.argv[1])
server = MCPServer("shop")


def note(line: str) -> None:
    with ran.open("a") as file:
        file.write(f"{line}\n")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def get_order(order: str) -> str:
    """Look an order up."""
    note(f"get {order}")
    return f"{order}: one kettle"


@server.tool()
def refund_order(order: str) -> str:
    """Refund an order."""
    note(f"refund {order}")
    return f"refunded {order}"


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def delete_order(order: str) -> str:
    """Delete an order."""
    note(f"delete {order}")
    return "deleted"


@server.tool()
async def slow(context: Context) -> str:
    """Say how far it is, and be done."""
    await context.report_progress(1, 2, "half")
    note("slow")
    return "done"


if __name__ == "__main__":
    if len(sys.argv) > 2:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
