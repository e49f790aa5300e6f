import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { isStable } from './external-id.js';
import { type Answer, type Candidate, type Finding, type IdentitySettings, judge, rowFor, TABLE } from './judge.js';

let number = 0;
const one = (finding: Partial<Candidate>): Candidate => ({
  ...{
    id: `a${number++}`,
    standing: 'deleted',
    x: 'unknown',
    n: false,
    a: false,
    hint: false,
    expected: false,
    separate: false,
    given: false,
  },
  ...finding,
});
const KINDS: readonly Finding['standing'][] = ['active', 'deactivated', 'deleted', 'byHand'];
const ALL: readonly Finding[] = KINDS.flatMap((standing) =>
  (['agrees', 'differs', 'unknown'] as const).flatMap((x) =>
    [true, false].flatMap((n) => [true, false].map((a) => ({ standing, x, n, a }))),
  ),
);

describe('the table of who a person is', () => {
  it.each<[string, Answer, readonly Partial<Candidate>[]]>([
    [
      'an active account has the userName: 409',
      'name taken',
      [
        { standing: 'active', n: true },
        { standing: 'active', n: true, x: 'agrees' },
      ],
    ],
    ['an active account has the stable externalId under another userName: 409', 'externalId taken', [{ standing: 'active', x: 'agrees' }]],
    [
      'an active account that shares the address says nothing',
      'nothing',
      [
        { standing: 'active', a: true },
        { standing: 'active', a: true, x: 'differs' },
      ],
    ],
    [
      'a deactivated, deleted or hand-made account has the stable externalId: the same person, whatever else',
      'same person',
      (['deactivated', 'deleted', 'byHand'] as const).flatMap((standing) =>
        [true, false].flatMap((n) => [true, false].map((a) => ({ standing, x: 'agrees' as const, n, a }))),
      ),
    ],
    [
      'a deactivated account has the userName: 409, as the identity provider sees it',
      'name taken',
      [
        { standing: 'deactivated', n: true },
        { standing: 'deactivated', n: true, a: true, x: 'differs' },
      ],
    ],
    [
      'userName and address agree, the stable externalId is another: by recycledIdentity',
      'recycled',
      [
        { standing: 'deleted', x: 'differs', n: true, a: true },
        { standing: 'byHand', x: 'differs', n: true, a: true },
      ],
    ],
    [
      'only the userName or only the address agrees, the stable externalId is another: somebody else',
      'somebody else',
      [
        { standing: 'deleted', x: 'differs', n: true },
        { standing: 'deleted', x: 'differs', a: true },
        { standing: 'deactivated', x: 'differs', a: true },
        { standing: 'byHand', x: 'differs', a: true },
      ],
    ],
    [
      'no stable externalId tells, the userName agrees: the same person',
      'same person',
      [
        { standing: 'deleted', n: true },
        { standing: 'byHand', n: true, a: true },
      ],
    ],
    [
      'no stable externalId tells, only the address of a deleted account agrees',
      'same person by the address',
      [{ standing: 'deleted', a: true }],
    ],
    [
      'no stable externalId tells, only the address of a hand-made account agrees: by adoption',
      'adoption',
      [{ standing: 'byHand', a: true }],
    ],
    [
      'only the address of a deactivated account agrees, or nothing: nothing',
      'nothing',
      [{ standing: 'deactivated', a: true }, { standing: 'deleted' }],
    ],
  ])('%s', (_, answer, findings) => {
    for (const finding of findings) expect([finding, rowFor(one(finding)).answer]).toEqual([finding, answer]);
  });

  it('is the one that docs/accounts.md shows', () => {
    const page = readFileSync(new URL('../../../../docs/accounts.md', `file://${__filename}`), 'utf8');
    expect(page).toContain(`| --- | --- |\n${TABLE.map(({ found, answer }) => `| ${found} | ${answer} |\n`).join('')}\n`);
  });

  it('has a row for all that can be found, and none that is never reached', () => {
    expect(new Set(ALL.map(rowFor))).toEqual(new Set(TABLE));
  });
});

