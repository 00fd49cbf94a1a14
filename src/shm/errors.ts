/** What a reader can meet; docs/SHM_LAYOUT.md section 9. The codes are stable and the same in every client. */
export type ShmErrorCode =
  | 'NOT_FOUND'
  | 'PERMISSION'
  | 'NOT_A_REGION'
  | 'WRONG_VERSION'
  | 'TRUNCATED'
  | 'CORRUPT'
  | 'UNKNOWN_SYMBOL'
  | 'SLOT_UNFINISHED'
  | 'UNAVAILABLE';

export class ShmError extends Error {
  override readonly name = 'ShmError';
  readonly code: ShmErrorCode;

  constructor(code: ShmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The errno name of a failed system call ("ENOSPC"), or "" when the error is not one. */
export function errnoName(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
