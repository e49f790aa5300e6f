import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type * as z from 'zod';

/** A Lua script with its contract: keys and arguments are made from one typed input, the answer is parsed, not cast. */
export interface Script<In, Out> {
  readonly name: string;
  run(redis: Redis, input: In): Promise<Out>;
}

/**
 * Binds a Lua file to its types. Sent by its digest; the text goes along only when a server does not know it (NOSCRIPT: nothing was run, so sending again is safe).
 * @throws what the driver throws; ZodError where an answer is not of the contract (a bug)
 */
export function defineScript<In, Schema extends z.ZodType>(definition: {
  name: string;
  file: URL;
  keys: (input: In) => string[];
  args: (input: In) => (string | number)[];
  reply: Schema;
}): Script<In, z.output<Schema>> {
  const text = readFileSync(definition.file, 'utf8');
  const digest = createHash('sha1').update(text).digest('hex');
  return {
    name: definition.name,
    async run(redis, input) {
      const keys = definition.keys(input);
      const rest = [keys.length, ...keys, ...definition.args(input)] as [number, ...(string | number)[]];
      let answer: unknown;
      try {
        answer = await redis.evalsha(digest, ...rest);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        answer = await redis.eval(text, ...rest);
      }
      return definition.reply.parse(answer);
    },
  };
}
