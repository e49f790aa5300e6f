// Resources as the client asked to see them, with what is computed: a user's groups, a group's members.
import { type ResourceTypeName, TransientError, type Versioned, withActive } from '@rollcall/directory';
import {
  CORE_TYPES,
  etag,
  isReturned,
  type JsonObject,
  listResponse,
  locationOf,
  project,
  type ResourceTypes,
  ScimError,
  type Selection,
  toResource,
} from '@rollcall/scim';
import { type GroupOfMember, groupElement, type Memberships, memberElement, type TenantView } from '@rollcall/store';
import type { RulesKeeper } from '@rollcall/tenancy';
import type { ScimRequest, ScimResponse } from '../exchange.js';

export interface ShowDeps {
  readonly memberships: Pick<Memberships, 'groupsOf' | 'indirectOf' | 'members' | 'hasMoreThan'>;
  readonly rules: Pick<RulesKeeper, 'of'>;
  /** Whether a person's `groups` shows those that their groups are in, too. */
  readonly showsIndirect: (view: TenantView) => Promise<boolean>;
}

interface Shown {
  readonly request: Pick<ScimRequest, 'baseUrl'>;
  /** The tenant's. */
  readonly types: ResourceTypes;
  readonly selection: Selection;
  /** Known without asking: a user who was just made, or came back. */
  readonly inNoGroup?: boolean;
  /** It answers a write that is committed. What is computed is left out where it can't be read now: a 503 would say that nothing was written. */
  readonly isCommitted?: boolean;
}

interface ShownList extends Shown {
  readonly total: number;
  readonly startIndex?: number;
  readonly cursors?: { readonly previousCursor?: string; readonly nextCursor?: string };
}

export interface Show {
  /** 200 or 201 with the resource, its ETag and, where it is new, its Location (RFC 7644 §3.3, §3.14). */
  resource(status: 200 | 201, view: TenantView, versioned: Versioned, shown: Shown): Promise<ScimResponse>;
  /** 204: it was done, and is too much to be shown. */
  nothing(view: TenantView, versioned: Versioned): ScimResponse;
  list(view: TenantView, resources: readonly Versioned[], shown: ShownList): Promise<ScimResponse>;
  /** Whether what would be shown holds parts that change without the version. */
  isComputed(type: ResourceTypeName, selection: Selection): boolean;
  /** A group of more members than a change is answered with, where nothing was said of what to show. */
  isLarge(view: TenantView, versioned: Versioned, selection: Selection): Promise<boolean>;
}

export function makeShow({ memberships, rules, showsIndirect }: ShowDeps): Show {
  return {
    async resource(status, view, versioned, shown) {
      const { resource, version } = versioned;
      const type = shown.types[resource.type];
      return {
        status,
        headers: {
          ETag: etag(version),
          ...(status === 201 ? { Location: locationOf(type, resource.id, shown.request.baseUrl) } : {}),
        },
        ...(await (shown.isCommitted ? whatCanBeShown(view, versioned, shown) : body(view, versioned, shown))),
        about: { tenant: view.tenant, id: resource.id, version },
      };
    },
    nothing: (view, { resource, version }) => ({
      status: 204,
      headers: { ETag: etag(version) },
      about: { tenant: view.tenant, id: resource.id, version },
    }),
    async list(view, resources, { request, types, selection, total, startIndex, cursors }) {
      const about = { tenant: view.tenant };
      const frame = {
        totalResults: total,
        ...(startIndex === undefined ? {} : { startIndex }),
        itemsPerPage: resources.length,
        ...cursors,
      };
      const users = resources.filter(({ resource }) => resource.type === 'User');
      const groups = users.length > 0 ? await groupsOf(view, users, selection) : undefined;
      const shown = (versioned: Versioned) => represent(types, versioned, request.baseUrl, selection, groups?.get(versioned.resource.id));
      const isOfMembers = users.length < resources.length && isReturned(CORE_TYPES.Group, selection, 'members');
      if (resources.length <= AT_ONCE_MAX && !isOfMembers) return { status: 200, body: listResponse(resources.map(shown), frame), about };
      const members = isOfMembers ? (group: Versioned) => withMembers(view, group, { request, types, selection }) : undefined;
      return { status: 200, stream: await begun(listed(resources, frame, shown, members)), about };
    },
    isComputed: (type, selection) => isReturned(CORE_TYPES[type], selection, type === 'User' ? 'groups' : 'members'),
    async isLarge(view, versioned, selection) {
      if (versioned.resource.type !== 'Group' || selection.attributes || selection.excludedAttributes) return false;
      // Asked after a commit: where nobody can tell, what can be shown is shown.
      const isBeyond = async () => {
        const { membersAnsweredMax = MEMBERS_ANSWERED_MAX } = (await rules.of(view.tenant, view.settings))?.rules ?? {};
        return memberships.hasMoreThan(view, versioned, membersAnsweredMax);
      };
      return isBeyond().catch(unlessTransient(false));
    },
  };

  async function whatCanBeShown(view: TenantView, versioned: Versioned, shown: Shown): Promise<Pick<ScimResponse, 'body' | 'stream'>> {
    const { request, types, selection } = shown;
    return body(view, versioned, shown).catch(unlessUnreadable({ body: represent(types, versioned, request.baseUrl, selection) }));
  }

  async function body(
    view: TenantView,
    versioned: Versioned,
    { request, types, selection, inNoGroup }: Shown,
  ): Promise<Pick<ScimResponse, 'body' | 'stream'>> {
    const { resource } = versioned;
    if (resource.type === 'User') {
      const groups = inNoGroup ? undefined : await groupsOf(view, [versioned], selection);
      return { body: represent(types, versioned, request.baseUrl, selection, groups?.get(resource.id)) };
    }
    if (!isReturned(CORE_TYPES.Group, selection, 'members')) return { body: represent(types, versioned, request.baseUrl, selection) };
    return { stream: await begun(withMembers(view, versioned, { request, types, selection })) };
  }

  async function groupsOf(view: TenantView, resources: readonly Versioned[], selection: Selection) {
    if (!isReturned(CORE_TYPES.User, selection, 'groups')) return undefined;
    const direct = await memberships.groupsOf(view, resources);
    if ([...direct.values()].every((groups) => groups.length === 0)) return direct;
    if (!(await showsIndirect(view))) return direct;
    const indirect = await memberships.indirectOf(view, direct);
    return new Map(
      [...direct].map(([id, groups]) => [id, [...groups, ...indirect.get(id)!.map((group) => ({ ...group, indirect: true }))]]),
    );
  }

  /** A group as text, its members read as they are sent: memory stays bounded at any size. */
  async function* withMembers(view: TenantView, group: Versioned, { request, types, selection }: Shown): AsyncGenerator<string> {
    const frame = JSON.stringify(represent(types, group, request.baseUrl, selection));
    let opened = false;
    yield frame.slice(0, -1);
    for await (const part of memberships.members(view, group)) {
      const members = project(types.Group, { members: part.map((member) => memberElement(member, request.baseUrl)) }, selection).members;
      if (!Array.isArray(members) || members.length === 0) continue;
      yield `${opened ? ',' : ',"members":['}${JSON.stringify(members).slice(1, -1)}`;
      opened = true;
    }
    yield opened ? ']}' : '}';
  }
}

