// The worker: config → a stack of services → signals.
import { randomUUID } from 'node:crypto';
import { loadConfig, tracesEndpoint } from '@rollcall/config';
import { captureConsole, createLog, createMetrics, Stack, versionOf } from '@rollcall/telemetry';
import { isGuessable } from '@rollcall/tenancy';
import { assemble } from './assemble.js';

try {
  await run();
} catch (error) {
  process.stderr.write(`worker: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function run(): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLog({ service: 'rollcall-worker', level: config.LOG_LEVEL });
  captureConsole(log);
  const stack = new Stack({ log, stopTimeout_ms: config.STOP_TIMEOUT_MS });
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log.info({ event: 'process.stopping', signal }, 'the worker is stopping');
      // Each part has its time; all of them together have no more. What was in hand is done again by another.
      setTimeout(() => {
        log.error({ event: 'process.stop.late' }, 'the worker did not stop in time: it exits');
        process.exit(1);
      }, config.STOP_TIMEOUT_MS).unref();
      stack.stop().then(
        () => {
          log.info({ event: 'process.stopped' }, 'the worker has stopped');
          process.exit(0);
        },
        (error: unknown) => {
          log.error({ event: 'process.stop.failed', error }, 'a part of the worker did not stop cleanly');
          process.exit(1);
        },
      );
    });
  }
  const services = assemble(config, {
    log,
    metrics: createMetrics({ of: 'worker', version: versionOf(new URL('../package.json', import.meta.url)) }),
    tracesEndpoint: tracesEndpoint(config),
    newToken: randomUUID,
    random: Math.random,
  });
  try {
    await stack.start(...services);
    log.info({ event: 'process.ready' }, 'worker is ready');
    const operatorToken = config.ROLLCALL_OPERATOR_TOKEN;
    if (operatorToken === undefined)
      log.warn(
        { event: 'operator.sign_in.closed' },
        'ROLLCALL_OPERATOR_TOKEN is not set: the admin API and Bull Board are closed, also to the rollcall command',
      );
    else if (isGuessable(operatorToken))
      log.warn(
        { event: 'operator.token.guessable' },
        'ROLLCALL_OPERATOR_TOKEN may be guessed: make a random one, as `openssl rand -base64 32` does',
      );
  } catch (error) {
    if (stopping) return; // a stop during the start: the handler above exits
    throw error;
  }
}
