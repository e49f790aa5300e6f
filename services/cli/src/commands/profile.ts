import { type Command, EXIT, type Given, needed } from '../command.js';

const all = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/profiles`;
const one = (given: Given) => `${all(given)}/${encodeURIComponent(needed(given, 'name'))}`;

export const profileCommands: readonly Command[] = [
  {
    usage: 'profile list <tenant>',
    summary: 'list profiles, and the workloads that each enables',
    run: async (given, { api, out }) => {
      out.table(
        await (await api()).all(all(given)),
        ['name', 'workloads'],
        'No profiles yet: rollcall profile set <tenant> <name> <workload...>',
      );
      return EXIT.done;
    },
  },
  {
    usage: 'profile set <tenant> <name> [workloads...]',
    summary: 'create or change a profile: the workloads that it enables; saasApps alone gets no storage',
    run: async (given, { api, out }) => {
      const { workloads } = given;
      out.show(await (await api()).ask('PUT', one(given), { workloads: Array.isArray(workloads) ? workloads : [] }));
      return EXIT.done;
    },
  },
  {
    usage: 'profile remove <tenant> <name>',
    summary: 'remove a profile that no account uses',
    run: async (given, { api, out }) => {
      await (await api()).ask('DELETE', one(given));
      out.done(`${needed(given, 'name')} is removed.`, { name: needed(given, 'name') });
      return EXIT.done;
    },
  },
];