/** A list as text, made as it is sent. @param members what shows a group with its members, where they are shown */
async function* listed(
  resources: readonly Versioned[],
  frame: Parameters<typeof listResponse>[1],
  shown: (versioned: Versioned) => JsonObject,
  members: ((group: Versioned) => AsyncGenerator<string>) | undefined,
): AsyncGenerator<string> {
  yield `${JSON.stringify({ ...listResponse([], frame), Resources: undefined }).slice(0, -1)},"Resources":[`;
  for (const [i, versioned] of resources.entries()) {
    if (i > 0) yield ',';
    if (versioned.resource.type === 'Group' && members) yield* members(versioned);
    else yield JSON.stringify(shown(versioned));
  }
  yield ']}';
}

/** Makes do with something else where what is needed is away; every other error stays one. */
const unlessTransient =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (error instanceof TransientError) return instead;
    throw error;
  };

/** The same where there is too much to look through. */
const unlessUnreadable =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (error instanceof ScimError && error.scimType === 'tooMany') return instead;
    return unlessTransient(instead)(error);
  };

/** A resource as the client asked to see it, without a group's members. */
function represent(
  types: ResourceTypes,
  versioned: Versioned,
  baseUrl: string,
  selection: Selection,
  groups: readonly ShownGroup[] = [],
): JsonObject {
  const { resource, version, modified_ms } = versioned;
  const type = types[resource.type];
  const attributes = withActive(resource);
  const whole = toResource(type, {
    id: resource.id,
    attributes:
      groups.length === 0
        ? attributes
        : { ...attributes, groups: groups.map((group) => groupElement(group, group.indirect ? 'indirect' : 'direct', baseUrl)) },
    version,
    created: resource.created,
    lastModified: new Date(modified_ms).toISOString(),
    baseUrl,
  });
  return project(type, whole, selection);
}

/** A group of a user: one that the user is a member of, or that such a group is in. */
type ShownGroup = GroupOfMember & { readonly indirect?: boolean };

const MEMBERS_ANSWERED_MAX = 1_000;
/** A list of more is made as it is sent: each of them may be as large as a body. */
const AT_ONCE_MAX = 10;

/** Begins to read before anything is answered: what goes wrong by then is an error like any other. */
async function begun(texts: AsyncGenerator<string>): Promise<AsyncIterable<string>> {
  const first: IteratorResult<string>[] = [await texts.next(), await texts.next()];
  const rest: AsyncIterator<string> = {
    next: async () => first.shift() ?? texts.next(),
    // Also where nobody has asked for the first of them: `texts` has begun, and holds what it reads from.
    return: () => texts.return(undefined),
  };
  return { [Symbol.asyncIterator]: () => rest };
}
