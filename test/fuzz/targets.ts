import { configTarget } from './config-target.ts';
import { decoderTarget } from './decoder-target.ts';
import { httpTarget } from './http-target.ts';
import { pipelineTarget } from './pipeline-target.ts';
import { redisTarget } from './redis-target.ts';
import { restTarget } from './rest-target.ts';
import type { FuzzTarget } from './target.ts';
import { websocketTarget } from './websocket-target.ts';

/** Every place where bytes from outside come in. */
export const TARGETS: Readonly<Record<string, () => FuzzTarget | Promise<FuzzTarget>>> = {
  decoder: decoderTarget,
  pipeline: pipelineTarget,
  rest: restTarget,
  config: configTarget,
  redis: redisTarget,
  http: httpTarget,
  websocket: websocketTarget,
};
