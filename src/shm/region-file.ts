import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../model/errors.ts';
import { errnoName } from './errors.ts';
import { hasMagic } from './header.ts';
import * as layout from './layout.ts';
import { tryLock, unlock } from './mapping.ts';

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;
const STALE_TEMPORARY_MS = 60_000;
const FILL_CHUNK_BYTES = 1 << 20;
/** Never follow a link, never wait for the other end of a pipe. */
const OPEN_EXISTING = fs.constants.O_RDWR | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
const OPEN_NEW = fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW;

/** @throws UsageError when the name could leave the directory or be hidden. */
export function regionPath(name: string, directory: string): string {
  if (!NAME.test(name)) {
    throw new UsageError(
      `shm_name ${JSON.stringify(name)} cannot be used: letters, digits, "_", "-" and, inside, "."; at most 200`,
    );
  }
  return join(directory, name);
}

/** An earlier region under the same name whose writer is gone. Locked until released. */
export interface Predecessor {
  readonly generation: number;
  /** Tells readers that are still attached to it. */
  markReplaced(): void;
  release(): void;
}

/**
 * Locks the file that is in place, if any. 'changed': another service put a new one there meanwhile; look again.
 * @throws UsageError when its writer lives, or when it is no region and so not ours to replace.
 */
export function lockPredecessor(path: string): Predecessor | undefined | 'changed' {
  let fd: number;
  try {
    fd = fs.openSync(path, OPEN_EXISTING);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw fileError(error, path);
  }
  let isKept = false;
  try {
    const status = fs.fstatSync(fd);
    const view = readHeader(fd);
    if (!status.isFile() || !hasMagic(view)) {
      throw new UsageError(
        `${path} exists and is not a market-data region: remove it, or choose another shm_name (nothing was changed)`,
      );
    }
    if (!tryLock(fd)) {
      const pid = view.getUint32(layout.HEADER_WRITER_PID, true);
      throw new UsageError(
        `${path} is in use: the service with pid ${pid} is writing it. Stop that one, or choose another shm_name.`,
      );
    }
    if (!isInPlace(path, status)) return 'changed';
    isKept = true;
    return predecessor(fd, view);
  } finally {
    if (!isKept) fs.closeSync(fd);
  }
}

function predecessor(fd: number, view: DataView): Predecessor {
  const isKnownLayout = view.getUint32(layout.HEADER_LAYOUT_VERSION, true) === layout.LAYOUT_VERSION;
  return {
    generation: isKnownLayout ? Number(view.getBigInt64(layout.HEADER_GENERATION, true)) : 0,
    markReplaced: () => {
      if (!isKnownLayout) return;
      fs.writeSync(fd, new Uint8Array([layout.WRITER_REPLACED, 0, 0, 0]), 0, 4, layout.HEADER_WRITER_STATE);
    },
    release: () => {
      unlock(fd);
      fs.closeSync(fd);
    },
  };
}

function readHeader(fd: number): DataView {
  const bytes = new Uint8Array(layout.HEADER_BYTES);
  try {
    fs.readSync(fd, bytes, 0, bytes.length, 0);
  } catch {
    // A pipe or a device cannot be read at an offset: what is left is zeros, which are no region.
  }
  return new DataView(bytes.buffer);
}

function isInPlace(path: string, status: fs.Stats): boolean {
  const now = fs.lstatSync(path, { throwIfNoEntry: false });
  return now !== undefined && now.ino === status.ino && now.dev === status.dev;
}

/** Unique even among processes with the same pid in different containers. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.new`);
}

/** Removes what services left behind that were killed while they were starting. */
export function removeStaleTemporaries(path: string): void {
  const directory = dirname(path);
  const prefix = `.${basename(path)}.`;
  for (const entry of fs.existsSync(directory) ? fs.readdirSync(directory) : []) {
    if (!entry.startsWith(prefix) || !entry.endsWith('.new')) continue;
    const temporary = join(directory, entry);
    const status = fs.lstatSync(temporary, { throwIfNoEntry: false });
    if (status?.isFile() && Date.now() - status.mtimeMs > STALE_TEMPORARY_MS) fs.rmSync(temporary, { force: true });
  }
}

/**
 * Creates a file with all of its bytes in place, so that touching its mapping can never fail for want of space.
 * @throws UsageError
 */
export function createFilled(path: string, bytes: number, mode: number): number {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path, OPEN_NEW, mode);
    fs.fchmodSync(fd, mode);
    const zeros = new Uint8Array(Math.min(bytes, FILL_CHUNK_BYTES));
    for (let written = 0; written < bytes; ) {
      written += fs.writeSync(fd, zeros, 0, Math.min(zeros.length, bytes - written), written);
    }
    return fd;
  } catch (error) {
    if (fd !== undefined) {
      fs.closeSync(fd);
      fs.rmSync(path, { force: true });
    }
    throw fileError(error, path, bytes);
  }
}

/** What the user can do about a failed file operation; anything else is passed on as it is. */
export function fileError(error: unknown, path: string, bytes = 0): unknown {
  const directory = dirname(path);
  const advice: Record<string, string> = {
    ENOSPC: `${directory} is full: ${bytes} bytes are needed. Free some, lower shm_size_bytes, or enlarge it (Docker: --shm-size).`,
    EDQUOT: `${directory}: the quota is used up; ${bytes} bytes are needed`,
    EACCES: `${path}: permission denied. Remove the file, run as its owner, or choose another shm_name.`,
    EPERM: `${path}: not permitted. Remove the file, run as its owner, or choose another shm_name.`,
    EROFS: `${directory} is read-only`,
    ELOOP: `${path} is a symbolic link, which is not followed: remove it, or choose another shm_name`,
    EISDIR: `${path} is a directory: remove it, or choose another shm_name`,
    ENXIO: `${path} is not a regular file: remove it, or choose another shm_name`,
    ENOENT: `${directory} does not exist: shared memory needs it; set shm_name to "" to run without`,
    ENOTDIR: `${directory} is not a directory`,
    ENAMETOOLONG: `${path}: the name is too long`,
  };
  const text = advice[errnoName(error)];
  return text === undefined ? error : new UsageError(text, { cause: error });
}
