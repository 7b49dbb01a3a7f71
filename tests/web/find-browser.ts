/** Finds a Chromium for the browser tests. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface FoundBrowser {
  path: string;
  env: NodeJS.ProcessEnv;
}

/** Where `tools/browser/install.sh` unpacks Debian's packages. */
const UNPACKED = fileURLToPath(new URL('../../.cache/chromium', import.meta.url));

const KNOWN = [
  join(UNPACKED, 'usr/lib/chromium/chromium-headless-shell'),
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** The browser that the environment variable CHROMIUM names, or one in a known place. */
export function findBrowser(): FoundBrowser | undefined {
  const path = [process.env.CHROMIUM, ...KNOWN].find((path) => path !== undefined && existsSync(path));
  if (path === undefined) return undefined;
  // Libraries of packages that were unpacked beside it.
  const libraries = join(dirname(path), '../x86_64-linux-gnu');
  const beside = path.startsWith('/usr/') ? [] : [libraries, join(libraries, 'pulseaudio')];
  const search = [...beside, process.env.LD_LIBRARY_PATH].filter((folder) => folder !== undefined);
  return { path, env: { ...process.env, ...(search.length > 0 && { LD_LIBRARY_PATH: search.join(':') }) } };
}

export const NO_BROWSER =
  'NOTICE: the browser tests are skipped, because there is no Chromium here. `bash tools/browser/install.sh` gets one from ' +
  'Debian packages; or set CHROMIUM to the path of one.';
