// D29: proxies route by these fields; without them, or for want of a name, they route to the wrong place.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { isRejected, passes, withFields } from '../../bench/headers.ts';
import { modern } from '../../../kit/messages.ts';

const MESSAGES = {
  'tools/call': modern('tools/call', { name: 't', arguments: {} }),
  'prompts/get': modern('prompts/get', { name: 'p' }),
  'resources/read': modern('resources/read', { uri: 'file:///a' }),
  'tasks/get': modern('tasks/get', { taskId: 'k' }),
  'tasks/update': modern('tasks/update', { taskId: 'k', inputResponses: {} }),
  'tasks/cancel': modern('tasks/cancel', { taskId: 'k' }),
  'tools/list': modern('tools/list'),
};

export const D29: Case = {
  id: 'D29',
  level: 'MUST',
  rule: 'A modern request without one of its standard fields gets 400 with -32020 and its id',
  source: 'MCP 2026-07-28, Streamable HTTP, "Server Validation"; SEP-2663',
  async run(bench) {
    await each(MESSAGES, async (message) => {
      await passes(bench, message);
      for (const name of Object.keys(message.headers)) {
        await isRejected(bench, withFields(message, { [name]: undefined }));
      }
    });
  },
};
