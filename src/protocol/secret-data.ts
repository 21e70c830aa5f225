// The values of a Kubernetes Secret's `data`, which are base64 of UTF-8 text.

export function encodeSecretValue(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

export function decodeSecretValue(value: string): string {
  return Buffer.from(value, 'base64').toString('utf8');
}
