export interface OnnxEngineOptions {
  provider: 'cpu' | 'webgpu' | 'cuda';
  threads: number;
}
export async function openOnnxEngine(_options: Partial<OnnxEngineOptions>): Promise<never> {
  throw new Error('under construction');
}
