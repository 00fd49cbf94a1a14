/** `market-data/shm`: order books, trades and status changes from the service's shared memory. README.md has an example. */
export { ShmError, type ShmErrorCode } from '../../src/shm/errors.ts';
export type { BookEvent, LostEvent, ShmEvent, StatusEvent, TradeEvent } from '../../src/shm/events.ts';
export type { RegionHeader } from '../../src/shm/header.ts';
export type { WriterState } from '../../src/shm/writer-watch.ts';
export { type OpenOptions, open, ShmReader } from './reader.ts';
export { type StreamEvent, type StreamOptions, stream, type WriterEvent } from './stream.ts';
