// /admin/v1/tenants/{tenant}/extensions: attributes of the tenant's own (RFC 7643 §7).
import { type Extensions, extensionsFromJson, isObject, type JsonValue, type Narrowed, narrowed } from '@rollcall/scim';
import { collectionOf, idOfMember, onMongo, readUnsettled, type StoredTenant, storedPath, typeOfMember } from '@rollcall/store';
import { changeTenant, declaredBy, ExtensionsSetting, extensionsOf, MappingsSetting } from '@rollcall/tenancy';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.js';
import { Problem } from '../problem.js';
import { type AdminDeps, contextOf, standingTenantOf, tenantOf } from './context.js';
import { wrongFilter } from './mappings.js';
import { type AdminRoute, route } from './route.js';

export interface ExtensionRouteDeps extends AdminDeps {
  readonly accounts: Accounts;
}

type Settings = StoredTenant['settings'];

export function extensionRoutes(deps: ExtensionRouteDeps): AdminRoute[] {
  const { mongo, records } = deps;
  const { reader, rules } = deps.accounts.deps;

  /** @param isStill whether the tenant is as it was judged */
  const change = async (
    request: Parameters<typeof contextOf>[1],
    tenant: string,
    extensions: ExtensionsSetting,
    isStill: (current: StoredTenant) => boolean,
  ) => {
    const stored = await changeTenant(contextOf(deps, request), tenant, 'extensions.put', (current) => {
      if (!isStill(current)) throw changedMeanwhile();
      return same(declaredIn(current.settings), extensions) ? undefined : { $set: { settings: { ...current.settings, extensions } } };
    });
    if (!stored) throw changedMeanwhile();
    await records.carryTenant(stored);
  };

  /** One value that a declaration would not be true of any more, applied or not. */
  async function someValue(tenant: string, gone: readonly Narrowed[]): Promise<(Narrowed & { readonly id: string }) | undefined> {
    if (gone.length === 0) return undefined;
    // What MongoDB may not have yet is read first.
    const view = await reader.view(tenant, 'read');
    const unsettled = await readUnsettled(reader.continuity.redis.redis, view.keys);
    for (const one of gone) {
      const ids = unsettled.filter((member) => typeOfMember(member) === one.type).map(idOfMember);
      for (const { resource } of (await reader.resources(view, ids)).values()) {
        const extension = resource.attributes[one.urn];
        if (isObject(extension) && (one.attribute === undefined || extension[one.attribute] !== undefined))
          return { ...one, id: resource.id };
      }
      const selection = { tenant, [storedPath(one.urn, one.attribute)]: { $exists: true }, _id: { $nin: ids } };
      const found = await onMongo(mongo.collection(collectionOf(one.type)).findOne(selection, { projection: { _id: 1 } }));
      if (found) return { ...one, id: found._id };
    }
    return undefined;
  }

  async function checkUnused(tenant: string, gone: readonly Narrowed[]): Promise<void> {
    const used = await someValue(tenant, gone);
    if (used)
      throw new Problem(409, `#/${used.type}: ${used.what}, but ${used.type} ${used.id} has a value there; take such values away first`);
  }

  return [
    route({
      method: 'GET',
      path: '/tenants/{tenant}/extensions',
      summary: 'Shows the extension schemas that the tenant declares, by resource type',
      answers: { 200: Form },
      handle: async (request) => ({ status: 200, body: declaredIn((await tenantOf(deps, request)).settings) }),
    }),
    route({
      method: 'PUT',
      path: '/tenants/{tenant}/extensions',
      summary:
        'Declares extension schemas (RFC 7643 §7) for this tenant alone, in place of those before. What is added holds at once; what is taken away must have no values: 409',
      body: ExtensionsSetting,
      answers: { 200: Form },
      handle: async (request) => {
        const tenant = await standingTenantOf(deps, request);
        const declared = parsed(request.body);
        for (const type of ['User', 'Group'] as const) {
          const known = declared[type].find(({ id }) => declaredBy(rules.deployment, type, id));
          if (known) throw new Problem(409, `#/${type}: ${known.id} is there for all tenants already; take another URN`);
        }
        checkMappings({ ...tenant.settings, extensions: request.body });
        const gone = narrowed(extensionsOf(tenant.settings), declared);
        await checkUnused(tenant._id, gone);
        await change(request, tenant._id, request.body, ({ revision }) => revision === tenant.revision);
        try {
          // From here on no such value is accepted; one that was, in between, brings the declaration back.
          await checkUnused(tenant._id, gone);
        } catch (error) {
          await change(request, tenant._id, declaredIn(tenant.settings), ({ settings }) => same(declaredIn(settings), request.body));
          throw error;
        }
        return { status: 200, body: request.body };
      },
    }),
  ];

  /** Rules must still be understood. @throws Problem 400 for a schema that is none, 409 that names the rule */
  function checkMappings(settings: Settings): void {
    const { User } = typesBy(settings);
    for (const rule of MappingsSetting.parse(settings.mappings ?? {}).rules) {
      const wrong = wrongFilter(rule.filter, User);
      if (wrong !== undefined)
        throw new Problem(409, `the mapping ${JSON.stringify(rule.name)} would not be understood any more: ${wrong}`);
    }
  }

  function typesBy(settings: Settings) {
    try {
      return rules.typesOf(settings);
    } catch (error) {
      throw new Problem(400, (error as Error).message, {}, { cause: error });
    }
  }
}

const Form = z.object({ User: z.array(z.looseObject({ id: z.string() })), Group: z.array(z.looseObject({ id: z.string() })) });

const declaredIn = ({ extensions }: Settings): ExtensionsSetting => ExtensionsSetting.parse(extensions ?? {});

const same = (a: ExtensionsSetting, b: ExtensionsSetting): boolean => JSON.stringify(a) === JSON.stringify(b);
const changedMeanwhile = () => new Problem(409, 'the tenant was changed meanwhile; try again');

/** @throws Problem 400 */
function parsed(extensions: ExtensionsSetting): Extensions {
  try {
    return extensionsFromJson(extensions as JsonValue);
  } catch (error) {
    throw new Problem(400, (error as Error).message, {}, { cause: error });
  }
}
