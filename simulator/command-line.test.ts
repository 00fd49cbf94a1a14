import { expect, test } from 'vitest';
import { CommandLineError, parseCommandLine } from './command-line.ts';
import { FaultError, parseFaultText } from './fault-parse.ts';

test('flags become options, and what was not given keeps its default', () => {
  expect(parseCommandLine([]).options).toEqual({ faults: [] });
  const { options, isQuiet } = parseCommandLine(
    '--symbols btcusdt,ETHUSDT --rate 50 --speed max --truth t.jsonl --truth-hash --quiet --fault kind=drop,probability=0.1'.split(
      ' ',
    ),
  );
  expect(isQuiet).toBe(true);
  expect(options).toEqual({
    symbols: ['BTCUSDT', 'ETHUSDT'],
    rate: 50,
    speed: Number.POSITIVE_INFINITY,
    truth: { file: 't.jsonl', keep: 0, form: 'hash' },
    faults: [{ kind: 'drop', probability: 0.1 }],
  });
  expect(parseCommandLine(['--symbol-count', '500']).options.symbols).toHaveLength(500);
});

test.each([
  ['--rate', 'fast'],
  ['--port', '70000'],
  ['--speed', '0'],
  ['--start-when', 'later'],
  ['--symbols', 'BTC/USDT'],
  ['--nonsense', '1'],
  ['--fault', 'kind=dropp'],
  ['--faults', '/no/such/file'],
  ['--connection-age-ms', '3000000000'],
])('%s %s is wrong usage', (...argv) => {
  expect(() => parseCommandLine(argv)).toThrow(CommandLineError);
});

test('a fault is written as name=value pairs', () => {
  expect(parseFaultText('kind=close, route=market, code=1006, at_ms=5000, every_ms=10000')).toEqual({
    kind: 'close',
    route: 'market',
    code: 1006,
    atMs: 5000,
    everyMs: 10000,
  });
});

test.each([
  'drop',
  'kind=nothing',
  'kind=drop,colour=red',
  'kind=drop,probability=2',
  'kind=drop,route=rest',
  'kind=timeout,route=public',
  'kind=delay',
  'kind=status',
  'kind=tick_size,tick_size=0.1',
  'kind=tick_size,symbol=BTCUSDT,tick_size=-1',
  'kind=close,code=99',
  'kind=drop,at_ms=soon',
  'kind=__proto__',
])('%s is refused with what is wrong', (text) => {
  expect(() => parseFaultText(text)).toThrow(FaultError);
});
