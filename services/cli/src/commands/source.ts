import type { JsonObject } from '../api.js';
import { type Command, EXIT, type Given, needed, Refused } from '../command.js';

const at = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/source`;

export const sourceCommands: readonly Command[] = [
  {
    usage: 'source show <tenant>',
    summary: 'show where a tenant’s users come from',
    run: async (given, { api, out }) => {
      out.show(await (await api()).ask('GET', at(given)));
      return EXIT.done;
    },
  },
  {
    usage: 'source set <tenant> <source>',
    summary: 'set the source to scim, directory or manual; what prevents scim is listed',
    run: async (given, { api, out }) => {
      try {
        out.show(await (await api()).ask('PUT', at(given), { source: needed(given, 'source') }));
        return EXIT.done;
      } catch (error) {
        const blockers = error instanceof Refused ? error.body.blockers : undefined;
        if (Array.isArray(blockers)) out.table((blockers as JsonObject[]).map(shown(out.json)), ['kind', 'count', 'examples'], '');
        throw error;
      }
    },
  },
];

/** Examples as people read them. */
const shown =
  (json: boolean) =>
  (blocker: JsonObject): JsonObject =>
    json || !Array.isArray(blocker.examples) ? blocker : { ...blocker, examples: blocker.examples.join(', ') };
