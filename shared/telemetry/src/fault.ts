// Fault points: places where a test may kill, delay or break the process. Nothing of it happens unless NODE_ENV is `test`.

/** What happens at one point. `kill` and `throw`: at the n-th hit; `delay`: at every hit, that many milliseconds. */
interface Fault {
  readonly kill?: number;
  readonly throw?: number;
  readonly delay?: number;
}

export type FaultPoint = (name: string) => void | Promise<void>;

/** What a fault point throws, so that a test can tell it from a real error. */
export class InjectedFault extends Error {
  override readonly name = 'InjectedFault';
}

/**
 * Fault points armed by a script such as `{"before ring":{"kill":1}}`. Hits are counted per name.
 * @throws Error where the script is none: a test that injects nothing by mistake would prove nothing.
 */
export function armFaults(script: string, kill: () => void = () => process.kill(process.pid, 'SIGKILL')): FaultPoint {
  const faults = parse(script);
  const hits = new Map<string, number>();
  return (name) => {
    const fault = faults.get(name);
    if (fault === undefined) return;
    const hit = (hits.get(name) ?? 0) + 1;
    hits.set(name, hit);
    if (fault.kill === hit) kill();
    if (fault.throw === hit) throw new InjectedFault(`fault at “${name}”, hit ${hit}`);
    if (fault.delay !== undefined) return new Promise((resolve) => setTimeout(resolve, fault.delay));
  };
}

const { NODE_ENV, ROLLCALL_FAULTS } = process.env; // here, not in main: what is no setting must not be configurable

/** A fault point. Await it: `await fault('between commit and ring')`. */
export const fault: FaultPoint = NODE_ENV === 'test' && ROLLCALL_FAULTS ? armFaults(ROLLCALL_FAULTS) : () => {};

function parse(script: string): Map<string, Fault> {
  const wrong = (what: string) => new Error(`ROLLCALL_FAULTS: ${what}; an example: {"before ring":{"kill":1}}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(script);
  } catch {
    throw wrong('not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) throw wrong('not an object');
  return new Map(
    Object.entries(parsed).map(([name, fault]: [string, unknown]) => {
      const kinds = typeof fault === 'object' && fault !== null ? Object.entries(fault) : [];
      const known = kinds.every(([kind, n]) => ['kill', 'throw', 'delay'].includes(kind) && Number.isInteger(n) && n >= 0);
      if (kinds.length === 0 || !known) throw wrong(`“${name}” is neither kill, throw nor delay with a whole number`);
      return [name, Object.fromEntries(kinds) as Fault];
    }),
  );
}
