"""A real MCP server that remembers what it carried out."""

from dataclasses import dataclass, field

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations


@dataclass
class Shop:
    ran: list[str] = field(default_factory=list[str])
    cancelled: list[str] = field(default_factory=list[str])
    server: MCPServer = field(default_factory=lambda: MCPServer("shop"))

    def __post_init__(self) -> None:
        add = self.server.add_tool
        add(self.get_order, annotations=ToolAnnotations(read_only_hint=True))
        add(self.refund_order)
        add(self.delete_order, annotations=ToolAnnotations(destructive_hint=True))
        add(self.wait)

    def get_order(self, order: str) -> str:
        """Look an order up."""
        self.ran.append(f"get {order}")
        return f"{order}: one kettle"

    def refund_order(self, order: str) -> str:
        """Refund an order."""
        self.ran.append(f"refund {order}")
        return f"refunded {order}"

    def delete_order(self, order: str) -> str:
        """Delete an order."""
        self.ran.append(f"delete {order}")
        return "deleted"

    async def wait(self, context: Context) -> str:
        """Say that it has begun, and never end."""
        await context.report_progress(1, 2, "begun")
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            self.cancelled.append("wait")
            raise
        return ""
