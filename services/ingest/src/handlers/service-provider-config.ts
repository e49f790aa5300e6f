import { serviceProviderConfig } from '@rollcall/scim';
import type { BulkDeps } from './bulk.js';
import { document } from './discovery.js';
import type { ListDeps } from './list-resources.js';

/** GET /ServiceProviderConfig (RFC 7643 §5): what is supported, and nothing that is not. */
export const getServiceProviderConfig = ({ page, cursors, bulk }: Pick<ListDeps & BulkDeps, 'page' | 'cursors' | 'bulk'>) =>
  document(({ baseUrl }) =>
    serviceProviderConfig({
      baseUrl,
      patch: true,
      bulk: { maxOperations: bulk.operationsMax, maxPayloadSize: bulk.payloadBytesMax },
      filter: { maxResults: page.max },
      sort: true,
      etag: true,
      pagination: {
        cursor: true,
        index: true,
        defaultPaginationMethod: 'index',
        defaultPageSize: page.count,
        maxPageSize: page.max,
        cursorTimeout: cursors.ttl_s,
      },
    }),
  );
