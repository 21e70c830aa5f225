// Writes small files so that a reader sees the old content or the new, never half of it. Knows nothing of their meaning.
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file that cannot be used; the message names it and says what to do. */
export class FileError extends Error {
  readonly code = 'ERR_LOCAL_FILE';
  override readonly name = 'FileError';
}

/** The content, or nothing when there is no such file. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError('read', path, error);
  }
}

interface NewFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** Creates the file, unless it exists by now: then the content of the other process stays. */
export async function writeNew(file: NewFile): Promise<void> {
  await throughTemporary(file, async (temporary) => {
    await link(temporary, file.path).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  });
}

/** Creates or replaces the file. */
export async function writeOver(file: NewFile): Promise<void> {
  await throughTemporary(file, (temporary) => rename(temporary, file.path));
}

/** A directory that only its owner can look into. */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError('create the directory', path, error);
  }
}

async function throughTemporary(
  { path, content, mode }: NewFile,
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    // Exclusive, and with its final mode from the first byte: a key is never readable by others, not even briefly.
    await writeFile(temporary, content, { flag: 'wx', mode, flush: true });
    await publish(temporary);
  } catch (error) {
    throw fileError('write', path, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

function fileError(action: string, path: string, cause: unknown): FileError {
  const reason = { EACCES: 'permission denied', EPERM: 'not permitted', EROFS: 'read-only file system' }[
    errorCode(cause) ?? ''
  ];
  const advice = `make ${dirname(path)} usable by this user, or delete it to have it made again`;
  return new FileError(
    `cannot ${action} ${path}: ${reason ?? errorCode(cause) ?? 'unknown error'}; ${advice}`,
    {
      cause,
    },
  );
}

function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
