import { requestIdOf } from './request-id.js';

describe('requestIdOf (X-Request-Id)', () => {
  it.each(['7f', 'req-1', 'a.b_c:d-e', 'x'.repeat(128)])('takes %s', (id) => {
    expect(requestIdOf(id)).toBe(id);
  });
  it.each([undefined, '', 'a b', 'a\nb', 'ä', 'a"', 'x'.repeat(129)])('makes one in place of %j', (id) => {
    expect(requestIdOf(id, () => 'made')).toBe('made');
    expect(requestIdOf(id)).toMatch(/^[0-9a-f-]{36}$/);
  });
});
