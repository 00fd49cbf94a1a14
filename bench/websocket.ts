/*
 * What it costs to receive a frame: CPU of a process that does nothing else, per frame, with and without permessage-deflate. Recorded frames,
 * sent by another process one message at a time (`ws` on both ends, no TLS), in batches as large as the socket takes.
 *
 *   npm run bench -- websocket [--frames 40000]
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
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

async function receive(url: string, perMessageDeflate: boolean, count: number): Promise<Cost> {
  const socket = new WebSocket(`${url}/?frames=${count}`, { perMessageDeflate, skipUTF8Validation: true });
  await once(socket, 'open');
  const before = process.cpuUsage();
  let received = 0;
  let bytes = 0;
  socket.on('message', (data: Buffer) => {
    received += 1;
    bytes += data.length;
    if (received === count) socket.emit('received');
  });
  socket.send('go');
  await once(socket, 'received');
  const used = process.cpuUsage(before);
  const { bytesRead } = (socket as unknown as { _socket: { bytesRead: number } })._socket;
  socket.close();
  await once(socket, 'close');
  const cpuUs = used.user + used.system;
  return {
    cpuUs: cpuUs / count,
    systemShare: used.system / cpuUs,
    bytesOnWire: bytesRead / count,
    bytesOfFrames: bytes / count,
  };
}

const report = new BenchReport('websocket', [
  `${frames} recorded frames a case after a tenth of them to warm up; ws 8 on both ends, loopback, no TLS, skipUTF8Validation`,
  'CPU of the receiving process, user and system, per frame; the frame is not decoded; median of three',
]);
for (const [recording, what] of [
  ['btcusdt', 'BTCUSDT frames'],
  ['four-symbols', 'small frames'],
] as readonly [RecordingName, string][]) {
  const sender = start(process.execPath, ['dist/bench/load/frame-sender.js', recording]);
  const url = await until('sender', () => sender.output.find((line) => line.startsWith('ws://')));
  for (const isCompressed of [false, true]) {
    await receive(url, isCompressed, Math.ceil(frames / 10));
    const costs: Cost[] = [];
    for (let round = 0; round < 3; round++) costs.push(await receive(url, isCompressed, frames));
    const cost = costs.sort((one, other) => one.cpuUs - other.cpuUs)[1]!;
    const name = `${what}, ${isCompressed ? 'compressed' : 'plain'}`;
    if (!isCompressed) report.add(`${what}, size`, cost.bytesOfFrames, 'bytes');
    report.add(`${name}: CPU`, cost.cpuUs, 'µs/frame');
    report.add(`${name}: of which in the kernel`, cost.systemShare * 100, '%');
    report.add(`${name}: on the wire`, cost.bytesOnWire, 'bytes/frame');
  }
  await sender.end('SIGKILL');
}
report.finish();
