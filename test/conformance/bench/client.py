"""The official Python client, from the URL alone: is challenged, discovers, logs in, lists the tools, prints what came.

Its one argument is JSON: url, mode (auto or legacy), address (where the URL's host listens), ca, issuer, client_id.
There is no browser: the user logs in at once, and the code is `a-code`.
"""

import asyncio
import json
import ssl
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

asked = json.loads(sys.argv[1])
REDIRECT = "http://localhost:6274/oauth/callback"
resource = urlsplit(asked["url"])


class Redirecting(httpx2.AsyncHTTPTransport):
    """Finds the host of the URL where it listens, as a name server would: Host and TLS keep the name."""

    async def handle_async_request(self, request):
        if request.url.host == resource.hostname:
            request.extensions = {**request.extensions, "sni_hostname": resource.hostname}
            request.url = request.url.copy_with(**asked["address"])
        return await super().handle_async_request(request)


class Memory:
    """Registered before; tokens until the program ends."""

    tokens = None
    client = OAuthClientInformationFull(
        client_id=asked["client_id"],
        redirect_uris=[REDIRECT],
        token_endpoint_auth_method="none",
        issuer=asked["issuer"],
    )

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


async def main():
    opened = []

    async def open_browser(url):
        opened.append(url)

    async def come_back():
        state = parse_qs(urlsplit(opened[-1]).query).get("state", [None])[0]
        return AuthorizationCodeResult(code="a-code", state=state, iss=asked["issuer"])

    provider = OAuthClientProvider(
        server_url=asked["url"],
        client_metadata=OAuthClientMetadata(
            redirect_uris=[REDIRECT],
            client_name="Test client",
            grant_types=["authorization_code"],
            token_endpoint_auth_method="none",
        ),
        storage=Memory(),
        redirect_handler=open_browser,
        callback_handler=come_back,
    )
    verify = ssl.create_default_context(cafile=asked["ca"])
    async with httpx2.AsyncClient(
        transport=Redirecting(verify=verify, trust_env=False), auth=provider, timeout=30
    ) as http_client:
        transport = streamable_http_client(asked["url"], http_client=http_client)
        async with Client(transport, mode=asked["mode"]) as client:
            tools = await client.list_tools()
            return {"opened": opened, "tools": [tool.name for tool in tools.tools]}


print(json.dumps(asyncio.run(main())))
