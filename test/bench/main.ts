// npm run bench [-- --rounds N --seconds S --only a,b]: rollcall beside two baselines, in one run, on one machine, with one load generator.
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { CONNECTIONS, type Measured, ROWS, type Row } from './rows.js';
import { ratios, table } from './table.js';
import { startWorld } from './world.js';

/** For all of it. */
const LIMIT_MS = 6 * 60_000;
const WARM_UP_S = 1.5;

const { rounds, seconds, rows } = readArguments();
const began = performance.now();
const late = setTimeout(() => {
  console.error(`the bench took longer than ${LIMIT_MS / 60_000} minutes and is ended`);
  process.exit(1);
}, LIMIT_MS);
try {
  await bench();
} finally {
  clearTimeout(late);
}

async function bench(): Promise<void> {
  const busy = loadavg()[0]!; // before anything of ours runs
  await using world = await startWorld(process.env);
  console.log(`rollcall bench: ${cpus().length} × ${cpus()[0]?.model ?? 'CPU unknown'}, ${world.about}`);
  console.log(`${rounds} rounds of ${seconds} s a row, ${CONNECTIONS} connections; the worker runs all the time\n`);
  if (busy > availableParallelism() / 4)
    console.log(`Other programs are at work here (load average ${busy.toFixed(1)}): figures and ratios are worth little.\n`);
  if (process.platform !== 'linux')
    console.log('CPU and memory of the processes are read from /proc, which is not here: only the rates are shown.\n');
  for (const row of rows) await row.measure(world, WARM_UP_S, `w${row.key}`);

  const results = new Map<Row, Measured[]>(rows.map((row) => [row, []]));
  // Row after row in each round, so that whatever drifts hits all alike.
  for (let round = 1; round <= rounds; round += 1) {
    for (const row of rows) {
      const measured = await row.measure(world, seconds, `r${round}${row.key}`);
      results.get(row)!.push(measured);
      console.log(`round ${round}  ${row.key.padEnd(2)}  ${Math.round(measured.perSecond).toLocaleString('en-US')}/s`);
    }
    if (round < rounds && (performance.now() - began) * (1 + 1 / round) > LIMIT_MS) {
      console.log(`only ${round} rounds: another one would not end in time`);
      break;
    }
  }
  console.log(`\n${table(results)}\n\n${ratios(results)}`);
}

function readArguments(): { rounds: number; seconds: number; rows: readonly Row[] } {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '8' },
        only: { type: 'string', default: ROWS.map(({ key }) => key).join(',') },
      },
    });
    const only = values.only.split(',').flatMap((key) => (key === 'e' ? ['e1', 'e2'] : [key]));
    const unknown = only.filter((key) => !ROWS.some((row) => row.key === key));
    if (unknown.length > 0) throw new Error(`--only: there is no row ${unknown.join(', ')}`);
    return {
      rounds: numberOf('--rounds', values.rounds, 1, 20, true),
      seconds: numberOf('--seconds', values.seconds, 0.5, 60, false),
      rows: ROWS.filter((row) => only.includes(row.key)),
    };
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run bench -- [--rounds N] [--seconds S] [--only a,b,c,d,e]`);
    process.exit(1);
  }
}

function numberOf(name: string, text: string, least: number, most: number, whole: boolean): number {
  const number = Number(text);
  if (!(number >= least && number <= most) || (whole && !Number.isInteger(number)))
    throw new Error(`${name}: expected a number from ${least} to ${most}`);
  return number;
}
