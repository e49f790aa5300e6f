/** Where the services' lines go: held back until the ready line, then shown, prettily on a terminal. */
export interface Screen {
  line(line: string): void;
  open(): void;
}

const HELD_MAX = 1_000;

export async function makeScreen(out: NodeJS.WriteStream): Promise<Screen> {
  const write = await writer(out);
  let held: string[] | undefined = [];
  return {
    line(line) {
      if (held === undefined) write(line);
      else if (held.length < HELD_MAX) held.push(line);
    },
    open() {
      const lines = held ?? [];
      held = undefined;
      for (const line of lines) write(line);
    },
  };
}

async function writer(out: NodeJS.WriteStream): Promise<(line: string) => void> {
  if (!out.isTTY) return (line) => void out.write(`${line}\n`);
  try {
    const { prettyFactory } = await import('pino-pretty');
    const pretty = prettyFactory({
      colorize: true,
      messageKey: 'message',
      messageFormat: '{service}: {message}',
      ignore: 'service,hostname,pid',
      singleLine: true,
      translateTime: 'SYS:HH:MM:ss.l',
    });
    return (line) => void out.write(line.startsWith('{') ? pretty(line) : `${line}\n`);
  } catch {
    return (line) => void out.write(`${line}\n`); // a development dependency that may be left out
  }
}
