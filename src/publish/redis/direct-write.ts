import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

/**
 * Hands bytes to the kernel past the socket's stream, and says how many it took; 0 where the stream has to do it: under TLS, when the
 * kernel's buffer is full, and whenever something is wrong, which the stream then reports as it always does.
 *
 * The stream allocates 1.6 KB for each write and leaves work for the end of the turn: a third of what an update costs when there are few of
 * them (docs/PERFORMANCE.md). Only to be called while the stream itself holds nothing (`writableLength` 0), since its bytes come first.
 * The descriptor is a property of Node's own handle that has been there since its first versions but is not documented; where it is missing,
 * the stream does everything.
 */
export function writeDirectly(socket: Socket, bytes: Uint8Array, length: number): number {
  // Exactly a socket of node:net: a descriptor below a TLS socket would take plain text.
  if (Object.getPrototypeOf(socket) !== Socket.prototype) return 0;
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd;
  if (fd === undefined || fd < 0) return 0;
  try {
    return writeSync(fd, bytes, 0, length);
  } catch {
    return 0;
  }
}
