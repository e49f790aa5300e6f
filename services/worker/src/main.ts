// The worker: config → a stack of services → signals. Only here is the environment read.
import { randomUUID } from 'node:crypto';
import { loadConfig, tracesEndpoint } from '@rollcall/config';
import { createLog, createMetrics, Stack } from '@rollcall/telemetry';
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
  const stack = new Stack({ log, stopTimeout_ms: config.STOP_TIMEOUT_MS });
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping');
      // Each part has its time; all of them together have no more. What was in hand is done again by another.
      setTimeout(() => {
        log.error('not stopped in time');
        process.exit(1);
      }, config.STOP_TIMEOUT_MS).unref();
      stack.stop().then(
        () => {
          log.info({ event: 'worker.stopped' }, 'stopped');
          process.exit(0);
        },
        (error: unknown) => {
          log.error({ error }, 'not stopped cleanly');
          process.exit(1);
        },
      );
    });
  }
  const services = assemble(config, {
    log,
    metrics: createMetrics(),
    tracesEndpoint: tracesEndpoint(config),
    newToken: randomUUID,
    random: Math.random,
  });
  try {
    await stack.start(...services);
    log.info('worker is ready');
  } catch (error) {
    if (stopping) return; // a stop during the start: the handler above exits
    throw error;
  }
}
