import { createHash } from 'node:crypto';
import { TenantId } from './tenants.js';
import { hashToken, isGuessable, isTokenShaped, newToken } from './tokens.js';

describe('tokens', () => {
  it('are prefixed, of 256 random bits, and never the same', () => {
    const tokens = Array.from({ length: 1_000 }, newToken);
    expect(new Set(tokens).size).toBe(1_000);
    for (const token of tokens) {
      expect(token).toMatch(/^rc_[\w-]{43}$/);
      expect(isTokenShaped(token)).toBe(true);
    }
  });

  it('are kept as SHA-256', () => {
    expect(hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it.each(['', ' ', 'short', 'x'.repeat(31), 'x'.repeat(257), `${'x'.repeat(32)} `, `${'x'.repeat(32)}\n`, `ä${'x'.repeat(40)}`])(
    'never look like %j',
    (text) => expect(isTokenShaped(text)).toBe(false),
  );
  it.each(['x'.repeat(32), '!~'.repeat(128)])('may look like %j', (text) => expect(isTokenShaped(text)).toBe(true));
});

describe('a token that was chosen by hand', () => {
  it.each(['a'.repeat(64), 'password'.repeat(4), 'rollcall-rollcall-rollcall-token', '0123456789'.repeat(1)])(
    'may be guessed: %s',
    (token) => expect(isGuessable(token)).toBe(true),
  );
  it('may not, where it is random: 256 bits in base64url, 128 bits in hexadecimal', () => {
    for (let n = 0; n < 1_000; n += 1) {
      expect(isGuessable(newToken())).toBe(false);
      // The same texts in each run: a few random ones repeat so much that they look chosen.
      expect(isGuessable(createHash('sha256').update(String(n)).digest('hex').slice(0, 32))).toBe(false);
    }
  });
});

describe('a tenant’s id', () => {
  it.each(['a', '7', 'a-b', 'a'.repeat(63)])('may be %j', (id) => expect(TenantId.parse(id)).toBe(id));
  it.each(['', '-a', 'A', 'a_b', 'a:b', 'a b', 'a'.repeat(64), 'ä', 'a\n'])('is never %j', (id) =>
    expect(TenantId.safeParse(id).success).toBe(false),
  );
});
