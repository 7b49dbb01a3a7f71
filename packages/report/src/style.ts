/** The page's style sheet: follows the reader's light or dark mode, and prints in black on white. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --page: #ffffff; --line: #d5d9df; --soft: #f4f6f8; --muted: #57606a; --good: #1a7f37; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ee; --page: #14171c; --line: #363c45; --soft: #1d2127; --muted: #9aa4b0; --good: #57c779; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem; background: var(--page); color: var(--text); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
.muted { color: var(--muted); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .93rem; }
caption { text-align: left; color: var(--muted); padding-bottom: .4rem; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { white-space: nowrap; }
.right { text-align: right; }
tbody th { font-weight: 600; }
figure { margin: 1rem 0; }
figure svg { max-width: 100%; height: auto; display: block; }
figcaption { color: var(--muted); font-size: .93rem; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .3rem; padding: .8rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.5 ui-monospace, monospace; }
.met { color: var(--good); }
.missed { color: var(--bad); font-weight: 600; }
ins { text-decoration: none; background: var(--soft); }
@media print {
  :root { --text: #000; --page: #fff; --line: #bbb; --soft: #fff; --muted: #333; --good: #000; --bad: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
`;
