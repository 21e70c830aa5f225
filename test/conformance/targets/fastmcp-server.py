"""An MCP server as FastMCP's documentation protects it; behind its middleware, a handler that hands on what was accepted."""

import moved_clock  # noqa: F401  (before all that reads the time)

import json
import sys
from urllib.parse import quote, urlsplit

import httpx2
import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import MultiAuth, RemoteAuthProvider
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier
from fastmcp.server.auth.providers.jwt import JWTVerifier
from pydantic import AnyHttpUrl
from starlette.requests import Request
from starlette.responses import StreamingResponse

with open(sys.argv[1], encoding="utf-8") as file:
    setup = json.load(file)

resource = urlsplit(setup["resource"])
base_url = f"{resource.scheme}://{resource.netloc}"
# All that follows the origin, right or wrong: what is published is for FastMCP to decide.
path = setup["resource"][len(base_url) :] or "/"


def verifier(issuer):
    """One algorithm: JWTVerifier takes no more. The first that is configured.

    No scopes: JWTVerifier would call a token without them invalid. They are required of MultiAuth, below.
    """
    introspection = issuer.get("introspection")
    if introspection is not None:
        return IntrospectionTokenVerifier(
            introspection_url=introspection["endpoint"],
            client_id=introspection["clientId"],
            client_secret=introspection["clientSecret"],
            audience=setup["audiences"],
        )
    return JWTVerifier(
        jwks_uri=issuer["jwksUri"],
        issuer=issuer["issuer"],
        audience=setup["audiences"],
        algorithm=setup["algorithms"][0],
    )


class AllScopes(MultiAuth):
    """Asks for optional scopes up front, by the hook that is there for it."""

    def get_challenge_scopes(self, required_scopes=None):
        return setup["scopesSupported"]


verifiers = [verifier(issuer) for issuer in setup["issuers"]]
remote = RemoteAuthProvider(
    token_verifier=verifiers[0],
    authorization_servers=[AnyHttpUrl(issuer["issuer"]) for issuer in setup["issuers"]],
    base_url=base_url,
    scopes_supported=setup["scopesSupported"],
    resource_name=setup.get("resourceName"),
    resource_documentation=setup.get("resourceDocumentation"),
)
# Its required_scopes are checked apart from the token, so that a shortfall is 403 insufficient_scope.
composed = AllScopes if setup.get("initialScopes") == "All" else MultiAuth
auth = composed(server=remote, verifiers=verifiers[1:], required_scopes=setup["requiredScopes"])

app = FastMCP("Echo", auth=auth).http_app(
    path=path,
    host_origin_protection=True,
    allowed_hosts=[resource.netloc, resource.hostname],
    allowed_origins=setup["allowedOrigins"],
)
upstream = httpx2.AsyncClient(timeout=None, trust_env=False)


async def hand_on(scope, receive, send):
    """The recording MCP server sees what passed, and from whom, and says the answer."""
    request = Request(scope, receive)
    answer = await upstream.send(
        upstream.build_request(
            request.method,
            setup["upstream"],
            content=await request.body(),
            headers={
                "content-type": request.headers.get("content-type", "application/json"),
                "accept": request.headers.get("accept", "*/*"),
                setup["identity"]: quote(str(request.user.access_token.subject)),
            },
        ),
        stream=True,
    )
    response = StreamingResponse(
        answer.aiter_bytes(),
        answer.status_code,
        media_type=answer.headers.get("content-type", "application/json"),
    )
    try:
        await response(scope, receive, send)
    finally:
        await answer.aclose()


# Authentication stays FastMCP's: only what its middleware guards is another.
guarded = [route for route in app.routes if getattr(route, "path", None) == path]
guarded[0].endpoint.app = hand_on

uvicorn.run(
    app,
    host="127.0.0.1",
    port=setup["port"],
    ssl_certfile=setup["certificate"],
    ssl_keyfile=setup["key"],
    lifespan="on",
    access_log=False,  # would hold whatever a client puts into a URL; it is uvicorn's, and off where that matters
)
