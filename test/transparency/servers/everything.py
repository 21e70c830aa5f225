"""What the conformance scenarios ask a server for, for both Python libraries: their decorators are the same."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import mcp_types as types
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.shared.exceptions import MCPError
from pydantic import Field

VALUES = json.loads((Path(__file__).parent / "values.json").read_text())
IMAGE = types.ImageContent(type="image", data=VALUES["image"], mime_type="image/png")
STEP_SECONDS = 0.05


def text(value):
    return types.TextContent(type="text", text=value)


def embedded(uri, mime_type, value):
    resource = types.TextResourceContents(uri=uri, mime_type=mime_type, text=value)
    return types.EmbeddedResource(type="resource", resource=resource)


def question(message, form):
    params = types.ElicitRequestFormParams(mode="form", message=message, requested_schema=VALUES[form])
    return types.ElicitRequest(method="elicitation/create", params=params)


def sample(prompt, max_tokens=100):
    message = types.SamplingMessage(role="user", content=text(prompt))
    params = types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens)
    return types.CreateMessageRequest(method="sampling/createMessage", params=params)


ROOTS = types.ListRootsRequest(method="roots/list")


def ask(requests, state=None):
    return types.InputRequiredResult(input_requests=requests, request_state=state)


def accepted(ctx, key):
    """The content of an accepted form; None if there is no such answer."""
    answer = (ctx.input_responses or {}).get(key)
    return answer.content if isinstance(answer, types.ElicitResult) and answer.action == "accept" else None


def register(server, Context, Message):
    """Adds everything to a server of either library."""
    add_content_tools(server)
    add_reporting_tools(server, Context)
    add_legacy_requests(server, Context)
    add_input_required_tools(server, Context)
    add_resources(server)
    add_prompts(server, Context, Message)

    @server.completion()
    async def complete(ref, argument, context):
        return types.Completion(values=["paris", "park", "party"], total=3, has_more=False)


def add_content_tools(server):
    @server.tool(description="Returns text.")
    def test_simple_text():
        return [text("This is a simple text response for testing.")]

    @server.tool(description="Returns an image.")
    def test_image_content():
        return [IMAGE]

    @server.tool(description="Returns sound.")
    def test_audio_content():
        return [types.AudioContent(type="audio", data=VALUES["audio"], mime_type="audio/wav")]

    @server.tool(description="Returns a resource.")
    def test_embedded_resource():
        return [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]

    @server.tool(description="Returns text, an image and a resource.")
    def test_multiple_content_types():
        resource = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
        return [text("Multiple content types test:"), IMAGE, resource]

    @server.tool(description="Always fails.")
    def test_error_handling():
        raise ValueError("This tool intentionally returns an error for testing")

    @server.tool(description="Takes an argument that is a header, too.")
    def test_header_argument(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = ""):
        return [text(region)]


def add_reporting_tools(server, Context):
    @server.tool(description="Writes three log messages while it works.")
    async def test_tool_with_logging(ctx: Context):
        await ctx.info("Tool execution started")
        await asyncio.sleep(STEP_SECONDS)
        await ctx.info("Tool processing data")
        await asyncio.sleep(STEP_SECONDS)
        await ctx.info("Tool execution completed")
        return [text("done")]

    @server.tool(description="Writes a log message.")
    async def test_logging_tool(ctx: Context):
        await ctx.info("logged")
        return [text("done")]

    @server.tool(description="Tells of its progress.")
    async def test_tool_with_progress(ctx: Context):
        for progress in (0, 50, 100):
            await ctx.report_progress(progress, 100)
            await asyncio.sleep(STEP_SECONDS)
        return [text("done")]

    @server.tool(description="Closes its stream before it answers: the client comes back for the answer.")
    async def test_reconnection(ctx: Context):
        await ctx.close_sse_stream()
        await asyncio.sleep(2 * STEP_SECONDS)
        return [text("done")]

    @server.tool(description="Needs sampling.")
    def test_missing_capability(ctx: Context):
        capabilities = ctx.session.client_capabilities
        if capabilities is None or capabilities.sampling is None:
            needed = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(code=types.MISSING_REQUIRED_CLIENT_CAPABILITY, message="sampling is needed", data=needed)
        return [text("done")]


def add_legacy_requests(server, Context):
    """Requests of the server to the client, which the revision of 2026 has no more."""

    async def elicit(ctx, message, form):
        answer = await ctx.session.elicit_form(message, VALUES[form], related_request_id=ctx.request_id)
        return [text(f"Elicitation completed: action={answer.action}, content={json.dumps(answer.content)}")]

    @server.tool(description="Asks the client's model.")
    async def test_sampling(prompt: str, ctx: Context):
        messages = [types.SamplingMessage(role="user", content=text(prompt))]
        answer = await ctx.session.create_message(messages, max_tokens=100, related_request_id=ctx.request_id)
        return [text(f"LLM response: {answer.content.text}")]

    @server.tool(description="Asks the user.")
    async def test_elicitation(message: str, ctx: Context):
        return await elicit(ctx, message, "userForm")

    @server.tool(description="Asks the user with a form that has defaults.")
    async def test_elicitation_sep1034_defaults(ctx: Context):
        return await elicit(ctx, "Please look through this", "defaultsForm")

    @server.tool(description="Asks the user with a form that has choices.")
    async def test_elicitation_sep1330_enums(ctx: Context):
        return await elicit(ctx, "Please choose", "choicesForm")


def add_input_required_tools(server, Context):
    """Requests for input as results, which came with the revision of 2026."""
    name = question("What is your name?", "nameForm")
    confirm = question("Please confirm", "confirmForm")

    @server.tool(description="Asks for a name.")
    def test_input_required_result_elicitation(ctx: Context):
        answer = accepted(ctx, "user_name")
        return ask({"user_name": name}) if answer is None else [text(f"Hello, {answer.get('name')}!")]

    @server.tool(description="Asks for a name, on a stream.")
    async def test_streaming_elicitation(ctx: Context):
        await ctx.report_progress(0, 1)
        return ask({"user_name": name})

    @server.tool(description="Asks the client's model.")
    def test_input_required_result_sampling(ctx: Context):
        answer = (ctx.input_responses or {}).get("capital_question")
        if answer is None:
            return ask({"capital_question": sample("What is the capital of France?")})
        return [text(answer.content.text)]

    @server.tool(description="Asks for roots.")
    def test_input_required_result_list_roots(ctx: Context):
        answer = (ctx.input_responses or {}).get("client_roots")
        if answer is None:
            return ask({"client_roots": ROOTS})
        return [text(", ".join(str(root.uri) for root in answer.roots))]

    @server.tool(description="Asks, and remembers by what the client brings back.")
    def test_input_required_result_request_state(ctx: Context):
        if ctx.request_state != "asked" or accepted(ctx, "confirm") is None:
            return ask({"confirm": confirm}, "asked")
        return [text("state-ok")]

    @server.tool(description="Asks for three things at once.")
    def test_input_required_result_multiple_inputs(ctx: Context):
        wanted = {"user_name": name, "greeting": sample("Generate a greeting", 50), "client_roots": ROOTS}
        if not wanted.keys() <= (ctx.input_responses or {}).keys():
            return ask(wanted, "asked")
        return [text("done")]

    @server.tool(description="Asks twice.")
    def test_input_required_result_multi_round(ctx: Context):
        if ctx.request_state == "second":
            return [text("done")]
        if ctx.request_state == "first":
            return ask({"step2": question("Step 2: What is your favorite color?", "colorForm")}, "second")
        return ask({"step1": question("Step 1: What is your name?", "nameForm")}, "first")

    @server.tool(description="Notices when somebody changes what it remembers.")
    def test_input_required_result_tampered_state(ctx: Context):
        return [text("done")] if ctx.request_state == "asked" else ask({"confirm": confirm}, "asked")

    @server.tool(description="Asks for what the client can do.")
    def test_input_required_result_capabilities(ctx: Context):
        capabilities = ctx.session.client_capabilities
        wanted = {}
        if capabilities and capabilities.elicitation is not None:
            wanted["user_name"] = name
        if capabilities and capabilities.sampling is not None:
            wanted["greeting"] = sample("Generate a greeting")
        return ask(wanted) if wanted else [text("done")]


def add_resources(server):
    @server.resource("test://static-text", name="text", description="Text.", mime_type="text/plain")
    def static_text():
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", name="binary", description="An image.", mime_type="image/png")
    def static_binary():
        from base64 import b64decode

        return b64decode(VALUES["image"])

    @server.resource("test://watched-resource", name="watched", description="Watched.", mime_type="text/plain")
    def watched():
        return "Watched resource content."

    @server.resource("test://template/{id}/data", name="template", description="Any.", mime_type="application/json")
    def template(id: str):
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def add_prompts(server, Context, Message):
    @server.prompt(description="Without arguments.")
    def test_simple_prompt():
        return [Message("This is a simple prompt for testing.")]

    @server.prompt(description="With two arguments.")
    def test_prompt_with_arguments(arg1: str, arg2: str):
        return [Message(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]

    @server.prompt(description="With a resource.")
    def test_prompt_with_embedded_resource(resourceUri: str):
        resource = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [Message(resource), Message("Please process the embedded resource above.")]

    @server.prompt(description="With an image.")
    def test_prompt_with_image():
        return [Message(IMAGE), Message("Please analyze the image above.")]

    @server.prompt(description="Asks what it shall be about.")
    def test_input_required_result_prompt(ctx: Context):
        answer = accepted(ctx, "user_context")
        if answer is None:
            return ask({"user_context": question("What context should the prompt use?", "contextForm")})
        return [Message(f"Use this: {answer.get('context')}")]


class MemoryEvents(EventStore):
    """All events in order, for clients that come back."""

    def __init__(self):
        self.events = []

    async def store_event(self, stream_id, message):
        self.events.append((stream_id, message))
        return str(len(self.events))

    async def replay_events_after(self, last_event_id, send_callback):
        position = int(last_event_id)
        stream_id, _ = self.events[position - 1]
        for number, (stream, message) in enumerate(self.events[position:], position + 1):
            if stream == stream_id and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream_id
