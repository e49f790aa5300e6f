// Who may sign in to the operations port: the first operator by the settings, the others as they were made.

import type { MongoLink } from '@rollcall/store';
import { operatorById, operatorByToken } from '@rollcall/tenancy';

export type Role = 'viewer' | 'operator';

export interface Operator {
  /** `operator` for the first one, `operator:<id>` for the others: as the history and the audit trail name them. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

/** The one whose token is in the settings. */
export const FIRST_OPERATOR: Operator = { id: 'operator', name: 'ROLLCALL_OPERATOR_TOKEN', role: 'operator' };

/** Before the id of an operator that was made by the admin API, in the history and the audit trail. */
export const OPERATOR_PREFIX = 'operator:';

/** Those that were made by the admin API. Both reject with TransientError where nobody can tell. */
export interface OperatorDirectory {
  byToken(token: string): Promise<Operator | undefined>;
  /** By `Operator.id`. */
  byId(id: string): Promise<Operator | undefined>;
}

export const noOperators: OperatorDirectory = { byToken: async () => undefined, byId: async () => undefined };

/** Asked each time, so that one who is removed is out at once. */
export function operatorsOf(mongo: MongoLink): OperatorDirectory {
  const shown = (stored: { _id: string; name: string; role: Role } | undefined): Operator | undefined =>
    stored && { id: `${OPERATOR_PREFIX}${stored._id}`, name: stored.name, role: stored.role };
  return {
    byToken: async (token) => (token.startsWith('rco_') ? shown(await operatorByToken(mongo, token)) : undefined),
    byId: async (id) => (id.startsWith(OPERATOR_PREFIX) ? shown(await operatorById(mongo, id.slice(OPERATOR_PREFIX.length))) : undefined),
  };
}
