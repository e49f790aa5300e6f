import { createMetrics, silentLog } from '@rollcall/telemetry';
import { makeTell } from './tell.js';

it('skipped members are told by our ids alone, up to twenty: any other value may be an address', () => {
  const lines: object[] = [];
  const log = Object.assign(silentLog(), { info: (about: object) => void lines.push(about) });
  const tell = makeTell({
    log,
    metrics: createMetrics({ process: false }),
    notes: { undecided: () => undefined, decided: () => undefined },
  });
  const ids = Array.from({ length: 25 }, (_, n) => `019a0000-0000-7000-8000-0000000000${10 + n}`);
  tell.skipped('acme', { resource: { id: 'g' }, version: 7 }, ['bob@example.com', ...ids], 'r1');
  expect(lines).toEqual([
    {
      ...{ event: 'group.members.skipped', tenant: 'acme', id: 'g', version: 7, requestId: 'r1' },
      ...{ count: 26, notIds: 1, skipped: ids.slice(0, 20) },
    },
  ]);
});
