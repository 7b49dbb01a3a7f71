/** The built page, a server and a browser for the tests that need one. */
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { build } from 'vite';
import { findBrowser } from './find-browser.js';

const WEB = fileURLToPath(new URL('../../packages/web/', import.meta.url));
const HARNESS = fileURLToPath(new URL('harness/', import.meta.url));

const buildInto = (outDir: string, root?: string) =>
  build({
    configFile: `${WEB}vite.config.ts`,
    logLevel: 'error',
    ...(root !== undefined && { root }),
    build: { outDir, emptyOutDir: true },
  });

/** Builds the page, as `nx build web` does. */
export const buildPage = (outDir: string) => buildInto(outDir);

/** Builds a bare page that uses the runtime. */
export const buildHarness = (outDir: string) => buildInto(outDir, HARNESS);

export function launchBrowser(): Promise<Browser> {
  const { path, env } = findBrowser()!;
  // Without its sandbox, which needs rights that containers seldom have; it sees nothing but our own pages.
  return chromium.launch({ executablePath: path, env: env as Record<string, string>, args: ['--no-sandbox'] });
}
