/** What was left out of a request, for the provisioning log. Bounded, since a client decides how much of it there is. */
import { quote, ScimError } from './errors.js';

export type UnknownAttributes = 'ignore' | 'refuse';

export const IGNORED_MAX = 50;
const NAME_MAX = 128;

export class Ignored {
  readonly #names = new Set<string>();
  constructor(readonly unknownAttributes: UnknownAttributes) {}

  /** @throws ScimError `invalidSyntax` (or `scimType`), where unknown attributes are refused */
  note(name: string, scimType: 'invalidSyntax' | 'invalidPath' = 'invalidSyntax'): void {
    if (this.unknownAttributes === 'refuse')
      throw ScimError.of(scimType, `${quote(name)}: no schema of this resource type has such an attribute`);
    if (this.#names.size < IGNORED_MAX) this.#names.add(name.slice(0, NAME_MAX).replaceAll(UNPRINTABLE, '\ufffd'));
  }

  list(): string[] {
    return [...this.#names];
  }
}

/** Control characters and lone surrogates have no place in a log. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/gu;
