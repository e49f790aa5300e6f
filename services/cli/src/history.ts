// Lines of the audit trail as people read them.
import { isObject, type Json, type JsonObject } from './api.js';
import { cell } from './output.js';

/** A row of the trail: when, by whom, what was done to what, and what changed. */
export const trailRow = (line: JsonObject): JsonObject => ({
  ...line,
  who: whoOf(line.who),
  target: targetOf(line.target),
  changes: changesOf(line),
});

/** `Okta (rc_UEsy…)`: the name of a token and how it begins; of an operator the name. */
function whoOf(who: Json | undefined): string {
  const [name, id, prefix] = [member(who, 'name'), member(who, 'id'), member(who, 'prefix')];
  return `${name || id}${prefix === '' ? '' : ` (${prefix}…)`}`;
}

const targetOf = (target: Json | undefined) => `${member(target, 'kind')} ${member(target, 'id')}`;

/** `title: Dr → Prof; active: true → false`: what was and what is, of each attribute. */
function changesOf({ changes, members, before, after }: JsonObject): string {
  const told = isObject(changes) ? Object.entries(changes).map(([name, change]) => one(name, isObject(change) ? change : {})) : [];
  if (isObject(members)) told.push(...['added', 'removed'].flatMap((what) => counted(what, members[what])));
  const [was, is] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
  for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (JSON.stringify(was[name]) === JSON.stringify(is[name])) continue;
    told.push(one(name, { ...(name in was ? { before: was[name] } : {}), ...(name in is ? { after: is[name] } : {}) }));
  }
  return told.join('; ') || '–';
}

const one = (name: string, change: JsonObject): string =>
  'before' in change
    ? `${name}: ${short(change.before)} → ${'after' in change ? short(change.after) : 'none'}`
    : `${name}: ${short(change.after)}`;

const counted = (what: string, ids: Json | undefined): string[] =>
  Array.isArray(ids) && ids.length > 0 ? [`members ${what}: ${ids.length === 1 ? String(ids[0]) : String(ids.length)}`] : [];

const short = (value: Json | undefined): string => {
  const text = cell(value);
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX - 1)}…` : text;
};

const member = (value: Json | undefined, name: string): string => (isObject(value) && typeof value[name] === 'string' ? value[name] : '');

const VALUE_LENGTH_MAX = 60;
