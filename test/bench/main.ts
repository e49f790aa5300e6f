// npm run bench [-- --rounds N --seconds S --only a,b --big]: rollcall beside two baselines, small things beside big ones, its engines beside
// another's; each comparison in one run, on one machine, with one load generator.
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type EngineRow, engineRows } from './engines.js';
import { CONNECTIONS, type Measured, type Row } from './measure.js';
import { ROWS } from './rows.js';
import { sizedRows } from './sized-rows.js';
import { count, engineTable, ratios, table } from './table.js';
import { startWorld } from './world.js';

/** For all of it. */
const LIMIT_MS = 10 * 60_000;
const LIMIT_BIG_MS = 20 * 60_000;
const WARM_UP_S = 1.5;
/** People of the big tenant in row k. */
const LARGE = 100_000;
const BIG = 1_000_000;
/** The engines need no more time than this. */
const ENGINE_SECONDS_MAX = 1;
const ENGINE_KEYS = ['j1', 'j2', 'j3', 'j4'];

const { rounds, seconds, rows, engines, big } = readArguments();
const limit_ms = big ? LIMIT_BIG_MS : LIMIT_MS;
const began = performance.now();
const late = setTimeout(() => {
  console.error(`the bench took longer than ${limit_ms / 60_000} minutes and is ended`);
  process.exit(1);
}, limit_ms);
try {
  const busy = loadavg()[0]!; // before anything of ours runs
  console.log(
    `rollcall bench: ${cpus().length} × ${cpus()[0]?.model ?? 'CPU unknown'}, Node ${process.versions.node}, load average ${busy.toFixed(1)}`,
  );
  if (busy > availableParallelism() / 4) console.log('Other programs are at work here: figures and ratios are worth little.');
  if (engines.length > 0) await benchEngines();
  if (rows.length > 0) await bench();
  console.log(`\nload average at the end, with what the bench itself runs: ${loadavg()[0]!.toFixed(1)}`);
} finally {
  clearTimeout(late);
}

/** Before the servers are started, so that these have the machine for themselves. */
async function benchEngines(): Promise<void> {
  const { rows: all, about } = await engineRows();
  const chosen = all.filter(({ key }) => engines.includes(key));
  const engineSeconds = Math.min(seconds, ENGINE_SECONDS_MAX);
  const results = new Map<EngineRow, number[]>(chosen.map((row) => [row, []]));
  for (const row of chosen) await row.measure(engineSeconds / 2);
  for (let round = 1; round <= rounds; round += 1) for (const row of chosen) results.get(row)!.push(await row.measure(engineSeconds));
  console.log(`\nIn this process, ${rounds} rounds of ${engineSeconds} s: ${about}\n\n${engineTable(results)}`);
}

async function bench(): Promise<void> {
  await using world = await startWorld(process.env);
  console.log(`\n${world.about}`);
  console.log(
    `${rounds} rounds of at most ${seconds} s a row, ${CONNECTIONS} connections where not said otherwise; the worker runs all the time\n`,
  );
  if (process.platform !== 'linux')
    console.log('CPU and memory of the processes are read from /proc, which is not here: only the rates are shown.\n');
  for (const row of rows) if (!row.byName) await row.measure(world, WARM_UP_S, `w${row.key}`);

  const results = new Map<Row, Measured[]>(rows.map((row) => [row, []]));
  const measuring = performance.now();
  // Row after row in each round, so that whatever drifts hits all alike.
  for (let round = 1; round <= rounds; round += 1) {
    for (const row of rows) {
      if (row.byName && round > 1) continue;
      const measured = await row.measure(world, Math.min(seconds, row.seconds_max ?? seconds), `r${round}${row.key}`);
      results.get(row)!.push(measured);
      console.log(`round ${round}  ${row.key.padEnd(2)}  ${count(measured.perSecond)}/s`);
    }
    const each_ms = (performance.now() - measuring) / round;
    if (round < rounds && performance.now() - began + each_ms > limit_ms) {
      console.log(`only ${round} rounds: another one would not end in time`);
      break;
    }
  }
  console.log(`\n${table(results)}\n\n${ratios(results)}`);
}

function readArguments(): { rounds: number; seconds: number; rows: readonly Row[]; engines: readonly string[]; big: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '8' },
        only: { type: 'string' },
        big: { type: 'boolean', default: false },
      },
    });
    const all = [...ROWS, ...sizedRows(values.big ? BIG : LARGE)];
    const keys = [...all.map(({ key }) => key), ...ENGINE_KEYS];
    // A letter by itself means all of its rows.
    const named = values.only?.split(',').map((name) => ({ name, meant: keys.filter((key) => key === name || key[0] === name) }));
    const unknown = named?.filter(({ meant }) => meant.length === 0).map(({ name }) => name) ?? [];
    if (unknown.length > 0) throw new Error(`--only: there is no row ${unknown.join(', ')}`);
    const only = named?.flatMap(({ meant }) => meant) ?? keys.filter((key) => !all.some((row) => row.key === key && row.byName));
    return {
      rounds: numberOf('--rounds', values.rounds, 1, 20, true),
      seconds: numberOf('--seconds', values.seconds, 0.5, 60, false),
      rows: all.filter(({ key }) => only.includes(key)),
      engines: ENGINE_KEYS.filter((key) => only.includes(key)),
      big: values.big,
    };
  } catch (error) {
    console.error(
      `${(error as Error).message}\nusage: npm run bench -- [--rounds N] [--seconds S] [--only a,b,c,d,e,f,g,h,i,j,k,l] [--big]`,
    );
    process.exit(1);
  }
}

function numberOf(name: string, text: string, least: number, most: number, whole: boolean): number {
  const number = Number(text);
  if (!(number >= least && number <= most) || (whole && !Number.isInteger(number)))
    throw new Error(`${name}: expected a number from ${least} to ${most}`);
  return number;
}
