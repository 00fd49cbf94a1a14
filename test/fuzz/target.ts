import type { Random } from '../../simulator/random.ts';

/** Something that takes bytes from outside. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs to start from. */
  readonly samples: readonly Buffer[];
  /** Of the inputs of a whole run, how many go here. */
  readonly share: number;
  /**
   * Takes one input. @throws Error whenever something happened that must not: what is documented to be thrown is caught inside
   */
  run(input: Buffer, random: Random): void | Promise<void>;
  /** Called at the end. @throws Error when the subject was damaged on the way */
  finish?(): void | Promise<void>;
}

export function assertThat(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
