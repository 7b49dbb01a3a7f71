/** What stands in for `files.ts` in a browser, so that code that can save to a path loads there too. */
import { UserError } from './errors.js';

/** A browser has no paths. @throws UserError always. */
export async function writeFileAtomic(path: string, _data: string | Uint8Array): Promise<void> {
  throw new UserError(`${path} cannot be written: a browser has no file system`, {
    hint: 'Offer the bytes as a download.',
  });
}
