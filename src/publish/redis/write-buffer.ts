/**
 * Memory for commands on their way to a socket. It belongs to the socket from `write` until the write's callback, unless the
 * kernel took everything at once, which is nearly always.
 */
export class WriteBuffer {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Valid up to here. */
  end = 0;
  /** Writes of this buffer whose callbacks have not come yet. */
  pendingWrites = 0;
  /** One callback for all writes of this buffer: none is allocated per write. */
  readonly onWritten: () => void;

  constructor(capacity: number, onWritten: (buffer: WriteBuffer) => void) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, capacity);
    this.onWritten = () => {
      this.pendingWrites--;
      onWritten(this);
    };
  }
}
