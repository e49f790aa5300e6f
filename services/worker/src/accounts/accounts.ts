import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  type Account,
  type AccountCommand,
  type Command,
  isExpected,
  isSeparate,
  type Resource,
  type Versioned,
} from '@rollcall/directory';
import { type JsonObject, type JsonValue, type ResourceTypes, ScimError, validateResource } from '@rollcall/scim';
import {
  fromStored,
  type GroupOfMember,
  idOfMember,
  type MongoLink,
  memberOf,
  type mongo,
  onMongo,
  onRedis,
  readUnsettled,
  type StoredResource,
  type TenantView,
  typeOfMember,
} from '@rollcall/store';
import { type DeploymentSecret, readUndecided, type UndecidedPerson } from '@rollcall/tenancy';
import { z } from 'zod';
import { known } from '../known.js';
import { type NewestChange, type ShownAccount, shown } from './account.js';
import { accountMatches, accountQuery, parseAccountFilter } from './account-filter.js';
import { type Asked, type CarryOutDeps, carryOut, type Outcome } from './carry-out.js';
import { forgetPerson } from './forget.js';

export interface AccountsDeps extends CarryOutDeps {
  readonly mongo: MongoLink;
  readonly secret: Pick<DeploymentSecret, 'get'>;
  readonly now: () => Date;
}

export interface AccountQuery {
  readonly filter?: string | undefined;
  readonly status?: 'active' | 'preserved' | undefined;
  readonly managedBy?: string | undefined;
  readonly profile?: string | undefined;
  /** Version at creation after which to go on. */
  readonly after?: number | undefined;
  readonly limit: number;
}

export interface NewAccount {
  readonly user: JsonValue;
  readonly managedBy?: 'manual' | 'directory' | undefined;
  readonly profile?: string | undefined;
  readonly storage?: { readonly region?: string; readonly quotaBytes?: number } | undefined;
  readonly origin?: 'manual' | 'import';
}

/** What administrators ask of accounts. Everything that changes one goes the same way as SCIM: one writer, versions, settle. */
export class Accounts {
  constructor(readonly deps: AccountsDeps) {}

  /** @throws ScimError 404 */
  async get(tenant: string, id: string): Promise<ShownAccount> {
    const found = await this.#found(tenant, id);
    return shown(found, await this.types(tenant));
  }

  /** Whether MongoDB has the newest version of an account, and since when. @throws TransientError while Redis is away */
  async newestChange(tenant: string, id: string): Promise<NewestChange> {
    const { reader, mongo } = this.deps;
    const { keys } = await reader.view(tenant, 'read');
    const { redis } = reader.continuity.redis;
    const member = memberOf('User', id);
    const [[version, settled, dead, died, cause], accepted_us] = await Promise.all([
      onRedis(redis.hmget(keys.resource(id), 'version', 'settled', 'dead', 'died', 'cause')),
      onRedis(redis.zscore(keys.pending(), member)),
    ]);
    if (version && dead === version && settled !== version) return { state: 'dead', ...since(Number(died)), ...causeOf(cause) };
    if (version && settled !== version) return { state: 'pending', ...since(Number(accepted_us)) };
    const stored = await known(QUERY_TIME_MS, () =>
      onMongo(mongo.collection('accounts').findOne({ _id: id, tenant }, { projection: { applied: 1 }, maxTimeMS: QUERY_TIME_MS })),
    );
    return { state: 'applied', ...(stored?.applied ? { since: stored.applied.toISOString() } : {}) };
  }

  /** The resource types of a tenant, as they are now. @throws TransientError where nobody can tell */
  async types(tenant: string): Promise<ResourceTypes> {
    return this.deps.rules.typesNow(tenant);
  }

  /** A page as it is shown, see `page`. */
  async list(tenant: string, query: AccountQuery): Promise<{ items: ShownAccount[]; after?: number }> {
    const types = await this.types(tenant);
    const { items, after } = await this.page(tenant, query, types);
    return { items: items.map((each) => shown(each, types)), ...(after === undefined ? {} : { after }) };
  }

