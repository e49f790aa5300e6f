import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

jest.setTimeout(60_000);

const HELD_MS_MAX = 50;

// In a process of its own, as built: jest's own compartment makes everything two to three times slower.
it(`no hostile body or filter keeps the event loop for ${HELD_MS_MAX} ms`, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(__dirname, '../dist/oracles/hostile-cases.js')], {
    timeout: 50_000,
  });
  const measured = JSON.parse(stdout) as [string, number][];
  const shown = measured.map(([name, held_ms]) => `${held_ms.toFixed(1).padStart(7)} ms  ${name}`);
  if (process.env.SHOW_COST) process.stderr.write(`${shown.join('\n')}\n`);
  expect(measured.length).toBeGreaterThan(50);
  expect(shown.filter((_, at) => measured[at]![1] >= HELD_MS_MAX)).toEqual([]);
});
