import { type Resource, type Versioned, withActive } from '@rollcall/directory';
import { ENTERPRISE_URN, parseFilter, parseSortBy, type SortValue, seeded, USER } from '@rollcall/scim';
import { comparePlaces, type Place, placeOf, type Sort } from '@rollcall/store';
import { drain } from '../support/drain.js';
import { openStores, type Stores } from '../support/stores.js';
import { createUser, deleteUser, patchUser } from '../support/users.js';

jest.setTimeout(120_000);

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores[Symbol.asyncDispose]());

const SORTS = [
  undefined,
  'userName',
  'title',
  'name.familyName',
  'emails',
  'emails.type',
  'active',
  'meta.lastModified',
  `${ENTERPRISE_URN}:department`,
  `${ENTERPRISE_URN}:manager`,
] as const;
const TEXTS = ['a', 'A', 'b', 'Ä', 'ä', 'Z', '～', '😀', '\u{10ffff}', 'aa', '0', ' x', '"', `${'l'.repeat(300)}1`, `${'l'.repeat(300)}2`];
const FILTERS = [undefined, 'active eq true', 'title pr', 'emails[type eq "work"]'] as const;

/** What a resource is sorted by, said once more by hand. */
function keyByHand(sortBy: string, resource: Resource): SortValue {
  const { attributes } = resource;
  const short = (value: unknown) =>
    typeof value === 'string' ? [...value.toLowerCase().normalize('NFC')].slice(0, 256).join('') : undefined;
  const emails = (attributes.emails ?? []) as { value?: string; type?: string; primary?: boolean }[];
  const email = emails.find(({ primary }) => primary) ?? emails[0];
  const enterprise = attributes[ENTERPRISE_URN] as { department?: string; manager?: { value?: string } } | undefined;
  switch (sortBy) {
    case 'userName':
      return String(attributes.userName).toLowerCase().normalize('NFC');
    case 'title':
      return short(attributes.title);
    case 'name.familyName':
      return short((attributes.name as { familyName?: string } | undefined)?.familyName);
    case 'emails':
      return short(email?.value);
    case 'emails.type':
      return short(email?.type);
    case 'active':
      return withActive(resource).active as boolean;
    case `${ENTERPRISE_URN}:department`:
      return short(enterprise?.department);
    default:
      return short(enterprise?.manager?.value);
  }
}

const compareByHand = (a: SortValue, b: SortValue): number => {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return typeof a === 'string' && typeof b === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : Number(a) - Number(b);
};

/** A tenant under change: what was accepted, and who stays as it was made. */
async function changingTenant(tenant: string, random: () => number) {
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(all: readonly T[]): T => all[below(all.length)]!;
  const maybe = (name: string) => (random() < 0.3 ? {} : { [name]: pick(TEXTS) });
  await stores.tenant(tenant);
  const model = new Map<string, Versioned>();
  let made = 0;
  const run = async (command: Parameters<Stores['run']>[1]): Promise<string | undefined> => {
    for (;;) {
      const ran = await stores.run(tenant, command);
      if (ran.kind === 'conflict' || ran.kind === 'fresh') continue;
      if (ran.kind !== 'ok') return undefined;
      model.set(ran.committed.resource.id, ran.committed);
      return ran.committed.resource.id;
    }
  };
  const create = () => {
    made += 1;
    const department = { ...maybe('department'), ...(random() < 0.3 ? {} : { manager: { value: pick(TEXTS) } }) };
    const emails = Array.from({ length: below(3) }, (_, i) => ({
      ...(random() < 0.9 ? { value: `${pick(TEXTS)}@example.com` } : {}),
      type: pick(['work', 'home']),
      ...(i === 1 ? { primary: random() < 0.5 } : {}),
    }));
    return run(
      createUser(`${pick(TEXTS.slice(0, 8))}${made}`, {
        name: maybe('familyName'),
        ...maybe('title'),
        emails,
        active: random() < 0.7,
        externalId: undefined,
        [ENTERPRISE_URN]: department,
      }),
    );
  };
  for (let i = 0; i < 25 + below(25); i += 1) {
    await create();
    if (random() < 0.1) await drain(stores, tenant, { count: 1 + below(20), settles: random() < 0.9 });
  }
  const stable = new Set([...model.keys()].filter(() => random() < 0.7));
  const shaken = () => [...model.keys()].filter((id) => !stable.has(id));
  const shake = async () => {
    for (let i = below(6); i > 0; i -= 1) {
      const id = pick(shaken());
      const what = random();
      made += 1;
      if (what < 0.3 || id === undefined) await create();
      else if (what < 0.5) await run(deleteUser(id));
      else if (what < 0.8) await run(patchUser(id, { op: 'replace', value: { title: pick(TEXTS), userName: `n${made}@example.com` } }));
      else await drain(stores, tenant, { count: 1 + below(20), settles: random() < 0.9 });
    }
  };
  const live = () => [...model.values()].filter(({ resource }) => !resource.deleted);
  return { model, stable, shake, live, below };
}

