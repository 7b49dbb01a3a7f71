/** An exported folder behind an address of the page's own origin. */
import { UserError } from '@t2r/core/errors';
import type { ModelFolder } from './folder.js';

/** A folder below an address, which is relative to the page. @throws UserError for an address of another origin. */
export function addressFolder(address: string | URL): ModelFolder {
  const { href: here, origin } = globalThis.location ?? {};
  let base: URL;
  try {
    base = new URL(`${address}`.replace(/\/?$/, '/'), here);
  } catch {
    throw new UserError(`${JSON.stringify(`${address}`)} is no address`, {
      hint: 'Expected the address of a folder, such as models/tiny/.',
    });
  }
  if (origin !== undefined && base.origin !== origin) {
    throw new UserError(`${base.href} is not of this page's origin, ${origin}`, {
      hint: 'Put the exported folder beside the page, or download it and choose its files.',
    });
  }
  return {
    name: base.href,
    async read(file, onBytes) {
      const url = new URL(encodeURIComponent(file), base);
      let response: Response;
      try {
        response = await fetch(url);
      } catch (cause) {
        throw new UserError(`${url.href} could not be fetched: ${(cause as Error).message}`, {
          hint: 'Check the connection and that the server is running.',
          cause,
        });
      }
      if (!response.ok) {
        throw new UserError(`${url.href} is not there: the server answers ${response.status} ${response.statusText}`, {
          hint: 'Expected the address of a folder that `t2r export` has written.',
        });
      }
      return readBody(response, url.href, onBytes);
    },
  };
}

async function readBody(response: Response, url: string, onBytes?: (bytes: number) => void) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = response.body!.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      chunks.push(part.value);
      length += part.value.length;
      onBytes?.(length);
    }
  } catch (cause) {
    throw new UserError(`${url} broke off after ${length} bytes: ${(cause as Error).message}`, {
      hint: 'Try again.',
      cause,
    });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
