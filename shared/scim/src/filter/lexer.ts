/** A filter's text as tokens. */
import { quote, ScimError } from '../errors.js';
import { isWellFormed } from '../text.js';

export type Token =
  | { readonly kind: '(' | ')' | '[' | ']' | 'end'; readonly at: number }
  /** An attribute's name, an operator, a word of the grammar, or a literal that isn't a string. */
  | { readonly kind: 'word'; readonly text: string; readonly at: number }
  | { readonly kind: 'string'; readonly value: string; readonly at: number };

/** @throws ScimError `invalidFilter` */
export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at]!;
    if (character === ' ' || character === '\t' || character === '\n' || character === '\r') at += 1;
    else if (character === '(' || character === ')' || character === '[' || character === ']') tokens.push({ kind: character, at: at++ });
    else if (character === '"') at = lexString(text, at, tokens);
    else {
      WORD.lastIndex = at;
      const word = WORD.exec(text)![0];
      tokens.push({ kind: 'word', text: word, at });
      at += word.length;
    }
  }
  tokens.push({ kind: 'end', at: text.length });
  return tokens;
}

export function invalidFilter(detail: string): ScimError {
  return ScimError.of('invalidFilter', detail);
}

/** Whatever isn't a blank, a bracket or a quote; the parser says whether it makes sense. */
const WORD = /[^ \t\n\r()[\]"]+/y;

function lexString(text: string, start: number, tokens: Token[]): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  if (at >= text.length) throw invalidFilter(`filter: the string at column ${start + 1} has no end`);
  const literal = text.slice(start, at + 1);
  tokens.push({ kind: 'string', value: parseString(literal, start), at: start });
  return at + 1;
}

function parseString(literal: string, start: number): string {
  let value: string;
  try {
    value = JSON.parse(literal) as string;
  } catch (error) {
    throw ScimError.of('invalidFilter', `filter: ${quote(literal)} at column ${start + 1} is not a JSON string`, { cause: error });
  }
  if (!isWellFormed(value)) throw invalidFilter(`filter: the string at column ${start + 1} holds a lone surrogate`);
  return value;
}
