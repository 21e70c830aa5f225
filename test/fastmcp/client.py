"""FastMCP's own client, as an application uses it: connects, lists the tools, calls echo, prints what came as JSON.

Its one argument is JSON: url, mode, ca; then token, or client_id, or neither for dynamic registration; calls, the
arguments of each echo.
"""

import asyncio
import json
import ssl
import sys
import warnings

from fastmcp import Client
from fastmcp.client.auth import OAuth

warnings.filterwarnings("ignore", message="Using in-memory token storage")


async def main(asked: dict) -> dict:
    auth = asked.get("token") or OAuth(
        client_id=asked.get("client_id"), callback_port=asked.get("callback_port"), callback_timeout=60
    )
    verify = ssl.create_default_context(cafile=asked["ca"]) if "ca" in asked else None
    async with Client(asked["url"], auth=auth, mode=asked.get("mode", "auto"), verify=verify) as client:
        tools = [tool.model_dump(mode="json", exclude_none=True) for tool in await client.list_tools()]
        calls = []
        for arguments in asked.get("calls", [{"message": "hello "}]):
            result = await client.call_tool("echo", arguments, raise_on_error=False)
            calls.append({"is_error": result.is_error, "text": "".join(part.text for part in result.content)})
        return {
            "tools": tools,
            "calls": calls,
            "protocol_version": client.protocol_version,
            "server": client.server_info.name,
        }


try:
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
