"""A server on the Python SDK's own MCPServer: its protection against DNS rebinding is on, as it is by default."""

import os

from everything import MemoryEvents, VALUES, register
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.server.mcpserver.tools import Tool
from tasks import Tasks


def accept(name: str = ""):
    return name


schema_tool = Tool.from_function(accept, name="json_schema_2020_12_tool", description="Takes what its schema says.")
server = MCPServer(
    "python-sdk",
    version="1",
    log_level="WARNING",
    extensions=[Tasks()],
    tools=[schema_tool.model_copy(update={"parameters": VALUES["inputSchema2020"]})],
)
register(server, Context, UserMessage)


@server.tool(description="Says that the tools have changed.")
async def test_trigger_tool_change(ctx: Context):
    await ctx.notify_tools_changed()
    return "done"


@server.tool(description="Says that the prompts have changed.")
async def test_trigger_prompt_change(ctx: Context):
    await ctx.notify_prompts_changed()
    return "done"


server.run(
    "streamable-http",
    host="127.0.0.1",
    port=int(os.environ["PORT"]),
    event_store=MemoryEvents(),
    retry_interval=100,
)
