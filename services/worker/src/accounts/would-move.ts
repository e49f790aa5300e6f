import { type Mappings, type Resource, readsGroups, remapped, sameProvision } from '@rollcall/directory';
import type { Accounts } from './accounts.js';

/**
 * Whom rules would move if they were applied to all, as they are and as they would be, in the order of creation. It looks at the accounts that such a
 * job looks at, and decides as it does. @throws TransientError while a store is away
 */
export async function* wouldMove(
  accounts: Pick<Accounts, 'page' | 'groupsOf'>,
  tenant: string,
  mappings: Mappings,
): AsyncGenerator<{ readonly is: Resource; readonly becomes: Resource }> {
  const wanted = readsGroups(mappings);
  let after: number | undefined;
  do {
    const page = await accounts.page(tenant, { after, limit: PART });
    const groups = wanted ? await accounts.groupsOf(tenant, page.items) : undefined;
    for (const { resource: is } of page.items) {
      const becomes = remapped(mappings, is, groups?.get(is.id) ?? []);
      if (!sameProvision(is.account, becomes.account)) yield { is, becomes };
    }
    after = page.after;
  } while (after !== undefined);
}

const PART = 500;