  /**
   * A page in the order of creation, deleted and preserved accounts included, each in its newest accepted version.
   * @throws ScimError invalidFilter; TransientError while MongoDB is away
   */
  async page(tenant: string, query: AccountQuery, known?: ResourceTypes): Promise<{ items: Versioned[]; after?: number }> {
    const { reader, mongo } = this.deps;
    const view = await reader.view(tenant, 'read');
    const types = known ?? (await this.types(tenant));
    const filter = query.filter === undefined ? undefined : parseAccountFilter(query.filter, types);
    const fits = ({ resource, ...rest }: Versioned): boolean => {
      const { account } = resource;
      if (account.purged) return false;
      if (query.status !== undefined && (account.preservedBy.length === 0) !== (query.status === 'active')) return false;
      if (query.managedBy !== undefined && account.managedBy !== query.managedBy) return false;
      if (query.profile !== undefined && account.profile !== query.profile) return false;
      return !filter || accountMatches(filter, { resource, ...rest }, types);
    };
    // What MongoDB may not have yet is read first, and laid over, as in every list.
    const overlay = await this.#unsettled(view);
    const selection: mongo.Filter<StoredResource> = {
      tenant,
      _id: { $nin: [...overlay.keys()] },
      'account.purged': { $ne: true },
      ...(query.after === undefined ? {} : { born: { $gt: query.after } }),
      ...(query.status === undefined ? {} : { 'account.preservedBy.0': { $exists: query.status === 'preserved' } }),
      ...(query.managedBy === undefined ? {} : { 'account.managedBy': query.managedBy }),
      ...(query.profile === undefined ? {} : { 'account.profile': query.profile }),
      ...(filter ? { $and: [accountQuery(filter) as mongo.Filter<StoredResource>] } : {}),
    };
    const stored = await onMongo(
      mongo
        .collection('accounts')
        .find(selection, { maxTimeMS: QUERY_TIME_MS })
        .sort({ born: 1 })
        .limit(query.limit + 1)
        .toArray(),
    );
    const laid = [...overlay.values()].filter((one) => one.born > (query.after ?? -1) && fits(one));
    const all = [...stored.map(fromStored), ...laid].sort((a, b) => a.born - b.born);
    const page = all.slice(0, query.limit);
    return { items: page, ...(all.length > query.limit ? { after: page.at(-1)!.born } : {}) };
  }

  /**
   * How many accounts there are of a kind, preserved and deleted ones included, whether or not MongoDB has them yet, and the ids of a few.
   * @param query asks MongoDB for what `is` says. @throws TransientError while a store is away
   */
  async like(
    tenant: string,
    query: mongo.Filter<StoredResource>,
    is: (account: Account) => boolean,
    examplesMax: number,
  ): Promise<{ readonly count: number; readonly examples: readonly string[] }> {
    const overlay = await this.#unsettled(await this.deps.reader.view(tenant, 'read'));
    const laid = [...overlay.values()].filter(({ resource: { account } }) => is(account) && !account.purged);
    const selection: mongo.Filter<StoredResource> = {
      $and: [query],
      tenant,
      'account.purged': { $ne: true },
      _id: { $nin: [...overlay.keys()] },
    };
    const collection = this.deps.mongo.collection('accounts');
    const [count, some] = await Promise.all([
      onMongo(collection.countDocuments(selection)),
      onMongo(
        collection
          .find(selection, { projection: { _id: 1 } })
          .limit(examplesMax)
          .toArray(),
      ),
    ]);
    const ids = [...laid.map(({ resource }) => resource.id), ...some.map(({ _id }) => _id)];
    return { count: count + laid.length, examples: ids.slice(0, examplesMax) };
  }

  /** Whom the identity provider wants in, and of whom nobody has said yet which account is theirs; the newest first. @throws TransientError */
  async undecided(tenant: string): Promise<UndecidedPerson[]> {
    const { reader, mongo } = this.deps;
    const noted = await readUndecided(mongo, tenant);
    const found = await reader.resources(await reader.view(tenant, 'read'), [...new Set(noted.flatMap(({ accounts }) => accounts))]);
    return noted.filter(({ reason, accounts, userName, externalId }) => {
      const person = { userName, ...(externalId === undefined ? {} : { externalId }) };
      return accounts.every((id) => isOpen(reason, found.get(id)?.resource, person));
    });
  }

  /** The groups of each of these, by id. @throws TransientError while a store is away */
  async groupsOf(tenant: string, people: readonly Versioned[]): Promise<Map<string, GroupOfMember[]>> {
    return this.deps.memberships.groupsOf(await this.deps.reader.view(tenant, 'read'), people);
  }

