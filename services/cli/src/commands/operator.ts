import { type Command, needed, text } from '../command.js';

export const operatorCommands: readonly Command[] = [
  {
    usage: 'operator list',
    summary: 'list operators',
    run: async (_, { api, out }) => {
      out.table(
        await (await api()).all('/operators'),
        ['id', 'name', 'role', 'prefix', 'createdAt'],
        'No operators besides the first one, ROLLCALL_OPERATOR_TOKEN.',
      );
      return 0;
    },
  },
  {
    usage: 'operator create <name>',
    summary: 'create an operator; the token is shown only now',
    options: [['--role <role>', 'viewer (reads only; the default) or operator']],
    run: async (given, { api, out }) => {
      const made = await (await api()).ask('POST', '/operators', { name: needed(given, 'name'), role: text(given, 'role') ?? 'viewer' });
      out.show(made, { hint: 'Keep the token now: it is shown only once.' });
      return 0;
    },
  },
  {
    usage: 'operator remove <id>',
    summary: 'revoke an operator’s access immediately',
    run: async (given, { api, out }) => {
      await (await api()).ask('DELETE', `/operators/${encodeURIComponent(needed(given, 'id'))}`);
      out.done(`${needed(given, 'id')} is removed.`);
      return 0;
    },
  },
];
