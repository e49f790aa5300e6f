import type { Versioned } from '@rollcall/directory';
import { GROUP, parseFilter, USER } from '@rollcall/scim';
import type { TenantView } from './continuity.js';
import { type MembershipFilterDeps, resolveMemberships } from './membership-filter.js';
import type { Memberships } from './memberships.js';

const BASE = 'https://scim.example.com/scim/v2';
type IdsOf = Parameters<Memberships['idsOf']>[2];

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
    showsIndirect: async () => false,
    memberships: {
      groupsWith: async () => [],
      hasAnyone: async () => {
        walked += 1;
        return false;
      },
      members: async function* () {
        walked += 1;
        yield [];
      },
      idsOf: async (_view: TenantView, { resource }: Versioned, { looks, into = new Set<string>() }: IdsOf) => {
        looks.begin();
        looks.spend(members);
        walked += 1;
        return into.add(`member of ${resource.id}`);
      },
    },
  };
  const resolve = (filter: string) => resolveMemberships(deps, view, { type: 'User', filter: parseFilter(USER, filter) }, BASE);
  const resolveGroups = (filter: string) => resolveMemberships(deps, view, { type: 'Group', filter: parseFilter(GROUP, filter) }, BASE);
  return { resolve, resolveGroups, walked: () => walked };
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
    expect(await resolve(terms(1))).toMatchObject({ kind: 'ids' });
    await expect(resolve(terms(100))).rejects.toMatchObject({ status: 400, scimType: 'tooMany' });
    expect(walked()).toBe(2);
  });

  // Groups without members cost nothing by members, and two hundred terms walked through all of them each.
  it.each(['resolve', 'resolveGroups'] as const)(
    'are 400 tooMany, too, where they look at more than 10,000 groups (%s)',
    async (resolve) => {
      const few = tenant(2_000, 0);
      const terms = Array.from({ length: 200 }, () => (resolve === 'resolve' ? 'groups pr' : 'members pr')).join(' or ');
      await expect(few[resolve](terms)).rejects.toMatchObject({ status: 400, scimType: 'tooMany' });
      expect(few.walked()).toBe(10_000);
    },
  );

  it('are 400 tooMany beyond 2,000 groups to look through, and not with as many', async () => {
    expect(await tenant(2_000, 1).resolve('groups pr')).toMatchObject({ kind: 'ids' });
    await expect(tenant(2_001, 1).resolve('groups pr')).rejects.toMatchObject({ status: 400, scimType: 'tooMany' });
    await expect(tenant(2_001, 1).resolve('groups.display eq "nobody"')).rejects.toMatchObject({ status: 400, scimType: 'tooMany' });
  });
});
