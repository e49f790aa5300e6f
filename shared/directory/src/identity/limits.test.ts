import type { Command } from '../command.js';
import { CANDIDATES_MAX, decide, type Entry, type State } from '../decide.js';
import type { IndexField } from '../index-fields.js';
import type { Versioned } from '../resource.js';
import { create, Model, manual, NOW } from '../testing.js';

const MANY = CANDIDATES_MAX + 50;
let model: Model;
beforeEach(() => {
  model = new Model();
});

/** Decides as the store does, and counts the resources that are read. */
function reading(command: Command) {
  const entries = new Map<IndexField, Entry>();
  const others = new Map<string, Versioned | null>();
  const state: State = { entries, others, complete: true };
  for (;;) {
    const decision = decide(state, command, { id: 'new', now: NOW });
    if (decision.kind !== 'look') return { decision, read: others.size };
    for (const field of decision.entries) {
      const raw = model.index.get(field) ?? '';
      entries.set(field, { raw, ids: raw === '' ? [] : raw.split(' ') });
    }
    for (const id of decision.others) others.set(id, model.states.get(id) ?? null);
  }
}
const put = (count: number, more: (at: number) => ReturnType<typeof manual>) => {
  for (let at = 0; at < count; at += 1) model.put(more(at));
};

// An address of thousands (a kiosk, a department) cost each POST as many readings.
it('an address of more accounts than one request reads tells nothing, and none of them is read', () => {
  put(MANY, (at) => manual(`m${at}`, `user${at}`, { email: 'kiosk@x' }, { managedBy: 'scim' }));
  model.put({ ...manual('gone', 'gone', { email: 'kiosk@x' }, { managedBy: 'scim' }), deleted: true });
  expect(reading(create('next', { email: 'kiosk@x' }))).toMatchObject({ decision: { kind: 'accept', operation: 'create' }, read: 0 });
  // The name still tells.
  expect(reading(create('gone', { email: 'kiosk@x' }))).toMatchObject({ decision: { operation: 'revive', next: { id: 'gone' } }, read: 1 });
});

it('more deleted accounts of one userName than one request reads are 409, for an administrator to decide', () => {
  put(MANY, (at) => ({ ...manual(`m${at}`, 'smith', {}, { managedBy: 'scim' }), deleted: true }));
  const { decision, read } = reading(create('smith', { email: 'new@x' }));
  expect(decision).toMatchObject({ kind: 'refuse', error: { status: 409, cause: { reason: 'ambiguous' } } });
  expect(read).toBeLessThanOrEqual(CANDIDATES_MAX);
});

it('more held accounts of one address than one request reads keep out also who is told apart from those that are read', () => {
  const separate = [{ userName: 'next' }];
  put(MANY, (at) => manual(`m${at}`, `user${at}`, { email: 'kiosk@x' }, { managedBy: 'scim', preservedBy: ['administrator'], separate }));
  const { decision, read } = reading(create('next', { email: 'kiosk@x' }));
  expect(decision).toMatchObject({ kind: 'refuse', error: { status: 403 } });
  expect(read).toBeLessThanOrEqual(CANDIDATES_MAX);
});

it('an account is told apart from at most 100 people; the same again is no other', () => {
  model.put(manual('m', 'ada'));
  const separate = (externalId: string) => model.run({ kind: 'separate', type: 'User', id: 'm', externalId });
  for (let at = 0; at < 100; at += 1) expect(separate(`e${at}`).kind).toBe('accept');
  expect([separate('e7').kind, separate('one more')]).toMatchObject(['unchanged', { kind: 'refuse', error: { status: 409 } }]);
});
