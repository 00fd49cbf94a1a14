import type { ClientConnection } from './client-connection.ts';
import type { Outlet } from './market.ts';

/** A client's socket holding more than this is congested: a market that may wait does. */
const CONGESTED_ABOVE_BYTES = 256 * 1024;

/** Every open connection, and the sockets as the market sees them: one outlet that may be full. */
export class Connections implements Outlet {
  /** A client whose socket holds more than this is dropped, as exchanges do; only a market that does not wait gets there. */
  readonly #bufferBytesMax: number;
  readonly #open = new Set<ClientConnection>();
  #dirty: ClientConnection[] = [];
  openedCount = 0;
  droppedSlowCount = 0;
  #framesOfClosed = 0;
  #bytesOfClosed = 0;

  constructor(bufferBytesMax: number) {
    this.#bufferBytesMax = bufferBytesMax;
  }

  readonly onDirty = (connection: ClientConnection): void => {
    this.#dirty.push(connection);
  };

  add(connection: ClientConnection): void {
    this.openedCount++;
    this.#open.add(connection);
    connection.webSocket.once('close', () => {
      this.#open.delete(connection);
      this.#framesOfClosed += connection.framesSent;
      this.#bytesOfClosed += connection.bytesSent;
    });
  }

  get all(): ClientConnection[] {
    return [...this.#open];
  }

  get size(): number {
    return this.#open.size;
  }

  get hasClients(): boolean {
    return this.#open.size > 0;
  }

  get framesSent(): number {
    return this.all.reduce((sum, connection) => sum + connection.framesSent, this.#framesOfClosed);
  }

  get bytesSent(): number {
    return this.all.reduce((sum, connection) => sum + connection.bytesSent, this.#bytesOfClosed);
  }

  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) {
      connection.flush();
      if (connection.bufferedBytes <= this.#bufferBytesMax) continue;
      this.droppedSlowCount++;
      connection.webSocket.terminate();
    }
  }

  get isCongested(): boolean {
    for (const connection of this.#open) if (isFull(connection)) return true;
    return false;
  }

  async drained(): Promise<void> {
    for (const connection of this.#open) {
      if (!isFull(connection)) continue;
      await new Promise<void>((resolve) => {
        const done = () => {
          clearInterval(poll);
          connection.socket.off('drain', check).off('close', done);
          resolve();
        };
        const check = () => {
          if (!isFull(connection)) done();
        };
        // A frozen connection never drains, and compression has a queue of its own: neither says so by an event.
        const poll = setInterval(check, 20);
        connection.socket.on('drain', check).once('close', done);
      });
    }
  }
}

function isFull(connection: ClientConnection): boolean {
  return !connection.isFrozen && connection.bufferedBytes > CONGESTED_ABOVE_BYTES && !connection.socket.destroyed;
}
