// A request as it came, with the response to it: what every later step is about. Holds nothing that was decided.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestFields } from './request-headers.ts';

export interface ReceivedRequest {
  readonly req: IncomingMessage;
  /** The response to `req`, and to no other request. */
  readonly res: ServerResponse;
  readonly fields: RequestFields;
}
