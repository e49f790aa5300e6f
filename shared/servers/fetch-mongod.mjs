// node fetch-mongod.mjs <version> <folder>: mongod of that version, into that folder. One line on stderr says why not.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { DryMongoBinary } = require('mongodb-memory-server-core/lib/util/DryMongoBinary');
const { MongoBinaryDownload } = require('mongodb-memory-server-core/lib/util/MongoBinaryDownload');
const { ResolveConfigVariables, setDefaultValue } = require('mongodb-memory-server-core/lib/util/resolveConfig');

const [version, downloadDir] = process.argv.slice(2);
// One try: whoever has no way there has the next source, and should not wait for it.
setDefaultValue(ResolveConfigVariables.MAX_RETRIES, '1');
setDefaultValue(ResolveConfigVariables.RUNTIME_DOWNLOAD, 'true');
try {
  const options = await DryMongoBinary.generateOptions({ version, downloadDir, platform: process.platform, arch: process.arch });
  await new MongoBinaryDownload({ ...options, checkMD5: true }).getMongodPath();
} catch (error) {
  console.error(error?.code ?? String(error?.message ?? error).split('\n')[0]);
  process.exitCode = 1;
}
