import { Withheld } from '@rollcall/directory';
import type { ScimError } from '@rollcall/scim';

/** What a refusal says to an administrator, who may know which account is in the way. */
export function told({ detail, cause }: ScimError): string {
  const [known] = cause instanceof Withheld ? cause.accounts : [];
  return known === undefined ? detail : `${detail}: ${known}`;
}
