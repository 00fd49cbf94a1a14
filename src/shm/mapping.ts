import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import { errnoName, ShmError } from './errors.ts';

/**
 * The only native calls of the program: mmap, munmap and flock of the C library, through koffi, which needs no compiler. It is
 * loaded on first use, so that a platform without it runs everything but shared memory.
 */
interface NativeCalls {
  mmap(address: unknown, length: number, protection: number, flags: number, fd: number, offset: number): unknown;
  munmap(address: unknown, length: number): number;
  flock(fd: number, operation: number): number;
  address(pointer: unknown): bigint;
  view(pointer: unknown, length: number): ArrayBuffer;
  errno(): number;
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
/** The largest page size of any supported processor: what lies a multiple of it apart shares no page. */
const PAGE_BYTES_MAX = 65_536;
const MAP_FAILED = 0xffffffffffffffffn;
const LOCK_EXCLUSIVE_NOW = 2 | 4;
const LOCK_RELEASE = 8;

let loaded: NativeCalls | undefined;

function nativeCalls(): NativeCalls {
  loaded ??= loadNativeCalls();
  return loaded;
}

function loadNativeCalls(): NativeCalls {
  if (process.platform !== 'linux' || endianness() !== 'LE' || !['x64', 'arm64'].includes(process.arch)) {
    const here = `${process.platform} ${process.arch} ${endianness()}`;
    throw new ShmError('UNAVAILABLE', `shared memory needs Linux on x86-64 or arm64, little-endian; this is ${here}`);
  }
  try {
    const koffi = createRequire(import.meta.url)('koffi');
    const libc = koffi.load(null);
    return {
      mmap: libc.func('void *mmap(void *addr, size_t length, int prot, int flags, int fd, int64_t offset)'),
      munmap: libc.func('int munmap(void *addr, size_t length)'),
      flock: libc.func('int flock(int fd, int operation)'),
      address: koffi.address,
      view: koffi.view,
      errno: koffi.errno,
    };
  } catch (error) {
    const detail = errnoName(error) || (error instanceof Error ? error.message : String(error));
    throw new ShmError('UNAVAILABLE', `shared memory needs koffi and a POSIX C library: ${detail}`, { cause: error });
  }
}

/** Why this machine cannot map shared memory, in words; undefined when it can. */
export function mappingUnavailable(): string | undefined {
  try {
    nativeCalls();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Unmaps once nothing refers to the bytes any more: never while a view could still touch them. */
const unmapWhenUnreachable = new FinalizationRegistry<{ pointer: unknown; bytes: number }>(({ pointer, bytes }) => {
  nativeCalls().munmap(pointer, bytes);
});

/**
 * Maps the first `bytes` bytes of an open file, shared, and `scratchBytes` of private memory at the end of the same buffer: within
 * one buffer, `copyWithin` moves a record in or out at the speed of the machine. What lies between the two is private as well.
 *
 * The file must be at least that long, and stay so: touching bytes beyond its end kills the process. The file's part of a `read`
 * mapping must not be written to, for the same reason.
 * @throws ShmError UNAVAILABLE
 */
export function mapFile(fd: number, bytes: number, access: 'read' | 'read-write', scratchBytes = 0): ArrayBuffer {
  const native = nativeCalls();
  const total = wholePages(bytes) + wholePages(scratchBytes);
  const map = (address: unknown, length: number, protection: number, flags: number, file: number): unknown => {
    const pointer = native.mmap(address, length, protection, flags, file, 0);
    if (pointer === null || native.address(pointer) === MAP_FAILED) {
      throw new ShmError('UNAVAILABLE', `mmap of ${length} bytes failed (errno ${native.errno()})`);
    }
    return pointer;
  };
  const pointer = map(null, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  try {
    map(pointer, bytes, access === 'read' ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd);
  } catch (error) {
    native.munmap(pointer, total);
    throw error;
  }
  const buffer = native.view(pointer, total);
  unmapWhenUnreachable.register(buffer, { pointer, bytes: total });
  return buffer;
}

function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES_MAX) * PAGE_BYTES_MAX;
}

/** Takes the exclusive lock of an open file without waiting; false when another process has it. The kernel drops it when the process ends. */
export function tryLock(fd: number): boolean {
  return nativeCalls().flock(fd, LOCK_EXCLUSIVE_NOW) === 0;
}

/** Needed although the file is closed afterwards: a mapping keeps the file, and with it the lock, alive. */
export function unlock(fd: number): void {
  nativeCalls().flock(fd, LOCK_RELEASE);
}
