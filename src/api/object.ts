// Any Kubernetes object, as plain JSON with wire names. Knows nothing of particular kinds.
import type { ObjectMeta } from './protected-mcp-server.gen.ts';

export type JsonObject = { [field: string]: unknown };

export type KubeObject = JsonObject & { apiVersion: string; kind: string; metadata: ObjectMeta };
