import { CHECKSUM_BASIS, CHECKSUM_PRIME, RECORD_CHECKSUM } from './layout.ts';

const CHECKSUM_WORD = RECORD_CHECKSUM / 4;

/** FNV-1a over the 32-bit words of a record but the checksum's own: docs/SHM_LAYOUT.md section 8. Unsigned. */
export function recordChecksum(words: Uint32Array, recordWord: number, lengthBytes: number): number {
  let hash = CHECKSUM_BASIS;
  const end = recordWord + lengthBytes / 4;
  for (let index = recordWord; index < recordWord + CHECKSUM_WORD; index++) {
    hash = Math.imul(hash ^ words[index]!, CHECKSUM_PRIME);
  }
  for (let index = recordWord + CHECKSUM_WORD + 1; index < end; index++) {
    hash = Math.imul(hash ^ words[index]!, CHECKSUM_PRIME);
  }
  return hash >>> 0;
}
