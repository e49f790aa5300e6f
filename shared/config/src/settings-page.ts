// docs/configuration.md, made of the schema.
import { describeSettings, type ReadBy, type Setting } from './config.js';

const READERS: Record<ReadBy, string> = { both: '', ingest: ' *(ingest)*', worker: ' *(worker)*', start: ' *(`npm start`)*' };

/** The whole text of `docs/configuration.md`. */
export function settingsPage(settings: readonly Setting[] = describeSettings()): string {
  return `# Configuration

<!-- Generated from shared/config/src/config.ts by \`node shared/config/docs.mjs\`; edit that. -->

Settings are environment variables. One that is set to nothing counts as unset. Every process reads and checks all of them, so that one
environment serves the whole deployment; what only one heeds says so. What is wrong is said at the start, all at once.

| setting | default | meaning |
|---|---|---|
${settings.map(row).join('\n')}

## Read by commands alone

No service reads these; they are not part of the schema above.

| variable | default | read by | meaning |
|---|---|---|---|
${COMMANDS_ALONE.map(commandRow).join('\n')}
`;
}

/** Variables that `npm start`, the seed and the command `rollcall` read, and no service. */
const COMMANDS_ALONE: readonly (readonly [name: string, defaultValue: string | undefined, readBy: string, meaning: string])[] = [
  ['ROLLCALL_ADMIN_URL', 'http://127.0.0.1:8081', '`rollcall`', 'The worker’s operations port, where the admin API is.'],
  [
    'ROLLCALL_CREDENTIALS_FILE',
    '~/.config/rollcall/credentials.json',
    '`rollcall`',
    'A file of mode 0600 with `{"url", "token"}`, read if `ROLLCALL_OPERATOR_TOKEN` is unset. The folder follows `XDG_CONFIG_HOME`.',
  ],
  ['ROLLCALL_SCIM_URL', 'http://127.0.0.1:8080/scim/v2', '`rollcall simulate`', 'The SCIM base URL to send traffic to.'],
  ['ROLLCALL_SCIM_TOKEN', undefined, '`rollcall simulate`', 'The tenant’s token, if no `--tenant` is named.'],
  ['ROLLCALL_SEED_TENANT', undefined, '`services/worker/dist/seed.js`', 'The tenant that is created if it is missing.'],
  [
    'ROLLCALL_SEED_TOKEN',
    undefined,
    '`services/worker/dist/seed.js`',
    'The token of that tenant, 32 to 256 visible characters; it is added if it is missing.',
  ],
  [
    'ROLLCALL_CACHE_DIR',
    '~/.cache/rollcall/servers',
    '`npm start`, the tests',
    'The folder of downloaded Redis and MongoDB servers. The default follows `XDG_CACHE_HOME`.',
  ],
];

const commandRow = ([name, value, readBy, meaning]: (typeof COMMANDS_ALONE)[number]): string =>
  `| \`${name}\` | ${value === undefined ? '–' : `\`${value}\``} | ${readBy} | ${meaning} |`;

const row = ({ name, default: value, meaning, readBy }: Setting): string =>
  `| \`${name}\` | ${value === undefined ? '–' : `\`${value}\``} | ${meaning.replaceAll('|', '\\|')}${READERS[readBy]} |`;
