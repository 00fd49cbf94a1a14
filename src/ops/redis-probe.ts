import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const DEFAULT_PORT = 6379;
const TIMEOUT_MS = 1_000;

/** True when something at that URL answers a PING as Redis does, be it with "NOAUTH": then it is a Redis, and the user's. */
export function redisAnswers(url: string): Promise<boolean> {
  const { protocol, hostname, port } = new URL(url);
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || DEFAULT_PORT) };
  return new Promise((resolve) => {
    const socket: Socket =
      protocol === 'rediss:' ? connectTls({ ...address, rejectUnauthorized: false }) : connectPlain(address);
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(TIMEOUT_MS, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('data', (reply) => finish(reply[0] === '+'.charCodeAt(0) || reply[0] === '-'.charCodeAt(0)));
    socket.write('PING\r\n');
  });
}
