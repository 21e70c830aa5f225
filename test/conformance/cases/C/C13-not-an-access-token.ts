// C13: where the type says nothing, an ID token whose audience fits must still not open the door.
import type { Case } from '../../case.ts';
import { ACCESS_TOKEN_TYPES, OTHER_TYPES } from '../../bench/types.ts';
import { each } from '../../bench/each.ts';

export const C13: Case = {
  id: 'C13',
  level: 'MUST°',
  rule: 'Where typ may be JWT or absent, ID, refresh, offline and logout tokens and other types are refused',
  source: 'RFC 8725 section 3.12; OpenID Connect Core sections 2 and 3.3.2.11',
  needs: { profile: 'Compat' },
  async run(bench) {
    await each([...ACCESS_TOKEN_TYPES, 'JWT', 'jwt', undefined], async (typ) => {
      await bench.accepts(bench.header({ typ }));
    });
    await bench.accepts(bench.claims({ typ: 'Bearer' }));
    await each(OTHER_TYPES, async (typ) => void (await bench.refuses(bench.header({ typ }))));
    const claims = {
      'typ ID': { typ: 'ID' },
      'typ Refresh': { typ: 'Refresh' },
      'typ Offline': { typ: 'Offline' },
      'typ Logout': { typ: 'Logout' },
      nonce: { nonce: 'n-0S6_WzA2Mj' },
      at_hash: { at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' },
      c_hash: { c_hash: 'LDktKdoQak3Pk0cnXxCltA' },
      'typ of a registration token': { typ: 'RegistrationAccessToken' },
      'token_use id': { token_use: 'id' },
      'token_use refresh_token': { token_use: 'refresh_token' },
      'token_type refresh_token': { token_type: 'refresh_token' },
      'tokenName id_token': { tokenName: 'id_token' },
      s_hash: { s_hash: 'LDktKdoQak3Pk0cnXxCltA' },
      'a logout token without its type': {
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        sid: 's',
      },
      'an ID token without nonce and hashes': {
        client_id: undefined,
        azp: 'mcp-client',
        scope: undefined,
        auth_time: 1,
        sid: 's',
        email: 'alice@example.test',
      },
      'a whole Keycloak ID token': {
        typ: 'ID',
        aud: ['mcp-client', bench.resource],
        azp: 'mcp-client',
        auth_time: 1,
        at_hash: 'x',
        acr: '1',
      },
    };
    await each(claims, async (changes) => {
      await bench.refuses(bench.claims(changes));
      await bench.refuses(bench.token({ header: { typ: undefined }, claims: changes }));
    });
  },
};
