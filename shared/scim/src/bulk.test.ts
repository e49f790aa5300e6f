import { type BulkOperation, type BulkStep, parseBulk, planBulk, resolveReferences } from './bulk.js';
import type { JsonValue } from './json.js';
import { seeded } from './samples.js';
import { errorOf, finished } from './testing.js';

const LIMITS = { operationsMax: 100 };
const parse = (...operations: JsonValue[]): BulkOperation[] => parseBulk({ Operations: operations }, LIMITS).operations as BulkOperation[];
const user = (bulkId: string, manager?: string): JsonValue => ({
  ...{ method: 'POST', path: '/Users', bulkId },
  data: manager === undefined ? {} : { manager: { value: `bulkId:${manager}` } },
});
const group = (bulkId: string, ...members: string[]): JsonValue => ({
  ...{ method: 'POST', path: '/Groups', bulkId },
  data: { members: members.map((id) => ({ value: `bulkId:${id}` })) },
});
const planned = (operations: readonly BulkOperation[]): BulkStep[] => finished(planBulk(operations));
const order = (steps: readonly BulkStep[]) => steps.map(({ operation }) => operation.bulkId);
const refused = (steps: readonly BulkStep[]) => steps.filter((step) => step.refused).map(({ operation }) => operation.bulkId);

describe('a bulk request (RFC 7644 §3.7)', () => {
  it('is read tolerantly: names in any case, a method in any case, a path without its slash', () => {
    const { operations, failOnErrors } = parseBulk(
      {
        schemas: ['URN:ietf:params:scim:api:messages:2.0:BulkRequest'],
        FailOnErrors: 2,
        operations: [{ Method: 'post', PATH: 'Users', bulkid: 'a', Data: {} }],
      },
      LIMITS,
    );
    expect(failOnErrors).toBe(2);
    expect(operations).toEqual([{ index: 0, method: 'POST', bulkId: 'a', version: undefined, endpoint: '/Users', id: '', data: {} }]);
  });

  it('is read with numbers as texts and texts as numbers, and its paths in any case, with slashes doubled', () => {
    const { operations, failOnErrors } = parseBulk(
      {
        failOnErrors: '2',
        Operations: [
          { method: 'POST', path: '//users/', bulkId: 1, data: {} },
          { method: 'PUT', path: '/GROUPS//a', data: {} },
        ],
      },
      LIMITS,
    );
    expect([failOnErrors, operations]).toMatchObject([
      2,
      [
        { endpoint: '/Users', bulkId: '1' },
        { endpoint: '/Groups', id: 'a' },
      ],
    ]);
  });

  it.each(['x', '0', '1.5', -1, 0.5, [1], true])('is invalidValue where failOnErrors is %j', (failOnErrors) => {
    expect(errorOf(() => parseBulk({ failOnErrors, Operations: [{}] }, LIMITS)).scimType).toBe('invalidValue');
  });

  it('of more operations than are taken is 413', () => {
    const many = Array.from({ length: 101 }, (): JsonValue => ({ method: 'DELETE', path: '/Users/x' }));
    expect(errorOf(() => parse(...many)).status).toBe(413);
  });

  it.each([
    [{ method: 'PATCH', path: '/Users/x' }, '/Users', 'x'],
    [{ method: 'PATCH', path: 'Groups/bulkId:q', version: 5, data: {} }, '/Groups', 'bulkId:q'],
    [{ path: '/Users/x' }, '/Users', 'x'],
    [{ method: 'PATCH', path: '/Users', data: {} }, '/Users', undefined],
    [{ method: 'PATCH', path: '/Users/a/b', data: {} }, undefined, undefined],
    [{ method: 'PATCH', path: 7, data: {} }, undefined, undefined],
    ['nothing', undefined, undefined],
  ])('keeps of %j, which can’t be understood, what it is about', (operation, endpoint, id) => {
    const [bad] = parse(operation as JsonValue);
    expect(bad).toMatchObject({ error: expect.anything(), endpoint, id });
  });

  it.each([[7], [[]], ['x'], [null]])('%j is invalidSyntax', (body) => {
    expect(errorOf(() => parseBulk(body as JsonValue, LIMITS))).toMatchObject({ scimType: 'invalidSyntax' });
  });
});

