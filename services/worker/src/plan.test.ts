import fc from 'fast-check';
import { acknowledged, type BulkOutcome, findings, judge } from './plan.js';
import type { Refusal } from './refusal.js';

const outcome = (more: Partial<BulkOutcome>): BulkOutcome => ({
  inserts: new Set(),
  inserted: 0,
  matched: 0,
  modified: 0,
  upserted: new Set(),
  refused: new Map(),
  ...more,
});
const TAKEN: Refusal = { kind: 'nameTaken' };
const kinds = (count: number, more: Partial<BulkOutcome>) => findings(count, outcome(more)).map(({ kind }) => kind);

const ALLOWED = {
  inserted: ['written'],
  upserted: ['written'],
  changed: ['written', 'unsure'],
  kept: ['unsure'],
  insertRefused: ['nameTaken'],
  updateRefused: ['nameTaken'],
};

describe('what a bulk write says of each document', () => {
  it('takes all as written where as many were changed as matched', () => {
    expect(kinds(3, { matched: 2, modified: 2, upserted: new Set([1]) })).toEqual(['written', 'written', 'written']);
  });

  it('is unsure of all updates where one was kept as it was, as nobody says which', () => {
    const more = { inserts: new Set([0]), inserted: 1, matched: 2, modified: 1, upserted: new Set([3]) };
    expect(kinds(4, more)).toEqual(['written', 'unsure', 'unsure', 'written']);
  });

  it('gives each refusal to its document, and the others their due', () => {
    expect(kinds(3, { matched: 2, modified: 2, refused: new Map([[1, TAKEN]]) })).toEqual(['written', 'nameTaken', 'written']);
  });

  // The driver gives the error of a whole command as one of the first document: the others were never tried.
  it('is unsure of what was not counted at all', () => {
    expect(kinds(3, { refused: new Map([[0, TAKEN]]) })).toEqual(['nameTaken', 'unsure', 'unsure']);
  });

  it('takes as written only what was, whatever befell the others', () => {
    const truth = fc.array(fc.constantFrom(...(Object.keys(ALLOWED) as (keyof typeof ALLOWED)[])), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(truth, (all) => {
        const count = (...of: string[]) => all.filter((each) => of.includes(each)).length;
        const where = (...of: string[]) => all.flatMap((each, index) => (of.includes(each) ? [index] : []));
        const found = kinds(all.length, {
          inserts: new Set(where('inserted', 'insertRefused')),
          inserted: count('inserted'),
          matched: count('changed', 'kept'),
          modified: count('changed'),
          upserted: new Set(where('upserted')),
          refused: new Map(where('insertRefused', 'updateRefused').map((index) => [index, TAKEN])),
        });
        for (const [index, each] of all.entries()) {
          const allowed = ALLOWED[each];
          expect(allowed).toContain(found[index]);
        }
      }),
    );
  });
});

describe('what was read back', () => {
  const tried = { version: 7, stamp: 'ours' };
  it.each([
    ['is ours', { version: 7, stamp: 'ours' }, 'written'],
    ['is newer', { version: 8, stamp: 'theirs' }, 'superseded'],
    ['has our version and another stamp: Redis has given the number twice', { version: 7, stamp: 'theirs' }, 'foreign'],
    ['is older than what was acknowledged', { version: 6, stamp: 'theirs' }, 'unknown'],
    ['is not there', undefined, 'unknown'],
  ])('%s', (_, there, kind) => {
    expect(acknowledged(tried, there).kind).toBe(kind);
  });
});

describe('a name that MongoDB refuses', () => {
  const conflict = { id: 'self', name: 'ada', tried: 5, own: 5, holder: { id: 'other', version: 3 } };
  const now = (version: number, name: string | undefined, pending = true) => ({ version, pending, name });
  it.each([
    ['nobody holds it any more', { ...conflict, holder: undefined }, 'again'],
    ['it holds it itself', { ...conflict, holder: { id: 'self', version: 3 } }, 'again'],
    ['its holder is about to take another', { ...conflict, holderNow: now(4, 'eve') }, 'park'],
    ['its holder is deleted, and not yet in MongoDB', { ...conflict, holderNow: now(4, undefined) }, 'park'],
    ['its holder has let go in MongoDB meanwhile', { ...conflict, holderNow: now(4, 'eve', false) }, 'again'],
    ['its holder keeps it, but the resource has a newer state', { ...conflict, own: 6, holderNow: now(4, 'ada') }, 'newer'],
    ['its holder keeps it', { ...conflict, holderNow: now(4, 'ada') }, 'refused'],
    ['its holder has nothing newer', { ...conflict, holderNow: now(3, 'ada', false) }, 'refused'],
    ['Redis does not know its holder', conflict, 'refused'],
  ])('%s', (_, given, verdict) => {
    expect(judge(given)).toBe(verdict);
  });
});
