import { refusalOf } from './refusal.js';

const dup = (index: string) => ({
  code: 11000,
  message: `E11000 duplicate key error collection: rollcall.accounts index: ${index} dup key: { nameKey: "a index: _id_ dup key" }`,
});

describe('what a refusal means', () => {
  it.each([
    ['a name that is taken', dup('tenant_1_nameKey_1'), 'nameTaken'],
    ['a document that is there', dup('_id_'), 'exists'],
    ['a unique index that is none of ours', dup('custom'), 'permanent'],
    ['a validator', { code: 121, message: 'Document failed validation' }, 'permanent'],
    ['too large a document', { code: 10334 }, 'permanent'],
    ['too large a document, after the update', { code: 17419 }, 'permanent'],
    ['what the driver can not write', { name: 'BSONError' }, 'permanent'],
    ['a primary that steps down', { code: 189 }, 'transient'],
    ['a write conflict', { code: 112 }, 'transient'],
    ['missing rights, as no document is to blame', { code: 13 }, 'transient'],
    ['a full disk', { code: 14031 }, 'transient'],
    ['a code that nobody knows', { code: 4711 }, 'unknown'],
    ['an error that is none of MongoDB', { name: 'TypeError' }, 'unknown'],
  ])('%s', (_, error, kind) => {
    expect(refusalOf(error).kind).toBe(kind);
  });

  it('tells nothing of the person', () => {
    expect(JSON.stringify(refusalOf(dup('custom')))).not.toContain('nameKey');
  });
});
