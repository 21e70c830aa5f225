// What lets MCP clients register themselves without a token (RFC 7591): three of the realm's policies for anonymous ones.
import type { ClientRegistrationConfig } from '../config.ts';
import type { Owned, Representation } from '../differences.ts';
import type { Part, Run } from '../ensure.ts';
import { knownId, representation } from './representation.ts';

const PROVIDER_TYPE = 'org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy';

export function clientRegistrationParts(run: Run, config: ClientRegistrationConfig): Part[] {
  const { trustedHosts, senders, webOrigins } = config;
  return [
    policyPart(run, {
      name: 'Trusted Hosts',
      providerId: 'trusted-hosts',
      builtIn: {
        'host-sending-registration-request-must-match': ['true'],
        'client-uris-must-match': ['true'],
      },
      owned: [
        { path: ['config', 'trusted-hosts'], rule: 'contains', value: trustedHosts },
        {
          path: ['config', 'host-sending-registration-request-must-match'],
          rule: 'equals',
          value: [String(senders === 'TrustedHosts')],
        },
        // Always: else an attacker could register a client that sends the code to a host of theirs.
        { path: ['config', 'client-uris-must-match'], rule: 'equals', value: ['true'] },
      ],
    }),
    policyPart(run, {
      name: 'Allowed Client Scopes',
      providerId: 'allowed-client-templates',
      builtIn: { 'allow-default-scopes': ['true'] },
      owned: [
        // The scopes of the realm's lists, which hold those of the audiences.
        { path: ['config', 'allow-default-scopes'], rule: 'equals', value: ['true'] },
        // Keycloak knows `openid` without having a client scope of that name, and would refuse who names it.
        { path: ['config', 'allowed-client-scopes'], rule: 'contains', value: ['openid'] },
      ],
    }),
    ...(webOrigins.length === 0
      ? []
      : [
          policyPart(run, {
            name: 'Allowed Registration Web Origins',
            providerId: 'registration-web-origins',
            builtIn: {},
            owned: [{ path: ['config', 'web-origins'], rule: 'contains', value: webOrigins }],
          }),
        ]),
  ];
}

interface Policy {
  /** Keycloak's name for it. It is found by its provider: a name can be changed. */
  readonly name: string;
  readonly providerId: string;
  readonly builtIn: Representation;
  readonly owned: readonly Owned[];
}

function policyPart({ admin, realm }: Run, { name, providerId, builtIn, owned }: Policy): Part {
  return {
    what: `policy "${name}" for anonymous registration`,
    role: 'manage-realm',
    builtIn: { config: builtIn },
    find: async () => {
      const policies = await admin.components.find({ realm, type: PROVIDER_TYPE });
      return representation(
        policies.find((policy) => policy.providerId === providerId && policy.subType === 'anonymous'),
      );
    },
    owned: () => owned,
    initial: { name, providerId, providerType: PROVIDER_TYPE, subType: 'anonymous' },
    create: async (object) => {
      const parent = await admin.realms.findOne({ realm });
      const parentId = parent?.id;
      return admin.components.create({ realm, ...object, ...(parentId !== undefined && { parentId }) });
    },
    update: (object) => admin.components.update({ realm, id: knownId(object) }, object),
  };
}
