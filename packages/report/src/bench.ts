/** The page of `t2r bench`: curves over length of several models, and from which length on one is ahead. */
import { environmentTable } from './environment-table.js';
import { escapeHtml } from './escape.js';
import { htmlPage, section } from './html.js';
import { type LengthMeaning, speedFigures } from './speed.js';
import type { Environment, SpeedPoint } from './types.js';

export interface BenchPage {
  title: string;
  /** ISO 8601. */
  created: string;
  meaning: LengthMeaning;
  points: SpeedPoint[];
  /** Sentences: break-even lengths, growth of memory, what was left out. */
  findings: string[];
  /** How all was measured. */
  protocol: string;
  environment: Environment;
}

/** One self-contained HTML page. */
export async function renderBench(page: BenchPage): Promise<string> {
  const { title, created, meaning, points, findings, protocol, environment } = page;
  const list = findings.map((line) => `<li>${escapeHtml(line)}</li>`).join('\n');
  const body = [
    section('Findings', list === '' ? '' : `<ul>\n${list}\n</ul>`),
    section('Curves', `${await speedFigures(points, meaning)}\n<p class="muted">${escapeHtml(protocol)}</p>`),
    section('Environment', environmentTable(environment, 'The machine that was measured.')),
  ];
  return htmlPage({ title, about: 't2r bench', created, main: body.filter((part) => part !== '').join('\n') });
}
