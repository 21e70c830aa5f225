// G16: a document of an attacker must not lead the target into its own network.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { Bench } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';
import type { World } from '../../bench/world.ts';

export const G16: Case = {
  id: 'G16',
  level: 'MUST°',
  rule: 'Metadata that names keys at a loopback, link-local or cloud address, or without TLS, is not followed',
  source: 'MCP security best practices, Server-Side Request Forgery',
  async run(bench) {
    await bench.accepts(bench.token());
    const places: Record<string, (world: World) => string> = {
      'a cloud’s metadata service': () => 'https://169.254.169.254/latest/meta-data/',
      'the same without TLS': () => 'http://169.254.169.254/latest/meta-data/',
      'another loopback server': ({ stranger }) => stranger.jwksUri.replace('localhost', '127.0.0.1'),
      'the same as one number': ({ stranger }) => stranger.jwksUri.replace('localhost', '2130706433'),
      'the same in octal': ({ stranger }) => stranger.jwksUri.replace('localhost', '0177.1'),
      'the same mapped into IPv6': ({ stranger }) =>
        stranger.jwksUri.replace('localhost', '[::ffff:127.0.0.1]'),
      'the same by a name that is fully qualified': ({ stranger }) =>
        stranger.jwksUri.replace('localhost', 'localhost.'),
      'a cloud’s metadata service behind NAT64': () => 'https://[64:ff9b::a9fe:a9fe]/keys',
      'the same by a local prefix': () => 'https://[64:ff9b:1::a9fe:a9fe]/keys',
      'the same by 6to4': () => 'https://[2002:a9fe:a9fe::1]/keys',
      'the same in IPv4-compatible form': () => 'https://[::a9fe:a9fe]/keys',
      'this host, unspecified': ({ stranger }) => stranger.jwksUri.replace('localhost', '0.0.0.0'),
      'the MCP server': ({ upstream }) => upstream.url,
      'a file': () => 'file:///etc/passwd',
    };
    await each(places, async (placeOf) => {
      const prepare = (world: World) => {
        const { issuer } = world;
        // A target that follows finds the right keys: only the place is wrong.
        world.stranger.keys = issuer.keys;
        issuer.intercept = (req, res) => {
          if (!(req.url ?? '').includes('.well-known')) return false;
          res.setHeader('Content-Type', 'application/json');
          res.end(JSON.stringify({ issuer: issuer.issuer, jwks_uri: placeOf(world) }));
          return true;
        };
      };
      const other = await Bench.start(bench.session, bench.target, {}, prepare);
      try {
        const answer = await other.callWith(other.token());
        assert.equal(answer.status, 503, 'a token was verified with keys from there');
        assert.equal(other.world.stranger.record.length, 0, 'a server was asked that is not configured');
        assert.equal(other.forwarded.length, 0);
      } finally {
        await other.stop();
      }
    });
  },
};
