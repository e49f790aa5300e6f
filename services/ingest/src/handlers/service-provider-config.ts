import { serviceProviderConfig } from '@rollcall/scim';
import { document } from './discovery.js';

/** GET /ServiceProviderConfig (RFC 7643 §5): what is supported, and nothing that is not. */
export const getServiceProviderConfig = ({ page }: { page: { readonly count: number; readonly max: number } }) =>
  document(({ baseUrl }) =>
    serviceProviderConfig({
      baseUrl,
      patch: true,
      filter: { maxResults: page.max },
      etag: true,
      pagination: { cursor: false, index: true, defaultPaginationMethod: 'index', defaultPageSize: page.count, maxPageSize: page.max },
    }),
  );
