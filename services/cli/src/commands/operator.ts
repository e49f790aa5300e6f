import { type Command, needed, text } from '../command.js';

export const operatorCommands: readonly Command[] = [
  {
    usage: 'operator list',
    summary: 'list operators',
    run: async (_, { api, out }) => {
      out.table(await (await api()).all('/operators'), ['id', 'name', 'role', 'prefix', 'createdAt'], 'There is none but the first one.');
      return 0;
    },
  },
  {
    usage: 'operator create <name>',
    summary: 'make an operator; the token is shown this once',
    options: [['--role <role>', 'viewer (only looks; where it is left out) or operator']],
    run: async (given, { api, out }) => {
      const made = await (await api()).ask('POST', '/operators', { name: needed(given, 'name'), role: text(given, 'role') ?? 'viewer' });
      out.show(made, 'Keep the token now: it is shown this once.');
      return 0;
    },
  },
  {
    usage: 'operator remove <id>',
    summary: 'take an operator’s right away, at once',
    run: async (given, { api, out }) => {
      await (await api()).ask('DELETE', `/operators/${encodeURIComponent(needed(given, 'id'))}`);
      out.done(`${needed(given, 'id')} is removed.`);
      return 0;
    },
  },
];
