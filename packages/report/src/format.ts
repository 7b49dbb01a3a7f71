/** Figures as people read them. All functions give an en dash for a missing value, so that a table has no holes. */

const MISSING = '–';

/** Perplexity or another positive figure to four significant digits at most: 84.31, 1204. */
export function formatNumber(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return MISSING;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const magnitude = Math.abs(value);
  if (magnitude >= 1e6 || (magnitude > 0 && magnitude < 1e-3)) return value.toExponential(2);
  if (magnitude >= 1000) return value.toFixed(0);
  return value.toFixed(magnitude >= 10 ? 2 : 3);
}

/** A whole number with thousands separated: 16,000. */
export function formatCount(value: number | undefined): string {
  return value === undefined ? MISSING : Math.round(value).toLocaleString('en-US');
}

/** Bytes in binary units: 132 KiB. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return MISSING;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** Large counts in powers of a thousand, without a unit: 3.4 M, 1.2 T. */
export function formatScaled(value: number | undefined): string {
  if (value === undefined) return MISSING;
  const units = ['', ' k', ' M', ' G', ' T', ' P', ' E'];
  let unit = 0;
  let scaled = value;
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${unit === 0 || scaled >= 100 ? scaled.toFixed(0) : scaled.toFixed(1)}${units[unit]}`;
}

/** Seconds as 0.4 s, 12 s, 3 min 05 s, 2 h 10 min. */
export function formatDuration(seconds: number | undefined): string {
  if (seconds === undefined) return MISSING;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** A short time: 1.3 ms, 240 ms, 12 s. */
export function formatMilliseconds(seconds: number | undefined): string {
  if (seconds === undefined) return MISSING;
  if (seconds >= 0.9995) return formatDuration(seconds);
  const milliseconds = seconds * 1000;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

/** A relative difference with its sign: +4.1 %; 0.0 % has none. */
export function formatDelta(delta: number | undefined): string {
  if (delta === undefined) return MISSING;
  const percent = delta * 100;
  const digits = Math.abs(percent) >= 1000 ? 0 : 1;
  const text = Math.abs(percent).toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  const sign = Number(percent.toFixed(digits)) === 0 ? '' : percent < 0 ? '-' : '+';
  return `${sign}${text} %`;
}
