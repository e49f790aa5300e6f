// What the rules tell apart. A run that is to show something has tried all of it.

const OUTCOMES: readonly string[] = [
  ...['assign 201: create', 'assign 201: adopt', 'assign 201: revive'],
  ...['assign 409: the name is taken', 'assign 409: the name is taken by somebody made by hand', 'assign 409: two could be meant'],
  ...['assign 409: the name and the address were recycled', 'assign 403: an administrator keeps the person out'],
  ...['assign 409: the externalId is taken', 'assign 409: an administrator is asked'],
  ...['assign', 'make', 'put', 'update', 'activate'].map((kind) => `${kind} 403: an administrator keeps the person out by another account`),
  ...['separate 200: separate', 'separate 200: unchanged'],
  ...['make 201: make', 'make 409: the name is taken', 'make 409: the person has an account', 'make 400: the profile takes no storage'],
  ...['put 200: replace', 'put 200: unchanged', 'put 404: it is deleted', 'put 409: the name is taken'],
  'put 403: an administrator keeps the person out',
  ...['update 200: patch', 'update 200: unchanged', 'update 404: it is deleted', 'update 409: the name is taken'],
  'update 403: an administrator keeps the person out',
  ...['deactivate 200: patch', 'deactivate 200: unchanged', 'deactivate 404: it is deleted'],
  ...['activate 200: patch', 'activate 200: unchanged', 'activate 404: it is deleted'],
  'activate 403: an administrator keeps the person out',
  ...['delete 204: delete', 'delete 404: it is deleted', 'delete 404: there is none'],
  ...['preserve 200: preserve', 'preserve 200: unchanged', 'reactivate 200: reactivate'],
  ...['reactivate 409: no administrator keeps the person out', 'reactivate 409: the name is taken meanwhile'],
  ...['adopt 200: expect', 'adopt 200: unchanged', 'set 200: setAccount', 'set 200: unchanged'],
  'set 400: the profile takes no storage',
];

/** How often each outcome was met. */
export class Tried {
  readonly #counts = new Map<string, number>();

  note(outcome: string): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
  }

  /** What a run has not met. */
  get missing(): readonly string[] {
    return OUTCOMES.filter((outcome) => !this.#counts.has(outcome));
  }
}
