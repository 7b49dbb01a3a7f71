/** Engine components: `engine: { use: onnx, threads: 2 }` in a recipe. */
import { defineComponent, definePlugin } from '@t2r/core';
import { z } from 'zod';
import { openEngine } from './open.js';
import { precisionsOf } from './precision.js';
import { PROVIDERS } from './types.js';

const onnx = defineComponent({
  kind: 'engine',
  name: 'onnx',
  description: 'Traces whole programs to ONNX graphs and runs them on ONNX Runtime (default).',
  schema: z.strictObject({
    provider: z
      .enum(PROVIDERS)
      .default('cpu')
      .describe(
        'ONNX Runtime execution provider; webgpu needs a Vulkan/Metal/D3D12 driver, cuda the NVIDIA libraries.',
      ),
    threads: z.int().min(0).default(0).describe('Threads inside an operator; 0 means one per physical core.'),
  }),
  create: (options) => ({
    open: () => openEngine('onnx', options),
    precisions: precisionsOf(options.provider),
  }),
});

const cpu = defineComponent({
  kind: 'engine',
  name: 'cpu',
  description: 'Plain TensorFlow.js in JavaScript: very slow, for tests.',
  schema: z.strictObject({}),
  create: () => ({ open: () => openEngine('cpu') }),
});

const native = (name: 'tfjs-node' | 'tfjs-node-gpu') =>
  defineComponent({
    kind: 'engine',
    name,
    description: `TensorFlow's native library through @tensorflow/${name}, when it is installed.`,
    schema: z.strictObject({}),
    create: () => ({ open: () => openEngine(name) }),
  });

export const plugin = definePlugin({
  name: '@t2r/engine',
  components: [onnx, cpu, native('tfjs-node'), native('tfjs-node-gpu')],
});
export default plugin;
