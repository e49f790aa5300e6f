import { type MongoLink, onMongo, type StoredTenant } from '@rollcall/store';
import * as z from 'zod';

export const TenantId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit');

/** What requests read of a tenant. */
export interface TenantRecord {
  readonly id: string;
  readonly status: StoredTenant['status'];
  readonly source: StoredTenant['source'];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly revision: number;
}

/** Makes a tenant unless it is there. MongoDB is the record; `Records` carries it to Redis. @returns what is there now */
export async function ensureTenant(
  mongo: MongoLink,
  tenant: { readonly id: string; readonly name?: string },
  now: Date,
): Promise<TenantRecord> {
  const id = TenantId.parse(tenant.id);
  const stored = await onMongo(
    mongo.collection('tenants').findOneAndUpdate(
      { _id: id },
      {
        $setOnInsert: {
          ...(tenant.name === undefined ? {} : { name: tenant.name }),
          status: 'active',
          source: 'scim',
          settings: {},
          revision: 1,
          epoch: 0,
          createdAt: now,
        },
      },
      { upsert: true, returnDocument: 'after' },
    ),
  );
  return toRecord(stored!);
}

export const toRecord = ({ _id, status, source, settings, revision }: StoredTenant): TenantRecord => ({
  id: _id,
  status,
  source,
  settings,
  revision,
});
