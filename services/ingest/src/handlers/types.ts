import type { ResourceTypeDefinition, ResourceTypes } from '@rollcall/scim';

export interface TypesDeps {
  /** What the deployment serves. */
  readonly types: ResourceTypes;
}

/** What is served, and so announced. */
export const served = ({ types }: TypesDeps): readonly ResourceTypeDefinition[] => [types.User, types.Group];
