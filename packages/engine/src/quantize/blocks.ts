/**
 * Matrices in blocks of whole numbers with a scale a block, as ONNX Runtime's MatMulNBits and GatherBlockQuantized read them:
 * w = (q - 2^(bits-1)) * scale, symmetric, without zero points.
 */

/** Numbers that share a scale. */
export const BLOCK = 32;

export interface BlockMatrix {
  bits: 4 | 8;
  rows: number;
  /** Numbers a row; the last block is filled up with zeros where it is not a multiple of BLOCK. */
  columns: number;
  /** [rows, blocks, BLOCK * bits / 8]; of two 4-bit numbers in a byte the first is the lower half. */
  values: Uint8Array;
  /** [rows, blocks] */
  scales: Float32Array;
}

export interface MatrixSource {
  /** [rows, columns], or its transpose. */
  data: Float32Array;
  rows: number;
  columns: number;
  /** `data` is [columns, rows]. Default false. */
  transposed?: boolean;
}

/** Factors on the scale that represents the number farthest from 0 exactly: clipping it can make the others more exact. */
const FACTORS = { 8: [1], 4: [1, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1] } as const;

/** The scale with the least squared error of those tried. */
function blockScale(block: Float32Array, bits: 4 | 8): number {
  const half = 1 << (bits - 1);
  let extreme = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  if (extreme === 0) return 0;
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const factor of FACTORS[bits]) {
    // Negative numbers reach one step farther, so the extreme takes that side.
    const scale = Math.fround((extreme / -half) * factor);
    let error = 0;
    for (let i = 0; i < block.length; i++) {
      const difference = block[i]! - (quantizeOne(block[i]!, scale, half) - half) * scale;
      error += difference * difference;
    }
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

function quantizeOne(value: number, scale: number, half: number): number {
  const q = Math.floor(value / scale + half + 0.5);
  return Math.max(0, Math.min(q, 2 * half - 1));
}

/** Rounds a matrix to blocks of 4 or 8 bits. */
export function quantizeBlocks(source: MatrixSource, bits: 4 | 8): BlockMatrix {
  const { data, rows, columns, transposed = false } = source;
  const blocks = Math.ceil(columns / BLOCK);
  const bytes = (BLOCK * bits) / 8;
  const half = 1 << (bits - 1);
  const values = new Uint8Array(rows * blocks * bytes);
  const scales = new Float32Array(rows * blocks);
  const block = new Float32Array(BLOCK);
  const [rowStride, columnStride] = transposed ? [1, rows] : [columns, 1];
  for (let row = 0; row < rows; row++) {
    for (let b = 0; b < blocks; b++) {
      for (let i = 0; i < BLOCK; i++) {
        const column = b * BLOCK + i;
        block[i] = column < columns ? data[row * rowStride + column * columnStride]! : 0;
      }
      const at = row * blocks + b;
      const scale = blockScale(block, bits);
      scales[at] = scale;
      for (let i = 0; i < BLOCK; i++) {
        const q = scale === 0 ? half : quantizeOne(block[i]!, scale, half);
        if (bits === 8) values[at * bytes + i] = q;
        else values[at * bytes + (i >> 1)]! |= q << (4 * (i & 1));
      }
    }
  }
  return { bits, rows, columns, values, scales };
}

/** The numbers that a quantized matrix stands for, [rows, columns]. */
export function dequantizeBlocks({ bits, rows, columns, values, scales }: BlockMatrix): Float32Array {
  const blocks = Math.ceil(columns / BLOCK);
  const bytes = (BLOCK * bits) / 8;
  const half = 1 << (bits - 1);
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * blocks + Math.floor(column / BLOCK);
      const i = column % BLOCK;
      const q = bits === 8 ? values[at * bytes + i]! : (values[at * bytes + (i >> 1)]! >> (4 * (i & 1))) & 15;
      out[row * columns + column] = (q - half) * scales[at]!;
    }
  }
  return out;
}
