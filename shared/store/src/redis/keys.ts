import { createHash } from 'node:crypto';

/** Every name of a key is spelled here and nowhere else. */
export interface Keys {
  readonly prefix: string;
  readonly partitions: number;
  partitionOf(tenant: string): number;
  tenant(tenant: string): TenantKeys;
  partition(number: number): PartitionKeys;
  /** Record of one token, by the hash of the token. */
  token(hash: string): string;
  /** `run_id` of the server under which all tokens and settings were last rewritten from MongoDB; while it is another, an absent token proves nothing. */
  authLine(): string;
  sweeperLease(): string;
  /** Held by the process that makes room in Redis. */
  evictorLease(): string;
  /** Begins the counters of wrong tokens, one for each address. */
  signInFailures(): string;
  /** Begins the counters of access tokens given, one for each OAuth client. */
  accessTokensGiven(): string;
  /** There for as long as an operator's session would have lasted that was signed out of. */
  endedSession(session: string): string;
  /** What SCAN matches to find resources of any tenant, and whose a key that it found is. */
  anyResource(): string;
  resourceOf(key: string): { readonly tenant: string; readonly id: string } | undefined;
}

export interface TenantKeys {
  /** Whose keys these are. */
  readonly tenant: string;
  resource(id: string): string;
  head(): string;
  index(epoch: number): string;
  pending(): string;
  dead(): string;
  settings(): string;
  /** Unsettled changes of a group's members: member → `<version> <1 in, 0 out> <U, G or ?>`. */
  deltas(group: string): string;
  /** Changes of more than one script may take, made visible at once by the group's `stages`: member → `<1 or 0> <U, G or ?>`. */
  stage(group: string, stage: string): string;
  /** Groups (or `<group>/<stage>`) in which changes of this member may be unsettled: where to look, not what is so. */
  hints(member: string): string;
  /** What MongoDB has of a member's groups, for a while. */
  memberships(member: string): string;
  /** What was answered to a request that may come again, by the digest of its key: part → answer. */
  answers(request: string): string;
  /** Held by the process that carries out such a request. */
  underWay(request: string): string;
  /** Held by the worker that applies this tenant's batch. */
  lease(): string;
  /** Held by the process that loads the tenant's index. */
  loading(): string;
  /** What SCAN matches to find all of these. */
  all(): string;
  partition: PartitionKeys;
}

export interface PartitionKeys {
  readonly number: number;
  /** Tenants by the time of their oldest pending resource, µs. */
  pending(): string;
  /** Dead letters of the partition, `<tenant> <member>`, by time of death, µs. */
  dead(): string;
  history(): string;
}

/**
 * @param prefix namespace of one deployment, so that several (and tests) may share a server
 * @param partitions how many hash slots the tenants are spread over; fixed for the life of a deployment
 */
export function makeKeys(prefix: string, partitions: number): Keys {
  const partition = (number: number): PartitionKeys => {
    const tag = `${prefix}:{p${String(number).padStart(2, '0')}}`;
    return { number, pending: () => `${tag}:pending`, dead: () => `${tag}:dead`, history: () => `${tag}:history` };
  };
  const partitionOf = (tenant: string) => createHash('sha1').update(tenant).digest().readUInt32BE(0) % partitions;
  const known = new Map<string, TenantKeys>();
  const make = (tenant: string): TenantKeys => {
    const number = partitionOf(tenant);
    const base = `${prefix}:{p${String(number).padStart(2, '0')}}:${tenant}`;
    return {
      tenant,
      resource: (id) => `${base}:r:${id}`,
      head: () => `${base}:head`,
      index: (epoch) => `${base}:index:${epoch}`,
      pending: () => `${base}:pending`,
      dead: () => `${base}:dead`,
      settings: () => `${base}:settings`,
      deltas: (group) => `${base}:m:${group}`,
      stage: (group, stage) => `${base}:s:${group}:${stage}`,
      hints: (member) => `${base}:g:${member}`,
      memberships: (member) => `${base}:c:${member}`,
      answers: (request) => `${base}:a:${request}`,
      underWay: (request) => `${base}:b:${request}`,
      lease: () => `${base}:lease`,
      loading: () => `${base}:loading`,
      all: () => `${base}:*`,
      partition: partition(number),
    };
  };
  return {
    prefix,
    partitions,
    partitionOf,
    partition,
    tenant(tenant) {
      let keys = known.get(tenant);
      if (!keys) {
        if (known.size >= TENANT_KEYS_MAX) known.clear();
        keys = make(tenant);
        known.set(tenant, keys);
      }
      return keys;
    },
    token: (hash) => `${prefix}:{auth}:${hash}`,
    authLine: () => `${prefix}:{auth}:line`,
    sweeperLease: () => `${prefix}:{auth}:sweeper`,
    evictorLease: () => `${prefix}:{auth}:evictor`,
    signInFailures: () => `${prefix}:{auth}:failures`,
    accessTokensGiven: () => `${prefix}:{auth}:given`,
    endedSession: (session) => `${prefix}:{auth}:ended:${session}`,
    anyResource: () => `${prefix}:{p*}:*:r:*`,
    resourceOf(key) {
      const [, tenant, id] = RESOURCE.exec(key.slice(prefix.length)) ?? [];
      return tenant !== undefined && id !== undefined ? { tenant, id } : undefined;
    },
  };
}

const RESOURCE = /^:\{p\d+\}:([a-z0-9-]+):r:(.+)$/;
const TENANT_KEYS_MAX = 20_000;

/** A resource as the pending and dead sets name it: its type's letter, then its id. */
export const memberOf = (type: 'User' | 'Group', id: string): string => type[0] + id;
export const idOfMember = (member: string): string => member.slice(1);
export const typeOfMember = (member: string): 'User' | 'Group' => (member.startsWith('U') ? 'User' : 'Group');
