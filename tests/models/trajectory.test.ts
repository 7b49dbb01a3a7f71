import { type Engine, openEngine } from '@t2r/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTrajectory } from './trajectory.js';

describe.each(['cpu'] as const)('training against PyTorch on engine %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });
  afterAll(() => engine.dispose());

  it.each(['softmax', 't2r'] as const)('%s: every loss within 1e-4 relative', async (kind) => {
    const { losses, reference } = await runTrajectory(engine, kind);
    expect(losses).toHaveLength(reference.length);
    losses.forEach((loss, step) => {
      expect(Math.abs(loss / reference[step]! - 1), `step ${step}`).toBeLessThanOrEqual(1e-4);
    });
  });
});
