/*
 * A process that receives the frames of some streams, as the service does, and does nothing with them.
 *
 *   node dist/bench/baseline/receiver.js URL [URL …]
 */
import { WebSocketClient } from '../../src/feed/websocket/client.ts';

let open = 0;
const urls = process.argv.slice(2);
const listener = {
  onOpen: () => {
    open += 1;
    if (open === urls.length) console.log('open');
  },
  onReadStart: () => {},
  onMessage: () => {},
  onReadEnd: () => {},
  onPing: () => {},
  onEnd: () => process.exit(1),
};
for (const url of urls) new WebSocketClient(url, listener, { compression: false });
