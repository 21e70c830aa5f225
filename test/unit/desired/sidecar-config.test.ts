// The sidecar's configuration file, as its own parser reads it: what each field of the resource becomes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { POD_PLACEMENT, sidecarConfig } from '../../../src/desired/sidecar-config.ts';
import { parseConfig } from '../../../src/sidecar/config/config.ts';
import { sample, setField, validServer } from '../../support/manifests.ts';

function configWith(changes: Record<string, unknown> = {}, place = POD_PLACEMENT) {
  const object = sample('full');
  for (const [field, value] of Object.entries(changes)) setField(object, field, value);
  return sidecarConfig(validServer(object), place);
}

describe('the sidecar configuration', () => {
  it('publishes the required scopes when no others are named', () => {
    const config = configWith({ 'spec.protectedResourceMetadata.scopesSupported': undefined });
    assert.deepEqual(config.metadata.scopesSupported, ['mcp:basic']);
  });

  it('publishes no scopes when the list is empty, even with required ones', () => {
    const config = configWith({ 'spec.protectedResourceMetadata.scopesSupported': [] });
    assert.deepEqual(config.metadata.scopesSupported, []);
  });

  it('sends requests to loopback, by the path of the server and not of the resource', () => {
    const config = configWith({ 'spec.server.port': 3000, 'spec.server.path': '/inner' });
    assert.equal(config.upstream.url, 'http://127.0.0.1:3000/inner');
    assert.equal(config.resource, 'https://echo.example.com:8001/mcp');
  });

  it('names the CA bundle of each issuer by its place in the list', () => {
    const config = configWith({ 'spec.authentication.issuers[0].jwks.caBundleRef': undefined });
    assert.deepEqual(
      config.issuers.map(({ jwks }) => jwks.caFile),
      [undefined, '/etc/protected-mcp/ca/1/ca.crt'],
    );
  });

  it('reads the credentials for introspection from the place of their issuer', () => {
    const config = configWith({ 'spec.authentication.issuers[1].introspection.endpoint': undefined });
    assert.deepEqual(
      config.issuers.map(({ introspection }) => introspection),
      [
        undefined,
        {
          clientIdFile: '/etc/protected-mcp/introspection/1/client_id',
          clientSecretFile: '/etc/protected-mcp/introspection/1/client_secret',
        },
      ],
    );
  });

  it('answers to the names of the Service', () => {
    assert.deepEqual(configWith().publicHosts, [
      'echo',
      'echo.demo',
      'echo.demo.svc',
      'echo.demo.svc.cluster.local',
    ]);
  });

  it('follows the place: addresses, directories, and further names', () => {
    const place = {
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      tlsDirectory: '/tmp/tls',
      caDirectory: '/tmp/ca',
      signingDirectory: '/tmp/signing',
      introspectionDirectory: '/tmp/introspection',
      upstreamHost: '127.0.0.1',
      extraPublicHosts: ['localhost'],
    };
    const config = parseConfig(configWith({}, place), 'test');
    assert.deepEqual(config.listen, place.listen);
    assert.deepEqual(config.tls, { certificateFile: '/tmp/tls/tls.crt', keyFile: '/tmp/tls/tls.key' });
    assert.equal(config.issuers[0]?.jwks.caFile, '/tmp/ca/0/ca.crt');
    assert.equal(config.publicHosts.at(-1), 'localhost');
  });
});
