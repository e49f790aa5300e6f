/** User (RFC 7643 §4.1, §8.7.1). `password` is taken and dropped, so it isn't announced. */
import { USER_URN } from '../urns.js';
import {
  type AttributeInput,
  defineResourceType,
  defineSchema,
  KEY_LENGTH_MAX,
  type ResourceTypeDefinition,
  type ResourceTypeInput,
} from './definition.js';
import { ENTERPRISE } from './enterprise.js';

export const USER_SCHEMA = defineSchema({
  id: USER_URN,
  name: 'User',
  description: 'User Account',
  attributes: [
    {
      name: 'userName',
      required: true,
      uniqueness: 'server',
      maxLength: KEY_LENGTH_MAX,
      description: 'The name by which the person signs in; unique within the tenant, without regard to case.',
    },
    {
      name: 'name',
      type: 'complex',
      description: "The components of the person's name.",
      subAttributes: [
        { name: 'formatted', description: 'The full name, formatted for display.' },
        { name: 'familyName', description: 'The family name, or last name.' },
        { name: 'givenName', description: 'The given name, or first name.' },
        { name: 'middleName', description: 'The middle names.' },
        { name: 'honorificPrefix', description: 'A title before the name, such as "Ms.".' },
        { name: 'honorificSuffix', description: 'A suffix after the name, such as "III".' },
      ],
    },
    { name: 'displayName', description: 'The name shown to others.' },
    { name: 'nickName', description: 'The casual name.' },
    { name: 'profileUrl', type: 'reference', referenceTypes: ['external'], description: "A URI of the person's online profile." },
    { name: 'title', description: 'The job title, such as "Vice President".' },
    { name: 'userType', description: 'The relation to the organization, such as "Employee" or "Contractor".' },
    { name: 'preferredLanguage', description: 'The preferred languages, as in an Accept-Language header.' },
    { name: 'locale', description: 'The locale for numbers, currencies and dates, such as "en-US".' },
    { name: 'timezone', description: 'The time zone by its IANA name, such as "America/Los_Angeles".' },
    // Required, unlike in §8.7.1: it always has a value, so it can't be removed. It may be left out, see `defaults`.
    { name: 'active', type: 'boolean', required: true, description: 'Whether the person may use the service.' },
    plural('emails', 'E-mail addresses.', { maxLength: KEY_LENGTH_MAX, description: 'The address.' }, ['work', 'home', 'other']),
    plural('phoneNumbers', 'Telephone numbers.', { description: 'The number.' }, ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
    plural('ims', 'Instant messaging addresses.', { description: 'The address.' }, [
      'aim',
      'gtalk',
      'icq',
      'xmpp',
      'msn',
      'skype',
      'qq',
      'yahoo',
    ]),
    plural('photos', 'URLs of photos.', { type: 'reference', referenceTypes: ['external'], description: 'The URL.' }, [
      'photo',
      'thumbnail',
    ]),
    {
      name: 'addresses',
      type: 'complex',
      multiValued: true,
      description: 'Postal addresses.',
      subAttributes: [
        { name: 'formatted', description: 'The full address, formatted for display; it may hold newlines.' },
        { name: 'streetAddress', description: 'Street, house number and the like.' },
        { name: 'locality', description: 'City or locality.' },
        { name: 'region', description: 'State or region.' },
        { name: 'postalCode', description: 'Zip code or postal code.' },
        { name: 'country', description: 'The country, by its two-letter ISO 3166-1 code.' },
        { name: 'type', canonicalValues: ['work', 'home', 'other'], description: 'The kind of address.' },
        { name: 'primary', type: 'boolean', description: 'Whether this is the preferred one; true at most once.' },
      ],
    },
    {
      name: 'groups',
      type: 'complex',
      multiValued: true,
      mutability: 'readOnly',
      description: 'The groups to which the person belongs; changed through the groups.',
      subAttributes: [
        { name: 'value', caseExact: true, mutability: 'readOnly', description: 'The id of the group.' },
        { name: '$ref', type: 'reference', referenceTypes: ['Group'], mutability: 'readOnly', description: 'The URI of the group.' },
        { name: 'display', mutability: 'readOnly', description: 'The name of the group.' },
        { name: 'type', mutability: 'readOnly', canonicalValues: ['direct', 'indirect'], description: 'Whether the membership is direct.' },
      ],
    },
    plural('entitlements', 'Things the person is entitled to.', { description: 'The entitlement.' }),
    plural('roles', 'Roles of the person.', { description: 'The role.' }),
    plural('x509Certificates', 'X.509 certificates.', { type: 'binary', description: 'The DER-encoded certificate, in base64.' }),
  ],
});

/** The parts of {@link USER}, for deployments that add extensions of their own. */
export const USER_PARTS: ResourceTypeInput = {
  name: 'User',
  description: 'User Account',
  endpoint: '/Users',
  schema: USER_SCHEMA,
  extensions: [{ schema: ENTERPRISE, required: false }],
  defaults: { active: true },
  dropped: ['password'],
};

export const USER: ResourceTypeDefinition = defineResourceType(USER_PARTS);

/** A multi-valued attribute of the usual shape (RFC 7643 §2.4): value, display, type, primary. */
function plural(name: string, description: string, value: Omit<AttributeInput, 'name'>, types?: readonly string[]): AttributeInput {
  return {
    name,
    type: 'complex',
    multiValued: true,
    description,
    subAttributes: [
      { name: 'value', ...value },
      { name: 'display', description: 'The value, formatted for display.' },
      { name: 'type', ...(types === undefined ? {} : { canonicalValues: types }), description: 'The kind of value.' },
      { name: 'primary', type: 'boolean', description: 'Whether this is the preferred one; true at most once.' },
    ],
  };
}
