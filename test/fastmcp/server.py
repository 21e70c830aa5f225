"""An echo server as people write it with FastMCP, without authorization."""

import os
from typing import Annotated

from fastmcp import FastMCP
from pydantic import Field

mcp = FastMCP("Echo")


@mcp.tool
def echo(message: str, repeat_count: Annotated[int, Field(ge=1, le=10)] = 3) -> str:
    """Repeats the message."""
    return message * repeat_count


if __name__ == "__main__":
    mcp.run(
        transport="http",
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8000")),
        show_banner=False,
    )
