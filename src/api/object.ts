// Any Kubernetes object, as plain JSON with wire names. Knows nothing of particular kinds.
import type { ObjectMeta } from './protected-mcp-server.gen.ts';

export type JsonObject = { [field: string]: unknown };

/** An object as it is written: what `desired` makes, files hold and charts render. */
export type Manifest = JsonObject & { apiVersion: string; kind: string; metadata: ObjectMeta };
