import { CliError, type Command, EXIT, needed, text } from '../command.js';

export const separateCommands: readonly Command[] = [
  {
    usage: 'account separate <tenant> <id>',
    summary: 'say that this account is not the person who comes under a userName or externalId',
    options: [
      ['--user-name <name>', 'what the identity provider sends as userName'],
      ['--external-id <id>', 'or what it calls the person'],
    ],
    run: async (given, { api, out }) => {
      const [userName, externalId] = [text(given, 'user-name'), text(given, 'external-id')];
      if ((userName === undefined) === (externalId === undefined))
        throw new CliError('name the person: either --user-name or --external-id', EXIT.usage);
      const person = userName === undefined ? { externalId } : { userName };
      const path = `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/accounts/${encodeURIComponent(needed(given, 'id'))}/separate`;
      out.show(
        await (await api()).ask('POST', path, person),
        'The person gets an account of their own the next time that the identity provider sends them.',
      );
      return EXIT.done;
    },
  },
];
