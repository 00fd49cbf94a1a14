import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from './difference.mjs';
import { checkedRecord } from './dump.mjs';
import { expectedRecord, expectedSlots, STABLE_FIELDS } from './live-content.mjs';
import { LineProcess } from './process.mjs';

const WAIT_MS_MAX = 30_000;
/** Of the first and of the restarted writer: a reader must learn the symbols anew. */
const SYMBOLS = [3, 5];
const RECORDS = 400;
const FLOOD_RECORDS = 300_000;
const RING_BYTES_LARGE = 1 << 20;
/** Small enough that every reader is lapped. */
const RING_BYTES_SMALL = 1 << 16;

/** Readers of all languages at once on a live TypeScript writer, which is killed, restarted, and writes faster than they read. */
export async function testLive(languages, { root, report }) {
  const script = join(process.env.MARKET_DATA_DIST ?? join(root, 'dist'), 'test/shm/live-writer.js');
  if (languages.length === 0) return;
  if (!existsSync(script)) {
    report('live', 'writer', `${script} is not built: npm run build`);
    return;
  }
  const name = `market_data_clients_${process.pid}`;
  const processes = [];
  const track = (process) => {
    processes.push(process);
    return process;
  };
  /** A writer that has its region and waits to be told to write. */
  const writer = async (symbols, bytes, records, recordsPerTurn) => {
    const args = [script, name, symbols, bytes, records, recordsPerTurn].map(String);
    const started = track(new LineProcess({ command: [process.execPath] }, args));
    await started.line((line) => line === 'ready', 'writer', WAIT_MS_MAX);
    return started;
  };
  const readers = (program, args) =>
    languages.map((language) => ({ language, process: track(new LineProcess(language[program], args)) }));
  const live = { name, report, writer, readers };
  for (const scenario of [missing, restart, topOfBook, flood, floodKilled]) {
    try {
      await scenario(live);
    } catch (error) {
      report('live', scenario.name, error.message);
    } finally {
      await Promise.all(processes.splice(0).map((process) => process.kill()));
      rmSync(`/dev/shm/${name}`, { force: true });
    }
  }
}

async function each(readers, report, what, action) {
  await Promise.all(
    readers.map(async ({ language, process }) => {
      try {
        report(language.name, what, await action(process, language.name));
      } catch (error) {
        report(language.name, what, error.message);
      }
    }),
  );
}

async function missing({ name, report, readers }) {
  await each(readers('dump', ['--follow', name]), report, 'no writer has run yet', async (process) => {
    const code = await process.end(WAIT_MS_MAX);
    const lines = process.lines.map((line) => JSON.parse(line));
    return difference([code, lines], [1, [{ error: 'NOT_FOUND', at: 'open' }]]);
  });
}

/** Follows one writer until it is killed, and its successor until that closes: every record, in order, in every language. */
async function restart({ name, report, writer, readers }) {
  const has = (name) => (line) => name in JSON.parse(line);
  const hasWritten = (line) => line.startsWith('written');
  // Not any line with "live" in it: records tell states of books.
  const isWriter = (state) => (line) => JSON.parse(line).writer === state;
  const first = await writer(SYMBOLS[0], RING_BYTES_LARGE, RECORDS, 5);
  const followers = readers('dump', ['--verify', '--follow', name]);
  await each(followers, report, 'attaches', async (process) => {
    await process.line(has('header'), 'header', WAIT_MS_MAX);
  });
  first.child.stdin.write('go\n');
  await first.line(hasWritten, 'all records', WAIT_MS_MAX);
  const forgetWriter = (process) => {
    process.lines.splice(0, process.lines.length, ...process.lines.filter((line) => !has('writer')(line)));
  };
  first.child.kill('SIGSTOP');
  await each(followers, report, 'notices that the writer was stopped', async (process) => {
    await process.line(isWriter('silent'), 'silence', WAIT_MS_MAX);
    forgetWriter(process);
  });
  first.child.kill('SIGCONT');
  await each(followers, report, 'notices that the writer goes on', async (process) => {
    await process.line(isWriter('live'), 'life', WAIT_MS_MAX);
    forgetWriter(process);
  });
  await first.kill();
  await each(followers, report, 'notices that the writer was killed', async (process) => {
    await process.line(isWriter('silent'), 'silence', WAIT_MS_MAX);
  });
  const second = await writer(SYMBOLS[1], RING_BYTES_LARGE, RECORDS, 5);
  second.child.stdin.write('go\n');
  await second.line(hasWritten, 'all records', WAIT_MS_MAX);
  second.child.kill('SIGTERM');
  let compared;
  await each(followers, report, 'reads across the restart, until the new writer closes', async (process) => {
    const code = await process.end(WAIT_MS_MAX);
    // How often a busy machine lets a writer look silent or replaced is not for comparing.
    const lines = process.lines.map((line) => JSON.parse(line)).filter((line) => line.writer === undefined);
    compared ??= lines;
    return difference(code, 0) ?? restartProblem(lines) ?? difference(lines, compared);
  });
}

