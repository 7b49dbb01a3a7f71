/** Where a model comes from: a picked or dropped folder, or an address beside the page. */
import type { Model, ModelSource } from '../types.js';
import { element } from './dom.js';
import { droppedFiles } from './dropped.js';
import { bytesInWords, errorInWords } from './words.js';

export interface SourcePanelOptions {
  /** Part of the ids of its elements. */
  name: string;
  title: string;
  /** Loads a model; `tell` shows how far it is. */
  load(source: ModelSource, tell: (words: string) => void): Promise<Model>;
  onLoaded(model: Model): void;
}

/** A group of fields that loads a model. */
export function sourcePanel({ name, title, load, onLoaded }: SourcePanelOptions): HTMLElement {
  const folder = element('input', { type: 'file', id: `${name}-folder`, webkitdirectory: true, multiple: true });
  const files = element('input', { type: 'file', id: `${name}-files`, multiple: true });
  const address = element('input', {
    type: 'text',
    id: `${name}-address`,
    placeholder: 'models/tiny/',
    autocomplete: 'off',
  });
  const fetchIt = element('button', { type: 'button', id: `${name}-fetch` }, 'Load');
  const status = element('p', { id: `${name}-status`, role: 'status' });
  const problem = element('p', { id: `${name}-error`, role: 'alert', class: 'error' });

  const use = async (source: ModelSource) => {
    problem.textContent = '';
    panel.setAttribute('aria-busy', 'true');
    try {
      const model = await load(source, (words) => {
        status.textContent = words;
      });
      const { manifest, backend, threads } = model;
      const kind = manifest.recurrent ? 'recurrent, state of fixed size' : 'with a cache';
      const where = backend === 'webgpu' ? 'WebGPU' : `WebAssembly, ${threads} thread${threads === 1 ? '' : 's'}`;
      const room = manifest.max_positions ?? manifest.capacity;
      const positions = room === null ? 'texts of any length' : `${room.toLocaleString('en')} positions`;
      const state = bytesInWords(manifest.state_bytes);
      status.textContent = `${manifest.name}: ${kind}, ${manifest.dtype}, ${positions}, state ${state}; ${where}`;
      onLoaded(model);
    } catch (error) {
      status.textContent = '';
      problem.textContent = errorInWords(error);
    } finally {
      panel.removeAttribute('aria-busy');
    }
  };
  const pick = (input: HTMLInputElement) => {
    if (input.files !== null && input.files.length > 0) void use([...input.files]);
  };
  folder.addEventListener('change', () => pick(folder));
  files.addEventListener('change', () => pick(files));
  fetchIt.addEventListener('click', () => void use(address.value.trim()));
  address.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') void use(address.value.trim());
  });

  const panel = element(
    'fieldset',
    { class: 'source' },
    element('legend', {}, title),
    element('p', {}, element('label', { for: folder.id }, 'Exported folder'), folder),
    element('p', {}, element('label', { for: files.id }, 'or all files of one'), files),
    element('p', {}, element('label', { for: address.id }, 'or its address on this server'), address, fetchIt),
    element('p', { class: 'hint' }, 'A folder can also be dropped here.'),
    status,
    problem,
  );
  panel.addEventListener('dragover', (event) => {
    event.preventDefault();
    panel.classList.add('over');
  });
  panel.addEventListener('dragleave', () => panel.classList.remove('over'));
  panel.addEventListener('drop', (event) => {
    event.preventDefault();
    panel.classList.remove('over');
    if (event.dataTransfer !== null) void droppedFiles(event.dataTransfer).then(use);
  });
  return panel;
}
