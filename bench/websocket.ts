/*
 * What it costs to receive a frame: CPU of a process that does nothing else, per frame, with and without permessage-deflate. Recorded frames,
 * sent by another process one message at a time (`ws`, no TLS), in batches as large as the socket takes; received by the service's own
 * client, and by `ws` as the baseline.
 *
 *   npm run bench -- websocket [--frames 40000]
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { WebSocketClient } from '../src/feed/websocket/client.ts';
import { start, until } from '../test/e2e/processes.ts';
import type { RecordingName } from './load/recorded-loop.ts';
import { BenchReport } from './report.ts';

const { values: flags } = parseArgs({ options: { frames: { type: 'string', default: '40000' } } });
const frames = Number(flags.frames);

interface Cost {
  readonly cpuUs: number;
  readonly systemShare: number;
  readonly bytesOnWire: number;
  readonly bytesOfFrames: number;
}

type Receive = (url: string, compression: boolean, count: number) => Promise<Cost>;

/** The service's own client. */
const receiveWithOurs: Receive = (url, compression, count) =>
  new Promise((resolve, reject) => {
    let meter: Meter | undefined;
    const onMessage = (message: Uint8Array): void => {
      if (!meter!.add(message.length)) return;
      client.close(1000);
      resolve(meter!.cost(client.bytesRead));
    };
    const onOpen = (): void => {
      meter = new Meter(count);
      client.send('go');
    };
    const ignore = (): void => {};
    const listener = { onOpen, onMessage, onReadStart: ignore, onReadEnd: ignore, onPing: ignore, onEnd: reject };
    const client = new WebSocketClient(`${url}/?frames=${count}`, listener, { compression });
  });

const receiveWithWs: Receive = async (url, perMessageDeflate, count) => {
  const socket = new WebSocket(`${url}/?frames=${count}`, { perMessageDeflate, skipUTF8Validation: true });
  await once(socket, 'open');
  const meter = new Meter(count);
  socket.on('message', (data: Buffer) => {
    if (meter.add(data.length)) socket.emit('received');
  });
  socket.send('go');
  await once(socket, 'received');
  const cost = meter.cost((socket as unknown as { _socket: { bytesRead: number } })._socket.bytesRead);
  socket.close();
  await once(socket, 'close');
  return cost;
};

class Meter {
  readonly #count: number;
  readonly #before = process.cpuUsage();
  #received = 0;
  #bytes = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** True when this was the last frame. */
  add(bytes: number): boolean {
    this.#received += 1;
    this.#bytes += bytes;
    return this.#received === this.#count;
  }

  cost(bytesRead: number): Cost {
    const used = process.cpuUsage(this.#before);
    const cpuUs = used.user + used.system;
    return {
      cpuUs: cpuUs / this.#count,
      systemShare: used.system / cpuUs,
      bytesOnWire: bytesRead / this.#count,
      bytesOfFrames: this.#bytes / this.#count,
    };
  }
}

const CLIENTS: readonly [string, Receive][] = [
  ['own client', receiveWithOurs],
  ['ws', receiveWithWs],
];

const report = new BenchReport('websocket', [
  `${frames} recorded frames a case after a tenth of them to warm up; sent by ws 8, loopback, no TLS`,
  'CPU of the receiving process, user and system, per frame; the frame is not decoded; median of three',
]);
for (const [recording, what] of [
  ['btcusdt', 'BTCUSDT frames'],
  ['four-symbols', 'small frames'],
] as readonly [RecordingName, string][]) {
  const sender = start(process.execPath, ['dist/bench/load/frame-sender.js', recording]);
  const url = await until('sender', () => sender.output.find((line) => line.startsWith('ws://')));
  for (const [[clientName, receive], isCompressed] of CLIENTS.flatMap((client) => [
    [client, false] as const,
    [client, true] as const,
  ])) {
    await receive(url, isCompressed, Math.ceil(frames / 10));
    const costs: Cost[] = [];
    for (let round = 0; round < 3; round++) costs.push(await receive(url, isCompressed, frames));
    const cost = costs.sort((one, other) => one.cpuUs - other.cpuUs)[1]!;
    const name = `${what}, ${isCompressed ? 'compressed' : 'plain'}, ${clientName}`;
    if (!isCompressed) report.add(`${what}, size`, cost.bytesOfFrames, 'bytes');
    report.add(`${name}: CPU`, cost.cpuUs, 'µs/frame');
    report.add(`${name}: of which in the kernel`, cost.systemShare * 100, '%');
    report.add(`${name}: on the wire`, cost.bytesOnWire, 'bytes/frame');
  }
  await sender.end('SIGKILL');
}
report.finish();
