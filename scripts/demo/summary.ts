// What the demo prints at its end: what it did, as commands for the reader's own hands, and where to go from here. PURE.
import { KEYCLOAK_COMMANDS } from './keycloak.ts';
import { CA_FILE, ISSUER, MCP_URL, NAMESPACE, SERVER, USER } from './names.ts';
import { OPERATOR_COMMANDS, OPERATOR_REMOVAL_COMMANDS } from './operator.ts';
import { SERVER_COMMANDS } from './server.ts';
import type { ToolResult } from './tool-call.ts';

/** A shell of the reader's gets kubectl, helm and the kubeconfig by this. */
const ENVIRONMENT = 'eval "$(npm run --silent cluster -- environment)"';

/** Everything but the operator is in the namespace. */
const REMOVAL_COMMAND = `kubectl delete namespace ${NAMESPACE}`;

const FORWARD_COMMANDS = [
  `kubectl port-forward --namespace ${NAMESPACE} service/${SERVER} 8001:8001 &`,
  `kubectl port-forward --namespace ${NAMESPACE} service/keycloak 8443:8443 &`,
];

const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}`).join('\n');

export function toolCallLines({ tools, text }: ToolResult): string[] {
  return [`tools/list: ${tools.join(', ')}`, `tools/call echo: ${JSON.stringify(text)}`];
}

export function summary(): string {
  return `
The same by hand
${indent([
  'npm run cluster -- up',
  ENVIRONMENT,
  'npm run cluster -- load',
  ...OPERATOR_COMMANDS,
  ...KEYCLOAK_COMMANDS,
  ...SERVER_COMMANDS,
  ...FORWARD_COMMANDS,
])}

  MCP endpoint          ${MCP_URL}   <- give this to your MCP client
  authorization server  ${ISSUER}   (user ${USER}, password test, client mcp-client)
  authorities           ${CA_FILE}   (of both; for Node programs: NODE_EXTRA_CA_CERTS)

Without a token: 401, and where to get one
  curl -i --cacert ${CA_FILE} -X POST ${MCP_URL}

A tool call with a token
  curl --cacert ${CA_FILE} ${MCP_URL} \\
    -H "Authorization: Bearer $(npm run -s token -- --ca-file ${CA_FILE})" \\
    -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\
    -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello "}}}'

The MCP Inspector: give it the MCP endpoint, "Streamable HTTP", and the client id mcp-client
  NODE_EXTRA_CA_CERTS=$PWD/${CA_FILE} npx @modelcontextprotocol/inspector

How the server is
  kubectl describe --namespace ${NAMESPACE} pmcp ${SERVER}
`;
}

export function removal(): string {
  return `
To remove everything
${indent([
  ENVIRONMENT,
  REMOVAL_COMMAND,
  '# and, if it is not used otherwise, the operator with every ProtectedMcpServer:',
  ...OPERATOR_REMOVAL_COMMANDS,
])}
or the cluster as a whole
  npm run cluster -- down
`;
}
