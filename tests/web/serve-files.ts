/** A static server on the loopback interface, as a page needs it. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

export interface FileServer {
  address: string;
  /** Bytes of bodies sent since the start, by path. */
  sent: Map<string, number>;
  close(): Promise<void>;
}

/** @param folders Folders by the path that they are served under, `/` for the page. */
export async function serveFiles(folders: Record<string, string>, { isolated = true } = {}): Promise<FileServer> {
  const sent = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://local').pathname));
    const mount = Object.keys(folders)
      .sort((a, b) => b.length - a.length)
      .find((prefix) => path.startsWith(prefix))!;
    const file = join(folders[mount]!, path.slice(mount.length) || 'index.html');
    try {
      const body = await readFile(file);
      sent.set(path, (sent.get(path) ?? 0) + body.length);
      response.writeHead(200, {
        'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
        'Cache-Control': 'no-store',
        ...(isolated && {
          'Cross-Origin-Opener-Policy': 'same-origin',
          'Cross-Origin-Embedder-Policy': 'require-corp',
        }),
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sent,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
