/** The fields of the sampling settings. */
import { UserError } from '@t2r/core/errors';
import type { GenerateOptions } from '../types.js';
import { byId, element } from './dom.js';

interface Field {
  option: 'maxTokens' | 'temperature' | 'topK' | 'topP' | 'repetitionPenalty' | 'seed';
  label: string;
  hint: string;
  /** Empty: the option is left out. */
  value: string;
}

const FIELDS: readonly Field[] = [
  { option: 'maxTokens', label: 'New tokens at most', hint: 'a whole number', value: '256' },
  { option: 'temperature', label: 'Temperature', hint: '0: always the likeliest token', value: '0.8' },
  { option: 'topK', label: 'Top k', hint: 'only the k likeliest; empty: all', value: '40' },
  { option: 'topP', label: 'Top p', hint: 'only the likeliest of that probability; 1: all', value: '1' },
  { option: 'repetitionPenalty', label: 'Repetition penalty', hint: '1: none', value: '1' },
  { option: 'seed', label: 'Seed', hint: 'the same seed gives the same text', value: '1' },
];

/** Fills a container with the fields. */
export function showSettings(container: HTMLElement): void {
  for (const { option, label, hint, value } of FIELDS) {
    const help = `${option}-hint`;
    container.append(
      element(
        'p',
        {},
        element('label', { for: option }, label),
        element('input', { id: option, value, inputmode: 'decimal', autocomplete: 'off', 'aria-describedby': help }),
        element('small', { id: help }, hint),
      ),
    );
  }
}

/** What the fields say. @throws UserError for a field that holds no number; the field is then focused and marked. */
export function readSettings(): Pick<GenerateOptions, Field['option']> {
  const options: Partial<Record<Field['option'], number>> = {};
  for (const { option, label } of FIELDS) {
    const input = byId<HTMLInputElement>(option);
    const text = input.value.trim();
    const value = Number(text);
    const whole = option === 'maxTokens' || option === 'seed';
    const wrong = text !== '' && (!Number.isFinite(value) || (whole && !Number.isInteger(value)));
    input.toggleAttribute('aria-invalid', wrong);
    if (wrong) {
      input.closest('details')!.open = true;
      input.focus();
      throw new UserError(`${label} is ${JSON.stringify(text)}; expected ${whole ? 'a whole number' : 'a number'}`);
    }
    if (text !== '') options[option] = value;
  }
  return options;
}
