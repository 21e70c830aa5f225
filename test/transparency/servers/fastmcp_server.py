"""A server on FastMCP: its protection against DNS rebinding is asked for, as it is off by default."""

import os

import uvicorn
from everything import MemoryEvents, VALUES, register
from fastmcp import Context, FastMCP
from fastmcp.prompts import Message
from fastmcp.tools import Tool


def accept(name: str = ""):
    return name


schema_tool = Tool.from_function(accept, name="json_schema_2020_12_tool", description="Takes what its schema says.")
server = FastMCP(
    "fastmcp",
    version="1",
    dereference_schemas=False,
    tools=[schema_tool.model_copy(update={"parameters": VALUES["inputSchema2020"]})],
)
register(server, Context, Message)

app = server.http_app(event_store=MemoryEvents(), retry_interval=100, host_origin_protection=True)
uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
