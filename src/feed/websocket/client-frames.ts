import { randomFillSync } from 'node:crypto';
import { OPCODE } from './opcodes.ts';

/** Frames of a client: whole messages, masked as RFC 6455, section 5.3, demands. */
export function textFrame(text: string): Buffer {
  return frame(OPCODE.text, Buffer.from(text));
}

export function pongFrame(payload: Uint8Array): Buffer {
  return frame(OPCODE.pong, payload);
}

export function closeFrame(code: number): Buffer {
  return frame(OPCODE.close, Uint8Array.of(code >> 8, code & 0xff));
}

function frame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const maskAt = 2 + lengthBytes;
  const bytes = Buffer.alloc(maskAt + 4 + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) bytes.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  randomFillSync(bytes, maskAt, 4);
  for (let index = 0; index < length; index++) {
    bytes[maskAt + 4 + index] = payload[index]! ^ bytes[maskAt + (index & 3)]!;
  }
  return bytes;
}
