import { expect, it } from 'vitest';
import { textOf, writeText } from '../ascii.ts';
import { plainCommand, symbolCommands, writePublish, writeSet } from './resp-encoder.ts';

const instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 0, quantityScale: 0 };
const source = new DataView(new ArrayBuffer(64));
writeText(source, 5, textOf('{"a":1}'));

/** What a writer leaves in the target. */
function written(write: (target: DataView) => number): string {
  const bytes = Buffer.alloc(512);
  const end = write(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return bytes.toString('utf8', 0, end);
}

it('writes commands as arrays of bulk strings', () => {
  const commands = symbolCommands(instrument);
  const publish = (name: string) => `*3\r\n$7\r\nPUBLISH\r\n$${name.length}\r\n${name}\r\n$7\r\n{"a":1}\r\n`;
  for (const [command, name] of [
    [commands.publishOrderbook, 'orderbook:BTCUSDT'],
    [commands.publishMarketData, 'market_data:BTCUSDT'],
    [commands.publishTrade, 'trades:BTCUSDT'],
    [commands.publishStatus, 'status:BTCUSDT'],
  ] as const) {
    expect(written((target) => writePublish(target, 0, command, source, 5, 12))).toBe(publish(name));
  }
  expect(written((target) => writeSet(target, 0, commands.setMarketData, source, 5, 12))).toBe(
    '*5\r\n$3\r\nSET\r\n$19\r\nmarket_data:BTCUSDT\r\n$7\r\n{"a":1}\r\n$2\r\nEX\r\n$3\r\n300\r\n',
  );
  expect(written((target) => writeText(target, 0, plainCommand('SELECT', '15')))).toBe(
    '*2\r\n$6\r\nSELECT\r\n$2\r\n15\r\n',
  );
});
