import type { Cluster } from 'ioredis';

/** Where a node listens. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** A range of hash slots and the master that serves it. */
export interface SlotRange extends NodeAddress {
  readonly first: number;
  readonly last: number;
}

const SLOTS = 16_384;

/** The hash slot of a key: CRC-16/XMODEM of the key, or of what its first braces hold ("Redis cluster specification"). */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  const bytes = Buffer.from(close > open + 1 ? key.slice(open + 1, close) : key);
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) !== 0 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc % SLOTS;
}

/**
 * Asks a cluster who serves which slots (CLUSTER SLOTS), through ioredis's Cluster, which finds a node that answers.
 * @param seed takes the place of an empty host name, which means "the host that you reached me at"
 * @throws as the connection does, or on an answer of another shape
 */
export async function readSlots(cluster: Cluster, seed: NodeAddress): Promise<SlotRange[]> {
  const answer: unknown = await cluster.cluster('SLOTS');
  if (!Array.isArray(answer)) throw new Error('CLUSTER SLOTS: not a list');
  return answer.map((range) => {
    if (!Array.isArray(range) || !Array.isArray(range[2])) throw new Error('CLUSTER SLOTS: not a slot range');
    const [host, port] = range[2];
    return {
      first: Number(range[0]),
      last: Number(range[1]),
      host: host === null || host === '' ? seed.host : String(host),
      port: Number(port),
    };
  });
}