function restartProblem(lines) {
  const [header, ...rest] = lines;
  const second = rest.findIndex((line) => line.reopened !== undefined);
  const slots = rest.findIndex((line) => line.slot !== undefined);
  if (second < 0 || slots < 0) return 'there was no restart, or no end';
  const generations = [header.header.generation, rest[second].reopened.generation];
  const parts = [rest.slice(0, second), rest.slice(second + 1, slots)];
  const symbols = [header.symbols, rest[second].symbols];
  for (const part of [0, 1]) {
    const problem = recordsProblem(parts[part], symbols[part], SYMBOLS[part]);
    if (problem !== undefined) return `writer ${part + 1}: ${problem}`;
  }
  const dumped = rest
    .slice(slots)
    .map(({ record }) => [record.symbol_index, record.sequence, record.state, record.bids.length]);
  return difference(generations, ['1', '2']) ?? difference(dumped, expectedSlots(RECORDS, SYMBOLS[1]));
}

function recordsProblem(lines, symbols, symbolCount) {
  if (lines.length !== RECORDS) return `${lines.length} of ${RECORDS} records`;
  for (const [index, line] of lines.entries()) {
    const { record, problem } = checkedRecord(line, symbols);
    if (problem !== undefined) return problem;
    const stable = Object.fromEntries(Object.entries(record).filter(([name]) => STABLE_FIELDS.has(name)));
    const unexpected = difference(stable, expectedRecord(index + 1, symbolCount), `record ${index + 1}`);
    if (unexpected !== undefined) return unexpected;
  }
  return undefined;
}

/** The example programs, as a new user runs them. */
async function topOfBook({ name, report, writer, readers }) {
  const process = await writer(1, RING_BYTES_LARGE, 1_000_000, 1);
  process.child.stdin.write('go\n');
  const line = /^STRESS0 \d+\.\d\d x \d+\.\d{3} \| \d+\.\d\d x \d+\.\d{3} {2}update \d+$/;
  for (const options of [[], ['--spin']]) {
    await each(
      readers('topOfBook', [...options, 'STRESS0', name]),
      report,
      `top-of-book ${options}`,
      async (example) => {
        await example.line((text) => line.test(text), 'top of the book', WAIT_MS_MAX);
        await example.kill();
      },
    );
  }
  await each(readers('topOfBook', ['NO_SUCH', name]), report, 'top-of-book of an unknown symbol', async (example) => {
    const code = await example.end(WAIT_MS_MAX);
    return code === 1 && /UNKNOWN_SYMBOL.*STRESS0/.test(example.errors)
      ? undefined
      : `exit code ${code}: ${example.errors}`;
  });
}

function summaryProblem(summary, records, tail, state) {
  const { unexplained, disordered, position, last_sequence, lost_bytes, lost_records, slots } = summary;
  const facts = { unexplained, disordered, position, writer: summary.writer };
  const expected = { unexplained: 0, disordered: 0, position: tail, writer: state };
  if (summary.records + lost_records !== last_sequence) return `records do not add up: ${JSON.stringify(summary)}`;
  // Bytes lost at the very end are of records whose number a reader cannot know.
  if (last_sequence > records || (lost_bytes === 0 && last_sequence !== records))
    return `wrong end: ${JSON.stringify(summary)}`;
  if (slots === 0) return 'no slot was read';
  return difference(facts, expected);
}

/** As fast as the writer can, checksums checked, through a ring so small that readers are lapped. */
async function flood({ name, report, writer, readers }) {
  const process = await writer(2, RING_BYTES_SMALL, FLOOD_RECORDS, 0);
  const followers = readers('dump', ['--verify', '--summary', name]);
  process.child.stdin.write('go\n');
  const written = await process.line((line) => line.startsWith('written'), 'all records', WAIT_MS_MAX);
  process.child.kill('SIGTERM');
  const tail = Number(written.split(' ')[2]);
  const read = [];
  await each(followers, report, 'a writer at full speed', async (follower, language) => {
    const code = await follower.end(WAIT_MS_MAX);
    if (code !== 0) return `exit code ${code}: ${follower.lines} ${follower.errors}`;
    const summary = JSON.parse(follower.lines[0]);
    read.push(`${language} ${summary.records}`);
    return summaryProblem(summary, FLOOD_RECORDS, tail, 'closed');
  });
  console.log(`of ${FLOOD_RECORDS} records at full speed, readers had time for: ${read.join(', ')}`);
}

/** Killed while it writes: readers come to rest where it stopped, wherever that was. */
async function floodKilled({ name, report, writer, readers }) {
  const process = await writer(2, RING_BYTES_SMALL, 1_000_000_000, 0);
  const followers = readers('dump', ['--verify', '--summary', name]);
  process.child.stdin.write('go\n');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await process.kill();
  let end;
  await each(followers, report, 'a writer killed at full speed', async (follower) => {
    const code = await follower.end(WAIT_MS_MAX);
    if (code !== 0) return `exit code ${code}: ${follower.lines}`;
    const summary = JSON.parse(follower.lines[0]);
    end ??= summary.position;
    return summaryProblem(summary, Number.MAX_SAFE_INTEGER, end, 'silent');
  });
}
