import { flavorOf } from './flavor.js';

const flavor = (headers: Readonly<Record<string, string>>) => flavorOf((name) => headers[name]);

describe('the flavor of a request', () => {
  it.each([
    ['Okta SCIM Client 1.0.0', 'okta'],
    ['okta scim client 2', 'okta'],
    ['Okta/1.0', 'okta'],
    ['Azure AD Provisioning', 'entra'],
    ['Microsoft Azure AD SCIM provisioning 1.2.3', 'entra'],
    ['Microsoft-Entra-Provisioning', 'entra'],
    ['Microsoft Entra ID', 'entra'],
  ])('of “%s” is %s', (agent, expected) => {
    expect(flavor({ 'user-agent': agent })).toBe(expected);
  });

  it.each(['', 'curl/8.5.0', 'OktaneClient', 'not Okta', 'Mozilla/5.0 (Windows NT 10.0)', 'azureadmirer', `${'x'.repeat(200)} Azure AD`])(
    'of “%s” is not known',
    (agent) => {
      expect(flavor({ 'user-agent': agent })).toBeUndefined();
    },
  );

  it('is Entra’s by the header that only Entra sends, where no name says otherwise', () => {
    const adscimversion = 'Date:01/05/2026 08:00:00, ActivityId:x';
    expect(flavor({ adscimversion })).toBe('entra');
    expect(flavor({ adscimversion, 'user-agent': 'Okta SCIM Client 1.0.0' })).toBe('okta');
    expect(flavor({})).toBeUndefined();
  });
});
