import { CORE_TYPES, ENTERPRISE_URN, extendTypes, extensionsFromJson, ROLLCALL_USER_URN, USER_URN } from '@rollcall/scim';
import { RulesKeeper } from './rules.js';
import type { TenantRecord } from './tenants.js';
import { ExtensionsSetting, extensionsOf, makeTypesOf } from './types.js';

const BADGE = 'urn:example:badge';
const declared = (id = BADGE, name = 'level') => ({ User: [{ id, name: 'Badge', attributes: [{ name }] }], Group: [] });
const urns = (types: typeof CORE_TYPES) => types.User.extensions.map(({ schema: { id } }) => id);

describe('the types of a tenant', () => {
  const typesOf = makeTypesOf(CORE_TYPES);

  it('are those of the deployment, themselves, where its settings add nothing', () => {
    expect(typesOf({})).toBe(CORE_TYPES);
    expect(typesOf({ identityAttribute: 'email', recycledIdentity: 'refuse' })).toBe(CORE_TYPES);
  });

  it('have what it declares, and userPrincipalName where it goes by that, or went', () => {
    expect(urns(typesOf({ extensions: declared() }))).toEqual([ENTERPRISE_URN, BADGE]);
    const settings = { identityAttribute: 'userPrincipalName', extensions: declared() };
    expect(urns(typesOf(settings))).toEqual([ENTERPRISE_URN, ROLLCALL_USER_URN, BADGE]);
    expect(urns(typesOf({ identityAttribute: 'email', tookUserPrincipalName: true }))).toEqual([ENTERPRISE_URN, ROLLCALL_USER_URN]);
    expect(typesOf({ identityAttribute: 'userPrincipalName' })).toBe(typesOf({ identityAttribute: 'userPrincipalName' }));
  });

  it('go on where the deployment declares the same URN later: the deployment’s holds', () => {
    const deployment = extendTypes(CORE_TYPES, extensionsFromJson(declared(BADGE, 'number')));
    const { User } = makeTypesOf(deployment)({ extensions: declared(BADGE.toUpperCase()) });
    expect(User.extensions.map(({ schema: { id } }) => id)).toEqual([ENTERPRISE_URN, BADGE]);
    expect(User.byUrn.get(BADGE)?.byName.has('number')).toBe(true);
  });

  it('are none with a URN of the core', () => {
    expect(() => typesOf({ extensions: declared(USER_URN) })).toThrow('given twice');
  });
});

describe('a declaration', () => {
  it('is stored as it is declared, without what belongs to a schema as a resource', () => {
    const { User } = declared();
    const parsed = ExtensionsSetting.parse({ User: [{ ...User[0], schemas: ['x'], meta: {} }] });
    expect(parsed).toEqual(declared());
    expect(extensionsOf({ extensions: parsed }).User[0]?.byName.has('level')).toBe(true);
    expect(extensionsOf({})).toEqual({ User: [], Group: [] });
  });

  it('is bounded', () => {
    const of = (attributes: object[]) => ({ User: [{ id: BADGE, name: 'Badge', attributes }] });
    const many = (n: number) => Array.from({ length: n }, (_, at) => ({ name: `a${at}` }));
    expect(ExtensionsSetting.safeParse(of(many(100))).success).toBe(true);
    expect(ExtensionsSetting.safeParse(of(many(101))).success).toBe(false);
    expect(ExtensionsSetting.safeParse(of([{ name: 'a', type: 'complex', subAttributes: many(100) }])).success).toBe(false);
    expect(ExtensionsSetting.safeParse(of([{ name: 'a', description: 'x'.repeat(16_384) }])).success).toBe(false);
    const schemas = Array.from({ length: 11 }, (_, at) => ({ id: `${BADGE}:${at}`, name: 'B', attributes: [{ name: 'a' }] }));
    expect(ExtensionsSetting.safeParse({ User: schemas }).success).toBe(false);
  });
});

describe('the keeper of what tenants have settled', () => {
  const setUp = () => {
    const records = new Map<string, TenantRecord>();
    let asked = 0;
    const put = (id: string, revision: number, settings: TenantRecord['settings'] = {}) =>
      records.set(id, { id, revision, settings, status: 'active', source: 'scim' });
    const keeper = new RulesKeeper(
      {
        tenant: async (id) => {
          asked += 1;
          return records.get(id);
        },
      },
      CORE_TYPES,
    );
    return { keeper, put, asked: () => asked };
  };

  it('makes types and rules once for each revision, and asks for no record that it has', async () => {
    const { keeper, put, asked } = setUp();
    put('acme', 1, { extensions: declared() });
    const first = await keeper.of('acme', 1);
    expect(await keeper.of('acme', 1)).toBe(first);
    expect([await keeper.types('acme', 1), asked()]).toEqual([first?.types, 1]);
    expect((await keeper.now('acme'))?.types).toBe(first?.types);
    put('acme', 2);
    expect(await keeper.types('acme', 2)).toBe(CORE_TYPES);
  });

  it('keeps tenants apart, and has the deployment’s types for one that is gone', async () => {
    const { keeper, put } = setUp();
    put('acme', 1, { extensions: declared(), identityAttribute: 'userPrincipalName' });
    put('globex', 1);
    expect(urns(await keeper.typesNow('acme'))).toContain(BADGE);
    expect((await keeper.of('acme', 1))?.rules).toMatchObject({ identityAttribute: 'userPrincipalName', source: 'scim' });
    expect(urns(await keeper.typesNow('globex'))).not.toContain(BADGE);
    expect(await keeper.types('gone', 1)).toBe(CORE_TYPES);
    expect(await keeper.of('gone', 1)).toBeUndefined();
  });

  it('has mappings speak of the tenant’s own attributes', async () => {
    const { keeper, put } = setUp();
    const mappings = { rules: [{ name: 'r', filter: `${BADGE}:level eq "x" or userPrincipalName pr`, profile: 'p' }] };
    put('acme', 1, { extensions: declared(), identityAttribute: 'userPrincipalName', mappings });
    expect((await keeper.now('acme'))?.rules.mappings?.rules).toHaveLength(1);
    put('globex', 1, { mappings });
    await expect(keeper.now('globex')).rejects.toMatchObject({ scimType: 'invalidFilter' });
  });
});
