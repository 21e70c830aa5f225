"""The same echo server with authorization in its code: it verifies tokens, publishes metadata, and serves TLS."""

import os
from typing import Annotated

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from pydantic import AnyHttpUrl, Field

issuer = os.environ.get("ISSUER", "https://localhost:8443/realms/my-realm")

mcp = FastMCP(
    "Echo",
    auth=RemoteAuthProvider(
        token_verifier=JWTVerifier(
            jwks_uri=f"{issuer}/protocol/openid-connect/certs",
            issuer=issuer,
            audience="echo-mcp-server",
            required_scopes=os.environ.get("REQUIRED_SCOPES", "").split(),
        ),
        authorization_servers=[AnyHttpUrl(issuer)],
        base_url=os.environ.get("BASE_URL", "https://localhost:8001"),
    ),
)


@mcp.tool
def echo(message: str, repeat_count: Annotated[int, Field(ge=1, le=10)] = 3) -> str:
    """Repeats the message."""
    return message * repeat_count


if __name__ == "__main__":
    mcp.run(
        transport="http",
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8001")),
        show_banner=False,
        uvicorn_config={
            "ssl_certfile": os.environ.get("TLS_CERTIFICATE", "tls.crt"),
            "ssl_keyfile": os.environ.get("TLS_KEY", "tls.key"),
        },
    )
