/** What the tests of this room share. */
import { ScimError } from './errors.js';
import type { JsonValue } from './json.js';

/** The error that a client's input must give: anything but a ScimError is a bug and fails the test. */
export function errorOf(run: () => unknown): ScimError {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    if (error instanceof ScimError) return error;
    throw error;
  }
  throw new Error(`expected a ScimError, got ${JSON.stringify(result)}`);
}

/** The result, or undefined where the input was refused as it should be. */
export function resultOrRefusal<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof ScimError && error.status >= 400 && error.status < 500) return undefined;
    throw error;
  }
}

/** What comes of work that goes by turns. */
export function finished<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Frozen at every level, so that a write throws. */
export function deepFreeze<T extends JsonValue>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const each of Object.values(value)) deepFreeze(each as JsonValue);
    Object.freeze(value);
  }
  return value;
}
