/** Who is this person? The table by which a POST is judged (docs/accounts.md shows it), and what follows where several accounts are found. */

/** How an account stands to the identity provider. */
export type Standing =
  /** SCIM manages it, and it is active. */
  | 'active'
  /** SCIM manages it, and it is deactivated, by whomever. */
  | 'deactivated'
  /** The identity provider deleted it; the account is preserved. */
  | 'deleted'
  /** Made by hand, by an import or by a directory: SCIM does not manage it. */
  | 'byHand';

/** What is found of one account beside the person who comes. */
export interface Finding {
  readonly standing: Standing;
  /** Stable externalIds: `unknown` also where one side has none, or none that is stable. */
  readonly x: 'agrees' | 'differs' | 'unknown';
  /** Whether the userNames agree, without regard to case. */
  readonly n: boolean;
  /** Whether the identity attributes agree (the tenant's: email or userPrincipalName; the userName where there is none). */
  readonly a: boolean;
}

export type Answer =
  /** 409: the name is that of a live account. */
  | 'name taken'
  /** 409: the externalId is that of an active account. */
  | 'externalId taken'
  /** The account comes back, or is adopted, under its id. */
  | 'same person'
  /** By the setting `recycledIdentity`. */
  | 'recycled'
  /** Another person: a new account, listed under `undecided`. */
  | 'somebody else'
  /** The same person, if no other account has the address. */
  | 'same person by the address'
  /** By the setting `adoption`. */
  | 'adoption'
  /** The account says nothing of the person. */
  | 'nothing';

interface Row {
  readonly found: string;
  readonly standing: readonly Standing[];
  readonly x?: readonly Finding['x'][];
  readonly n?: boolean;
  readonly a?: boolean;
  readonly answer: Answer;
}

/** The first row that fits one account gives the answer. What a row leaves out may be anything. */
export const TABLE: readonly Row[] = [
  { found: 'an active account has the userName', standing: ['active'], n: true, answer: 'name taken' },
  { found: 'an active account has the stable externalId', standing: ['active'], x: ['agrees'], answer: 'externalId taken' },
  { found: 'an active account shares at most the address', standing: ['active'], answer: 'nothing' },
  {
    found: 'a deactivated, deleted or hand-made account has the stable externalId',
    standing: ['deactivated', 'deleted', 'byHand'],
    x: ['agrees'],
    answer: 'same person',
  },
  { found: 'a deactivated account has the userName', standing: ['deactivated'], n: true, answer: 'name taken' },
  {
    found: 'a deleted or hand-made account has userName and address, and another stable externalId',
    standing: ['deleted', 'byHand'],
    x: ['differs'],
    n: true,
    a: true,
    answer: 'recycled',
  },
  {
    found: 'a deleted or hand-made account has the userName alone, and another stable externalId',
    standing: ['deleted', 'byHand'],
    x: ['differs'],
    n: true,
    answer: 'somebody else',
  },
  {
    found: 'a deactivated, deleted or hand-made account has the address alone, and another stable externalId',
    standing: ['deactivated', 'deleted', 'byHand'],
    x: ['differs'],
    a: true,
    answer: 'somebody else',
  },
  { found: 'a deleted or hand-made account has the userName', standing: ['deleted', 'byHand'], n: true, answer: 'same person' },
  { found: 'a deleted account has the address alone', standing: ['deleted'], a: true, answer: 'same person by the address' },
  { found: 'a hand-made account has the address alone', standing: ['byHand'], a: true, answer: 'adoption' },
  { found: 'nothing agrees, or the address of a deactivated account', standing: ['deactivated', 'deleted', 'byHand'], answer: 'nothing' },
];

/** The row of the table for one account. */
export function rowFor(finding: Finding): Row {
  const row = TABLE.find(
    ({ standing, x, n, a }) =>
      standing.includes(finding.standing) &&
      (x?.includes(finding.x) ?? true) &&
      (n ?? finding.n) === finding.n &&
      (a ?? finding.a) === finding.a,
  );
  if (!row) throw new Error(`no row for ${JSON.stringify(finding)}`);
  return row;
}

/** An account that may be the person, with what is found of it. */
export interface Candidate extends Finding {
  readonly id: string;
  /** The externalIds agree, and are not stable: breaks ties, and decides nothing else. */
  readonly hint: boolean;
  /** An administrator has said that this account is the person. */
  readonly expected: boolean;
  /** An administrator has said that this account is not the person. */
  readonly separate: boolean;
  /** It bears what an administrator gave: a profile, storage, a hold. */
  readonly given: boolean;
}

export interface IdentitySettings {
  /** The userName and the address of an account come with another stable externalId. */
  readonly recycledIdentity?: 'reactivate' | 'refuse' | 'separate' | undefined;
  /** The address of an account that was made by hand comes, under another userName. `auto` asks where the account bears what an administrator gave. */
  readonly adoption?: 'auto' | 'adopt' | 'ask' | 'never' | undefined;
}

