/** The page: loads one or two models, generates with them side by side, and draws what it costs. */
import './page.css';
import type { Backend, GenerationEnd, StopReason } from '../types.js';
import { loadRemoteModel } from '../worker/remote-model.js';
import { createAnnouncer } from './announcer.js';
import { createCurve } from './curve.js';
import { byId } from './dom.js';
import { Lane } from './lane.js';
import { registerOffline } from './offline.js';
import { readSettings, showSettings } from './settings.js';
import { sourcePanel } from './source-panel.js';
import { startWorker, wasmPaths } from './start-worker.js';
import { bytesInWords, errorInWords, shortNumber } from './words.js';

const TITLES = ['Model', 'Model to compare with'] as const;
const NAMES = ['first', 'second'] as const;

const ENDS: Record<StopReason, string> = {
  'stop-token': 'the model ended the text',
  'max-tokens': 'as many tokens as allowed',
  positions: 'the model has no further position',
  stopped: 'stopped',
};

const generate = byId<HTMLButtonElement>('generate');
const stop = byId<HTMLButtonElement>('stop');
const status = byId('status');
const problem = byId('error');
const backend = byId<HTMLSelectElement>('backend');

/** One worker for each backend: a runtime is set up once in a thread. */
const workers = new Map<Backend, Worker>();
let running: AbortController | undefined;

const speeds = createCurve({ title: 'Tokens a second', series: TITLES, format: shortNumber });
const sizes = createCurve({ title: 'Bytes of state', series: TITLES, format: bytesInWords });
byId('curves').append(speeds.figure, sizes.figure);
showSettings(byId('settings'));
let announcer = createAnnouncer(byId('spoken'));

const lanes = NAMES.map((name, index) => {
  const lane = new Lane({
    name,
    title: TITLES[index]!,
    onToken(token, speed, bytes) {
      if (speed !== undefined) speeds.add(index, token.position, speed);
      sizes.add(index, token.position, bytes);
      if (index === 0) announcer.push(token.text);
    },
  });
  byId('texts').append(lane.panel);
  const panel = sourcePanel({
    name,
    title: index === 0 ? TITLES[0] : `${TITLES[1]} (optional)`,
    load(source, tell) {
      const chosen = backend.value as Backend;
      const worker = workers.get(chosen) ?? startWorker();
      workers.set(chosen, worker);
      tell('Reading');
      return loadRemoteModel(worker, source, {
        backend: chosen,
        wasmPaths: wasmPaths(chosen),
        onProgress: ({ file, bytes, total }) =>
          tell(`Reading ${file}: ${bytesInWords(bytes)} of ${bytesInWords(total)}`),
      });
    },
    onLoaded(model) {
      running?.abort();
      void lane.use(model).then(() => {
        generate.disabled = lanes[0]!.model === undefined;
      });
    },
  });
  byId('sources').append(panel);
  return lane;
});

byId<HTMLFormElement>('form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (running === undefined && lanes[0]!.model !== undefined) void run();
});
stop.addEventListener('click', () => running?.abort());
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') running?.abort();
});

async function run(): Promise<void> {
  problem.textContent = '';
  const active = lanes.filter(({ model }) => model !== undefined);
  const abort = new AbortController();
  try {
    const append = byId<HTMLInputElement>('append').checked;
    const prompt = byId<HTMLTextAreaElement>('prompt').value;
    const settings = readSettings();
    running = abort;
    announcer = createAnnouncer(byId('spoken'));
    if (!append) {
      speeds.clear();
      sizes.clear();
    }
    setRunning(true);
    status.textContent = 'Generating; Escape stops';
    const onPrompt = (read: number, total: number) => {
      if (read < total) status.textContent = `Reading the prompt: ${read} of ${total} tokens; Escape stops`;
    };
    const ends = await Promise.all(
      active.map((lane) => lane.run({ ...settings, prompt, append, signal: abort.signal, onPrompt })),
    );
    finished(ends);
  } catch (error) {
    abort.abort();
    status.textContent = '';
    problem.textContent = errorInWords(error);
  } finally {
    running = undefined;
    setRunning(false);
  }
}

function finished(ends: readonly GenerationEnd[]): void {
  const words = `Finished: ${ends.map(({ reason }) => ENDS[reason]).join('; ')}.`;
  status.textContent = words;
  announcer.end('');
}

/** The focus moves between the two buttons, so that it is never on one that is off. */
function setRunning(on: boolean): void {
  const focused = document.activeElement;
  stop.disabled = !on;
  if (on && focused === generate) stop.focus();
  generate.disabled = on;
  if (!on && (focused === stop || focused === document.body)) generate.focus();
  if (!on) stop.disabled = true;
  for (const lane of lanes) lane.idle(!on);
}

void registerOffline();
