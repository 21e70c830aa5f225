// What local mode prints when it is ready: the URLs, and three commands that can be pasted. PURE.
import { metadataUrl } from '../sidecar/metadata/metadata.ts';
import type { Plan } from './plan/plan.ts';

interface BannerInputs {
  readonly plan: Plan;
  /** Path of the local CA's certificate, as the commands should name it. */
  readonly caFile: string;
  /** How long the start took (milliseconds). */
  readonly tookMs: number;
}

export function banner({ plan, caFile, tookMs }: BannerInputs): string {
  const { config, upstream, authorizationServer } = plan;
  const issuers = config.issuers.map(({ issuer }) => issuer).join(', ');
  const login = authorizationServer === undefined ? '' : '   (user eitan, password test, client mcp-client)';
  return `
Ready in ${(tookMs / 1000).toFixed(1)} s.

  MCP endpoint          ${config.resource}   <- give this to your MCP client
  MCP server            ${upstream.url}   (no authorization of its own)
  authorization server  ${issuers}${login}
  metrics, status       http://127.0.0.1:${config.admin.port}/metrics  /status
  local CA              ${caFile}
${plan.notes.map((note) => `\n  note: ${note}\n`).join('')}
Without a token: 401, and where to get one
  curl -i --cacert ${caFile} -X POST ${config.resource}

The protected resource metadata
  curl --cacert ${caFile} ${metadataUrl(config.resource)}

A tool call with a token
  curl --cacert ${caFile} ${config.resource} \\
    -H "Authorization: Bearer $(${tokenCommand(plan)})" \\
    -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\
    -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello "}}}'

Ctrl-C stops everything.
`;
}

/** The defaults of `npm run token` fit the sample; what differs from them is said. */
function tokenCommand({ config }: Plan): string {
  const issuer = config.issuers[0]?.issuer ?? '';
  const scopes = config.requiredScopes.length > 0 ? config.requiredScopes : config.metadata.scopesSupported;
  const options = [
    ...(issuer === 'https://localhost:8443/realms/my-realm' ? [] : [`--issuer ${issuer}`]),
    ...(scopes.join(' ') === 'echo-mcp-server' ? [] : [`--scope "${['openid', ...scopes].join(' ')}"`]),
  ];
  return ['npm run -s token', ...(options.length > 0 ? ['--', ...options] : [])].join(' ');
}
