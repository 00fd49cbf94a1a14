/*
 * A process that receives the frames of some streams and does nothing with them: what any service on this runtime costs at the least.
 *
 *   node dist/bench/baseline/receiver.js URL [URL …]
 */
import { WebSocket } from 'ws';

let open = 0;
const urls = process.argv.slice(2);
for (const url of urls) {
  const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
  socket.on('message', () => {});
  socket.on('open', () => {
    open += 1;
    if (open === urls.length) console.log('open');
  });
}
