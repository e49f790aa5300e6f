/** The body of a create, as an identity provider sends it; a new person for each number, and of one length for all. */
export function personBody(run: string, n: number): string {
  const name = nameOf(run, n);
  return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"${name}@example.com","externalId":"00u${name}","name":{"givenName":"Ada","familyName":"Lovelace-${name}"},"emails":[{"primary":true,"value":"${name}@example.com","type":"work"}],"displayName":"Ada Lovelace-${name}","locale":"en-US","active":true}`;
}

export const userNameOf = (run: string, n: number): string => `${nameOf(run, n)}@example.com`;

const nameOf = (run: string, n: number): string => `${run}${String(n).padStart(8, '0')}`;
