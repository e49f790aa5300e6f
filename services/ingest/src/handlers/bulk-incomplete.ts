// Groups of a bulk request that stand in a circle are made without some members first (RFC 7644 §3.7.1), and completed as soon as that can be done.
import type { BulkStep } from '@rollcall/scim';

/** Knows what each group still waits for. Every reference is looked at twice, however many groups wait: a request may have 40,000. */
export class Incomplete {
  readonly #made = new Set<string>();
  readonly #missing = new Map<BulkStep, number>();
  /** Who waits for what is to be made, by its bulkId. */
  readonly #waiting = new Map<string, BulkStep[]>();

  /** Takes the next step. @returns the groups that can be completed after it, in the order in which they came */
  next(step: BulkStep): BulkStep[] {
    const { method, bulkId } = step.operation;
    const ready: BulkStep[] = [];
    if (method === 'POST' && bulkId !== undefined) {
      this.#made.add(bulkId);
      for (const waiting of this.#waiting.get(bulkId) ?? []) {
        const missing = this.#missing.get(waiting)! - 1;
        this.#missing.set(waiting, missing);
        if (missing === 0) ready.push(waiting);
      }
    }
    if (step.completion && !this.#waits(step, step.completion.references)) ready.push(step);
    return ready;
  }

  #waits(step: BulkStep, references: ReadonlySet<string>): boolean {
    let missing = 0;
    for (const bulkId of references) {
      if (this.#made.has(bulkId)) continue;
      missing += 1;
      const waiting = this.#waiting.get(bulkId);
      if (waiting) waiting.push(step);
      else this.#waiting.set(bulkId, [step]);
    }
    this.#missing.set(step, missing);
    return missing > 0;
  }
}
