/** A training run whose graph changes on the way: one program at a time, each for a stretch of steps. */
import type { TrainingProgram } from './training-program.js';

export interface ProgramStage {
  /** Optimizer step it begins at. */
  from: number;
  create(): TrainingProgram;
}

/** Runs each step in the last stage that has begun; a resumed run compiles no stage that it has behind it. */
export function stagedProgram(stages: readonly ProgramStage[]): TrainingProgram {
  let current: { stage: ProgramStage; program: TrainingProgram } | undefined;
  const dispose = async () => {
    await current?.program.dispose();
    current = undefined;
  };
  const programAt = async (step: number): Promise<TrainingProgram> => {
    const stage = stages.findLast(({ from }) => from <= step);
    if (stage === undefined) throw new Error(`no stage of the training run begins at or before step ${step}`);
    if (current?.stage !== stage) {
      await dispose();
      current = { stage, program: stage.create() };
    }
    return current.program;
  };
  return {
    run: async (step, rates, batches) => (await programAt(step)).run(step, rates, batches),
    dispose,
  };
}
