/** `name{labels}` to value, of the service's /metrics. */
export async function readMetrics(healthUrl: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${healthUrl}/metrics`)).text();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

/** Upper bound, µs, of the histogram bucket in which a percentile lies, of all symbols together and between two readings. */
export function latencyPercentile(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  share: number,
): number {
  const cumulative = new Map<number, number>();
  for (const [key, value] of after) {
    const match = /^market_data_latency_seconds_bucket\{.*le="([^"]+)"/.exec(key);
    if (match === null) continue;
    const bound = match[1] === '+Inf' ? Number.POSITIVE_INFINITY : Number(match[1]);
    cumulative.set(bound, (cumulative.get(bound) ?? 0) + value - (before.get(key) ?? 0));
  }
  const bounds = [...cumulative.keys()].sort((one, other) => one - other);
  const total = cumulative.get(Number.POSITIVE_INFINITY) ?? 0;
  return (bounds.find((bound) => cumulative.get(bound)! >= share * total) ?? Number.NaN) * 1e6;
}
