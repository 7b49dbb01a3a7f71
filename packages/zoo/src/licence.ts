/** The licence that a model's card states, in the front matter of README.md. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Licence {
  /** As the card writes it: `mit`, `apache-2.0`, `other`. */
  licence: string;
}

/** Undefined where there is no card, or it does not say. */
export async function licenceOf(folder: string): Promise<Licence | undefined> {
  const text = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '');
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1];
  const licence = front && /^license:[ \t]*(['"]?)([\w .+-]+)\1[ \t]*$/m.exec(front)?.[2]?.trim();
  return licence ? { licence } : undefined;
}