describe('the order of a list (RFC 7644 §3.4.2.3, RFC 9865)', () => {
  // Goal: whoever is there all along is on one page, and on one only, whatever else is written meanwhile.
  // Method: random users in both stores, random sorts and page sizes; between the pages others are made, changed, deleted and applied.
  it('pages that follow each other show everybody who stays once, in order', async () => {
    const base = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));
    for (let seed = base; seed < base + 10; seed += 1) {
      const random = seeded(seed);
      const tenant = `o${seed}`;
      const { model, stable, shake, live, below } = await changingTenant(tenant, random);
      for (let round = 0; round < 4; round += 1) {
        const sortBy = SORTS[below(SORTS.length)];
        const filterText = FILTERS[below(FILTERS.length)];
        const sort: Sort | undefined = sortBy === undefined ? undefined : { path: parseSortBy(USER, sortBy), descending: random() < 0.5 };
        const part = { type: 'User' as const, sort, filter: filterText === undefined ? undefined : parseFilter(USER, filterText) };
        const limit = 1 + below(9);
        const where = `seed ${seed}, round ${round}: ${sortBy ?? 'none'} ${sort?.descending ? 'down' : 'up'}, ${filterText}, by ${limit}`;
        // By when it was changed nobody stays in place but who isn't changed.
        const all = (await stores.lister.page(await stores.reader.view(tenant, 'read'), { ...part, limit: 1_000 })).resources;
        const expected = all.filter(({ resource }) => stable.has(resource.id)).map(({ resource }) => resource.id);

        const seen: Versioned[] = [];
        let after: Place | undefined;
        for (let pages = 0; pages < 500; pages += 1) {
          const view = await stores.reader.view(tenant, 'read');
          const page = await stores.lister.page(view, { ...part, after, limit });
          seen.push(...page.resources);
          if (!page.end) break;
          after = page.end;
          await shake();
        }
        const ids = seen.map(({ resource }) => resource.id).filter((id) => stable.has(id));
        if (ids.join() !== expected.join()) throw new Error(`${where}: ${ids.length} of those who stay, expected ${expected.length}`);
        if (sort === undefined && new Set(seen.map(({ resource }) => resource.id)).size !== seen.length) throw new Error(`${where}: twice`);
      }
      expect(model.size).toBeGreaterThan(0);
      expect(live().length).toBeGreaterThan(0);
    }
  });

  it('is the same by number and by place, with or without the worker, and as the RFC has it', async () => {
    const base = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));
    for (let seed = base; seed < base + 4; seed += 1) {
      const random = seeded(seed);
      const tenant = `p${seed}`;
      const { live, below } = await changingTenant(tenant, random);
      for (const applied of [false, true]) {
        if (applied) while ((await drain(stores, tenant)) > 0);
        for (const sortBy of SORTS) {
          if (sortBy === 'meta.lastModified') continue;
          const sort: Sort | undefined = sortBy === undefined ? undefined : { path: parseSortBy(USER, sortBy), descending: random() < 0.5 };
          const where = `seed ${seed}: ${sortBy} ${sort?.descending ? 'down' : 'up'} ${applied ? 'applied' : ''}`;
          const key = (versioned: Versioned) => (sortBy === undefined ? undefined : keyByHand(sortBy, versioned.resource));
          const expected = live()
            .sort((a, b) => (sort?.descending ? -1 : 1) * compareByHand(key(a), key(b)) || a.born - b.born)
            .map(({ resource }) => String(resource.attributes.userName));
          const view = await stores.reader.view(tenant, 'read');
          const names = (found: readonly Versioned[]) => found.map(({ resource }) => String(resource.attributes.userName));
          const whole = await stores.lister.page(view, { type: 'User', sort, limit: 1_000 });
          if (names(whole.resources).join() !== expected.join())
            throw new Error(`${where}:\n${names(whole.resources).join()}\n${expected.join()}`);
          expect([whole.total, whole.end]).toEqual([expected.length, undefined]);
          const limit = 1 + below(12);
          const numbered: string[] = [];
          for (let skip = 0; skip < expected.length; skip += limit)
            numbered.push(...names((await stores.lister.page(view, { type: 'User', sort, skip, limit })).resources));
          if (numbered.join() !== expected.join()) throw new Error(`${where}: by number`);
          const placed: string[] = [];
          let after: Place | undefined;
          do {
            const page = await stores.lister.page(view, { type: 'User', sort, after, limit });
            placed.push(...names(page.resources));
            after = page.end;
          } while (after);
          if (placed.join() !== expected.join()) throw new Error(`${where}: by place`);
          const places = whole.resources.map((versioned) => placeOf(versioned, sort));
          expect(places.every((place, i) => i === 0 || comparePlaces(places[i - 1]!, place, sort?.descending) < 0)).toBe(true);
        }
      }
    }
  });
});