  /** Makes an account by hand, or by import. @throws ScimError 400, 409 */
  async make(
    tenant: string,
    { user, managedBy = 'manual', origin = 'manual', profile, storage }: NewAccount,
    asked: Asked,
  ): Promise<ShownAccount> {
    const already = async () => {
      const made = asked.newId === undefined ? undefined : await this.#known(tenant, asked.newId);
      return made && shown(made, await this.types(tenant));
    };
    // A line of an import that was done before is done, whatever became of the account since.
    const before = await already();
    if (before) return before;
    const command = ({ User }: ResourceTypes): Command => ({
      kind: 'make',
      type: 'User',
      attributes: validateResource(User, user, { purpose: 'create' }).attributes,
      origin: managedBy === 'directory' ? 'directory' : origin,
      ...(profile === undefined ? {} : { profile }),
      ...(storage === undefined ? {} : { storage }),
    });
    try {
      const { versioned, types } = await carryOut(this.deps, tenant, command, asked);
      return shown(versioned, types);
    } catch (error) {
      // Who holds the name may be the account itself: whoever had the lease before has made it meanwhile.
      const made = error instanceof ScimError ? await already() : undefined;
      if (made) return made;
      throw error;
    }
  }

  /** Everything else that is asked of one account. @throws ScimError 404, 409, 412 */
  async run(tenant: string, command: Exclude<AccountCommand, { kind: 'make' | 'purge' }>, asked: Asked): Promise<ShownAccount> {
    const { versioned, types } = await carryOut(this.deps, tenant, () => command, asked);
    return shown(versioned, types);
  }

  /** The word that confirms a purge of this account as it is now. @throws ScimError 404 */
  async askToPurge(tenant: string, id: string): Promise<string> {
    return this.#word(tenant, await this.#found(tenant, id));
  }

  /** Takes away everything of the person. @throws ScimError 409 for another word: the account has changed since, or is not the one */
  async purge(tenant: string, id: string, confirm: string, asked: Asked): Promise<Outcome> {
    const found = await this.#found(tenant, id);
    const word = await this.#word(tenant, found);
    const [given, wanted] = [Buffer.from(confirm), Buffer.from(word)];
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new ScimError(409, undefined, 'confirm: not the word for this account as it is now; ask for it again by DELETE');
    }
    await forgetPerson(this.deps.mongo, tenant, found.resource, asked.now);
    return carryOut(this.deps, tenant, () => ({ kind: 'purge', type: 'User', id }), asked);
  }

  async #known(tenant: string, id: string): Promise<Versioned | undefined> {
    return this.deps.reader.resource(await this.deps.reader.view(tenant, 'read'), id);
  }

  /** People of whom MongoDB may not have the newest version yet. */
  async #unsettled(view: TenantView): Promise<Map<string, Versioned>> {
    const { reader } = this.deps;
    const unsettled = (await readUnsettled(reader.continuity.redis.redis, view.keys)).filter((member) => typeOfMember(member) === 'User');
    return reader.resources(view, unsettled.map(idOfMember));
  }

  async #found(tenant: string, id: string): Promise<Versioned> {
    const found = await this.#known(tenant, id);
    if (found?.resource.type !== 'User' || found.resource.account.purged) throw new ScimError(404, undefined, `account ${id} not found`);
    return found;
  }

  async #word(tenant: string, { resource, version }: Versioned): Promise<string> {
    return createHmac('sha256', await this.deps.secret.get())
      .update(`purge ${tenant} ${resource.id} ${version}`)
      .digest('base64url');
  }
}

/** A time of Redis, µs; nothing where there is none. */
const since = (at_us: number): { readonly since?: string } => (at_us > 0 ? { since: new Date(at_us / 1_000).toISOString() } : {});

const StoredCause = z.object({ reason: z.string() });
function causeOf(stored: string | null | undefined): { readonly cause?: string } {
  return stored ? { cause: StoredCause.parse(JSON.parse(stored)).reason } : {};
}

/** Whether nobody has said yet whether an account is this person's, and it may still be. */
function isOpen(reason: UndecidedPerson['reason'], resource: Resource | undefined, person: JsonObject): boolean {
  if (!resource || resource.account.purged || isExpected(resource, person) || isSeparate(resource, person)) return false;
  if (reason === 'revived') return resource.attributes.externalId === person.externalId;
  return resource.deleted || resource.account.managedBy !== 'scim' || reason === 'separated';
}

const QUERY_TIME_MS = 5_000;
