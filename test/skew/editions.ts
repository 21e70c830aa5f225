// The last release and this version, side by side: what each one's operator writes and reads, and each one's sidecar.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { crdSchema, type Crd, type CrdSchema } from '../../src/api/crd.ts';
import type { ProtectedMcpServer } from '../../src/api/protected-mcp-server.gen.ts';
import type { desired } from '../../src/desired/index.ts';
import type { sidecarConfig } from '../../src/desired/sidecar-config.ts';
import type { serverValidator } from '../../src/local/manifests/validation.ts';
import type { configurationCurrent } from '../../src/operator/checks/configuration-current.ts';
import type { nextNudge, nudges } from '../../src/operator/config-nudge.ts';
import type { parseStatus } from '../../src/operator/sidecar-status.ts';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { SIDECAR_PROGRAM } from '../conformance/targets/sidecar-program.ts';
import { checkOutLastRelease, type Release } from '../support/last-release.ts';
import { setField } from '../support/manifests.ts';

const root = join(import.meta.dirname, '../..');

/** Samples of the last release, which both know: `echo` has the least that works, `full` every field. */
export type SampleName = 'echo' | 'full';

export interface Edition {
  readonly name: string;
  /** The sidecar's program. */
  readonly sidecar: string;
  readonly schema: CrdSchema;
  readonly names: Readonly<Record<string, unknown>>;
  readonly desired: typeof desired;
  readonly sidecarConfig: typeof sidecarConfig;
  readonly parseStatus: typeof parseStatus;
  readonly configurationCurrent: typeof configurationCurrent;
  readonly nudges: typeof nudges;
  readonly nextNudge: typeof nextNudge;
  /** A sample, with the defaults of the edition's definition. */
  readonly resource: (sample: SampleName, changes?: Readonly<Record<string, unknown>>) => ProtectedMcpServer;
}

/** Both, and how to remove what was made for them. */
export async function editions(): Promise<{ old: Edition; now: Edition; remove: () => Promise<void> }> {
  const release = await checkOutLastRelease();
  const here = (path: string) => join(root, path);
  const [old, now] = await Promise.all([
    edition('the last release', release, release.sidecar, release.file),
    edition('this version', release, SIDECAR_PROGRAM, here),
  ]);
  return { old, now, remove: release.remove };
}

async function edition(
  name: string,
  release: Release,
  sidecar: string,
  file: (path: string) => string,
): Promise<Edition> {
  // Of the last release only what both have is used, by the types that it has now: what differs is what the tests are for.
  const load = async <T>(path: string) => (await import(file(path))) as T;
  const { serverValidator: validator } = await load<{ serverValidator: typeof serverValidator }>(
    'src/local/manifests/validation.ts',
  );
  const check = validator();
  const crd = parse(readFileSync(file('crds/protectedmcpservers.yaml'), 'utf8')) as Crd;
  return {
    name,
    sidecar,
    schema: crdSchema(crd),
    names: await load('src/api/names.ts'),
    ...(await load<Pick<Edition, 'desired'>>('src/desired/index.ts')),
    ...(await load<Pick<Edition, 'sidecarConfig'>>('src/desired/sidecar-config.ts')),
    ...(await load<Pick<Edition, 'parseStatus'>>('src/operator/sidecar-status.ts')),
    ...(await load<Pick<Edition, 'configurationCurrent'>>('src/operator/checks/configuration-current.ts')),
    ...(await load<Pick<Edition, 'nudges' | 'nextNudge'>>('src/operator/config-nudge.ts')),
    resource: (sample, changes = {}) => {
      const object = parse(readFileSync(release.file(`manifests/samples/${sample}.yaml`), 'utf8')) as object;
      for (const [path, value] of Object.entries(changes)) setField(object, path, value);
      const problems = check(object as Record<string, unknown>);
      if (problems.length > 0) throw new Error(`${name}: ${JSON.stringify(problems)}`);
      return object as ProtectedMcpServer; // its own definition accepts it
    },
  };
}

/**
 * What the operator of an edition writes for a sample, led to the servers of a test bed; puts the files there that it names.
 * @param defaults the test bed's own configuration
 * @param certificate PEM: what the issuers' certificates chain to
 */
export function writtenBy(
  { resource, sidecarConfig }: Edition,
  sample: SampleName,
  defaults: SidecarConfig,
  certificate: string,
): SidecarConfig {
  const directory = dirname(defaults.tls.certificateFile);
  const upstream = new URL(defaults.upstream.url);
  const [{ issuer } = { issuer: '' }] = defaults.issuers;
  const jwks = {
    uri: `${issuer}/protocol/openid-connect/certs`,
    caBundleRef: { kind: 'ConfigMap', name: 'ca', key: 'ca.crt' },
  };
  const changes = {
    'spec.protectedResourceMetadata.resource': defaults.resource,
    'spec.server.port': Number(upstream.port),
    'spec.server.path': upstream.pathname,
    'spec.authentication.issuers[0].issuer': issuer,
    'spec.authentication.issuers[0].jwks': jwks,
    'spec.authorization.requiredScopes': ['mcp:basic'],
    ...(sample === 'full' && { 'spec.authentication.issuers[1].jwks': jwks }),
  };
  writeFiles(directory, certificate);
  return sidecarConfig(resource(sample, changes), {
    listen: defaults.listen,
    admin: defaults.admin,
    tlsDirectory: directory,
    caDirectory: join(directory, 'ca'),
    signingDirectory: join(directory, 'signing'),
    introspectionDirectory: join(directory, 'introspection'),
    upstreamHost: upstream.hostname,
    extraPublicHosts: [],
  });
}

/** As they are mounted into a pod. */
function writeFiles(directory: string, certificate: string): void {
  const key = () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const files: Readonly<Record<string, string | Buffer>> = {
    'ca/0/ca.crt': certificate,
    'ca/1/ca.crt': certificate,
    'signing/metadata/private.key': key(),
    'signing/identity/private.key': key(),
    'introspection/1/client_id': 'sidecar',
    'introspection/1/client_secret': 'made-up',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}
