/**
 * The tensors of a state. A step makes new ones and never changes those it was given, so several states may share them: they
 * are counted, because what lies on a graphics card is not collected but released.
 */
import type { Tensor } from 'onnxruntime-web';

export class StateTensors {
  /** Positions in the state. */
  readonly position: number;
  readonly #tensors: ReadonlyMap<string, Tensor>;
  #users = 1;

  /** @param tensors By name of the state tensor. */
  constructor(position: number, tensors: ReadonlyMap<string, Tensor>) {
    this.position = position;
    this.#tensors = tensors;
  }

  get(name: string): Tensor {
    return this.#tensors.get(name)!;
  }

  /** One more user, who has to release it too. */
  share(): StateTensors {
    this.#users++;
    return this;
  }

  /** The last one to release disposes the tensors. */
  release(): void {
    if (--this.#users === 0) for (const tensor of this.#tensors.values()) tensor.dispose();
  }

  /** Copies of all values on the host, by name. */
  async read(): Promise<Map<string, Float32Array>> {
    const values = new Map<string, Float32Array>();
    for (const [name, tensor] of this.#tensors) values.set(name, (await tensor.getData()).slice() as Float32Array);
    return values;
  }
}
