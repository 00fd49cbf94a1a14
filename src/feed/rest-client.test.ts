import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ExchangeRest, RestRequest, RestStatus } from '../exchanges/exchange.ts';
import { RequestBudget } from './request-budget.ts';
import { PRIORITY, RestClient, RestRefusedError } from './rest-client.ts';

/** The part of a venue that the client itself uses. */
const STATUS_OF_VENUE: Pick<ExchangeRest, 'status'> = {
  status(statusCode, headers): RestStatus {
    const retryAfterMs = Number(headers['retry-after'] ?? 0) * 1000;
    const usedWeight = Number(headers['x-used'] ?? -1);
    if (statusCode === 200) return { outcome: 'ok', retryAfterMs, usedWeight };
    if (statusCode === 429) return { outcome: 'limited', retryAfterMs, usedWeight };
    if (statusCode === 451 || statusCode === 403) return { outcome: 'refused', retryAfterMs, usedWeight };
    return { outcome: 'failed', retryAfterMs, usedWeight };
  },
};

function textOf(path: string, weight = 1): RestRequest<string> {
  return { path, weight, parse: (body) => Buffer.from(body).toString() };
}

describe('REST client', () => {
  let server: Server;
  let client: RestClient;
  let paths: string[];
  let respond: (request: IncomingMessage, response: ServerResponse) => void;

  beforeEach(async () => {
    paths = [];
    respond = (_request, response) => response.end('fine');
    server = createServer((request, response) => {
      paths.push(request.url!);
      respond(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    client = new RestClient(
      base,
      STATUS_OF_VENUE as ExchangeRest,
      new RequestBudget({ weight: 100, windowMs: 60_000 }),
    );
  });

  afterEach(async () => {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test('answers in order of urgency once the few that run are done', async () => {
    const held: ServerResponse[] = [];
    respond = (_request, response) => held.push(response);
    const running = Array.from({ length: 8 }, (_, index) =>
      client.request(textOf(`/running${index}`), PRIORITY.refresh),
    );
    const late = [
      client.request(textOf('/candles'), PRIORITY.candles),
      client.request(textOf('/snapshot'), PRIORITY.snapshot),
      client.request(textOf('/resync'), PRIORITY.resync),
    ];
    while (held.length < 8) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(client.waitingCount).toBe(3);
    respond = (_request, response) => response.end('fine');
    held[0]!.end('fine');
    await Promise.all(late);
    for (const response of held) response.end('fine');
    await Promise.all(running);
    expect(paths.slice(8)).toEqual(['/resync', '/snapshot', '/candles']);
  });

  test('among equals the rank decides, then who asked first', async () => {
    client.budget.block(50, Date.now());
    const ranks = [3, 1, 2, 1];
    const asked = ranks.map((rank, index) =>
      client.request(textOf(`/rank${rank}-${index}`), PRIORITY.snapshot, { rank }),
    );
    asked.push(client.request(textOf('/resync'), PRIORITY.resync, { rank: 9 }));
    await Promise.all(asked);
    expect(paths).toEqual(['/resync', '/rank1-1', '/rank1-3', '/rank2-2', '/rank3-0']);
  });

  test('a request that must leave a reserve holds up none that need not', async () => {
    client.budget.report(75, Date.now());
    const trades = client.request(textOf('/trades', 5), PRIORITY.trades);
    trades.catch(() => {});
    expect(await client.request(textOf('/snapshot', 5), PRIORITY.snapshot)).toBe('fine');
    expect(await client.request(textOf('/resync', 5), PRIORITY.resync)).toBe('fine');
    expect(paths).toEqual(['/snapshot', '/resync']);
    expect(client.waitingCount).toBe(1);
  });

  test('says when a request leaves, not when it is asked for', async () => {
    client.budget.block(300, Date.now());
    let startedMs = 0;
    const askedMs = performance.now();
    await client.request(textOf('/a'), PRIORITY.resync, {
      onStart: () => {
        startedMs = performance.now();
      },
    });
    expect(startedMs - askedMs).toBeGreaterThan(250);
  });

  test('waits as long as the venue asks (Retry-After) and then asks the same again', async () => {
    let answers = 0;
    respond = (_request, response) => {
      answers += 1;
      if (answers === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else response.end('at last');
    };
    const askedMs = performance.now();
    expect(await client.request(textOf('/a'), PRIORITY.resync)).toBe('at last');
    expect(performance.now() - askedMs).toBeGreaterThan(950);
    expect(client.outcomes.get('limited')).toBe(1);
  });

  test('believes the used weight that the venue reports', async () => {
    respond = (_request, response) => response.setHeader('x-used', '77').end('fine');
    await client.request(textOf('/a'), PRIORITY.resync);
    expect(client.budget.usedWeight).toBe(77);
  });

  test.each([
    [451, true],
    [403, false],
  ])('HTTP %i is a refusal', async (statusCode, isFinal) => {
    respond = (_request, response) => response.writeHead(statusCode).end();
    const error = await client.request(textOf('/a?symbol=X'), PRIORITY.resync).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RestRefusedError);
    expect((error as RestRefusedError).isFinal).toBe(isFinal);
    expect((error as Error).message).not.toContain('symbol=X');
  });

  test('a server error, a broken answer and an answer that cannot be parsed reject', async () => {
    respond = (_request, response) => response.writeHead(500).end();
    await expect(client.request(textOf('/a'), PRIORITY.resync)).rejects.toThrow('HTTP 500');
    respond = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    };
    await expect(client.request(textOf('/a'), PRIORITY.resync)).rejects.toThrow('/a');
    respond = (_request, response) => response.end('fine');
    const unreadable: RestRequest<never> = {
      path: '/a',
      weight: 1,
      parse: () => {
        throw new Error('not a snapshot');
      },
    };
    await expect(client.request(unreadable, PRIORITY.resync)).rejects.toThrow('not a snapshot');
  });

  test('rejects what is still waiting when it is closed', async () => {
    client.budget.block(60_000, Date.now());
    const waiting = client.request(textOf('/a'), PRIORITY.resync);
    client.close();
    await expect(waiting).rejects.toThrow('closed');
    await expect(client.request(textOf('/a'), PRIORITY.resync)).rejects.toThrow('closed');
  });
});
