/** One of the two models on the page: its text, its numbers, and its state as a file. */
import type { GeneratedToken, GenerateOptions, GenerationEnd, Model, ModelState } from '../types.js';
import { element } from './dom.js';
import { bytesInWords, errorInWords, shortNumber } from './words.js';

/** Tokens that the speed shown is the mean of. */
const WINDOW = 16;

export interface LaneOptions {
  /** Part of the ids of its elements. */
  name: string;
  title: string;
  /** Told of every token, with the speed around it in tokens a second, and the bytes of state there. */
  onToken(token: GeneratedToken, speed: number | undefined, bytes: number): void;
}

export interface LaneRun extends Omit<GenerateOptions, 'state'> {
  prompt: string;
  /** Whether the prompt follows on the text so far. */
  append: boolean;
}

export class Lane {
  readonly panel: HTMLElement;
  #model: Model | undefined;
  #state: ModelState | undefined;
  readonly #options: LaneOptions;
  readonly #text: HTMLElement;
  readonly #numbers: Record<'tokens' | 'speed' | 'state' | 'first', HTMLElement>;
  readonly #save: HTMLButtonElement;
  readonly #load: HTMLInputElement;
  readonly #problem: HTMLElement;

  constructor(options: LaneOptions) {
    const { name, title } = options;
    this.#options = options;
    const number = (id: string) => element('dd', { id: `${name}-${id}` }, '–');
    this.#numbers = {
      tokens: number('tokens'),
      speed: number('speed'),
      state: number('state'),
      first: number('first'),
    };
    this.#text = element('div', {
      id: `${name}-text`,
      class: 'text',
      tabindex: '0',
      role: 'region',
      'aria-label': `${title}: text`,
    });
    this.#save = element('button', { type: 'button', id: `${name}-save`, disabled: true }, 'Save state');
    this.#load = element('input', { type: 'file', id: `${name}-load`, disabled: true });
    this.#problem = element('p', { id: `${name}-state-error`, role: 'alert', class: 'error' });
    this.#save.addEventListener('click', () => void this.#try(() => this.#saveState()));
    this.#load.addEventListener('change', () => void this.#try(() => this.#loadState()));
    const rows = [
      ['Positions', this.#numbers.tokens],
      ['Tokens a second', this.#numbers.speed],
      ['State', this.#numbers.state],
      ['First token after', this.#numbers.first],
    ] as const;
    this.panel = element(
      'article',
      { 'aria-label': title },
      element('h3', {}, title),
      this.#text,
      element('dl', {}, ...rows.map(([label, value]) => element('div', {}, element('dt', {}, label), value))),
      element('p', { class: 'buttons' }, this.#save),
      element('p', {}, element('label', { for: this.#load.id }, 'Load a state'), this.#load),
      this.#problem,
    );
  }

  get model(): Model | undefined {
    return this.#model;
  }

  /** Takes over a model in the place of the one before. */
  async use(model: Model): Promise<void> {
    const before = { model: this.#model, state: this.#state };
    this.#model = model;
    this.#state = model.newState();
    this.#show('');
    before.state?.dispose();
    await before.model?.dispose();
    this.idle(true);
  }

  /** Whether states may be saved and loaded now. */
  idle(idle: boolean): void {
    this.#save.disabled = !idle || this.#state === undefined || this.#state.position === 0;
    this.#load.disabled = !idle || this.#state === undefined;
  }

  /** Generates, and shows each token. @throws UserError as the model does */
  async run({ prompt, append, ...options }: LaneRun): Promise<GenerationEnd> {
    const model = this.#model!;
    const state = this.#state!;
    if (!append) {
      await state.reset();
      this.#text.textContent = '';
    }
    this.#text.append(element('span', { class: 'prompt' }, prompt));
    const made = document.createTextNode('');
    this.#text.append(made);
    const times: number[] = [];
    const generation = model.generate(prompt, { ...options, state });
    for (;;) {
      const next = await generation.next();
      if (next.done) {
        made.appendData(next.value.text);
        this.#showState();
        return next.value;
      }
      const token = next.value;
      made.appendData(token.text);
      if (times.length === 0) this.#numbers.first.textContent = `${shortNumber(token.ms)} ms`;
      times.push(token.ms);
      // The first one took the whole prompt.
      const recent = times.slice(1).slice(-WINDOW);
      const speed = recent.length === 0 ? undefined : (1000 * recent.length) / recent.reduce((sum, ms) => sum + ms, 0);
      const bytes = model.stateBytes(token.position);
      this.#numbers.tokens.textContent = (token.position + 1).toLocaleString('en');
      if (speed !== undefined) this.#numbers.speed.textContent = shortNumber(speed);
      this.#numbers.state.textContent = bytesInWords(bytes);
      this.#options.onToken(token, speed, bytes);
      if (times.length > 4 * WINDOW) times.splice(1, 2 * WINDOW);
    }
  }

  async #saveState(): Promise<void> {
    const bytes = await this.#state!.save();
    const link = element('a', {
      href: URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' })),
      download: `${this.#model!.manifest.name}-${this.#state!.position}.state`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  async #loadState(): Promise<void> {
    const file = this.#load.files?.[0];
    if (file === undefined) return;
    this.#load.value = '';
    await this.#state!.load(new Uint8Array(await file.arrayBuffer()));
    this.#show(this.#state!.loadedText);
    this.#showState();
    this.idle(true);
  }

  #show(text: string): void {
    this.#text.replaceChildren(element('span', { class: 'prompt' }, text));
    for (const value of Object.values(this.#numbers)) value.textContent = '–';
  }

  #showState(): void {
    const { position, bytes, pending } = this.#state!;
    this.#numbers.tokens.textContent = (position + pending.length).toLocaleString('en');
    this.#numbers.state.textContent = bytesInWords(bytes);
  }

  async #try(act: () => Promise<void>): Promise<void> {
    this.#problem.textContent = '';
    try {
      await act();
    } catch (error) {
      this.#problem.textContent = errorInWords(error);
    }
  }
}
