// ingest: config → stack of services → listen. Only this file reads the environment, hears signals, and exits.
import { ConfigError, loadConfig } from '@rollcall/config';
import { captureConsole, createLog, createMetrics, Stack, versionOf } from '@rollcall/telemetry';
import { ExtensionsError } from '@rollcall/tenancy';
import { pause } from './deadline.js';
import { CannotListen } from './http.js';
import { makeIngest } from './ingest.js';

try {
  const config = loadConfig(process.env);
  const log = createLog({ service: 'rollcall-ingest', level: config.LOG_LEVEL });
  captureConsole(log);
  const metrics = createMetrics({ of: 'ingest', version: versionOf(new URL('../package.json', import.meta.url)) });
  const stack = new Stack({ log, stopTimeout_ms: config.STOP_TIMEOUT_MS });
  let stopping = false;

  const stop = async (code: number, drainDelay_ms = 0): Promise<void> => {
    if (stopping) return;
    stopping = true;
    try {
      if (drainDelay_ms > 0) {
        http.announceStop();
        await pause(drainDelay_ms);
      }
      await stack.stop();
    } catch (error) {
      log.error({ event: 'process.stop.failed', error }, 'a part of ingest did not stop cleanly');
      process.exit(1);
    }
    log.info({ event: 'process.stopped' }, 'ingest has stopped');
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1); // asked twice
      log.info({ event: 'process.stopping', signal, drainDelay_ms: config.DRAIN_DELAY_MS }, 'ingest is stopping');
      void stop(0, config.DRAIN_DELAY_MS);
    });
  }

  const { services, http } = makeIngest({
    ...{ config, log, metrics },
    onFatal: (reason) => {
      log.fatal({ event: 'process.failed' }, reason);
      process.stderr.write(`${reason}\n`);
      void stop(1);
    },
  });
  await stack.start(...services).catch((error: Error) => {
    if (!stopping) throw error;
  });
} catch (error) {
  // One clear sentence, or a line per wrong setting; what is no mistake of the operator's keeps its stack.
  const known = [ConfigError, CannotListen, ExtensionsError].some((kind) => error instanceof kind);
  process.stderr.write(`${known ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`);
  process.exit(1);
}
