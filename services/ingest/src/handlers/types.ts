import type { ResourceTypeDefinition, ResourceTypes } from '@rollcall/scim';
import type { Caller } from '../exchange.js';

export interface TypesDeps {
  /** The types of the caller's tenant, under the settings that the caller was judged by. */
  readonly types: (caller: Pick<Caller, 'tenant' | 'settings'>) => Promise<ResourceTypes>;
}

/** What is served to a caller, and so announced. */
export async function served({ types }: TypesDeps, caller: Caller): Promise<readonly ResourceTypeDefinition[]> {
  const { User, Group } = await types(caller);
  return [User, Group];
}
