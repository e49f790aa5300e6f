import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { evict } from './evict.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (...ids: string[]) => evict.run(corner.redis, { resources: ids.map((id) => corner.keys.resource(id)), markerTtl_s: 50 });
const MARKER = {
  version: '7',
  settled: '7',
  epoch: '1',
  stamp: 's',
  request: 'r',
  kind: 'U',
  born: '3',
  modified: '5',
  gone: '0',
  since: '',
};

async function there(id: string, fields: Record<string, string>, ttl_s?: number) {
  await corner.redis.hset(corner.keys.resource(id), fields);
  if (ttl_s !== undefined) await corner.redis.expire(corner.keys.resource(id), ttl_s);
}

describe('evict', () => {
  it('takes the document off a settled copy, and keeps a marker for as long as a fill may be old', async () => {
    await there('a', { ...MARKER, doc: '{}', trace: 't', rid: 'i', tries: '1' }, 3_000);
    expect(await run('a')).toEqual({ evicted: 1, copies: 1 });
    expect(await corner.dump()).toEqual({ 'acme:r:a': MARKER, 'acme:r:a expires': '50 s' });
  });

  it('leaves a shorter lifetime as it is', async () => {
    await there('a', { ...MARKER, doc: '{}' }, 20);
    await run('a');
    expect(await corner.dump()).toEqual({ 'acme:r:a': MARKER, 'acme:r:a expires': '20 s' });
  });

  it('takes the older half of the copies, by what is left of their lives', async () => {
    const left_s = { young: 3_600, old: 100, middle: 2_000, older: 60, youngest: 3_601 };
    for (const [id, ttl_s] of Object.entries(left_s)) await there(id, { ...MARKER, doc: '{}' }, ttl_s);
    expect(await run(...Object.keys(left_s))).toEqual({ evicted: 3, copies: 5 });
    const kept = await Promise.all(
      Object.keys(left_s).map(async (id) => (await corner.redis.hexists(corner.keys.resource(id), 'doc')) && id),
    );
    expect(kept.filter(Boolean)).toEqual(['young', 'youngest']);
  });

  it.each<[string, Record<string, string>]>([
    ['a pending state', { doc: '{}', version: '8', settled: '7' }],
    ['one that was never settled', { doc: '{}', version: '8' }],
    ['a dead letter', { doc: '{}', version: '8', settled: '7', dead: '8', cause: '{}' }],
    ['a marker', MARKER],
  ])('leaves %s alone', async (_, fields) => {
    await there('a', fields);
    expect(await corner.untouched(() => run('a', 'none'))).toEqual({ evicted: 0, copies: 0 });
  });
});
