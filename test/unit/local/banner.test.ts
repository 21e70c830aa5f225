// What is printed when local mode is ready, for resources that differ from the sample.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { banner } from '../../../src/local/banner.ts';
import { parseOptions } from '../../../src/local/options.ts';
import { plan } from '../../../src/local/plan/plan.ts';
import { chooseServer } from '../../../src/local/plan/server-choice.ts';
import { sample, setField, validServer } from '../../support/manifests.ts';

function printed(fields: Readonly<Record<string, unknown>> = {}, args: readonly string[] = []): string {
  const resource = sample('echo');
  for (const [path, value] of Object.entries(fields)) setField(resource, path, value);
  const manifests = { servers: [validServer(resource)], configMaps: [], secrets: [] };
  const parsed = parseOptions(args);
  assert.ok(parsed.ok);
  const { options } = parsed;
  const chosen = chooseServer(manifests, options);
  assert.ok(chosen.ok);
  const result = plan(chosen.value, {
    manifests,
    options,
    localCa: 'CA',
    issuerCa: undefined,
    directory: '/run',
  });
  assert.ok(result.ok);
  return banner({ plan: result.value, caFile: '.local/ca/ca.crt', tookMs: 1234 });
}

const REQUIRED = 'spec.authorization.requiredScopes';
const SCOPES = 'spec.protectedResourceMetadata.scopesSupported';
const ISSUER = 'spec.authentication.issuers[0].issuer';
const OTHER_ISSUER = ['--issuer', 'https://idp.example.com/realms/a', '--audience', 'a'];

describe('banner', () => {
  const rows: { name: string; fields?: Record<string, unknown>; args?: string[]; command: string }[] = [
    { name: 'of the sample needs no option', command: 'npm run -s token' },
    {
      name: 'names the issuer',
      fields: { [ISSUER]: 'https://localhost:9443/realms/my-realm' },
      command: 'npm run -s token -- --issuer https://localhost:9443/realms/my-realm',
    },
    {
      name: 'names the scopes that the resource requires',
      fields: { [REQUIRED]: ['mcp:read', 'mcp:write'], [SCOPES]: undefined },
      command: 'npm run -s token -- --scope "openid mcp:read mcp:write"',
    },
    {
      name: 'names the scopes that clients are told where none is required',
      fields: { [SCOPES]: ['mcp:read'] },
      command: 'npm run -s token -- --scope "openid mcp:read"',
    },
    {
      name: 'names the issuer and the scope of the command line',
      args: [...OTHER_ISSUER, '--scope', 's'],
      command: 'npm run -s token -- --issuer https://idp.example.com/realms/a --scope "openid s"',
    },
  ];
  for (const { name, fields, args, command } of rows) {
    it(`${name}, in the command for a token`, () =>
      assert.ok(printed(fields, args).includes(`Bearer $(${command})"`)));
  }

  it('says the person to log in as, for the authorization server of local mode', () => {
    assert.match(printed(), /authorization server .*\(user eitan, password test, client mcp-client\)$/m);
  });

  it('says no person for an authorization server that it knows nothing of', () => {
    assert.doesNotMatch(printed({}, OTHER_ISSUER), /eitan/);
  });

  it('says what is not used here', () => {
    assert.match(printed({ 'spec.replicas': 2 }), /^ {2}note: ignored without a cluster: spec\.replicas$/m);
  });

  it('gives every URL', () => {
    for (const url of [
      'https://localhost:8001/mcp',
      'http://127.0.0.1:8000/mcp',
      'https://localhost:8443/realms/my-realm',
      'http://127.0.0.1:9001/metrics',
      'https://localhost:8001/.well-known/oauth-protected-resource/mcp',
    ]) {
      assert.ok(printed().includes(url), url);
    }
  });
});
