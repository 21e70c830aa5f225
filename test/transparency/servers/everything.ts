// What the conformance scenarios ask a server for, on the TypeScript SDK. Knows nothing of HTTP.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  completable,
  createRequestStateCodec,
  fromJsonSchema,
  inputRequired,
  McpServer,
  ResourceNotFoundError,
  ResourceTemplate,
  type ClientCapabilities,
  type ContentBlock,
  type ElicitRequestFormParams,
  type ServerContext,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import values from './values.json' with { type: 'json' };

type Form = ElicitRequestFormParams['requestedSchema'];
type FormName = Extract<keyof typeof values, `${string}Form`>;

const STEP_MS = 50;
const STATE = createRequestStateCodec<string>({ key: randomBytes(32) });
const IMAGE = { type: 'image', data: values.image, mimeType: 'image/png' } as const;

/** A new server; what changes is told to `bus`. */
export function createEverything(bus: ServerEventBus): McpServer {
  const server = new McpServer(
    { name: 'typescript-sdk', version: '1' },
    {
      capabilities: {
        logging: {},
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
      },
      requestState: { verify: (state, ctx) => STATE.verify(state, ctx) },
    },
  );
  addContentTools(server);
  addReportingTools(server);
  addLegacyRequests(server);
  addInputRequiredTools(server);
  addResources(server);
  addPrompts(server);
  addChanges(server, bus);
  return server;
}

function addContentTools(server: McpServer): void {
  const mixed = embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}');
  const contents: Record<string, readonly ContentBlock[]> = {
    test_simple_text: [text('This is a simple text response for testing.')],
    test_image_content: [IMAGE],
    test_audio_content: [{ type: 'audio', data: values.audio, mimeType: 'audio/wav' }],
    test_embedded_resource: [
      embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
    ],
    test_multiple_content_types: [text('Multiple content types test:'), IMAGE, mixed],
  };
  for (const [name, content] of Object.entries(contents))
    server.registerTool(name, { description: 'Returns content.' }, () => ({ content: [...content] }));
  server.registerTool('test_error_handling', { description: 'Always fails.' }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  server.registerTool(
    'json_schema_2020_12_tool',
    {
      description: 'Takes what its schema says.',
      inputSchema: fromJsonSchema(values.inputSchema2020 as object),
    },
    () => done(),
  );
  server.registerTool(
    'test_header_argument',
    {
      description: 'Takes an argument that is a header, too.',
      inputSchema: z.object({ region: z.string().default('').meta({ 'x-mcp-header': 'Region' }) }),
    },
    ({ region }) => done(region),
  );
}

function addReportingTools(server: McpServer): void {
  server.registerTool(
    'test_tool_with_logging',
    { description: 'Writes three log messages.' },
    async (ctx) => {
      for (const message of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await ctx.mcpReq.log('info', message);
        await delay(STEP_MS);
      }
      return done();
    },
  );
  server.registerTool('test_logging_tool', { description: 'Writes a log message.' }, async (ctx) => {
    await ctx.mcpReq.log('info', 'logged');
    return done();
  });
  server.registerTool('test_tool_with_progress', { description: 'Tells of its progress.' }, async (ctx) => {
    for (const progress of [0, 50, 100]) {
      await reportProgress(ctx, progress);
      await delay(STEP_MS);
    }
    return done();
  });
  server.registerTool(
    'test_reconnection',
    { description: 'Closes its stream, then answers.' },
    async (ctx) => {
      ctx.http?.closeSSE?.();
      await delay(2 * STEP_MS);
      return done();
    },
  );
}

/**
 * Requests of the server to the client, which the revision of 2026 has no more. Sent on the stream of the call that they
 * belong to: a listening stream may be opened later than the call, and what is sent before is lost.
 */
