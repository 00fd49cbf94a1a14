import type { ConnectionPlan } from '../exchanges/exchange.ts';
import { LIMITS } from '../limits.ts';
import type { Clock } from '../model/clock.ts';
import type { LabelledCounter } from '../model/counters.ts';
import { type AttemptBudget, Backoff } from './backoff.ts';
import { Connection, type ConnectionOwner, type DisconnectReason } from './connection.ts';
import { StreamLiveness } from './liveness.ts';

export interface RouteOwner {
  onBatchStart(): void;
  onFrame(connection: Connection, frame: Uint8Array): void;
  onBatchEnd(): void;
  /** The first socket of the route opened: data may come. */
  onRouteUp(route: Route): void;
  /** The last open socket of the route ended. */
  onRouteDown(route: Route): void;
  onConnectionEvent(route: Route, event: 'open' | 'closed' | 'retry', detail: Readonly<Record<string, unknown>>): void;
}

export interface RouteOptions {
  readonly clock: Clock;
  readonly compression: boolean;
  readonly reconnectDelayMs: number;
  readonly reconnectDelayMaxMs: number;
  /** How many sockets run at the same time; the first arrival of each update wins. */
  readonly redundancy: number;
  /** A socket of this age is replaced before it is closed; each waits up to a tenth less, so that they do not go together. */
  readonly rotateAfterMs: number;
  readonly attempts: AttemptBudget;
  readonly subscribeMessages: (plan: ConnectionPlan) => string[];
}

/** One of the sockets of a route, with the successor that takes over from it while it is being replaced. */
interface Slot {
  readonly backoff: Backoff;
  current: Connection | undefined;
  successor: Connection | undefined;
  successorReason: DisconnectReason;
  redial: NodeJS.Timeout | undefined;
  rotateAtNs: number;
}

/** Keeps the sockets of one connection plan open: reconnects with backoff, rotates before the venue's age limit, replaces silent ones. */
export class Route implements ConnectionOwner {
  readonly plan: ConnectionPlan;
  readonly disconnects: LabelledCounter;
  /** Of all streams of the route together. */
  readonly liveness = new StreamLiveness({
    floorMs: LIMITS.route_silence_floor_ms,
    ceilingMs: LIMITS.route_silence_ceiling_ms,
  });
  readonly #owner: RouteOwner;
  readonly #options: RouteOptions;
  readonly #slots: Slot[] = [];
  #open = 0;
  #stopped = false;

