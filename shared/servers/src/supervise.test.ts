import type { Exit } from './guard.js';
import { type Clock, type Supervised, supervise } from './supervise.js';

/** A server that dies when told to, and a clock on which sleeping takes no time. */
class Server implements Supervised {
  readonly name = 'server';
  pid = 1;
  starts = 0;
  failures = 0;
  endsBecause: string | undefined;
  #die: (exit: Exit) => void = () => {};
  #exit: Promise<Exit> = Promise.resolve({ code: null, signal: null });

  constructor() {
    this.#live();
  }
  exited = () => this.#exit;
  async start() {
    this.starts++;
    if (this.failures-- > 0) throw new Error('not yet');
    this.pid++;
    this.#live();
  }
  async stop() {
    this.die();
  }
  die() {
    this.#die({ code: null, signal: 'SIGKILL' });
  }
  #live() {
    this.#exit = new Promise((resolve) => {
      this.#die = resolve;
    });
  }
}

class FakeClock implements Clock {
  readonly slept: number[] = [];
  #now = 0;
  now = () => this.#now;
  async sleep(ms: number) {
    this.slept.push(ms);
    this.#now += ms;
  }
  pass(ms: number) {
    this.#now += ms;
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a supervised server', () => {
  it('is started again after 0.1 s, doubled to 2 s, and from 0.1 s again once it has lived for 5 s', async () => {
    const [server, clock] = [new Server(), new FakeClock()];
    let restarts = 0;
    const supervision = supervise(server, { log: () => {}, onRestart: () => restarts++, clock });
    for (let i = 0; i < 7; i++) {
      await settle();
      server.die();
    }
    await settle();
    clock.pass(5_000);
    server.die();
    await settle();
    expect(clock.slept).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 100]);
    expect(restarts).toBe(8);
    await supervision.stop();
  });

  it('is tried again, more slowly each time, while it cannot be started', async () => {
    const [server, clock] = [new Server(), new FakeClock()];
    const said: string[] = [];
    const supervision = supervise(server, { log: (line) => said.push(line), onRestart: () => {}, clock });
    server.failures = 3;
    server.die();
    await settle();
    expect(clock.slept).toEqual([100, 200, 400, 800]);
    expect(said.filter((line) => line.includes('not yet'))).toHaveLength(3);
    await supervision.stop();
  });

  // A save in `npm run dev` read as a crash: "ingest (pid …) ended (exit code 0); it is started again".
  it('says why it was restarted where its end was asked for, and does not slow down', async () => {
    const [server, clock] = [new Server(), new FakeClock()];
    const said: string[] = [];
    const supervision = supervise(server, { log: (line) => said.push(line), onRestart: () => {}, clock });
    server.endsBecause = 'after a change';
    for (let i = 0; i < 3; i++) {
      server.die();
      await settle();
    }
    expect(said).toEqual([2, 3, 4].map((pid) => `server restarted after a change as pid ${pid}`));
    expect(clock.slept).toEqual([100, 100, 100]);
    await supervision.stop();
  });

  it('is not started again once it was stopped', async () => {
    const [server, clock] = [new Server(), new FakeClock()];
    const supervision = supervise(server, { log: () => {}, onRestart: () => {}, clock });
    await supervision.stop();
    await settle();
    expect(server.starts).toBe(0);
  });
});
