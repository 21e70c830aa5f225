// The FastMCP server as an image on the cluster's node, of the same Python and packages that the other tests use.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadImage, provider } from '../../cluster/cluster.ts';
import { run } from '../../cluster/run.ts';
import { FASTMCP_VERSION, python, type Python } from '../python.ts';

export const FASTMCP_IMAGE = `echo-with-fastmcp:${FASTMCP_VERSION}`;

export async function loadFastMcpImage(): Promise<void> {
  const environment = await python();
  const context = await mkdtemp(join(tmpdir(), 'fastmcp-image-'));
  try {
    await cp(environment.packages, join(context, 'site-packages'), { recursive: true });
    for (const file of ['server.py', 'client.py'])
      await cp(join(import.meta.dirname, '..', file), join(context, file));
    await loadImage({
      name: FASTMCP_IMAGE,
      context,
      dockerfile: join(import.meta.dirname, 'Dockerfile'),
      buildArguments: { BASE: await baseImage(environment) },
    });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** Where nothing can be pulled, one made here. */
async function baseImage({ program, version, packages, digest }: Python): Promise<string> {
  if (provider().name === 'kind') return `python:${version}-slim`;
  const name = `localhost/python-base:${version}-${digest}`;
  await run(join(import.meta.dirname, 'base-image.sh'), [name, program, packages]);
  return name;
}
