import { afterEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { until } from './processes.ts';
import { Rig } from './rig.ts';

/** One fault of the exchange each, against the whole service: what is said meanwhile, and that it comes back by itself. */

const LIVE_AGAIN_MS_MAX = 10_000;
/** Silence is judged by the gaps that the stream has shown, and a busy machine stretches those. */
const NOTICED_MS_MAX = LIMITS.depth_silence_ceiling_ms;

describe('the service under a fault of the exchange', () => {
  let rig: Rig;

  afterEach(async () => {
    await rig.close();
    expect(rig.wrong, 'every published book equals the truth at its update id').toEqual([]);
    expect(rig.fatal).toEqual([]);
  });

  test('a lost frame: this symbol is resynced, the other goes on', async () => {
    rig = await Rig.start();
    await rig.live();
    rig.exchange.faults.add({ kind: 'drop', stream: 'btcusdt@depth@100ms', count: 1 });
    await until('resync', () => rig.statusesOf('BTCUSDT').find((status) => status === 'resyncing:gap'));
    await rig.live(LIVE_AGAIN_MS_MAX);
    await until('live status', () => (rig.statusesOf('BTCUSDT').at(-1) === 'live:snapshot_bridged' ? true : undefined));
    expect(rig.statusesOf('ETHUSDT')).toEqual(['live:snapshot_bridged']);
    expect(await rig.metric('market_data_sequence_gaps_total{symbol="BTCUSDT"}')).toBe(1);
    expect(await rig.metric('market_data_resyncs_total{symbol="BTCUSDT",reason="gap"}')).toBe(1);
  });

  test.each([
    ['close frame', { kind: 'close', route: 'public', code: 1008, count: 1 }, 'close_frame'],
    ['no close frame', { kind: 'close', route: 'public', code: 1006, count: 1 }, 'reset'],
    ['reset', { kind: 'reset', route: 'public', count: 1 }, 'reset'],
    ['garbage instead of a frame', { kind: 'garbage', route: 'public', count: 1 }, 'protocol_error'],
  ] as const)('%s: books are stale at once, and live again', async (_name, fault, reason) => {
    rig = await Rig.start();
    await rig.live();
    rig.exchange.faults.add(fault);
    await until('stale', () => rig.statusesOf('BTCUSDT').find((status) => status === 'stale:disconnected'));
    const recoveryMs = await rig.live(LIVE_AGAIN_MS_MAX);
    expect(recoveryMs).toBeLessThan(LIVE_AGAIN_MS_MAX);
    expect(await rig.metric(`websocket_disconnects_total{route="public",reason="${reason}"}`)).toBeGreaterThan(0);
  });

  test.each([
    ['refused handshake', { kind: 'refuse', route: 'public', status: 503 }, 'handshake_refused'],
    ['redirect', { kind: 'redirect', route: 'public', location: 'ws://127.0.0.1:9/' }, 'redirect'],
  ] as const)('%s: tried again until it is gone', async (_name, fault, reason) => {
    rig = await Rig.start();
    await rig.live();
    const id = rig.exchange.faults.add(fault);
    rig.exchange.faults.add({ kind: 'reset', route: 'public', count: 1 });
    await until('refusals', async () =>
      (await rig.metric(`websocket_disconnects_total{route="public",reason="${reason}"}`)) > 1 ? true : undefined,
    );
    expect((await rig.ready()).body.symbols.BTCUSDT!.state).toBe('stale');
    rig.exchange.faults.remove(id);
    await rig.live(LIVE_AGAIN_MS_MAX);
  });

  test('an open socket that falls silent is replaced', async () => {
    rig = await Rig.start();
    await rig.live();
    await rig.nextBook('BTCUSDT');
    rig.exchange.faults.add({ kind: 'half_open', route: 'public', count: 1 });
    await until(
      'stale',
      () => rig.statusesOf('BTCUSDT').find((status) => status === 'stale:silent_stream'),
      NOTICED_MS_MAX,
    );
    await rig.live(LIVE_AGAIN_MS_MAX);
    expect(await rig.metric('websocket_disconnects_total{route="public",reason="silent_stream"}')).toBeGreaterThan(0);
  });

  test('one silent stream makes its symbol stale, and the socket is replaced without the other noticing', async () => {
    rig = await Rig.start();
    await rig.live();
    await rig.nextBook('BTCUSDT');
    const id = rig.exchange.faults.add({ kind: 'stall', stream: 'btcusdt@depth@100ms' });
    await until(
      'stale',
      () => rig.statusesOf('BTCUSDT').find((status) => status === 'stale:silent_stream'),
      NOTICED_MS_MAX,
    );
    rig.exchange.faults.remove(id);
    await rig.live(LIVE_AGAIN_MS_MAX);
    expect(rig.statusesOf('ETHUSDT')).toEqual(['live:snapshot_bridged']);
  });

  test("REST refused by law (451): the venue's own top of book instead, marked so, statistics from its ticker", async () => {
    rig = await Rig.start({ faults: [{ kind: 'status', status: 451 }] });
    await rig.live();
    const book = await rig.nextBook('BTCUSDT');
    expect(book.source).toBe('partial_depth');
    expect(book.bids).toHaveLength(20);
    expect(rig.statusesOf('BTCUSDT')).toEqual(['live:partial_depth']);
    expect(rig.service.feed.depthMode).toBe('partial');
    await until('volume', () =>
      rig.service.feed.pipeline.sessions[0]!.market.statistics.volume24h > 0 ? true : undefined,
    );
  });

  test('REST limited (429): waited as long as asked, then live', async () => {
    rig = await Rig.start({ faults: [{ kind: 'status', status: 429, retryAfterS: 1, path: 'depth', count: 1 }] });
    const tookMs = await rig.live();
    expect(tookMs).toBeGreaterThan(900);
    expect(rig.service.feed.rest.outcomes.get('limited')).toBe(1);
  });

  test.each([
    ['stale', { kind: 'stale_snapshot', count: 2 }],
    ['empty', { kind: 'empty_snapshot', count: 2 }],
    ['malformed', { kind: 'truncate', route: 'rest', path: 'depth', count: 2 }],
    ['HTTP 500', { kind: 'status', status: 500, path: 'depth', count: 3 }],
  ] as const)('a %s snapshot is not used, another is asked for', async (_name, fault) => {
    rig = await Rig.start({ faults: [fault] });
    await rig.live();
    await rig.nextBook('BTCUSDT');
    expect(rig.exchange.faults.hits).not.toEqual({});
  });

  test('corrupt frames are rejected and counted, and the book is rebuilt', async () => {
    rig = await Rig.start();
    await rig.live();
    rig.exchange.faults.add({ kind: 'corrupt', stream: 'btcusdt@depth@100ms', count: 2 });
    await until('rejected', () => (rig.service.feed.pipeline.rejected.total >= 2 ? true : undefined));
    await rig.live(LIVE_AGAIN_MS_MAX);
    expect(await rig.metric('market_data_messages_rejected_total')).toBe(2);
  });

  test('lost trades are refilled from REST, marked, in order and complete', async () => {
    rig = await Rig.start({ tradeRate: 40 });
    await rig.live();
    rig.exchange.faults.add({ kind: 'drop', stream: 'btcusdt@aggTrade', count: 5 });
    await until('refill', () => rig.trades.find((trade) => trade.symbol === 'BTCUSDT' && trade.refill === true));
    await until('more trades', () => (rig.trades.at(-1)?.refill === undefined ? true : undefined));
    const ids = rig.tradeIdsOf('BTCUSDT');
    expect(ids).toEqual(ids.map((_, index) => ids[0]! + index));
    expect(await rig.metric('market_data_trades_lost_total')).toBe(0);
    expect(await rig.metric('market_data_trade_gaps_total{symbol="BTCUSDT",outcome="refilled"}')).toBeGreaterThan(0);
  });

  test('trades that REST does not give are reported as lost, never passed over', async () => {
    rig = await Rig.start({ tradeRate: 40 });
    await rig.live();
    rig.exchange.faults.add({ kind: 'status', status: 500, path: 'aggTrades' });
    rig.exchange.faults.add({ kind: 'drop', stream: 'btcusdt@aggTrade', count: 1 });
    const lost = await until('report', () => rig.logLines.find((line) => line.msg === 'trades lost'));
    expect(lost).toMatchObject({ symbol: 'BTCUSDT', count: 1 });
    expect(await rig.metric('market_data_trades_lost_total{symbol="BTCUSDT"}')).toBe(1);
  });

  test('a tick size that becomes finer while running', async () => {
    rig = await Rig.start();
    await rig.live();
    rig.exchange.faults.add({ kind: 'tick_size', symbol: 'BTCUSDT', tickSize: '0.01', count: 1 });
    await until('finer prices', () =>
      rig.books.find(
        (book) => book.symbol === 'BTCUSDT' && !Number.isInteger(Math.round(book.bids[0]![0] * 1e6) / 1e5),
      ),
    );
    await rig.live(LIVE_AGAIN_MS_MAX);
  });

  test('an exchange that restarts with lower update ids', async () => {
    rig = await Rig.start();
    await rig.live();
    const before = await rig.nextBook('BTCUSDT');
    rig.exchange.faults.add({ kind: 'restart', durationMs: 300, count: 1 });
    const after = await until(
      'a book of the new run',
      () => rig.books.find((book) => book.symbol === 'BTCUSDT' && book.last_update_id < before.last_update_id - 1000),
      20_000,
    );
    expect(after.symbol).toBe('BTCUSDT');
    await rig.live(LIVE_AGAIN_MS_MAX);
  });

  test('rotation loses nothing: no resync, no status change, every trade once', async () => {
    rig = await Rig.start({ tradeRate: 40 }, { rotate_after_ms: '1500' });
    await rig.live();
    await until(
      'three rotations',
      async () =>
        (await rig.metric('websocket_disconnects_total{route="public",reason="rotated"}')) >= 2 ? true : undefined,
      30_000,
    );
    expect(rig.statusesOf('BTCUSDT')).toEqual(['live:snapshot_bridged']);
    expect(await rig.metric('market_data_resyncs_total')).toBe(0);
    const ids = rig.tradeIdsOf('BTCUSDT');
    expect(ids).toEqual(ids.map((_, index) => ids[0]! + index));
    expect(await rig.metric('market_data_trades_lost_total')).toBe(0);
  });

  test('redundancy 2: a socket that dies is not noticed by anyone', async () => {
    rig = await Rig.start({ tradeRate: 40 }, { redundancy: '2' });
    await rig.live();
    await until('both sockets', () =>
      rig.service.feed.routes.every((route) => route.isOverlapping) ? true : undefined,
    );
    rig.exchange.faults.add({ kind: 'reset', route: 'public', probability: 0.5, count: 1 });
    rig.exchange.faults.add({ kind: 'reset', route: 'market', probability: 0.5, count: 1 });
    await until('reset', async () =>
      (await rig.metric('websocket_disconnects_total{route="public",reason="reset"}')) > 0 ? true : undefined,
    );
    await rig.nextBook('BTCUSDT');
    expect(rig.statusesOf('BTCUSDT')).toEqual(['live:snapshot_bridged']);
    expect(await rig.metric('market_data_resyncs_total')).toBe(0);
  });

  test('audit: agreement is checked, and a falsified book is found, reported and rebuilt', async () => {
    rig = await Rig.start({ rate: 20 }, { audit: 'true' });
    await rig.live();
    const session = rig.service.feed.pipeline.sessions[0]!;
    await until('checks', () => (session.audit!.checks > 20 ? true : undefined));
    expect(session.audit!.mismatches).toBe(0);
    rig.exchange.faults.add({ kind: 'drop', stream: 'btcusdt@bookTicker', probability: 0.9, durationMs: 2000 });
    await until('mismatch', () => rig.statusesOf('BTCUSDT').find((status) => status === 'resyncing:audit_mismatch'));
    await rig.live(LIVE_AGAIN_MS_MAX);
  });
});

describe("symbols and the exchange's list", () => {
  let rig: Rig | undefined;
  afterEach(() => rig?.close());

  test('a symbol that is not listed is refused with the nearest names', async () => {
    rig = await Rig.start({}, { symbols: 'BTCUSTD,ETHUSDT' });
    const error = await until('refusal', () => rig!.fatal[0]);
    expect(error.message).toBe('symbols: the exchange does not list BTCUSTD; nearest: BTCUSDT');
    expect(error.name).toBe('UsageError');
  });

  test('a symbol that does not trade is reported and keeps the service unready, the others live', async () => {
    rig = await Rig.start({ faults: [{ kind: 'delist', symbol: 'ETHUSDT', count: 1 }] });
    await until('report', () =>
      rig!.logLines.find((line) => line.symbol === 'ETHUSDT' && String(line.msg).includes('does not trade')),
    );
    await until('the other', async () =>
      (await rig!.ready()).body.symbols.BTCUSDT!.state === 'live' ? true : undefined,
    );
    expect((await rig.ready()).status).toBe(503);
  });
});
