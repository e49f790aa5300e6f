import { Output, plain } from './output.js';

/** A name that turns the rest of a line around, clears the screen, and begins a new line. */
const EVIL = 'ada\u202eexe.\u2066\u001b[2J\u009b\u2028x\u0007';

function sink(isTTY: boolean) {
  const texts: string[] = [];
  return { isTTY, write: (text: string) => texts.push(text), text: () => texts.join('') };
}
const DANGEROUS = /(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

// Marks of direction passed, so a name could show the rest of a line in another order than it is.
describe('what reaches a terminal', () => {
  it('has no control character and no mark of direction, in a table, of one thing, in a sentence', () => {
    const out = sink(true);
    const output = new Output(false, out, sink(true));
    output.table([{ name: EVIL }], ['name'], '');
    output.show({ name: EVIL, nested: { list: [EVIL] } });
    output.done(`${EVIL} is done.`);
    expect(out.text()).not.toMatch(DANGEROUS);
    expect(plain('zoë – 𝒵 “x”')).toBe('zoë – 𝒵 “x”');
  });

  it('is escaped in JSON, which reads as before', () => {
    const out = sink(true);
    new Output(true, out, sink(true)).show({ name: EVIL });
    expect(out.text()).not.toMatch(DANGEROUS);
    expect(JSON.parse(out.text())).toEqual({ name: EVIL });
  });

  it('is an export without them; a file gets it as it is', async () => {
    async function* csv() {
      yield `"name"\r\n"${EVIL}"\r\n`;
    }
    const [terminal, file] = [sink(true), sink(false)];
    await new Output(false, terminal, sink(true)).raw(csv());
    await new Output(false, file, sink(true)).raw(csv());
    expect(terminal.text()).not.toMatch(DANGEROUS);
    expect(file.text()).toBe(`"name"\r\n"${EVIL}"\r\n`);
  });
});
