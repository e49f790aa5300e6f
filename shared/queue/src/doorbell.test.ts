import { applyJob, Doorbell, isOfResource } from './doorbell.js';

const ID = '0190163d-8694-739b-aea5-966c26f8ad91';
const leaver = { tenant: 'acme', type: 'User', id: ID, version: 2 ** 40 + 1, requestId: 'r' } as const;

describe('a doorbell', () => {
  it.each([{ tenant: 'acme' }, { tenant: '7' }, leaver])('is %p', (doorbell) => {
    expect(Doorbell.parse(doorbell)).toEqual(doorbell);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no tenant', {}],
    ['a tenant of another form', { tenant: 'Acme' }],
    ['a document', { tenant: 'acme', document: {} }],
    ['a leaver with a document', { ...leaver, document: {} }],
    ['half a leaver', { tenant: 'acme', id: ID }],
    ['no version', { ...leaver, version: 0 }],
    ['an id that is none', { ...leaver, id: 'x' }],
    ['another type', { ...leaver, type: 'Device' }],
  ])('is not %s', (_, data) => {
    expect(Doorbell.safeParse(data).success).toBe(false);
  });

  it('is of a resource, or of a tenant', () => {
    expect([isOfResource(leaver), isOfResource({ tenant: 'acme' })]).toEqual([true, false]);
  });
});

describe('the id of a job', () => {
  it.each<[Parameters<typeof applyJob.id>, string]>([
    [[{ tenant: 'acme' }, 4_294_967_297], 'acme_4294967297'],
    [[{ tenant: '7' }, 7], '7_7'],
    [[{ tenant: 'acme' }, 'sweep'], 'acme_sweep'],
    [[leaver, 'leaver'], `acme_${ID}_v1099511627777_leaver`],
  ])('of %p is %s', (args, id) => {
    expect(applyJob.id(...args)).toBe(id);
  });

  it('is one that BullMQ takes: no colon, and more than digits', () => {
    for (const tenant of ['a', '7', '0-0', 'a-b', '9'.repeat(63)]) {
      for (const doorbell of [{ tenant }, { ...leaver, tenant }]) expect(applyJob.id(doorbell, 1)).toMatch(/^(?!\d+$)[^:]+$/);
    }
  });
});
