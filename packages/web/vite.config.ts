/** Builds the page to dist/site: static files that need no other server. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Isolates the page, so that WebAssembly may use threads. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Writes the service worker with the names of all files but those of WebGPU, which are twice as large as all others. */
function serviceWorker(): Plugin {
  return {
    name: 't2r-service-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const files = Object.keys(bundle)
        .filter((name) => !name.includes('asyncify') && !name.endsWith('.map'))
        .sort();
      const hash = createHash('sha256');
      for (const name of files) {
        const file = bundle[name]!;
        hash.update(name).update(file.type === 'chunk' ? file.code : file.source);
      }
      const version = hash.digest('hex').slice(0, 16);
      const source = readFileSync(here('page/service-worker.js'), 'utf8').replace(
        '/* global FILES, VERSION */\n',
        `const VERSION = ${JSON.stringify(version)};\nconst FILES = ${JSON.stringify(['./', ...files])};\n`,
      );
      this.emitFile({ type: 'asset', fileName: 'service-worker.js', source });
    },
  };
}

export default defineConfig({
  root: here('.'),
  base: './',
  build: {
    outDir: here('dist/site'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
  },
  resolve: {
    // onnxruntime-web without copies of its .mjs files in the script: their addresses are given to it.
    conditions: ['@t2r/source', 'onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
    // sentencepiece-js reads its model through fs.
    alias: [{ find: /^fs$/, replacement: '@t2r/tokenizers/memory-files' }],
  },
  worker: { format: 'es' },
  plugins: [serviceWorker()],
  server: { headers },
  preview: { headers },
});
