import { idOf } from '../accounts.js';
import { type Command, EXIT, needed, whole } from '../command.js';
import { trailRow } from '../history.js';

export const accountHistoryCommands: readonly Command[] = [
  {
    usage: 'account history <tenant> <id>',
    summary: 'show who changed an account, when, and what: by its id or userName, the newest first',
    options: [['--limit <count>', 'how many; 50 if left out']],
    run: async (given, { api, out }) => {
      const [asked, tenant, limit] = [await api(), needed(given, 'tenant'), whole(given, 'limit', { least: 1, most: 100_000 }) ?? 50];
      const id = await idOf(asked, tenant, needed(given, 'id'));
      const lines = await asked.list(`/tenants/${encodeURIComponent(tenant)}/audit?account=${encodeURIComponent(id)}`, limit);
      out.table(out.json ? lines : lines.map(trailRow), ['at', 'who', 'action', 'changes'], 'No change is known: see HISTORY_DAYS.');
      return EXIT.done;
    },
  },
];
