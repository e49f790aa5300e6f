export const DATABASE = 'rollcall';

/**
 * The URI with the database `rollcall` where it names none.
 * Credentials without an authSource are looked up in `admin` when no database is named; naming one must not change that.
 * @example withDatabase('mongodb://ada:pw@db:27017') // mongodb://ada:pw@db:27017/rollcall?authSource=admin
 */
export function withDatabase(uri: string): string {
  const parts = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri);
  if (parts === null) return uri;
  const [, hosts, database, query = ''] = parts;
  if (database !== undefined && database !== '') return uri;
  const options = query === '' ? [] : query.split('&');
  const isSet = options.some((option) => /^(authSource|authMechanism)=/i.test(option));
  if (hosts!.includes('@') && !isSet) options.push('authSource=admin');
  return `${hosts}/${DATABASE}${options.length === 0 ? '' : `?${options.join('&')}`}`;
}

/** The URL without user and password, to be shown. */
export const withoutSecrets = (url: string): string => url.replace(/^([a-z+]+:\/\/)[^@/?]*@/i, '$1').replace(/\?.*$/, '');