describe('judge', () => {
  const judged = (settings: IdentitySettings, ...all: readonly Partial<Candidate>[]) =>
    judge(
      all.map((each, at) => one({ id: `${at}`, ...each })),
      settings,
    );
  const REPLACED = { x: 'differs', n: true, a: true } as const;

  it('makes a new account where nothing is found', () => expect(judge([], {})).toEqual({ kind: 'new', others: [] }));

  it.each<[IdentitySettings['recycledIdentity'], unknown]>([
    [undefined, { kind: 'same', id: '0', recycled: true }],
    ['reactivate', { kind: 'same', id: '0', recycled: true }],
    ['refuse', { kind: 'ask', reason: 'recycled', ids: ['0'] }],
    ['separate', { kind: 'new', others: ['0'] }],
  ])('a recycled name and address by the setting: %s', (recycledIdentity, judgement) => {
    expect(judged({ recycledIdentity }, REPLACED)).toEqual(judgement);
  });

  it.each<[IdentitySettings['adoption'], boolean, unknown]>([
    [undefined, false, { kind: 'same', id: '0', recycled: false }],
    [undefined, true, { kind: 'ask', reason: 'asked', ids: ['0'] }],
    ['auto', true, { kind: 'ask', reason: 'asked', ids: ['0'] }],
    ['adopt', true, { kind: 'same', id: '0', recycled: false }],
    ['ask', false, { kind: 'ask', reason: 'asked', ids: ['0'] }],
    ['never', false, { kind: 'new', others: ['0'] }],
  ])('an account made by hand of that address by the setting: %s, given by an administrator: %p', (adoption, given, judgement) => {
    expect(judged({ adoption }, { standing: 'byHand', a: true, given })).toEqual(judgement);
  });

  it.each<[string, readonly Partial<Candidate>[], unknown]>([
    ['the externalId before userName and address', [{ n: true, a: true }, { x: 'agrees' }], { kind: 'same', id: '1', recycled: false }],
    ['the userName before the address', [{ a: true }, { n: true }], { kind: 'same', id: '1', recycled: false }],
    ['userName and address before the userName', [{ n: true }, { n: true, a: true }], { kind: 'same', id: '1', recycled: false }],
    [
      'an externalId that is not stable, where all else is even',
      [{ a: true }, { a: true, hint: true }],
      { kind: 'same', id: '1', recycled: false },
    ],
    ['nobody where all is even', [{ a: true }, { a: true }], { kind: 'ask', reason: 'ambiguous', ids: ['0', '1'] }],
    ['whom an administrator named', [{ x: 'agrees' }, { a: true, expected: true }], { kind: 'same', id: '1', recycled: false }],
    [
      'nobody of whom an administrator said that it is another',
      [{ x: 'agrees', separate: true }, { a: true }],
      { kind: 'same', id: '1', recycled: false },
    ],
    [
      'nobody while a separate account has the userName',
      [{ standing: 'byHand', n: true, separate: true }],
      { kind: 'taken', by: 'userName', id: '0' },
    ],
    ['somebody new, while another has the address', [{ a: true }, { standing: 'active', a: true }], { kind: 'new', others: ['0'] }],
    ['somebody new, where the only one was somebody else', [{ x: 'differs', a: true }], { kind: 'new', others: ['0'] }],
  ])('of several prefers %s', (_, candidates, judgement) => expect(judged({}, ...candidates)).toEqual(judgement));

  it('never gives an account to somebody whose stable externalId is another, unless both names agree', () => {
    const finding = fc
      .constantFrom(...ALL)
      .chain((found) => fc.record({ hint: fc.boolean(), given: fc.boolean() }).map((more) => ({ ...found, ...more })));
    const settings = fc.record({
      recycledIdentity: fc.constantFrom(undefined, 'reactivate' as const, 'refuse' as const, 'separate' as const),
      adoption: fc.constantFrom(undefined, 'auto' as const, 'adopt' as const, 'ask' as const, 'never' as const),
    });
    fc.assert(
      fc.property(settings, fc.array(finding, { maxLength: 5 }), (by, findings) => {
        const candidates = findings.map((each, at) => one({ ...each, id: `${at}` }));
        const judgement = judge(candidates, by);
        if (judgement.kind !== 'same') return;
        const { x, n, a, standing } = candidates[Number(judgement.id)]!;
        expect(standing).not.toBe('active');
        if (x === 'differs') expect([n, a, judgement.recycled]).toEqual([true, true, true]);
        expect(x === 'agrees' || n || a).toBe(true);
      }),
    );
  });
});

describe('a stable externalId, by auto', () => {
  it.each([
    '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
    '{3F2504E0-4F89-11D3-9A0C-0305E82C3301}',
    '00u1abcDEF2ghiJKL345',
    '00u-0123456789ab',
    '5f1b0c9e8a7d6c5b4a392817',
    'YhJq8xXlFkSl6r0RRgGr4Q==',
  ])('is an opaque id: %s', (id) => expect(isStable(id)).toBe(true));
  it.each(['ada', 'ada.lovelace@example.com', '12345', '00u', '00uada', 'E-00012', ''])('is no name and no number: %j', (id) => {
    expect([isStable(id), isStable(id, 'stable'), isStable('00u1abcDEF2ghiJKL345', 'unstable')]).toEqual([false, true, false]);
  });
});
