import { ADDRESSES_MAX, FailureLimit } from './failure-limit.js';

const make = (now_ms = () => 0) => new FailureLimit({ failuresMax: 2, now_ms });
function failed(limit: FailureLimit, ...addresses: string[]) {
  for (const address of addresses) limit.failed(address);
}

describe('FailureLimit', () => {
  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['2001:DB8::1', '2001:db8:0:0:5::', true],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['fe80::1%eth0', 'fe80::2', true],
  ])('counts %s and %s together: %s', (one, other, together) => {
    const limit = make();
    failed(limit, one, one);
    expect(limit.wait_s(other) > 0).toBe(together);
  });

  it('forgets the oldest address when it knows too many', () => {
    const limit = make();
    failed(limit, 'first', 'first');
    for (let n = 0; n < ADDRESSES_MAX; n += 1) limit.failed(`a${n}`);
    expect(limit.size).toBe(ADDRESSES_MAX);
    expect(limit.wait_s('first')).toBe(0);
  });

  it('begins a new window after a minute', () => {
    let now_ms = 0;
    const limit = make(() => now_ms);
    failed(limit, 'a', 'a');
    now_ms = 59_500;
    expect(limit.wait_s('a')).toBe(1);
    now_ms = 60_000;
    expect(limit.wait_s('a')).toBe(0);
    limit.failed('a');
    expect(limit.wait_s('a')).toBe(0);
  });
});
