import type { ServerResponse } from 'node:http';
import type { Fault } from './fault.ts';
import type { SetFault } from './faults.ts';
import { corrupted, truncated } from './frame-faults.ts';
import type { Random } from './random.ts';
import { type RestAnswer, type RestFilter, sendAnswer } from './rest.ts';
import { errorBody } from './rest-responses.ts';

const OVERSIZED_BYTES = 64 << 20;
const DRIP_TICK_MS = 20;

/** What a refusal by status says, in the venue's words. */
const STATUS_BODIES: Readonly<Record<number, string>> = {
  403: '<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center></body></html>',
  418: errorBody(-1003, 'Way too many requests; IP banned. Please use the websocket for live updates to avoid bans.'),
  429: errorBody(-1003, 'Too many requests; please use the websocket for live updates to avoid polling the API.'),
  451: errorBody(0, 'Service unavailable from a restricted location according to the terms of use.'),
};

/** The body of a depth request as it was when a stale snapshot was ordered. */
export type StaleSnapshots = (fault: Fault, symbol: string) => string | undefined;

/** Does to requests what the faults for REST say, all of those that strike, in their order. */
export class RestFaults implements RestFilter {
  readonly #faults: () => readonly SetFault[];
  readonly #staleSnapshots: StaleSnapshots;

  constructor(faults: () => readonly SetFault[], staleSnapshots: StaleSnapshots) {
    this.#faults = faults;
    this.#staleSnapshots = staleSnapshots;
  }

  get isActive(): boolean {
    return this.#faults().length > 0;
  }

  respond(answer: RestAnswer, response: ServerResponse): void {
    let send = () => sendAnswer(answer, response);
    let delayMs = 0;
    const nowMs = performance.now();
    for (const set of this.#faults()) {
      const { fault, random } = set;
      if (fault.symbol !== undefined && fault.symbol !== answer.symbol) continue;
      if (fault.path !== undefined && !answer.path.includes(fault.path)) continue;
      if (!set.strikes(nowMs)) continue;
      switch (fault.kind) {
        case 'timeout':
          return;
        case 'reset':
          response.socket?.resetAndDestroy();
          return;
        case 'delay':
          delayMs += fault.delayMs!;
          break;
        case 'jitter':
          delayMs += random.next() * fault.delayMs!;
          break;
        case 'truncate':
          send = () => breakOff(answer, response, random);
          break;
        case 'slow_drip':
          send = () => drip(answer, response, fault.bytesPerSecond!);
          break;
        case 'oversized':
          send = () => sendOversized(answer, response, fault.bytes ?? OVERSIZED_BYTES);
          break;
        default:
          this.#change(answer, fault, random);
      }
    }
    if (delayMs > 0) setTimeout(send, delayMs).unref();
    else send();
  }

  #change(answer: RestAnswer, fault: Fault, random: Random): void {
    const isSnapshot = answer.path.endsWith('/depth') && answer.status === 200;
    if (fault.kind === 'status') {
      answer.status = fault.status!;
      answer.body =
        STATUS_BODIES[answer.status] ?? errorBody(-1000, 'An unknown error occurred while processing the request.');
      if (answer.body.startsWith('<')) answer.headers['content-type'] = 'text/html';
      if (fault.retryAfterS !== undefined) answer.headers['retry-after'] = String(fault.retryAfterS);
    } else if (fault.kind === 'corrupt') {
      answer.body = corrupted(answer.body, random);
    } else if (fault.kind === 'empty_snapshot' && isSnapshot) {
      answer.body = emptied(answer.body);
    } else if (fault.kind === 'stale_snapshot' && isSnapshot) {
      answer.body = this.#staleSnapshots(fault, answer.symbol) ?? answer.body;
    }
  }
}

/** Another fault may have made it something that is no JSON any more: then it stays as it is. */
function emptied(body: string): string {
  try {
    return JSON.stringify({ ...JSON.parse(body), bids: [], asks: [] });
  } catch {
    return body;
  }
}

/** Promises the whole body, sends a part, and breaks the connection. */
function breakOff(answer: RestAnswer, response: ServerResponse, random: Random): void {
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(Buffer.byteLength(answer.body)) });
  response.write(truncated(answer.body, random), () => response.socket?.destroy());
}

function drip(answer: RestAnswer, response: ServerResponse, bytesPerSecond: number): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(body.length) });
  if (answer.onDelivered !== undefined && answer.status === 200) response.once('finish', answer.onDelivered);
  const startedMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const allowed = Math.min(body.length, Math.floor(((performance.now() - startedMs) / 1000) * bytesPerSecond));
    if (allowed > sent) response.write(body.subarray(sent, allowed));
    sent = Math.max(sent, allowed);
    if (sent === body.length) response.end();
    if (sent === body.length || response.destroyed) clearInterval(timer);
  }, DRIP_TICK_MS).unref();
}

/** The answer, then white space: valid JSON of any size. Written as the client takes it, so it costs no memory here. */
function sendOversized(answer: RestAnswer, response: ServerResponse, bytes: number): void {
  response.writeHead(answer.status, answer.headers);
  response.write(answer.body);
  const chunk = Buffer.alloc(64 << 10, 0x20);
  let left = bytes;
  const write = () => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length;
      if (!response.write(chunk)) {
        response.once('drain', write);
        return;
      }
    }
    response.end();
  };
  write();
}
