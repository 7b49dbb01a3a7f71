/** Numbers and errors in words. */
import { UserError } from '@t2r/core/errors';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'];

/** 133,120 -> '130 KiB'. */
export function bytesInWords(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits).replace(/\.0$/, '')} ${UNITS[unit]}`;
}

/** Three digits of a number that are worth reading. */
export const shortNumber = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(2);

/** What happened and what can be done about it. */
export function errorInWords(error: unknown): string {
  if (error instanceof UserError) return [sentence(error.message), error.hint].filter(Boolean).join(' ');
  const message = error instanceof Error ? error.message : `${error}`;
  return `Something went wrong that should not: ${sentence(message)} Load the page again.`;
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
