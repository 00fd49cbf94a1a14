/** What a server did that ends a connection. */
export type WebSocketFault = 'handshake_refused' | 'redirect' | 'handshake_timeout' | 'protocol_error';

export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly fault: WebSocketFault;
  /** For the closing frame: 1002 (protocol) or 1009 (too large). */
  readonly closeCode: number;

  constructor(fault: WebSocketFault, message: string, closeCode = 1002) {
    super(message);
    this.fault = fault;
    this.closeCode = closeCode;
  }
}