describe('references (§3.7.1)', () => {
  const ids = new Map([
    ['a', '1'],
    ['b c', '2'],
  ]);
  it.each([
    ['bulkId:a', '1'],
    ['bulkId:b c', '2'],
    ['bulkId:z', 'bulkId:z'],
    ['../Users/bulkId:a', '../Users/1'],
    ['members[value eq "bulkId:a"]', 'members[value eq "1"]'],
    ['see bulkId:a', 'see bulkId:a'],
    ['"bulkId:a" or "bulkId:b c"', '"1" or "2"'],
    ['a', 'a'],
  ])('%s becomes %s', (text, resolved) => {
    expect(resolveReferences({ deep: [text, 1, null] }, ids)).toEqual({ deep: [resolved, 1, null] });
  });
});

describe('the order of operations', () => {
  it('is as they came, but for those that others refer to', () => {
    expect(order(planned(parse(user('a'), user('b'), user('c'))))).toEqual(['a', 'b', 'c']);
    expect(order(planned(parse(user('a', 'c'), user('b'), user('c', 'd'), user('d'))))).toEqual(['d', 'c', 'a', 'b']);
  });

  it('groups in a circle are made first and completed later; people in one are refused, and nobody else', () => {
    const steps = planned(parse(group('g', 'h', 'u'), group('h', 'g'), user('u'), user('x', 'y'), user('y', 'x'), user('z', 'x')));
    expect(refused(steps)).toEqual(['x', 'y']);
    const completed = steps
      .filter(({ completion }) => completion)
      .map(({ operation, completion, data }) => [operation.bulkId, completion!.members, data]);
    expect(completed).toEqual([
      ['g', [{ value: 'bulkId:h' }], { members: [{ value: 'bulkId:u' }] }],
      ['h', [{ value: 'bulkId:g' }], { members: [] }],
    ]);
  });

  it('groups that would be in themselves are told from those that are named by somebody in them', () => {
    const inItself = (...operations: JsonValue[]) =>
      planned(parse(...operations))
        .filter(({ completion }) => completion?.inItself)
        .map(({ operation }) => operation.bulkId);
    expect(inItself(group('g', 'h', 'u'), group('h', 'k'), group('k', 'h'), user('u')).sort()).toEqual(['h', 'k']);
    expect(inItself(group('self', 'self'), group('other', 'self'))).toEqual(['self']);
    expect(inItself(group('g', 'u'), user('u', 'g'))).toEqual([]);
    expect(inItself(group('g', 'u', 'h'), user('u', 'g'), group('h', 'u'))).toEqual([]);
    expect(inItself(group('g', 'h', 'u'), user('u', 'g'), group('h', 'g')).sort()).toEqual(['g', 'h']);
  });

  it('what nobody makes is refused', () => {
    expect(refused(planned(parse(user('a', 'nobody'), user('b'))))).toEqual(['a']);
  });

  it('a chain of a thousand is no depth', () => {
    const chain = Array.from({ length: 1_000 }, (_, i) => user(`u${i}`, i < 999 ? `u${i + 1}` : undefined));
    const steps = planned(parseBulk({ Operations: chain }, { operationsMax: 1_000 }).operations as BulkOperation[]);
    expect(order(steps)[0]).toBe('u999');
    expect(refused(steps)).toEqual([]);
  });

  // Goal: nothing is lost, and nothing is tried before what it needs.
  it('has each once, each behind what it refers to, whatever refers to whatever', () => {
    for (let seed = 0; seed < 2_000; seed += 1) {
      const random = seeded(seed);
      const below = (n: number) => Math.floor(random() * n);
      const count = 1 + below(9);
      const some = () => Array.from({ length: below(3) }, () => `n${below(count)}`);
      const operations = parse(
        ...Array.from({ length: count }, (_, i) =>
          random() < 0.5 ? group(`n${i}`, ...some()) : user(`n${i}`, random() < 0.5 ? some()[0] : undefined),
        ),
      );
      const steps = planned(operations);
      expect(order(steps).sort()).toEqual(operations.map(({ bulkId }) => bulkId).sort());
      const placed = new Set<string>();
      const failed = new Set<string>();
      for (const { operation, references, refused: error, completion } of steps) {
        if (error) failed.add(operation.bulkId!);
        else
          for (const id of references) expect([seed, id, placed.has(id) || failed.has(id) || isStuck(steps, id)]).toEqual([seed, id, true]);
        if (completion) expect(operation.endpoint).toBe('/Groups');
        placed.add(operation.bulkId!);
      }
      // A circle of groups alone is never refused.
      for (const { operation, refused: error } of steps) expect(error !== undefined && operation.endpoint === '/Groups').toBe(false);
    }
  });
});

const isStuck = (steps: readonly BulkStep[], id: string): boolean =>
  steps.some(({ operation, refused: error }) => operation.bulkId === id && error !== undefined);
