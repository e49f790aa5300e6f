/** Many texts as one argument of a script. None of ours has a NUL: neither ids nor what a client names as such. */
export const joined = (texts: readonly string[]): string => texts.join('\0');
