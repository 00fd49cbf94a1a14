import * as fs from 'node:fs';
import { errnoName, ShmError } from './errors.ts';
import { parseHeader, type RegionHeader, readDirectory } from './header.ts';
import * as layout from './layout.ts';
import { mapFile } from './mapping.ts';
import { readerScratchBytes } from './record-reader.ts';

/** Never follow a link, never wait for the other end of a pipe. */
const OPEN_READ_ONLY = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;

/** A region mapped for reading. `device` and `inode` tell it from a later file of the same name. */
export interface OpenRegion {
  readonly path: string;
  /** The region, and behind it private memory for the reader: see {@link mapFile}. */
  readonly buffer: ArrayBuffer;
  readonly header: RegionHeader;
  readonly symbols: readonly string[];
  readonly device: number;
  readonly inode: number;
}

/**
 * Opens, checks and maps a region: docs/SHM_LAYOUT.md section 2.
 * @throws ShmError
 */
export function openRegion(path: string): OpenRegion {
  const fd = openFile(path);
  try {
    const status = fs.fstatSync(fd);
    if (!status.isFile()) throw new ShmError('NOT_A_REGION', `${path} is not a regular file`);
    const bytes = new Uint8Array(layout.HEADER_BYTES);
    const count = fs.readSync(fd, bytes, 0, bytes.length, 0);
    const header = parseHeader(bytes.subarray(0, count), status.size, path);
    const buffer = mapFile(fd, header.totalBytes, 'read', readerScratchBytes(header.depthMax));
    const symbols = readDirectory(new Uint8Array(buffer), header);
    return { path, buffer, header, symbols, device: status.dev, inode: status.ino };
  } finally {
    fs.closeSync(fd);
  }
}

/** True when another file is under the name now. False while there is none. */
export function isReplaced(region: OpenRegion): boolean {
  const status = fs.statSync(region.path, { throwIfNoEntry: false });
  return status !== undefined && (status.ino !== region.inode || status.dev !== region.device);
}

function openFile(path: string): number {
  try {
    return fs.openSync(path, OPEN_READ_ONLY);
  } catch (error) {
    switch (errnoName(error)) {
      case 'ENOENT':
        throw new ShmError('NOT_FOUND', `${path} does not exist: no writer has run yet`, { cause: error });
      case 'EACCES':
      case 'EPERM':
        throw new ShmError('PERMISSION', `${path} may not be read by this user`, { cause: error });
      default:
        throw new ShmError('NOT_A_REGION', `${path} cannot be opened: ${errnoName(error)}`, { cause: error });
    }
  }
}
