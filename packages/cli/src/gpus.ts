/** What GPUs can do at most, and how long a plan's operations would take one of them. */
import { nearestName, UserError } from '@t2r/core';
import { formatCount } from '@t2r/report';

/** A GPU's peak rates for dense matrices, in TFLOP/s. */
export interface Gpu {
  /** As --gpu names it. */
  name: string;
  /** Its model in full. */
  device: string;
  /** float32 on the ordinary cores: no TF32, which the ONNX engine does not ask for. */
  float32: number;
  /** float16 on tensor cores, sums in float32, no sparsity. */
  float16: number;
}

/** NVIDIA's data sheets: Turing T4 (2019), Tesla V100 (2018), A100 (2020), L4 and H100 (2023); the Ada whitepaper (RTX 4090). */
export const GPUS: readonly Gpu[] = [
  { name: 't4', device: 'NVIDIA T4', float32: 8.1, float16: 65 },
  { name: 'v100', device: 'NVIDIA V100 SXM2', float32: 15.7, float16: 125 },
  { name: 'a100', device: 'NVIDIA A100 SXM', float32: 19.5, float16: 312 },
  { name: 'l4', device: 'NVIDIA L4', float32: 30.3, float16: 121 },
  { name: 'rtx-4090', device: 'NVIDIA GeForce RTX 4090', float32: 82.6, float16: 165.2 },
  { name: 'h100', device: 'NVIDIA H100 SXM', float32: 67, float16: 989 },
];

/** The GPU of 2020's papers, assumed where a plan is too large for a processor and none is named. */
export const DEFAULT_GPU = 'v100';

/** Operations of one step from which on GPU hours are shown unasked: two cores at 50 GFLOP/s each take over a week. */
export const LARGE_FLOPS = 1e17;

/**
 * Share of the peak that training is assumed to reach. The GPU hours of T2R's WikiText-103 rows, from memory and not said
 * on which GPU, mean 18 % of a V100's float16 peak with the batches of its released script and 27 % with those of Baevski &
 * Auli's recipe; well tuned training of larger models reaches 30 to 50 %.
 */
export const UTILISATION = 0.25;

/** @throws UserError naming the GPUs there are. */
export function findGpu(name: string): Gpu {
  const gpu = GPUS.find((one) => one.name === name.toLowerCase());
  if (gpu !== undefined) return gpu;
  const names = GPUS.map((one) => one.name);
  const nearest = nearestName(name, names);
  throw new UserError(`no rates are known of the GPU "${name}"`, {
    hint: `${nearest === undefined ? '' : `did you mean ${nearest}? `}known: ${names.join(', ')}`,
  });
}

/** Hours that one GPU needs, by precision. */
export interface GpuHours {
  float32: number;
  float16: number;
}

/** Hours for a number of floating-point operations at `UTILISATION` of a GPU's peak. */
export function gpuHours(flops: number, { float32, float16 }: Gpu): GpuHours {
  const hours = (peak: number) => flops / (peak * 1e12 * UTILISATION) / 3600;
  return { float32: hours(float32), float16: hours(float16) };
}

/** Hours as 0.4 h, 98 h, 1,012 h; a dash for none. */
export function formatHours(hours: number | undefined): string {
  if (hours === undefined) return '–';
  return hours < 9.95 ? `${hours.toFixed(1)} h` : `${formatCount(hours)} h`;
}
