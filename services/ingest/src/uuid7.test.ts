import { randomFillSync } from 'node:crypto';
import { uuid7Maker } from './uuid7.js';

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ones = (bytes: Buffer) => void bytes.fill(0xff);

describe('UUIDs of version 7 (RFC 9562 §5.7)', () => {
  it('hold the time in their first 48 bits', () => {
    const id = uuid7Maker(() => 0x017f22e279b0, ones)();
    expect(id).toBe('017f22e2-79b0-77ff-bfff-ffffffffffff');
  });

  it('are of the form, unlike each other, and rise, also within a millisecond and when the clock is set back', () => {
    const clock = [1_000, 1_000, 1_001, 500, 500, 1_002];
    let tick = 0;
    const make = uuid7Maker(() => clock[tick++ % clock.length]! + Math.floor(tick / 600), randomFillSync);
    const ids = Array.from({ length: 20_000 }, make);
    for (const id of ids) expect(id).toMatch(FORM);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  it('count on where a millisecond has more ids than its counter can tell', () => {
    const make = uuid7Maker(() => 7, ones);
    const ids = Array.from({ length: 10_000 }, make);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
