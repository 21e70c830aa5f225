// Debian's Chromium without a window, which trusts the target's authorities as a person's browser does: by its NSS database.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { run, succeeds } from '../cluster/run.ts';
import { installPackages } from '../support/debian.ts';

const PROGRAM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** Program: the Debian package that brings it. */
const PACKAGES = { [PROGRAM]: 'chromium', certutil: 'libnss3-tools' };
const FLAGS = [
  '--headless',
  '--no-sandbox', // root in a container has no other way; it opens pages of this machine only
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-proxy-server',
  // The Inspector takes fonts from elsewhere; tests depend on no network.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

export interface TrustingBrowser {
  readonly browser: Browser;
  /** Ends it and removes its home. */
  close(): Promise<void>;
}

/** @param ca PEM, one authority or several */
export async function startChromium(ca: string): Promise<TrustingBrowser> {
  const missing = Object.entries(PACKAGES).filter(([program]) => !succeeds('which', [program]));
  await installPackages(
    missing.map(([, name]) => name),
    'the browser suite',
  );
  const home = await mkdtemp(join(tmpdir(), 'browser-'));
  const removeHome = () => rm(home, { recursive: true, force: true });
  try {
    await trust(home, ca);
    const env = { ...process.env, HOME: home };
    const browser = await chromium.launch({ executablePath: PROGRAM, args: FLAGS, env });
    return { browser, close: () => browser.close().finally(removeHome) };
  } catch (error) {
    await removeHome();
    throw error;
  }
}

/** Chromium on Linux reads `~/.pki/nssdb` beside its own authorities. */
async function trust(home: string, ca: string): Promise<void> {
  const directory = join(home, '.pki/nssdb');
  const database = ['-d', `sql:${directory}`];
  await mkdir(directory, { recursive: true });
  await run('certutil', ['-N', ...database, '--empty-password']);
  const authorities = ca.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  for (const [index, authority] of authorities.entries()) {
    const file = join(home, `authority-${index}.crt`);
    await writeFile(file, authority);
    await run('certutil', ['-A', ...database, '-n', `authority ${index}`, '-t', 'C,,', '-i', file]);
  }
}