function addLegacyRequests(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the model of the client.', inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, ctx) => {
      const request = { method: 'sampling/createMessage' as const, params: sampling(prompt, 100) };
      const answer = await ctx.mcpReq.send(request);
      return done(JSON.stringify(answer.content));
    },
  );
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user.', inputSchema: z.object({ message: z.string() }) },
    ({ message }, ctx) => elicit(ctx, message, 'userForm'),
  );
  server.registerTool('test_elicitation_sep1034_defaults', { description: 'Asks with defaults.' }, (ctx) =>
    elicit(ctx, 'Please look through this', 'defaultsForm'),
  );
  server.registerTool('test_elicitation_sep1330_enums', { description: 'Asks for a choice.' }, (ctx) =>
    elicit(ctx, 'Please choose', 'choicesForm'),
  );
}

/** Requests for input as results, which came with the revision of 2026. */
function addInputRequiredTools(server: McpServer): void {
  const user_name = question('What is your name?', 'nameForm');
  const confirm = question('Please confirm', 'confirmForm');
  const add = (
    name: string,
    answer: (ctx: ServerContext) => ReturnType<typeof done> | Promise<Asked> | Asked,
  ): void =>
    void server.registerTool(`test_${name}`, { description: 'Asks before it answers.' }, (ctx) =>
      answer(ctx),
    );

  add('input_required_result_elicitation', (ctx) => {
    const answer = acceptedContent<{ name: string }>(ctx.mcpReq.inputResponses, 'user_name');
    return answer === undefined
      ? inputRequired({ inputRequests: { user_name } })
      : done(`Hello, ${answer.name}!`);
  });
  add('streaming_elicitation', async (ctx) => {
    await reportProgress(ctx, 0);
    return inputRequired({ inputRequests: { user_name } });
  });
  add('input_required_result_sampling', (ctx) => {
    const answer = ctx.mcpReq.inputResponses?.['capital_question'];
    const capital_question = inputRequired.createMessage(sampling('What is the capital of France?', 100));
    return answer === undefined
      ? inputRequired({ inputRequests: { capital_question } })
      : done(JSON.stringify(answer));
  });
  add('input_required_result_list_roots', (ctx) => {
    const answer = ctx.mcpReq.inputResponses?.['client_roots'];
    const client_roots = inputRequired.listRoots();
    return answer === undefined
      ? inputRequired({ inputRequests: { client_roots } })
      : done(JSON.stringify(answer));
  });
  add('input_required_result_request_state', async (ctx) => {
    const isConfirmed = acceptedContent(ctx.mcpReq.inputResponses, 'confirm') !== undefined;
    if (isConfirmed && ctx.mcpReq.requestState<string>() === 'asked') return done('state-ok');
    return inputRequired({ inputRequests: { confirm }, requestState: await STATE.mint('asked') });
  });
  add('input_required_result_multiple_inputs', async (ctx) => {
    const inputRequests = {
      user_name,
      greeting: inputRequired.createMessage(sampling('Generate a greeting', 50)),
      client_roots: inputRequired.listRoots(),
    };
    const answers = ctx.mcpReq.inputResponses ?? {};
    if (Object.keys(inputRequests).every((key) => key in answers)) return done();
    return inputRequired({ inputRequests, requestState: await STATE.mint('asked') });
  });
  add('input_required_result_multi_round', async (ctx) => {
    const state = ctx.mcpReq.requestState<string>();
    if (state === 'second') return done();
    return state === 'first'
      ? inputRequired({
          inputRequests: { step2: question('Step 2: What is your favorite color?', 'colorForm') },
          requestState: await STATE.mint('second'),
        })
      : inputRequired({
          inputRequests: { step1: question('Step 1: What is your name?', 'nameForm') },
          requestState: await STATE.mint('first'),
        });
  });
  add('input_required_result_tampered_state', async (ctx) =>
    ctx.mcpReq.requestState<string>() === 'asked'
      ? done()
      : inputRequired({ inputRequests: { confirm }, requestState: await STATE.mint('asked') }),
  );
  // The SDK itself refuses to ask a client for what it cannot do.
  add('missing_capability', () =>
    inputRequired({ inputRequests: { greeting: inputRequired.createMessage(sampling('Hello', 50)) } }),
  );
  add('input_required_result_capabilities', (ctx) => {
    const { elicitation, sampling: canSample } = capabilitiesOf(ctx);
    const greeting = inputRequired.createMessage(sampling('Generate a greeting', 100));
    const inputRequests = { ...(elicitation && { user_name }), ...(canSample && { greeting }) };
    return Object.keys(inputRequests).length > 0 ? inputRequired({ inputRequests }) : done();
  });
}

