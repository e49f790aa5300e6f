export type Flavor = 'okta' | 'entra';

/**
 * Which identity provider a request is from, for the log alone: all are answered alike. Okta names itself in `User-Agent` (`Okta SCIM Client 1.0.0`).
 * Entra's requests are known to come without that header, and with one of their own, `ADSCIMVersion`; where a client has a name, the name counts.
 *
 * @param header of a request, by its name in lower case
 * @returns undefined for whom we don't know
 */
export function flavorOf(header: (name: string) => string | undefined): Flavor | undefined {
  const agent = header('user-agent')?.slice(0, CHARACTERS_MAX);
  if (agent !== undefined) for (const [flavor, name] of NAMES) if (name.test(agent)) return flavor;
  return header('adscimversion') === undefined ? undefined : 'entra';
}

const NAMES: readonly (readonly [Flavor, RegExp])[] = [
  ['okta', /^okta\b/i],
  ['entra', /\b(?:azure[ -]?ad|azure active directory|microsoft[ -]entra)\b/i],
];
/** A name stands at the beginning. */
const CHARACTERS_MAX = 128;
