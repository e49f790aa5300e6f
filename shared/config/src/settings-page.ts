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
`;
}

const row = ({ name, default: value, meaning, readBy }: Setting): string =>
  `| \`${name}\` | ${value === undefined ? '–' : `\`${value}\``} | ${meaning.replaceAll('|', '\\|')}${READERS[readBy]} |`;
