// jose against node:crypto, one operation at a time: the numbers of docs/adr/0020-what-jose-does.md. Run by hand on a
// machine with nothing else to do: `node bench/jose.ts`. Not a load test, and not part of `npm run bench`.
import {
  createPublicKey,
  generateKeyPairSync,
  verify,
  type JsonWebKey,
  type JsonWebKeyInput,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, CompactSign, compactVerify, importJWK, type JWK } from 'jose';
import type { SignatureAlgorithm } from '../src/sidecar/config/algorithms.ts';
import { verificationKey } from '../src/sidecar/tokens/jwk.ts';
import { jwkThumbprint } from '../src/sidecar/tokens/jwk-thumbprint.ts';
import { isSignedBy } from '../src/sidecar/tokens/signature.ts';
import { parseSigningKey } from '../src/sidecar/tokens/signing-key.ts';

const ROUNDS = 20;
const ROUND_MS = 60;
const CLAIMS = {
  iss: 'https://keycloak.example.com/realms/my-realm',
  sub: '4f0c6b1e-8a53-8d1c-9f0e-1a2b3c4d5e6f',
  aud: ['echo-mcp-server', 'account'],
  exp: 1_800_000_300,
  iat: 1_800_000_000,
  jti: 'c0ffee00-0000-8000-8000-000000000000',
  scope: 'openid echo-mcp-server profile email',
};

const pairs: Partial<Record<SignatureAlgorithm, { publicKey: KeyObject; privateKey: KeyObject }>> = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
};

type Operation = () => unknown;
const operations = new Map<string, Operation>();

for (const [name, { publicKey, privateKey }] of Object.entries(pairs)) {
  const algorithm = name as SignatureAlgorithm; // the keys of `pairs`
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signer = parseSigningKey(pem);
  const jws = signer.signJwt('JWT', CLAIMS);
  const jwk: JsonWebKey = publicKey.export({ format: 'jwk' });
  const digest = algorithm === 'EdDSA' ? null : 'sha256';
  const dot = jws.lastIndexOf('.');
  const signed = (key: KeyObject) =>
    [
      digest,
      Buffer.from(jws.slice(0, dot)),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(jws.slice(dot + 1), 'base64url'),
    ] as const;
  const verifyAsync = promisify(verify) as (...args: ReturnType<typeof signed>) => Promise<boolean>;
  const fresh = () => createPublicKey({ key: jwk, format: 'jwk' } satisfies JsonWebKeyInput);

  const add = (what: string, library: string, run: Operation) =>
    operations.set(`${what} | ${algorithm} | ${library}`, run);
  add('verify, known key', 'jose', () => isSignedBy(jws, { key: publicKey }, algorithm));
  add('verify, known key', 'node:crypto', () => verify(...signed(publicKey)));
  add('verify, known key', 'node:crypto, thread pool', () => verifyAsync(...signed(publicKey)));
  add('import and verify', 'jose', async () =>
    compactVerify(jws, await importJWK(jwk as JWK, algorithm), { algorithms: [algorithm] }),
  );
  add('import and verify', 'node:crypto', () => verify(...signed(fresh())));
  add('import and verify', 'import node:crypto, verify jose', () =>
    isSignedBy(jws, { key: fresh() }, algorithm),
  );
  add('import', 'node:crypto', fresh);
  add('import', 'jose', () => importJWK(jwk as JWK, algorithm));
  add('import, checks and fingerprint', 'node:crypto', () => verificationKey(jwk));
  add('thumbprint', 'jose', () => calculateJwkThumbprint(jwk));
  add('thumbprint', 'node:crypto', () => jwkThumbprint({ ...jwk }));
  const header = { alg: algorithm, typ: 'JWT', kid: signer.jwk['kid'] as string };
  add('sign', 'jose', () =>
    new CompactSign(Buffer.from(JSON.stringify(CLAIMS))).setProtectedHeader(header).sign(privateKey),
  );
  add('sign', 'node:crypto', () => signer.signJwt('JWT', CLAIMS));
}

/** Microseconds an operation: elapsed, CPU time of all threads, and of the thread that serves. */
type Sample = Readonly<Record<'elapsed' | 'all' | 'serving', number>>;

async function measure(run: Operation): Promise<Sample> {
  const begun = performance.now();
  const all = process.cpuUsage();
  const serving = process.threadCpuUsage();
  let count = 0;
  while (performance.now() - begun < ROUND_MS) {
    for (let i = 0; i < 20; i++) await run();
    count += 20;
  }
  const total = ({ user, system }: NodeJS.CpuUsage) => (user + system) / count;
  return {
    elapsed: ((performance.now() - begun) * 1000) / count,
    all: total(process.cpuUsage(all)),
    serving: total(process.threadCpuUsage(serving)),
  };
}

const samples = new Map<string, Sample[]>();
for (const name of operations.keys()) samples.set(name, []);
for (let round = 0; round < ROUNDS + 1; round++) {
  for (const [name, run] of operations) {
    const sample = await measure(run);
    if (round > 0) samples.get(name)?.push(sample); // the first round is for warming up
  }
}

/** Other programs only ever add time: the least of many rounds is the nearest to what the operation costs. */
const least = (of: readonly Sample[], what: keyof Sample) =>
  Math.min(...of.map((sample) => sample[what])).toFixed(0);

process.stdout.write(
  'what | algorithm | by | elapsed | CPU, all threads | CPU, serving thread (microseconds)\n',
);
for (const [name, of] of samples)
  process.stdout.write(`${name} | ${least(of, 'elapsed')} | ${least(of, 'all')} | ${least(of, 'serving')}\n`);
