/** A converted model beside the one it was converted from, as two models of one set of weights. */
import { type ComponentSpec, type CreateContext, UserError } from '@t2r/core';
import { buildLanguageModel, type LanguageModel } from '@t2r/models';
import type { ParameterSpec } from './parameter-patterns.js';

/** A converted model, what it imitates, and what of it is new. */
export interface Imitation {
  student: LanguageModel;
  /** The same weights with the old attention. */
  teacher: LanguageModel;
  /** Layers in which the two differ, ascending. */
  layers: number[];
  /** Parameters of the student's attention in these layers. */
  own: ParameterSpec[];
}

/**
 * Sets a converted model against the attention it had before.
 * @throws UserError where no layer differs, or the old attention needs parameters that the converted model does not have
 */
export function imitation(student: LanguageModel, old: ComponentSpec, context: CreateContext): Imitation {
  const { config } = student;
  const layers = config.attention.flatMap(({ use }, layer) => (use === old.use ? [] : [layer]));
  if (layers.length === 0)
    throw new UserError(`teacher: every layer has ${old.use} attention already`, {
      hint: 'Transfer attention to a checkpoint that convert/swap has made.',
    });
  const attention = config.attention.map((spec) => (spec.use === old.use ? spec : old));
  const teacher = buildLanguageModel({ ...config, attention }, context);
  const known = new Set(student.parameters().map(({ name }) => name));
  const missing = teacher.parameters().filter(({ name }) => !known.has(name));
  if (missing.length > 0)
    throw new UserError(`teacher: ${old.use} needs ${missing.map(({ name }) => name).join(', ')}, which are gone`, {
      hint: 'Imitate an attention without parameters, such as softmax.',
    });
  const shared = new Set(teacher.parameters().map(({ name }) => name));
  return { student, teacher, layers, own: student.parameters().filter(({ name }) => !shared.has(name)) };
}