  constructor(plan: ConnectionPlan, owner: RouteOwner, disconnects: LabelledCounter, options: RouteOptions) {
    this.plan = plan;
    this.disconnects = disconnects;
    this.#owner = owner;
    this.#options = options;
    for (let slot = 0; slot < options.redundancy; slot += 1) {
      this.#slots.push({
        backoff: new Backoff(options.reconnectDelayMs, options.reconnectDelayMaxMs),
        current: undefined,
        successor: undefined,
        successorReason: 'rotated',
        redial: undefined,
        rotateAtNs: Number.POSITIVE_INFINITY,
      });
    }
  }

  get isUp(): boolean {
    return this.#open > 0;
  }

  /** More than one socket delivers: an update that one has not brought may still come from another. */
  get isOverlapping(): boolean {
    return this.#open > 1;
  }

  start(): void {
    for (const slot of this.#slots) this.#dial(slot, 0);
  }

  stop(reason: DisconnectReason): void {
    this.#stopped = true;
    for (const slot of this.#slots) {
      clearTimeout(slot.redial);
      slot.successor?.close(reason);
      slot.current?.close(reason);
    }
  }

  /** Opens a successor beside every socket and closes the old one once the new one delivers. */
  replace(reason: DisconnectReason): void {
    for (const slot of this.#slots) this.#replace(slot, reason);
  }

  /** To be called several times a second. */
  check(nowNs: number): void {
    for (const slot of this.#slots) {
      const { current, successor } = slot;
      if (current === undefined) continue;
      if (successor !== undefined) {
        const overlapNs = nowNs - successor.openedNs;
        if (successor.frames > 0 && overlapNs > LIMITS.rotation_overlap_ms * 1e6) current.close(slot.successorReason);
        else if (nowNs - successor.dialledNs > LIMITS.rotation_timeout_ms * 1e6) successor.terminate('silence');
      } else if (nowNs > slot.rotateAtNs) {
        this.#replace(slot, 'rotated');
      }
      if (current.isOpen && nowNs - current.lastHeardNs > LIMITS.socket_silence_ms_max * 1e6)
        current.terminate('silence');
    }
  }

  /** Gives up on the sockets as they are: they are open but nothing comes. */
  terminateAll(reason: DisconnectReason): void {
    for (const slot of this.#slots) slot.current?.terminate(reason);
  }

  onOpen(connection: Connection): void {
    this.#open += 1;
    const slot = this.#slotOf(connection);
    if (slot !== undefined && slot.current === connection) this.#scheduleRotation(slot, connection);
    this.#owner.onConnectionEvent(this, 'open', { url: withoutLogin(connection.plan.url) });
    if (this.#open === 1) this.#owner.onRouteUp(this);
  }

  onBatchStart(): void {
    this.#owner.onBatchStart();
  }

  onFrame(connection: Connection, frame: Uint8Array): void {
    this.#owner.onFrame(connection, frame);
    this.liveness.onData(connection.lastHeardNs);
  }

  onBatchEnd(): void {
    this.#owner.onBatchEnd();
  }

  onClosed(connection: Connection, reason: DisconnectReason, detail: string): void {
    const wasOpen = !Number.isNaN(connection.openedNs);
    if (wasOpen) this.#open -= 1;
    this.disconnects.add(reason);
    this.#owner.onConnectionEvent(this, 'closed', { reason, detail });
    const slot = this.#slotOf(connection);
    if (slot !== undefined) this.#afterClose(slot, connection, wasOpen);
    if (!wasOpen || this.#open > 0) return;
    this.liveness.suspend();
    this.#owner.onRouteDown(this);
  }

  #slotOf(connection: Connection): Slot | undefined {
    return this.#slots.find((slot) => slot.current === connection || slot.successor === connection);
  }

  #afterClose(slot: Slot, connection: Connection, wasOpen: boolean): void {
    if (slot.successor === connection) {
      slot.successor = undefined;
      slot.rotateAtNs = this.#options.clock.nowNs() + LIMITS.rotation_retry_ms * 1e6;
      return;
    }
    slot.current = slot.successor;
    slot.successor = undefined;
    if (slot.current !== undefined) {
      this.#scheduleRotation(slot, slot.current);
      return;
    }
    if (this.#stopped) return;
    const openForMs = (this.#options.clock.nowNs() - connection.openedNs) / 1e6;
    if (wasOpen && openForMs > LIMITS.connection_healthy_after_ms) slot.backoff.reset();
    const delayMs = slot.backoff.nextDelayMs();
    this.#owner.onConnectionEvent(this, 'retry', { delay_ms: Math.round(delayMs), attempt: slot.backoff.failures });
    this.#dial(slot, delayMs);
  }

  #scheduleRotation(slot: Slot, connection: Connection): void {
    const ageNs = this.#options.rotateAfterMs * (1 - 0.1 * Math.random()) * 1e6;
    slot.rotateAtNs = (Number.isNaN(connection.openedNs) ? connection.dialledNs : connection.openedNs) + ageNs;
  }

  #replace(slot: Slot, reason: DisconnectReason): void {
    if (slot.current === undefined || slot.successor !== undefined || this.#stopped) return;
    slot.successorReason = reason;
    // The attempt is booked, not delayed: an overlap that starts late is still an overlap.
    this.#options.attempts.reserve(Date.now());
    slot.successor = this.#connect();
  }

  #dial(slot: Slot, delayMs: number): void {
    const waitMs = Math.max(delayMs, this.#options.attempts.reserve(Date.now() + delayMs) + delayMs);
    slot.redial = setTimeout(() => {
      if (!this.#stopped) slot.current = this.#connect();
    }, waitMs);
  }

  #connect(): Connection {
    return new Connection(this.plan, this.#options.subscribeMessages(this.plan), this, this.#options);
  }
}

/** For logs: user and password of a URL are secrets. */
function withoutLogin(url: string): string {
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname}${search}`;
}
