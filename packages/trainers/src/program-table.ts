/** Compiled programs by the shapes of the batches that they are for, each compiled when its shape is first met. */
import type { CompiledProgram } from '@t2r/engine';
import { shapeKey, type TrainingBatch } from './batches.js';

export interface ProgramTable {
  /** The program of a batch's shapes. */
  for(batch: Pick<TrainingBatch, 'specs'>): Promise<CompiledProgram>;
  dispose(): Promise<void>;
}

export function createProgramTable(compile: (specs: TrainingBatch['specs']) => Promise<CompiledProgram>): ProgramTable {
  const programs = new Map<string, CompiledProgram>();
  return {
    async for(batch) {
      const key = shapeKey(batch);
      const program = programs.get(key) ?? (await compile(batch.specs));
      programs.set(key, program);
      return program;
    },
    async dispose() {
      const all = [...programs.values()];
      programs.clear();
      for (const program of all) await program.dispose();
    },
  };
}
