import { Redis } from 'ioredis';
import { bookTextOfJson } from './book-text.ts';
import type { Witness } from './witness.ts';

/** A stock subscriber, as any consumer would write it. It reconnects by itself; meanwhile it hears nothing, and says so. */
export class RedisWitness {
  readonly #redis: Redis;
  readonly #witness: Witness;
  /** Times that it lost its own connection. */
  disconnects = 0;

  constructor(port: number, witness: Witness) {
    this.#witness = witness;
    this.#redis = new Redis({
      port,
      host: '127.0.0.1',
      retryStrategy: () => 50,
      maxRetriesPerRequest: null,
      autoResubscribe: true,
      enableReadyCheck: false,
    });
    this.#redis.on('error', () => {});
    this.#redis.on('close', () => {
      this.disconnects++;
      witness.onAway();
    });
    this.#redis.on('pmessage', (_pattern: string, channel: string, message: string) =>
      this.#onMessage(channel, message),
    );
  }

  async subscribe(): Promise<void> {
    await this.#redis.psubscribe('orderbook:*', 'trades:*', 'status:*');
  }

  close(): void {
    this.#redis.disconnect();
  }

  #onMessage(channel: string, message: string): void {
    const symbol = channel.slice(channel.indexOf(':') + 1);
    if (channel.startsWith('orderbook:')) {
      const at = message.indexOf('"last_update_id":') + 17;
      const updateId = Number(message.slice(at, message.indexOf(',', at)));
      this.#witness.onBook(symbol, updateId, bookTextOfJson(message) ?? message);
    } else if (channel.startsWith('trades:')) {
      this.#witness.onTrade(symbol, ...tradeOf(message));
    } else {
      const { state, reason } = JSON.parse(message);
      this.#witness.onStatus(symbol, state, reason);
    }
  }
}

/** Price and quantity stay the text that was published: a parser would hide 61800.20 behind 61800.2. */
function tradeOf(message: string): [tradeId: number, text: string] {
  const number = (name: string): string => {
    const at = message.indexOf(`"${name}":`) + name.length + 3;
    return message.slice(at, message.indexOf(',', at));
  };
  const time = /"timestamp":"([^"]+)"/.exec(message)?.[1] ?? '';
  const side = message.includes('"is_buyer_maker":true') ? 'maker' : 'taker';
  return [Number(number('trade_id')), `${number('price')}:${number('quantity')}:${Date.parse(time)}:${side}`];
}
