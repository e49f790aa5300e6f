import { armFaults, fault, InjectedFault } from './fault.js';

describe('fault', () => {
  it('does nothing where nothing is armed', () => {
    expect(fault('before ring')).toBeUndefined();
  });

  it('kills at the n-th hit', () => {
    let kills = 0;
    const point = armFaults('{"before ring":{"kill":2}}', () => {
      kills += 1;
    });
    point('before ring');
    point('elsewhere');
    expect(kills).toBe(0);
    point('before ring');
    point('before ring');
    expect(kills).toBe(1);
  });

  it('throws at the n-th hit, and only then', () => {
    const point = armFaults('{"before settle":{"throw":1}}');
    expect(() => point('before settle')).toThrow(InjectedFault);
    expect(() => point('before settle')).not.toThrow();
  });

  it('delays every hit', async () => {
    const point = armFaults('{"apply":{"delay":15}}');
    const before = performance.now();
    await point('apply');
    await point('apply');
    expect(performance.now() - before).toBeGreaterThan(25);
  });

  it.each(['nonsense', '7', '{"a":{}}', '{"a":{"kil":1}}', '{"a":{"kill":"1"}}', '{"a":1}'])('refuses %s', (script) => {
    expect(() => armFaults(script)).toThrow(/^ROLLCALL_FAULTS: /);
  });
});
