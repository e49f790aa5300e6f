import { execFileSync } from 'node:child_process';
import http from 'node:http';

/** What run.json says of a process or server: a process of this machine, or a container. */
export interface Place {
  readonly pid?: number;
  readonly container?: string;
}

/** Whether it runs. A zombie, which its parent has not waited for yet, does not. */
export async function runs({ pid, container }: Place): Promise<boolean> {
  if (container !== undefined) {
    const { status, body } = await engine('GET', `/containers/${container}/json`);
    return status === 200 && (JSON.parse(body) as { State: { Running: boolean } }).State.Running;
  }
  if (pid === undefined) throw new Error('neither a pid nor a container is known: this cannot be asked');
  try {
    return !/^Z/.test(execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}

/** SIGKILL. */
export async function kill({ pid, container }: Place): Promise<void> {
  if (container !== undefined) {
    const { status, body } = await engine('POST', `/containers/${container}/kill?signal=SIGKILL`);
    if (status >= 300) throw new Error(`the engine answers ${status}: ${body}`);
  } else if (pid !== undefined) process.kill(pid, 'SIGKILL');
  else throw new Error('neither a pid nor a container is known: nothing can be killed');
}

const ENGINE_DEADLINE_MS = 20_000;

/** Asks the container engine of DOCKER_HOST, else of the usual socket. */
function engine(method: string, path: string): Promise<{ status: number; body: string }> {
  const socketPath = process.env.DOCKER_HOST?.replace(/^unix:\/\//, '') ?? '/var/run/docker.sock';
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method, path, timeout: ENGINE_DEADLINE_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('timeout', () => request.destroy(new Error('the engine does not answer')));
    request.on('error', reject);
    request.end();
  });
}
