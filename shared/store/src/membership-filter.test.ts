import type { Versioned } from '@rollcall/directory';
import { parseFilter, USER } from '@rollcall/scim';
import type { TenantView } from './continuity.js';
import { type MembershipFilterDeps, resolveMemberships } from './membership-filter.js';
import type { Looks } from './memberships.js';

const view = {} as TenantView;
const group = (id: string): Versioned => ({
  resource: {
    ...{ type: 'Group', id, created: '', deleted: false, attributes: { displayName: id } },
    account: { preservedBy: [], origin: 'scim', managedBy: 'scim' },
  },
  ...{ version: 1, born: 1, modified_ms: 0 },
});

/** A tenant with so many groups of so many members each; tells how many were looked through. */
function tenant(groups: number, members: number) {
  let walked = 0;
  const deps: MembershipFilterDeps = {
    reader: { resource: async (_, id) => group(id) },
    lister: {
      page: async (_, { skip = 0, limit }) => ({
        total: groups,
        resources: Array.from({ length: Math.max(0, Math.min(limit, groups - skip)) }, (_, at) => group(`g${skip + at}`)),
      }),
    },
    memberships: {
      groupsWith: async () => [],
      members: async function* () {},
      idsOf: async (_view: TenantView, { resource }: Versioned, looks: Looks, into = new Set<string>()) => {
        looks.spend(members);
        walked += 1;
        return into.add(`member of ${resource.id}`);
      },
    },
  };
  const resolve = (filter: string) => resolveMemberships(deps, view, 'User', parseFilter(USER, filter));
  return { resolve, walked: () => walked };
}

describe('filters on memberships', () => {
  it('put the members of the groups in their place', async () => {
    const { resolve } = tenant(2, 1);
    expect(await resolve('groups.value eq "a" and not (groups[display eq "G1"])')).toEqual({
      kind: 'and',
      filters: [
        { kind: 'ids', ids: new Set(['member of a']) },
        { kind: 'not', filter: { kind: 'ids', ids: new Set(['member of g1']) } },
      ],
    });
  });

  // A hundred times the same large group took minutes and gigabytes.
  it('are 400 tooMany, as soon as all their terms together look through more than 200,000 members', async () => {
    const { resolve, walked } = tenant(0, 100_000);
    const terms = (count: number) => Array.from({ length: count }, () => 'groups.value eq "a"').join(' and ');
    expect(await resolve(terms(2))).toMatchObject({ kind: 'and' });
    await expect(resolve(terms(100))).rejects.toMatchObject({ status: 400, scimType: 'tooMany' });
    expect(walked()).toBe(4);
  });

  it('are 400 tooMany beyond 2,000 groups to look through, and not with as many', async () => {
    expect(await tenant(2_000, 1).resolve('groups pr')).toMatchObject({ kind: 'ids' });
    await expect(tenant(2_001, 1).resolve('groups pr')).rejects.toMatchObject({ status: 400, scimType: 'tooMany' });
    await expect(tenant(2_001, 1).resolve('groups.display eq "nobody"')).rejects.toMatchObject({ status: 400, scimType: 'tooMany' });
  });
});
