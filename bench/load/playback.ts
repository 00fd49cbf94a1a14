import type { LoadSocket } from './load-socket.ts';
import type { RecordedLoop } from './recorded-loop.ts';

export interface PlaybackOptions {
  /** Frames a second; 0: as fast as they are taken. */
  readonly rate: number;
  /** Where to end. */
  readonly frames: number;
  /** Frames carry the present time as the exchange's; otherwise the recording's own, going on from round to round. */
  readonly isLiveTime: boolean;
}

export interface PlaybackState {
  readonly position: number;
  readonly depthFrames: number;
  readonly tradeFrames: number;
  /** Of the recording's frames, those that are diffs. */
  readonly depthShare: number;
  readonly isEnded: boolean;
  /** How far behind its schedule a paced playback is, because the client does not take more. */
  readonly behindMs: number;
}

const TICK_MS = 1;
/** Frames between two looks at the sockets. */
const RUN = 64;

/** Plays the loop into the sockets of both routes. Frames of a route that nobody listens to are left out. */
export class Playback {
  readonly #loop: RecordedLoop;
  readonly #sockets = new Map<'public' | 'market', LoadSocket>();
  #options: PlaybackOptions = { rate: 0, frames: 0, isLiveTime: false };
  #depthFrames = 0;
  #tradeFrames = 0;
  /** Paced: where and when the present rate began. */
  #paceBegin = { position: 0, ms: 0 };
  #timer: NodeJS.Timeout | undefined;
  #isWaiting = false;
  position = 0;

  constructor(loop: RecordedLoop) {
    this.#loop = loop;
  }

  connect(route: 'public' | 'market', socket: LoadSocket): void {
    this.#sockets.set(route, socket);
  }

  play(options: PlaybackOptions): void {
    this.#options = options;
    this.#paceBegin = { position: this.position, ms: performance.now() };
    clearInterval(this.#timer);
    if (options.rate > 0) this.#timer = setInterval(() => this.#run(), TICK_MS);
    this.#run();
  }

  state(): PlaybackState {
    const { rate } = this.#options;
    const due = rate === 0 ? this.position : this.#due();
    return {
      position: this.position,
      depthFrames: this.#depthFrames,
      tradeFrames: this.#tradeFrames,
      depthShare: this.#loop.depthFrames / this.#loop.frames.length,
      isEnded: this.position >= this.#options.frames,
      behindMs: rate === 0 ? 0 : Math.max(0, ((due - this.position) / rate) * 1000),
    };
  }

  #due(): number {
    const { position, ms } = this.#paceBegin;
    return Math.min(this.#options.frames, position + ((performance.now() - ms) / 1000) * this.#options.rate);
  }

  #run(): void {
    if (this.#isWaiting) return;
    const { rate, frames } = this.#options;
    const until = rate === 0 ? frames : this.#due();
    while (this.position < until) {
      const full = [...this.#sockets.values()].find((socket) => socket.isOpen && socket.isFull);
      if (full !== undefined) {
        this.#isWaiting = true;
        full.whenDrained(() => {
          this.#isWaiting = false;
          this.#run();
        });
        break;
      }
      this.#send(Math.min(until, this.position + RUN));
    }
    for (const socket of this.#sockets.values()) socket.flush();
  }

  #send(until: number): void {
    const timeMs = this.#options.isLiveTime ? Date.now() : undefined;
    const { frames } = this.#loop;
    for (; this.position < until; this.position++) {
      const { route, bytes } = frames[this.position % frames.length]!;
      const socket = this.#sockets.get(route);
      if (socket === undefined || !socket.isOpen) continue;
      const position = this.position;
      socket.send(bytes.length, (target, at) => this.#loop.write(position, target, at, timeMs));
      if (route === 'public') this.#depthFrames += 1;
      else this.#tradeFrames += 1;
    }
  }
}
