/**
 * A memory fence, built from what the engine gives: a sequentially consistent store and load of a private cell order every access
 * around them (`stlr` and `ldar` on arm64). x86-64 keeps loads in order with loads and stores with stores by itself, so there
 * only the compiler has to be held, and one `Atomics` call, across which V8 moves nothing, is enough.
 * docs/SHM_LAYOUT.md section 7 says what is relied on; test/shm/stress.ts tests it.
 */
/** Taken out of `Atomics`, because V8 looks them up there at each call. */
const { load, store } = Atomics;
const cell = new Int32Array(new SharedArrayBuffer(4));

function holdCompiler(): void {
  load(cell, 0);
}

function holdProcessor(): void {
  store(cell, 0, 0);
  load(cell, 0);
}

function nothing(): void {}

/** Loads before it are done before loads after it; the same for stores. Not for a store before and a load after it. */
export const fence: () => void = process.arch === 'x64' ? holdCompiler : holdProcessor;

/** The same right before or after a call of a built-in function like `copyWithin`, which holds the compiler by itself. */
export const processorFence: () => void = process.arch === 'x64' ? nothing : holdProcessor;
