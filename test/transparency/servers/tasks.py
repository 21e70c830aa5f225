"""The tasks extension of MCP (SEP-2663), which the Python SDK leaves to its users: tools that go on after their answer."""

import asyncio
import uuid
from datetime import datetime, timezone

import mcp_types as types
from everything import accepted, question, text
from mcp.server.extension import Extension, MethodBinding, ToolBinding
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import decode_header_value

IDENTIFIER = "io.modelcontextprotocol/tasks"
ENDED = ("completed", "failed", "cancelled")
HEADER_MISMATCH = -32020


class TaskParams(types.RequestParams):
    task_id: str


class UpdateParams(TaskParams):
    input_responses: dict = {}


class Task:
    """One that is under way: `work` runs until it ends, or until it needs what is in `questions`."""

    def __init__(self):
        self.id = str(uuid.uuid4())
        self.status = "working"
        self.created = self.updated = datetime.now(timezone.utc).isoformat()
        self.outcome = {}
        self.questions = {}
        self.work = None

    def become(self, status, **outcome):
        self.status, self.outcome = status, outcome
        self.updated = datetime.now(timezone.utc).isoformat()

    def complete(self, value, is_error=False):
        content = [{"type": "text", "text": value}]
        self.become("completed", result={"content": content, "isError": is_error, "resultType": "complete"})

    def ask(self, questions):
        self.questions = questions
        asked = {key: one.model_dump(mode="json", by_alias=True, exclude_none=True) for key, one in questions.items()}
        self.become("input_required", inputRequests=asked)

    def state(self):
        times = {"createdAt": self.created, "lastUpdatedAt": self.updated}
        return {"taskId": self.id, "status": self.status, **times, "ttlMs": 60_000, "pollIntervalMs": 100}


class Tasks(Extension):
    identifier = IDENTIFIER

    def __init__(self):
        self.tasks = {}

    def tools(self):
        tools = [greet, slow_compute, failing_job, protocol_error_job, confirm_delete, multi_input, test_tool_with_task]
        return [ToolBinding(tool, kwargs={"description": "For the tasks."}) for tool in tools]

    def methods(self):
        return [
            MethodBinding("tasks/get", TaskParams, self.get),
            MethodBinding("tasks/update", UpdateParams, self.update),
            MethodBinding("tasks/cancel", TaskParams, self.cancel),
        ]

    async def intercept_tool_call(self, params, ctx, call_next):
        arguments = params.arguments or {}
        if params.name == "failing_job":
            require_extension(ctx)
        if params.name not in WORK or not has_extension(ctx):
            return await call_next(ctx)
        if params.name == "test_tool_with_task":
            name = accepted(params, "user_name")
            if name is None:
                return types.InputRequiredResult(input_requests={"user_name": question("Your name?", "nameForm")})
            arguments = name
        task = Task()
        self.tasks[task.id] = task
        task.work = asyncio.create_task(WORK[params.name](task, arguments))
        return {"resultType": "task", **task.state()}

    async def get(self, ctx, params):
        task = self.find(ctx, params)
        return {"resultType": "complete", **task.state(), **task.outcome}

    async def update(self, ctx, params):
        task = self.find(ctx, params)
        left = {key: one for key, one in task.questions.items() if key not in params.input_responses}
        if left:
            task.ask(left)
        elif task.status == "input_required":
            task.complete("done")
        return {"resultType": "complete"}

    async def cancel(self, ctx, params):
        task = self.find(ctx, params)
        if task.status not in ENDED:
            task.work.cancel()
            task.become("cancelled")
        return {"resultType": "complete"}

    def find(self, ctx, params):
        require_extension(ctx)
        named = ctx.request.headers.get("mcp-name")
        if decode_header_value(named) != params.task_id:
            raise MCPError(code=HEADER_MISMATCH, message="Mcp-Name and params.taskId name different tasks")
        task = self.tasks.get(params.task_id)
        if task is None:
            raise MCPError(code=types.INVALID_PARAMS, message="there is no such task")
        return task


def has_extension(ctx):
    capabilities = ctx.session.client_capabilities
    return capabilities is not None and IDENTIFIER in (capabilities.extensions or {})


def require_extension(ctx):
    if not has_extension(ctx):
        needed = {"requiredCapabilities": {"extensions": {IDENTIFIER: {}}}}
        raise MCPError(code=types.MISSING_REQUIRED_CLIENT_CAPABILITY, message="tasks are needed", data=needed)


def greet(name: str):
    return [text(f"Hello, {name}!")]


async def slow_compute(seconds: float = 0, label: str = ""):
    await asyncio.sleep(min(seconds, 1))
    return [text(f"computed {label}")]


def failing_job():
    raise ValueError("failed")


def protocol_error_job():
    return [text("done")]


def confirm_delete(filename: str = ""):
    return [text("done")]


def multi_input():
    return [text("done")]


def test_tool_with_task():
    return [text("done")]


async def compute(task, arguments):
    await asyncio.sleep(arguments.get("seconds", 0))
    task.complete(f"computed {arguments.get('label')}")


async def fail(task, arguments):
    task.complete("failed", is_error=True)


async def break_down(task, arguments):
    task.become("failed", error={"code": types.INTERNAL_ERROR, "message": "broken"})


async def confirm(task, arguments):
    task.ask({"confirm": question("Delete it?", "confirmForm")})


async def ask_twice(task, arguments):
    task.ask({"name": question("Your name?", "nameForm"), "color": question("Your color?", "colorForm")})


async def greet_later(task, arguments):
    task.complete(f"Hello, {arguments.get('name')}!")


WORK = {
    "slow_compute": compute,
    "failing_job": fail,
    "protocol_error_job": break_down,
    "confirm_delete": confirm,
    "multi_input": ask_twice,
    "test_tool_with_task": greet_later,
}
