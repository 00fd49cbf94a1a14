import { LIMITS } from '../../limits.ts';
import type { Instrument } from '../../model/instrument.ts';
import { copyText, type Text, textOf, writeText } from '../ascii.ts';
import { writeInteger } from '../digits.ts';

/**
 * Commands as RESP arrays of bulk strings ("Redis serialization protocol specification"), written around documents that are
 * bytes already. Everything of a command that does not change is prepared once per symbol.
 */

/** Bytes of a command apart from its document and its channel or key. */
export const COMMAND_BYTES_MAX = 128;

/** A command of one symbol up to the length of its document: `*3\r\n$7\r\nPUBLISH\r\n$17\r\norderbook:BTCUSDT\r\n$`. */
export interface SymbolCommands {
  readonly publishOrderbook: Text;
  readonly publishMarketData: Text;
  readonly setMarketData: Text;
  readonly publishTrade: Text;
  readonly publishStatus: Text;
}

const LINE_END = textOf('\r\n');
const EXPIRY_SECONDS = String(LIMITS.redis_market_data_ttl_s);
const EXPIRY = textOf(`\r\n$2\r\nEX\r\n$${EXPIRY_SECONDS.length}\r\n${EXPIRY_SECONDS}\r\n`);

export function symbolCommands(instrument: Instrument): SymbolCommands {
  const publish = (channel: string) => `*3\r\n$7\r\nPUBLISH\r\n${bulk(`${channel}:${instrument.symbol}`)}$`;
  return {
    publishOrderbook: textOf(publish('orderbook')),
    publishMarketData: textOf(publish('market_data')),
    setMarketData: textOf(`*5\r\n$3\r\nSET\r\n${bulk(marketDataKey(instrument))}$`),
    publishTrade: textOf(publish('trades')),
    publishStatus: textOf(publish('status')),
  };
}

export function marketDataKey(instrument: Instrument): string {
  return `market_data:${instrument.symbol}`;
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** A command that is sent now and then, ready to be written. */
export function plainCommand(...words: string[]): Text {
  return textOf(`*${words.length}\r\n${words.map(bulk).join('')}`);
}

/** PUBLISH of the document source[start, end). Returns the position behind the command. */
export function writePublish(
  target: DataView,
  at: number,
  command: Text,
  source: DataView,
  start: number,
  end: number,
): number {
  return writeText(target, writeDocument(target, at, command, source, start, end), LINE_END);
}

/** SET … EX of the document source[start, end). Returns the position behind the command. */
export function writeSet(
  target: DataView,
  at: number,
  command: Text,
  source: DataView,
  start: number,
  end: number,
): number {
  return writeText(target, writeDocument(target, at, command, source, start, end), EXPIRY);
}

function writeDocument(
  target: DataView,
  at: number,
  command: Text,
  source: DataView,
  start: number,
  end: number,
): number {
  let position = writeText(target, at, command);
  position = writeInteger(target, position, end - start);
  position = writeText(target, position, LINE_END);
  return copyText(target, position, source, start, end);
}
