/** Attention variants as the command line writes them. */
import { type ComponentSpec, UserError } from '@t2r/core';

/** `t2r-mlp`, or `t2r-mlp:features=64,activation=relu`, as a component. @throws UserError where it is neither */
export function parseAttention(text: string): ComponentSpec {
  const [use, options] = split(text, ':');
  const spec: ComponentSpec = { use };
  for (const part of options === undefined ? [] : options.split(',')) {
    const [name, value] = split(part, '=');
    if (name === '' || value === undefined)
      throw new UserError(`"${text}" is not an attention variant with its options`, {
        hint: 'Write --attention t2r-mlp:features=64,activation=relu',
      });
    spec[name] = plain(value);
  }
  return spec;
}

function split(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** A number, true or false, or a word. */
function plain(value: string): unknown {
  if (value === 'true' || value === 'false') return value === 'true';
  return value !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
}
