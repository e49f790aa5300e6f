// MongoDB's connection strings are no URLs: they may name several hosts.

const FORM = /^mongodb(?:\+srv)?:\/\/(?:[^@/?\s]+@)?[^@/?\s]+(?:\/(?<database>[^?/\s%.$"*<>:|\\]*))?(?:\?\S*)?$/;
const DATABASE = 'rollcall';

export const isMongoUri = (text: string): boolean => FORM.test(text);

/**
 * The database that a connection string names, else `rollcall`.
 * @example databaseOf('mongodb://a:27017,b:27017/?replicaSet=rs0') // 'rollcall'
 */
export function databaseOf(uri: string): string {
  return FORM.exec(uri)?.groups?.database || DATABASE; // without a name the group is empty, not absent
}
