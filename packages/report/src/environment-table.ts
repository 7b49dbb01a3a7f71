/** The machine and its software as a table. */
import { htmlTable } from './html.js';
import type { Environment } from './types.js';

export function environmentTable({ node, platform, cpu, processors, versions }: Environment, caption: string): string {
  const columns = ['what', 'value'].map((title) => ({ title, align: 'left' as const }));
  const rows = [
    ['Node.js', node],
    ['platform', platform],
    ['processor', cpu],
    ['processors', String(processors)],
    ...Object.entries(versions),
  ];
  return htmlTable({ columns, rows }, caption);
}
