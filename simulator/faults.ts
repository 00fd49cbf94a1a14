import { type Fault, type FaultPlace, placeOf } from './fault.ts';
import type { Random } from './random.ts';

/** Carries out the faults that strike at a time rather than at a frame or request. */
export interface FaultActions {
  /** Strikes once. */
  strike(fault: Fault): void;
  /** Undoes what lasted, when its time is over or it is removed: once for each strike. */
  end(fault: Fault): void;
  /** The fault is about to be set, and may begin later. @throws Error when it cannot be carried out here. */
  prepare(fault: Fault): void;
  /** The fault has been removed. */
  forget(fault: Fault): void;
}

/** One fault with its own generator: what others draw does not change it. */
export class SetFault {
  readonly id: number;
  readonly fault: Fault;
  readonly place: FaultPlace;
  readonly random: Random;
  hits = 0;
  /** True between a strike and its end, for what is carried out by {@link FaultActions}. */
  isLasting = false;
  readonly #beginMs: number;

  constructor(id: number, fault: Fault, random: Random) {
    this.id = id;
    this.fault = fault;
    this.place = placeOf(fault);
    this.random = random;
    this.#beginMs = performance.now() + (fault.atMs ?? 0);
  }

  /** Whether it does something to this one: in its time, within its count, by its probability. Counts. */
  strikes(nowMs: number): boolean {
    const { durationMs = Number.POSITIVE_INFINITY, everyMs, count, probability = 1 } = this.fault;
    const sinceMs = nowMs - this.#beginMs;
    if (sinceMs < 0 || (everyMs === undefined ? sinceMs : sinceMs % everyMs) >= durationMs) return false;
    if (count !== undefined && this.hits >= count) return false;
    if (probability < 1 && !this.random.chance(probability)) return false;
    this.hits++;
    return true;
  }
}

/** The faults that are set, by where they strike. May be changed at any time. */
export class Faults {
  #frame: readonly SetFault[] = [];
  #rest: readonly SetFault[] = [];
  #handshake: readonly SetFault[] = [];
  readonly #set = new Map<number, SetFault>();
  readonly #timers = new Map<number, NodeJS.Timeout[]>();
  readonly #random: Random;
  readonly #actions: FaultActions;
  #lastId = 0;
  #hitsOfRemoved = 0;

  constructor(random: Random, actions: FaultActions) {
    this.#random = random;
    this.#actions = actions;
  }

  get frame(): readonly SetFault[] {
    return this.#frame;
  }

  get rest(): readonly SetFault[] {
    return this.#rest;
  }

  get handshake(): readonly SetFault[] {
    return this.#handshake;
  }

  /** Times that any fault has struck, removed ones included. */
  get hits(): number {
    return [...this.#set.values()].reduce((sum, { hits }) => sum + hits, this.#hitsOfRemoved);
  }

  list(): { id: number; fault: Fault; hits: number }[] {
    return [...this.#set.values()].map(({ id, fault, hits }) => ({ id, fault, hits }));
  }

  /** @returns the id to remove it by. @throws Error when it cannot be carried out on this market. */
  add(fault: Fault): number {
    this.#actions.prepare(fault);
    const id = ++this.#lastId;
    const set = new SetFault(id, fault, this.#random.fork(`fault/${id}`));
    this.#set.set(id, set);
    this.#sort();
    this.#schedule(set);
    return id;
  }

  remove(id: number): boolean {
    const set = this.#set.get(id);
    if (set === undefined) return false;
    this.#set.delete(id);
    this.#hitsOfRemoved += set.hits;
    for (const timer of this.#timers.get(id) ?? []) clearTimeout(timer);
    this.#timers.delete(id);
    this.#sort();
    this.#end(set);
    this.#actions.forget(set.fault);
    return true;
  }

  clear(): void {
    for (const id of [...this.#set.keys()]) this.remove(id);
  }

  #sort(): void {
    const all = [...this.#set.values()];
    this.#frame = all.filter(({ place }) => place === 'frame');
    this.#rest = all.filter(({ place }) => place === 'rest');
    this.#handshake = all.filter(({ place }) => place === 'handshake');
  }

  #schedule(set: SetFault): void {
    const { id, fault, place } = set;
    const { atMs = 0, durationMs, everyMs } = fault;
    const after = (ms: number, act: () => void) => {
      const timers = this.#timers.get(id) ?? [];
      timers.push(setTimeout(act, ms).unref());
      this.#timers.set(id, timers);
    };
    if (place === 'connection' || place === 'exchange') {
      const strike = () => {
        set.hits++;
        set.isLasting = true;
        this.#actions.strike(fault);
        const isLast = fault.count !== undefined && set.hits >= fault.count;
        if (everyMs !== undefined && !isLast) {
          this.#timers.set(id, []);
          after(everyMs, strike);
        } else if (durationMs === undefined && !lasts(fault)) {
          this.remove(id);
        }
        const isOver = everyMs === undefined || isLast;
        if (durationMs !== undefined) after(durationMs, () => (isOver ? this.remove(id) : this.#end(set)));
      };
      if (atMs === 0) strike();
      else after(atMs, strike);
    } else if (durationMs !== undefined && everyMs === undefined) {
      after(atMs + durationMs, () => this.remove(id));
    }
  }

  #end(set: SetFault): void {
    if (set.isLasting) this.#actions.end(set.fault);
    set.isLasting = false;
  }
}

/** Kinds whose effect stays until the fault is removed. */
function lasts(fault: Fault): boolean {
  return fault.kind === 'clock_skew' || fault.kind === 'delist';
}
