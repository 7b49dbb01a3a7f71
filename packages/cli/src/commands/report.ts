/** `t2r report`: builds a run's report again from what lies in its folder. */
import { type CollectOptions, writeReport } from '@t2r/report';
import { EXIT } from '../failure.js';
import type { Terminal } from '../terminal.js';

/** Writes report.html and report.json into the run folder and prints the page's path. */
export async function reportCommand(folder: string, options: CollectOptions, { out }: Terminal): Promise<number> {
  const { title, baseline } = options;
  out(`${await writeReport(folder, { title, baseline }, [folder])}\n`);
  return EXIT.ok;
}
