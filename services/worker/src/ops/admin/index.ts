// Every route of /admin/v1, by subject.
import type { FirstValuesDeps } from '../../history/first-values.js';
import { auditRoutes } from './audit.js';
import { clientRoutes } from './clients.js';
import { type DoctorDeps, doctorRoutes } from './doctor.js';
import { operatorRoutes } from './operators.js';
import type { AdminRoute } from './route.js';
import { type StatusRouteDeps, statusRoutes } from './status.js';
import { type TenantRouteDeps, tenantRoutes } from './tenants.js';
import { tokenRoutes } from './tokens.js';

export { type AdminDeps, contextOf, part, standingTenantOf, tenantOf } from './context.js';
export { type AdminAnswer, type AdminRequest, type AdminRoute, badCursor, listOf, PageQuery, route, Time } from './route.js';

export interface StoreRouteDeps extends Omit<StatusRouteDeps, 'reader'>, DoctorDeps, TenantRouteDeps, Pick<FirstValuesDeps, 'typesOf'> {}

/** What rests on the stores. */
export const storeRoutes = (deps: StoreRouteDeps): AdminRoute[] => [
  ...doctorRoutes(deps),
  ...tenantRoutes(deps),
  ...tokenRoutes(deps),
  ...clientRoutes(deps),
  ...statusRoutes(deps),
  ...auditRoutes(deps),
  ...operatorRoutes(deps),
];
