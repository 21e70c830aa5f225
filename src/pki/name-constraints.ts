// The X.509 extension that binds an authority to names (RFC 5280 section 4.2.1.10), in DER. Issues nothing.
import { isIP } from 'node:net';

/** What an authority may certify (RFC 5280 section 4.2.1.10); a name in it permits what is below it, too. */
export interface PermittedNames {
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
}

export const NAME_CONSTRAINTS = '2.5.29.30';
/** Tags of `GeneralName` (RFC 5280 section 4.2.1.6), of the two lists, and of a sequence. */
const TAG = { dnsName: 0x82, ipAddress: 0x87, permitted: 0xa0, excluded: 0xa1, sequence: 0x30 } as const;

/**
 * The extension NameConstraints in DER. A form of name that no permitted one has would be free, so without permitted
 * addresses all are excluded.
 */
export function nameConstraints({ dnsNames, ipAddresses }: PermittedNames): Buffer {
  const permitted = [
    ...dnsNames.map((name) => subtree(TAG.dnsName, Buffer.from(name, 'ascii'))),
    ...ipAddresses.map((address) => subtree(TAG.ipAddress, oneAddress(address))),
  ];
  const excluded =
    ipAddresses.length > 0 ? [] : [8, 32].map((size) => subtree(TAG.ipAddress, Buffer.alloc(size)));
  return der(TAG.sequence, [
    der(TAG.permitted, permitted),
    ...(excluded.length > 0 ? [der(TAG.excluded, excluded)] : []),
  ]);
}

function subtree(tag: number, name: Buffer): Buffer {
  return der(TAG.sequence, [der(tag, [name])]);
}

/** An address and a mask of ones. */
function oneAddress(address: string): Buffer {
  const bytes = addressBytes(address);
  return Buffer.concat([bytes, Buffer.alloc(bytes.length, 0xff)]);
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const groups = (part: string) =>
    (part === '' ? [] : part.split(':')).map((group) => Number.parseInt(group, 16));
  // The canonical text form has no IPv4 tail (WHATWG URL, section 3.5).
  const [head = '', tail = ''] = new URL(`https://[${address}]`).hostname.slice(1, -1).split('::');
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** One value with its tag and length (X.690 section 8.1). */
function der(tag: number, parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
