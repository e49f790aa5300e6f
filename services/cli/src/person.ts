import { CliError, EXIT, type Given, text } from './command.js';

/** How a command names a person of the identity provider. */
export const PERSON_OPTIONS = [
  ['--user-name <name>', 'what the identity provider sends as userName'],
  ['--external-id <id>', 'or its id of the user'],
] as const;

/** The person that `PERSON_OPTIONS` name, by one of the two. @throws CliError for none, or both */
export function personOf(given: Given): { readonly userName: string } | { readonly externalId: string } {
  const [userName, externalId] = [text(given, 'user-name'), text(given, 'external-id')];
  if (userName !== undefined && externalId === undefined) return { userName };
  if (userName === undefined && externalId !== undefined) return { externalId };
  throw new CliError('name the person: either --user-name or --external-id', EXIT.usage);
}
