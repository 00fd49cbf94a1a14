/** Types of frames (RFC 6455, section 5.2). */
export const OPCODE = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** Payload of a control frame, at most. */
export const CONTROL_BYTES_MAX = 125;
