import type { ClientConnection, FrameFilter } from './client-connection.ts';
import type { SetFault } from './faults.ts';
import { FrameLane } from './frame-lane.ts';
import type { Random } from './random.ts';
import type { Stream } from './stream-hub.ts';
import { framePayload, textFrame } from './websocket-frame.ts';

/** What the faults make of one frame. */
interface Fate {
  frame: Buffer;
  copies: number;
  delayMs: number;
  isHeldForNext: boolean;
  bytesPerSecond: number;
}

/** Stands between the streams and the sockets while any fault is set for frames. */
export class FrameFaults implements FrameFilter {
  readonly #faults: () => readonly SetFault[];
  readonly #lanes = new Map<ClientConnection, FrameLane>();

  constructor(faults: () => readonly SetFault[]) {
    this.#faults = faults;
  }

  get isActive(): boolean {
    return this.#lanes.size > 0 || this.#faults().length > 0;
  }

  deliver(connection: ClientConnection, stream: Stream, frame: Buffer): void {
    const fate: Fate = { frame, copies: 1, delayMs: 0, isHeldForNext: false, bytesPerSecond: 0 };
    const nowMs = performance.now();
    for (const set of this.#faults()) {
      if (!concerns(set, connection, stream) || !set.strikes(nowMs)) continue;
      if (!applyTo(fate, set, connection)) return;
    }
    const isPlain = fate.delayMs === 0 && !fate.isHeldForNext && fate.bytesPerSecond === 0;
    const lane = this.#lanes.get(connection) ?? (isPlain ? undefined : this.#openLane(connection));
    for (let copy = 0; copy < fate.copies; copy++) {
      if (lane === undefined) connection.send(fate.frame);
      else lane.add(stream, fate.frame, fate);
    }
  }

  #openLane(connection: ClientConnection): FrameLane {
    const lane = new FrameLane(connection, () => this.#lanes.delete(connection));
    this.#lanes.set(connection, lane);
    return lane;
  }
}

function concerns({ fault }: SetFault, connection: ClientConnection, stream: Stream): boolean {
  if (fault.route !== undefined && fault.route !== connection.route) return false;
  if (fault.symbol !== undefined && fault.symbol !== stream.symbol) return false;
  return fault.stream === undefined || stream.name === fault.stream || stream.name.endsWith(`@${fault.stream}`);
}

/** @returns false when the frame goes nowhere. */
function applyTo(fate: Fate, { fault, random }: SetFault, connection: ClientConnection): boolean {
  switch (fault.kind) {
    case 'drop':
    case 'stall':
      return false;
    case 'duplicate':
      fate.copies++;
      return true;
    case 'reorder':
      fate.isHeldForNext = true;
      return true;
    case 'delay':
      fate.delayMs += fault.delayMs!;
      return true;
    case 'jitter':
      fate.delayMs += random.next() * fault.delayMs!;
      return true;
    case 'slow_drip':
      fate.bytesPerSecond = fault.bytesPerSecond!;
      return true;
    case 'truncate':
      fate.frame = textFrame(truncated(framePayload(fate.frame).toString(), random));
      return true;
    case 'corrupt':
      fate.frame = textFrame(corrupted(framePayload(fate.frame).toString(), random));
      return true;
    case 'corrupt_bytes':
      fate.frame = withRandomBytes(fate.frame, random);
      return true;
    case 'garbage':
      // All reserved bits set, an opcode that does not exist.
      connection.send(Buffer.from([0xff, 0x7f, 0xff, 0xff]));
      return false;
    case 'close':
      connection.close(fault.code ?? 1001, fault.reason ?? '');
      return false;
    case 'reset':
      connection.reset();
      return false;
    case 'half_open':
      connection.freeze();
      return false;
    case 'rotate':
      if (Date.now() - connection.openedAtMs < (fault.ageMs ?? 0)) return true;
      connection.close(1001, 'connection age');
      return false;
    default:
      return true;
  }
}

/** A beginning of a JSON object, which is never a JSON object. */
export function truncated(text: string, random: Random): string {
  return text.slice(0, 1 + random.below(text.length - 1));
}

/** Overwrites one structural character, outside of every string: no JSON parser may accept the rest. */
export function corrupted(text: string, random: Random): string {
  const structure: number[] = [];
  let isInString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    if (character === '\\') index++;
    else if (character === '"') isInString = !isInString;
    else if (!isInString && '{}[]:,'.includes(character)) structure.push(index);
  }
  if (structure.length === 0) return '~';
  const at = structure[random.below(structure.length)]!;
  return `${text.slice(0, at)}~${text.slice(at + 1)}`;
}

function withRandomBytes(frame: Buffer, random: Random): Buffer {
  const damaged = Buffer.from(frame);
  const payload = framePayload(damaged);
  const count = 1 + random.below(4);
  for (let change = 0; change < count; change++) payload[random.below(payload.length)] = random.below(256);
  return damaged;
}
