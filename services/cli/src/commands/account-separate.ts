import { type Command, EXIT, needed } from '../command.js';
import { PERSON_OPTIONS, personOf } from '../person.js';

export const separateCommands: readonly Command[] = [
  {
    usage: 'account separate <tenant> <id>',
    summary: 'say that this account is not the person who comes under a userName or externalId',
    options: [...PERSON_OPTIONS],
    run: async (given, { api, out }) => {
      const person = personOf(given);
      const path = `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/accounts/${encodeURIComponent(needed(given, 'id'))}/separate`;
      out.show(
        await (await api()).ask('POST', path, person),
        'The person gets an account of their own the next time that the identity provider sends them.',
      );
      return EXIT.done;
    },
  },
];
