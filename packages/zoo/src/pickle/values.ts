/**
 * What the pickle machine makes: plain values and inert stand-ins. Lists are arrays, dictionaries (OrderedDict and the
 * like too) are Maps, integers are numbers or, beyond 2^53, bigints; bytes are Uint8Array. Nothing here can run.
 */

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleTuple
  | PickleSet
  | PickleGlobal
  | PickleObject;

export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

export class PickleSet {
  constructor(readonly items: PickleValue[] = []) {}
}

/** What a handler may use of the machine that calls it. */
export interface PickleContext {
  /** Accounts for memory that a value takes, in units of about 16 bytes. @throws when there is too much of it */
  spend(units: number): void;
  /** Makes the error for something that does not belong there. */
  fail(what: string): Error;
}

/** What a name on the list of allowed ones stands for. */
export interface AllowedGlobal {
  /** Stands for the call of a function or the making of an object; names without it are only mentioned. */
  call?(args: readonly PickleValue[], context: PickleContext): PickleValue;
}

/** An allowed name. */
export class PickleGlobal {
  constructor(
    /** As in Python: module and name. */
    readonly path: string,
    readonly allowed: AllowedGlobal,
  ) {}
}

/** A value with a meaning of its own: a namespace, a tensor, a storage. */
export abstract class PickleObject {
  /** Takes the state that follows an object in the pickle (opcode BUILD). */
  abstract build(state: PickleValue, context: PickleContext): void;
}

/** An object of attributes, such as argparse.Namespace. */
export class PickleNamespace extends PickleObject {
  readonly attributes = new Map<PickleValue, PickleValue>();

  build(state: PickleValue, context: PickleContext): void {
    if (!(state instanceof Map)) throw context.fail('a namespace whose attributes are not a dictionary');
    context.spend(state.size);
    for (const [name, value] of state) this.attributes.set(name, value);
  }
}
