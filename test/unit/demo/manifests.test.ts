// The files that the demo applies agree with each other and with the programs that use them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import packageJson from '../../../package.json' with { type: 'json' };
import {
  ISSUER,
  KEYCLOAK_MANIFESTS,
  KEYCLOAK_URL,
  MCP_URL,
  NAMESPACE,
  ROOT,
  SCOPE,
  SERVER,
} from '../../../scripts/demo/names.ts';
import { KEYCLOAK_VERSION } from '../../keycloak/distribution.ts';
import { sample, validServer } from '../../support/manifests.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: { readonly template?: { readonly spec: { readonly containers: readonly Container[] } } };
}

interface Container {
  readonly image: string;
  readonly args?: readonly string[];
}

const directory = join(ROOT, KEYCLOAK_MANIFESTS);
const read = (file: string) => readFileSync(join(directory, file), 'utf8');
const { resources } = parse(read('kustomization.yaml')) as { resources: string[] };
const manifests = resources.flatMap((file) =>
  parseAllDocuments(read(file)).map((document) => document.toJS() as Manifest),
);
const containers = manifests.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);

describe('manifests/keycloak', () => {
  it('puts everything into one namespace', () => {
    const elsewhere = manifests.filter(
      ({ kind, metadata }) => metadata[kind === 'Namespace' ? 'name' : 'namespace'] !== NAMESPACE,
    );
    assert.deepEqual(elsewhere, []);
  });

  it('names the Keycloak that tests run, and the images of this version', () => {
    const images = new Set(containers.map(({ image }) => image));
    const wanted = [`quay.io/keycloak/keycloak:${KEYCLOAK_VERSION}`, `keycloak-realm:${packageJson.version}`];
    assert.deepEqual([...images].toSorted(), wanted.toSorted());
  });

  it('gives Keycloak the host name that issuers carry', () => {
    const args = containers.flatMap(({ args = [] }) => args);
    assert.ok(args.includes(`--hostname=${KEYCLOAK_URL}`), args.join(' '));
  });
});

describe('the sample with Keycloak', () => {
  const { metadata, spec } = validServer(sample('keycloak'));

  it('is what the demo waits for and calls', () => {
    assert.deepEqual(
      [metadata.namespace, metadata.name, spec.protectedResourceMetadata.resource],
      [NAMESPACE, SERVER, MCP_URL],
    );
  });

  it('trusts the realm by its public name, and takes its keys in the cluster', () => {
    const [issuer] = spec.authentication.issuers;
    assert.equal(issuer?.issuer, ISSUER);
    const path = new URL(`${ISSUER}/protocol/openid-connect/certs`).pathname;
    assert.equal(issuer?.jwks.uri, `https://keycloak.${NAMESPACE}.svc:8443${path}`);
    assert.deepEqual(issuer?.jwks.caBundleRef, { kind: 'ConfigMap', name: 'keycloak-ca', key: 'ca.crt' });
  });

  it('tells clients to ask for the scope that brings its audience', () => {
    assert.deepEqual(spec.protectedResourceMetadata.scopesSupported, [SCOPE]);
    assert.deepEqual(spec.authentication.issuers[0]?.audiences, [SCOPE]);
  });
});