export type Judgement =
  /** 409 `uniqueness`. */
  | { readonly kind: 'taken'; readonly by: 'userName' | 'externalId'; readonly id: string }
  /** `recycled`: under another externalId than the account had. */
  | { readonly kind: 'same'; readonly id: string; readonly recycled: boolean }
  /** Beside `others`, which are somebody else's though something agrees. */
  | { readonly kind: 'new'; readonly others: readonly string[] }
  /** 409 until an administrator says who it is. */
  | { readonly kind: 'ask'; readonly reason: 'ambiguous' | 'recycled' | 'asked'; readonly ids: readonly string[] };

/**
 * Which account is the person who comes? Of several, the one with the strongest agreement: the externalId before the userName before the address.
 * @example judge([], {}) → { kind: 'new', others: [] }
 */
export function judge(candidates: readonly Candidate[], settings: IdentitySettings): Judgement {
  const found = candidates.map((candidate) => ({
    candidate,
    answer: candidate.separate ? answerOfOther(candidate) : rowFor(candidate).answer,
  }));
  const answered = (...answers: readonly Answer[]) =>
    found.filter(({ answer }) => answers.includes(answer)).map(({ candidate }) => candidate);
  const isActive = ({ standing }: Candidate) => standing === 'active';

  const [holder] = answered('name taken').filter(isActive);
  if (holder) return { kind: 'taken', by: 'userName', id: holder.id };
  const expected = candidates.filter((candidate) => candidate.expected && !candidate.separate && !isActive(candidate));
  if (expected.length > 0) return oneOf(expected);
  const [other] = answered('name taken');
  if (other) return { kind: 'taken', by: 'userName', id: other.id };
  const [numbered] = answered('externalId taken');
  if (numbered) return { kind: 'taken', by: 'externalId', id: numbered.id };

  const same = answered('same person');
  if (same.length > 0) return oneOf(strongest(same, ({ x, n, a, hint }) => [x === 'agrees', n, a, hint]));

  const others = answered('somebody else');
  const recycled = answered('recycled');
  if (recycled.length > 0) {
    if (settings.recycledIdentity === 'separate') return asNew([...recycled, ...others]);
    if (settings.recycledIdentity === 'refuse') return ask('recycled', recycled);
    return oneOf(recycled, true);
  }
  return byAddress(candidates, answered('same person by the address'), answered('adoption'), others, settings);
}

/** An account of which an administrator has said that it is somebody else has no more than its name. */
const answerOfOther = ({ standing, n }: Candidate): Answer => (n && standing !== 'deleted' ? 'name taken' : 'nothing');

/** The address alone agrees: it tells who the person is only as far as it is one person's. */
function byAddress(
  all: readonly Candidate[],
  deleted: readonly Candidate[],
  byHand: readonly Candidate[],
  others: readonly Candidate[],
  { adoption = 'auto' }: IdentitySettings,
): Judgement {
  const adoptable = adoption === 'never' ? [] : byHand;
  const isAnothers = (candidate: Candidate) => candidate.a && !(candidate.separate && candidate.standing === 'deleted');
  const isShared = all.some((candidate) => isAnothers(candidate) && !deleted.includes(candidate) && !byHand.includes(candidate));
  const known = isShared ? adoptable : [...deleted, ...adoptable];
  const left = [...others, ...[...deleted, ...byHand].filter((candidate) => !known.includes(candidate))];
  if (known.length === 0) return asNew(left);
  const pool = strongest(known, ({ hint }) => [hint]);
  const [one] = pool;
  const mustAsk = pool.length === 1 && byHand.includes(one!) && (adoption === 'ask' || (adoption === 'auto' && one!.given));
  return mustAsk ? ask('asked', pool) : oneOf(pool);
}

/** Those that agree in the most telling of these ways, compared one after the other. */
function strongest(candidates: readonly Candidate[], ways: (candidate: Candidate) => readonly boolean[]): readonly Candidate[] {
  let best = candidates;
  for (let way = 0; best.length > 1 && way < ways(best[0]!).length; way += 1) {
    const agreeing = best.filter((candidate) => ways(candidate)[way]);
    if (agreeing.length > 0) best = agreeing;
  }
  return best;
}

function oneOf(candidates: readonly Candidate[], recycled = false): Judgement {
  const [one, another] = candidates;
  return another ? ask('ambiguous', candidates) : { kind: 'same', id: one!.id, recycled };
}

const ask = (reason: 'ambiguous' | 'recycled' | 'asked', candidates: readonly Candidate[]): Judgement => ({
  kind: 'ask',
  reason,
  ids: candidates.map(({ id }) => id),
});
const asNew = (others: readonly Candidate[]): Judgement => ({ kind: 'new', others: others.map(({ id }) => id) });
