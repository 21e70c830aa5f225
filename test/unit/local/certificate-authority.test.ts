// The local certificate authority on a real disk: kept between starts, made again when it is of no use any more.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { openCertificateAuthority } from '../../../src/local/certificates/certificate-authority.ts';

const DAY = 24 * 60 * 60 * 1000;
const LOCALHOST = { commonName: 'localhost', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'] };

describe('local certificate authority', () => {
  let root: string;
  let directory: string;
  let count = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'protected-mcp-'));
  });
  after(() => rm(root, { recursive: true }));
  beforeEach(() => {
    directory = join(root, String(count++));
  });

  const in_ = (...parts: string[]) => join(directory, ...parts);
  const mode = async (path: string) => (await stat(path)).mode & 0o777;

  it('is kept between starts', async () => {
    const first = await openCertificateAuthority({ directory });
    const second = await openCertificateAuthority({ directory });
    assert.equal(first.certificate, second.certificate);
    assert.equal(await readFile(first.certificateFile, 'utf8'), first.certificate);
  });

  it('keeps its keys from other users', async () => {
    const authority = await openCertificateAuthority({ directory });
    const { keyFile } = await authority.issueServerCertificate(LOCALHOST);
    assert.equal(await mode(in_('ca')), 0o700);
    assert.equal(await mode(in_('ca', 'ca.key')), 0o600);
    assert.equal(await mode(keyFile), 0o600);
  });

  it('lives ten years, its certificates at most 90 days', async () => {
    const authority = await openCertificateAuthority({ directory });
    const days = (pem: string) => {
      const { validFromDate, validToDate } = new X509Certificate(pem);
      return (validToDate.getTime() - validFromDate.getTime()) / DAY;
    };
    assert.equal(days(authority.certificate), 3650);
    assert.ok(days((await authority.issueServerCertificate(LOCALHOST)).certificate) <= 90);
  });

  it('issues certificates that a TLS client accepts', async () => {
    const authority = await openCertificateAuthority({ directory });
    const { certificate, key } = await authority.issueServerCertificate(LOCALHOST);
    const server = createServer({ cert: certificate, key }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const servername of ['localhost', '127.0.0.1']) {
      const options = servername === 'localhost' ? { servername } : {};
      const socket = connect({ host: '127.0.0.1', port, ca: authority.certificate, ...options });
      await once(socket, 'secureConnect');
      assert.equal(socket.authorized, true);
      socket.destroy();
    }
    server.close();
  });

  it('two makers at once end with one authority and fitting certificates', async () => {
    const authorities = await Promise.all(
      Array.from({ length: 8 }, () => openCertificateAuthority({ directory })),
    );
    const issued = await Promise.all(
      authorities.map((authority) => authority.issueServerCertificate(LOCALHOST)),
    );
    const onDisk = new X509Certificate(await readFile(in_('ca', 'ca.crt')));
    for (const { certificate, key } of issued) {
      assert.equal(new X509Certificate(certificate).verify(onDisk.publicKey), true);
      assert.equal(key, issued[0]!.key);
    }
    // Everybody's copy verifies everybody's certificate: the key is the same.
    for (const { certificate } of authorities) {
      assert.equal(
        new X509Certificate(issued[0]!.certificate).checkIssued(new X509Certificate(certificate)),
        true,
      );
    }
  });

  describe('makes the authority again', () => {
    it('shortly before it expires, for the same key', async () => {
      const first = await openCertificateAuthority({ directory });
      const leaf = await first.issueServerCertificate(LOCALHOST);
      const later = await openCertificateAuthority({ directory, clock: () => Date.now() + 3600 * DAY });
      assert.notEqual(later.certificate, first.certificate);
      const root = new X509Certificate(later.certificate);
      assert.equal(new X509Certificate(leaf.certificate).checkIssued(root), true);
    });

    for (const file of ['ca.crt', 'ca.key']) {
      it(`when ${file} is damaged`, async () => {
        const first = await openCertificateAuthority({ directory });
        await writeFile(in_('ca', file), 'not PEM');
        const second = await openCertificateAuthority({ directory });
        assert.notEqual(second.certificate, first.certificate);
        assert.equal((await openCertificateAuthority({ directory })).certificate, second.certificate);
      });
    }
  });

  describe('server certificate', () => {
    it('is kept while it fits', async () => {
      const authority = await openCertificateAuthority({ directory });
      const first = await authority.issueServerCertificate(LOCALHOST);
      const second = await (await openCertificateAuthority({ directory })).issueServerCertificate(LOCALHOST);
      assert.equal(second.certificate, first.certificate);
      assert.equal(first.certificateFile, in_('tls', 'localhost', 'tls.crt'));
    });

    const reissued: Record<string, { clock?: () => number; request?: Partial<typeof LOCALHOST> }> = {
      'a month before it expires': { clock: () => Date.now() + 61 * DAY },
      'when a name is added': { request: { dnsNames: ['localhost', 'echo.example.com'] } },
      'when an address is taken away': { request: { ipAddresses: ['127.0.0.1'] } },
    };
    for (const [name, { clock = Date.now, request = {} }] of Object.entries(reissued)) {
      it(`is issued again ${name}`, async () => {
        const first = await (await openCertificateAuthority({ directory })).issueServerCertificate(LOCALHOST);
        const authority = await openCertificateAuthority({ directory, clock });
        const second = await authority.issueServerCertificate({ ...LOCALHOST, ...request });
        assert.notEqual(second.certificate, first.certificate);
        assert.equal(
          new X509Certificate(second.certificate).verify(
            new X509Certificate(authority.certificate).publicKey,
          ),
          true,
        );
      });
    }

    it('is issued again when the authority changed', async () => {
      const first = await (await openCertificateAuthority({ directory })).issueServerCertificate(LOCALHOST);
      await rm(in_('ca'), { recursive: true });
      const authority = await openCertificateAuthority({ directory });
      const second = await authority.issueServerCertificate(LOCALHOST);
      assert.notEqual(second.certificate, first.certificate);
      assert.equal(
        new X509Certificate(second.certificate).verify(new X509Certificate(authority.certificate).publicKey),
        true,
      );
    });

    for (const name of ['../ca', 'a/b', '', '.hidden']) {
      it(`cannot be named "${name}"`, async () => {
        const authority = await openCertificateAuthority({ directory });
        await assert.rejects(
          authority.issueServerCertificate({ ...LOCALHOST, name }),
          /is not a valid certificate name/,
        );
      });
    }

    it('needs addresses that are addresses', async () => {
      const authority = await openCertificateAuthority({ directory });
      await assert.rejects(
        authority.issueServerCertificate({ ...LOCALHOST, ipAddresses: ['::1::'] }),
        /not an IP address/,
      );
    });
  });

  it('says which file is in the way', async () => {
    await writeFile(directory, '');
    await assert.rejects(openCertificateAuthority({ directory }), {
      code: 'ERR_LOCAL_FILE',
      message: new RegExp(`cannot create the directory ${in_('ca')}`),
    });
  });
});