function addResources(server: McpServer): void {
  const add = (name: string, mimeType: string, content: { text: string } | { blob: string }): void => {
    const uri = `test://${name}`;
    server.registerResource(name, uri, { description: `The ${name}.`, mimeType }, () => ({
      contents: [{ uri, mimeType, ...content }],
    }));
  };
  add('static-text', 'text/plain', { text: 'This is the content of the static text resource.' });
  add('static-binary', 'image/png', { blob: values.image });
  add('watched-resource', 'text/plain', { text: 'Watched resource content.' });

  const mimeType = 'application/json';
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource('template', template, { description: 'Any.', mimeType }, (uri, { id }) => {
    if (typeof id !== 'string') throw new ResourceNotFoundError(uri.href);
    const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
    return { contents: [{ uri: uri.href, mimeType, text: data }] };
  });
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
}

function addPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'Without arguments.' }, () =>
    prompt(text('This is a simple prompt for testing.')),
  );
  const arg1 = completable(z.string(), () => ['paris', 'park', 'party']);
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'With two arguments.', argsSchema: z.object({ arg1, arg2: z.string() }) },
    (args) => prompt(text(`Prompt with arguments: arg1='${args.arg1}', arg2='${args.arg2}'`)),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'With a resource.', argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => {
      const resource = embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.');
      return prompt(resource, text('Please process the embedded resource above.'));
    },
  );
  server.registerPrompt('test_prompt_with_image', { description: 'With an image.' }, () =>
    prompt(IMAGE, text('Please analyze the image above.')),
  );
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks first.' }, (ctx) => {
    const answer = acceptedContent<{ context: string }>(ctx.mcpReq.inputResponses, 'user_context');
    if (answer !== undefined) return prompt(text(`Use this: ${answer.context}`));
    const user_context = question('What context should the prompt use?', 'contextForm');
    return inputRequired({ inputRequests: { user_context } });
  });
}

function addChanges(server: McpServer, bus: ServerEventBus): void {
  for (const kind of ['tool', 'prompt'] as const)
    server.registerTool(`test_trigger_${kind}_change`, { description: `Tells of changed ${kind}s.` }, () => {
      bus.publish({ kind: `${kind}s_list_changed` });
      return done();
    });
}

type Asked = ReturnType<typeof inputRequired> | ReturnType<typeof done>;

function done(message = 'done') {
  return { content: [text(message)] };
}

function text(value: string) {
  return { type: 'text' as const, text: value };
}

function embedded(uri: string, mimeType: string, value: string) {
  return { type: 'resource' as const, resource: { uri, mimeType, text: value } };
}

function prompt(...contents: ContentBlock[]) {
  return { messages: contents.map((content) => ({ role: 'user' as const, content })) };
}

function sampling(prompt: string, maxTokens: number) {
  return { messages: [{ role: 'user' as const, content: text(prompt) }], maxTokens };
}

function question(message: string, form: FormName) {
  return inputRequired.elicit({ message, requestedSchema: formOf(form) });
}

async function elicit(ctx: ServerContext, message: string, form: FormName) {
  const params = { mode: 'form' as const, message, requestedSchema: formOf(form) };
  const { action, content } = await ctx.mcpReq.send({ method: 'elicitation/create', params });
  return done(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`);
}

/** JSON has no literal types: these forms are what the scenarios prescribe. */
function formOf(form: FormName): Form {
  return values[form] as Form;
}

async function reportProgress(ctx: ServerContext, progress: number): Promise<void> {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return;
  const params = { progressToken, progress, total: 100 };
  await ctx.mcpReq.notify({ method: 'notifications/progress', params });
}

/** The SDK has checked what the client says of itself, but its types do not tell. */
function capabilitiesOf({ mcpReq }: ServerContext): ClientCapabilities {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  return envelope[CLIENT_CAPABILITIES_META_KEY] ?? {};
}
