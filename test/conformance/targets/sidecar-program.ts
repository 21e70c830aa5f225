// The file that runs as the sidecar: the source, or the bundle of it that `npm test` makes, which starts in a third of the time.
import { resolve } from 'node:path';

const ROOT = new URL('../../../', import.meta.url).pathname;

/** Absolute. */
export const SIDECAR_PROGRAM = resolve(ROOT, process.env['SIDECAR_PROGRAM'] ?? 'src/sidecar/main.ts');
