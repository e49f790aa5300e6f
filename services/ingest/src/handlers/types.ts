import { GROUP, type ResourceTypeDefinition, USER } from '@rollcall/scim';

/** What is served, and so announced. */
export const RESOURCE_TYPES: readonly ResourceTypeDefinition[] = [USER, GROUP];
