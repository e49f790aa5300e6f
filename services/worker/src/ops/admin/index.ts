// Every route of /admin/v1, by subject.
import type { Reader } from '@rollcall/store';
import { auditRoutes } from './audit.js';
import { clientRoutes } from './clients.js';
import type { AdminDeps } from './context.js';
import { doctorRoutes } from './doctor.js';
import { operatorRoutes } from './operators.js';
import type { AdminRoute } from './route.js';
import { statusRoutes } from './status.js';
import { tenantRoutes } from './tenants.js';
import { tokenRoutes } from './tokens.js';

export { type AdminDeps, contextOf, part, standingTenantOf, tenantOf } from './context.js';
export { type AdminAnswer, type AdminRequest, type AdminRoute, badCursor, listOf, PageQuery, route, Time } from './route.js';

/** What rests on the stores. */
export const storeRoutes = (deps: AdminDeps & { readonly durability: 'always' | 'everysec'; readonly reader: Reader }): AdminRoute[] => [
  ...doctorRoutes(deps),
  ...tenantRoutes(deps),
  ...tokenRoutes(deps),
  ...clientRoutes(deps),
  ...statusRoutes(deps),
  ...auditRoutes(deps),
  ...operatorRoutes(deps),
];
