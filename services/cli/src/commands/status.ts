import { type Command, EXIT, text } from '../command.js';

export const statusCommands: readonly Command[] = [
  {
    usage: 'status [tenant]',
    summary: 'is it working? of one tenant, or of all that have something pending',
    run: async (given, { api, out }) => {
      const tenant = text(given, 'tenant');
      if (tenant === undefined) {
        const backlog = await (await api()).all('/backlog');
        out.table(backlog, ['tenant', 'pending', 'oldestPending_ms', 'dead'], 'Nothing is pending.');
        return EXIT.done;
      }
      const status = await (await api()).ask('GET', `/tenants/${encodeURIComponent(tenant)}/status`);
      out.show(status);
      // Who got an account back, or a new one, is there to be looked at: nobody waits for it.
      const waits = (entry: unknown) => !['revived', 'separated'].includes(String((entry as { reason?: unknown }).reason));
      const undecided = Array.isArray(status.undecided) ? status.undecided.filter(waits).length : 0;
      // Something that an operator must decide.
      return Number(status.deadLetters) > 0 || undecided > 0 ? EXIT.refused : EXIT.done;
    },
  },
];
