import { accountShown } from '../accounts.js';
import { type Command, EXIT, needed } from '../command.js';
import { PERSON_OPTIONS, personOf } from '../person.js';

export const separateCommands: readonly Command[] = [
  {
    usage: 'account separate <tenant> <id>',
    summary: 'keep this account from the user that the identity provider sends with a userName or externalId',
    options: [...PERSON_OPTIONS],
    run: async (given, { api, out }) => {
      const person = personOf(given);
      const path = `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/accounts/${encodeURIComponent(needed(given, 'id'))}/separate`;
      const account = await (await api()).ask('POST', path, person);
      out.show(account, {
        shown: accountShown(account),
        hint: 'The user gets an account of its own with the next request of the identity provider.',
      });
      return EXIT.done;
    },
  },
];
