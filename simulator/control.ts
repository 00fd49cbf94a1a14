import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimulatedExchange } from './exchange-server.ts';
import type { Fault } from './fault.ts';
import { parseFault } from './fault-parse.ts';
import type { Activity } from './synthetic-symbol.ts';

const BODY_BYTES_MAX = 1 << 20;

/** Something asked of the control endpoint that it cannot do; the message says what is possible. */
class ControlError extends Error {}

/**
 * `/control/…`: not part of any exchange. `GET stats`, `POST rate` {"rate","trade_rate","levels","burst","symbol","speed"},
 * `POST pause`, `POST resume`, `GET faults`, `POST faults` (one or a list; answers their ids), `DELETE faults` (all, or `?id=N`).
 * Answers JSON.
 */
export class ControlServer {
  readonly #exchange: SimulatedExchange;

  constructor(exchange: SimulatedExchange) {
    this.#exchange = exchange;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const remote = request.socket.remoteAddress ?? '';
    if (!/^(127\.|::1$|::ffff:127\.)/.test(remote)) {
      respond(response, 403, { error: 'control is for this machine alone' });
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    request.on('end', () => {
      try {
        if (bytes > BODY_BYTES_MAX) throw new ControlError(`the body has more than ${BODY_BYTES_MAX} bytes`);
        const body: unknown = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
        const url = new URL(request.url ?? '/', 'http://control');
        respond(response, 200, this.#run(`${request.method} ${url.pathname}`, body, url.searchParams));
      } catch (error) {
        respond(response, 400, { error: (error as Error).message });
      }
    });
  }

  #run(command: string, body: unknown, query: URLSearchParams): unknown {
    switch (command) {
      case 'GET /control/stats':
        return this.#exchange.stats();
      case 'POST /control/rate':
        return this.#setRate(fieldsOf(body));
      case 'POST /control/pause':
        this.#exchange.pause();
        return {};
      case 'POST /control/resume':
        this.#exchange.resume();
        return {};
      case 'GET /control/faults':
        return this.#exchange.faults.list();
      case 'POST /control/faults': {
        const faults = (Array.isArray(body) ? body : [body]).map(parseFault);
        return { ids: this.#addFaults(faults) };
      }
      case 'DELETE /control/faults':
        return this.#removeFaults(query.get('id'));
      default:
        throw new ControlError(
          `unknown: ${command}; known: GET stats, POST rate, POST pause, POST resume, GET, POST and DELETE faults`,
        );
    }
  }

  /** All of them or none. */
  #addFaults(faults: readonly Fault[]): number[] {
    const ids: number[] = [];
    try {
      for (const fault of faults) ids.push(this.#exchange.faults.add(fault));
    } catch (error) {
      for (const id of ids) this.#exchange.faults.remove(id);
      throw error;
    }
    return ids;
  }

  #removeFaults(id: string | null): unknown {
    if (id === null) this.#exchange.faults.clear();
    else if (!this.#exchange.faults.remove(Number(id))) throw new ControlError(`no fault has the id ${id}`);
    return {};
  }

  #setRate(fields: Record<string, unknown>): unknown {
    const change: Partial<Activity> = {};
    for (const [name, key] of [
      ['rate', 'rate'],
      ['trade_rate', 'tradeRate'],
      ['levels', 'levels'],
      ['burst', 'burst'],
    ] as const) {
      const value = fields[name];
      if (value === undefined) continue;
      if (typeof value !== 'number' || !(value >= 0)) throw new ControlError(`${name} must be a number, 0 or more`);
      change[key] = value;
    }
    const { symbol, speed } = fields;
    if (symbol !== undefined && !this.#exchange.market.symbols.has(String(symbol))) {
      throw new ControlError(`symbol ${String(symbol)} is not listed here`);
    }
    if (speed !== undefined) this.#exchange.setSpeed(parseSpeed(speed));
    if (Object.keys(change).length > 0) {
      this.#exchange.setActivity(change, symbol === undefined ? undefined : String(symbol));
    }
    return fields;
  }
}

/** `max`, or a number above 0. @throws Error otherwise. */
export function parseSpeed(value: unknown): number {
  const speed = value === 'max' ? Number.POSITIVE_INFINITY : Number(value);
  if (!(speed > 0)) throw new ControlError(`speed must be "max" or a number above 0, not ${String(value)}`);
  return speed;
}

function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ControlError('the body must be a JSON object');
  return body as Record<string, unknown>;
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
