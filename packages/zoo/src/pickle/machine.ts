/**
 * A pickle machine that makes plain values. It knows the opcodes of protocols 2 to 5 that data are written with, and
 * names of classes and functions only from a list: the first name beyond it ends the reading, before anything is
 * made of it. Nothing of a pickle is ever executed; names on the list stand for functions of ours.
 *
 * The machine's memory is bounded by a budget that every value, memo entry and copy is charged to, its time by the
 * pickle's length, and lengths in the pickle by the bytes that are there. Values may refer to each other in circles and
 * be nested deeply: who walks them has to mind that.
 *
 * Format: Python's Lib/pickletools.py, which documents each opcode.
 */
import { PickleCursor, PickleEnd, PickleError } from './cursor.js';
import {
  type AllowedGlobal,
  type PickleContext,
  PickleGlobal,
  PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from './values.js';

/** A name that a pickle asks for and that is not on the list. */
export class RefusedGlobal extends PickleError {
  constructor(readonly path: string) {
    super(`it asks for ${path}`);
  }
}

export interface UnpickleOptions {
  /** Names that may occur, e.g. "collections.OrderedDict". */
  allowed: ReadonlyMap<string, AllowedGlobal>;
  /** What a persistent id (a reference to something beside the pickle) stands for. */
  persistent?: (id: PickleValue, context: PickleContext) => PickleValue;
  /** Most units that values may take, about 16 bytes each. Default 2^23. */
  budget?: number;
}

/** Units that empty containers and views of bytes take in JavaScript. */
const UNITS = { map: 16, list: 12, tuple: 5, bytes: 12 };

/** Names that Python 3 has given to modules of Python 2. */
const RENAMED: Readonly<Record<string, string>> = { __builtin__: 'builtins', copy_reg: 'copyreg' };

const STOP = 0x2e;

class Machine implements PickleContext {
  readonly cursor: PickleCursor;
  readonly #options: UnpickleOptions;
  readonly #stack: PickleValue[] = [];
  /** Heights of the stack at which marks stand. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #budget: number;

  constructor(bytes: Uint8Array, options: UnpickleOptions) {
    this.cursor = new PickleCursor(bytes);
    this.#options = options;
    this.#budget = options.budget ?? 2 ** 23;
  }

  spend(units: number): void {
    this.#budget -= units;
    if (this.#budget < 0) throw new PickleError('it holds more values than any checkpoint');
  }

  fail(what: string): Error {
    return new PickleError(what);
  }

  #push(value: PickleValue, units = 1): void {
    this.spend(units);
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const floor = this.#marks.at(-1) ?? 0;
    if (this.#stack.length <= floor) throw new PickleError('an opcode lacks its operand');
    return this.#stack.pop()!;
  }

  #top(): PickleValue {
    const floor = this.#marks.at(-1) ?? 0;
    if (this.#stack.length <= floor) throw new PickleError('an opcode lacks its operand');
    return this.#stack.at(-1)!;
  }

  #popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new PickleError('an opcode lacks its mark');
    return this.#stack.splice(mark);
  }

  #tuple(items: PickleValue[]): void {
    this.#push(new PickleTuple(items), UNITS.tuple + items.length);
  }

  /** The topmost values, the lowest first. */
  #popSome(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #mark(): void {
    this.spend(1);
    this.#marks.push(this.#stack.length);
  }

  /** Drops the topmost value, or the mark where it is topmost. */
  #drop(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.#pop();
  }

  #checkProtocol(protocol: number): void {
    if (protocol > 5) throw new PickleError(`it is of protocol ${protocol}; 2 to 5 are read`);
  }

  #append(items: readonly PickleValue[]): void {
    const list = this.#top();
    const target = list instanceof PickleSet ? list.items : list;
    if (!Array.isArray(target)) throw new PickleError('something is appended to what is not a list');
    this.spend(items.length);
    for (const item of items) target.push(item);
  }

  #setItems(items: readonly PickleValue[]): void {
    const map = this.#top();
    if (!(map instanceof Map)) throw new PickleError('an item is set in what is not a dictionary');
    if (items.length % 2 !== 0) throw new PickleError('a key lacks its value');
    this.spend(2 * items.length);
    for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
  }

  #memoize(index: number): void {
    this.spend(4);
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new PickleError(`it refers to value ${index}, which has not been there`);
    this.#push(value);
  }

  #global([module, name]: readonly PickleValue[]): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('a name that is not text');
    const path = `${Object.hasOwn(RENAMED, module) ? RENAMED[module] : module}.${name}`;
    const allowed = this.#options.allowed.get(path);
    if (allowed === undefined) throw new RefusedGlobal(path);
    this.#push(new PickleGlobal(path, allowed), 3);
  }

  #call(): void {
    const args = this.#pop();
    const callee = this.#pop();
    if (!(args instanceof PickleTuple)) throw new PickleError('a call without a tuple of arguments');
    if (!(callee instanceof PickleGlobal)) throw new PickleError('it calls what is not a function');
    if (callee.allowed.call === undefined) throw new PickleError(`it calls ${callee.path}`);
    this.#push(callee.allowed.call(args.items, this), 4);
  }

  #build(): void {
    const state = this.#pop();
    const target = this.#top();
    // Attributes of a dictionary (a state dict's `_metadata`) are not its items; nothing here needs them.
    if (target instanceof Map) return;
    if (!(target instanceof PickleObject)) throw new PickleError('it sets the state of what has none');
    target.build(state, this);
  }

  #persistent(): void {
    const id = this.#pop();
    if (this.#options.persistent === undefined) throw new PickleError('it refers to something beside it');
    this.#push(this.#options.persistent(id, this), 4);
  }

  #opcodes(): ReadonlyMap<number, () => void> {
    const { cursor } = this;
    const text = (length: number) => this.#push(cursor.text(length), 2);
    const bytes = (length: number) => this.#push(cursor.bytes(length), UNITS.bytes);
    // Python 2 writes its texts so.
    const oldText = (length: number) => this.#push(cursor.text(length, 'latin1'), 2);
    const integer = (length: number) => this.#push(cursor.integer(length), 2);
    return new Map([
      [0x80, () => this.#checkProtocol(cursor.uint8())], // PROTO
      [0x95, () => cursor.expect(cursor.uint64())], // FRAME
      [0x4e, () => this.#push(null)], // NONE
      [0x88, () => this.#push(true)], // NEWTRUE
      [0x89, () => this.#push(false)], // NEWFALSE
      [0x4a, () => this.#push(cursor.int32())], // BININT
      [0x4b, () => this.#push(cursor.uint8())], // BININT1
      [0x4d, () => this.#push(cursor.uint16())], // BININT2
      [0x8a, () => integer(cursor.uint8())], // LONG1
      [0x8b, () => integer(cursor.uint32())], // LONG4
      [0x47, () => this.#push(cursor.float64())], // BINFLOAT
      [0x8c, () => text(cursor.uint8())], // SHORT_BINUNICODE
      [0x58, () => text(cursor.uint32())], // BINUNICODE
      [0x8d, () => text(cursor.uint64())], // BINUNICODE8
      [0x55, () => oldText(cursor.uint8())], // SHORT_BINSTRING
      [0x54, () => oldText(cursor.uint32())], // BINSTRING
      [0x43, () => bytes(cursor.uint8())], // SHORT_BINBYTES
      [0x42, () => bytes(cursor.uint32())], // BINBYTES
      [0x8e, () => bytes(cursor.uint64())], // BINBYTES8
      [0x96, () => bytes(cursor.uint64())], // BYTEARRAY8
      [0x5d, () => this.#push([], UNITS.list)], // EMPTY_LIST
      [0x7d, () => this.#push(new Map(), UNITS.map)], // EMPTY_DICT
      [0x8f, () => this.#push(new PickleSet(), UNITS.list)], // EMPTY_SET
      [0x29, () => this.#tuple([])], // EMPTY_TUPLE
      [0x85, () => this.#tuple(this.#popSome(1))], // TUPLE1
      [0x86, () => this.#tuple(this.#popSome(2))], // TUPLE2
      [0x87, () => this.#tuple(this.#popSome(3))], // TUPLE3
      [0x74, () => this.#tuple(this.#popMark())], // TUPLE
      [0x91, () => this.#push(new PickleSet(this.#popMark()), UNITS.list)], // FROZENSET
      [0x61, () => this.#append(this.#popSome(1))], // APPEND
      [0x65, () => this.#append(this.#popMark())], // APPENDS
      [0x90, () => this.#append(this.#popMark())], // ADDITEMS
      [0x73, () => this.#setItems(this.#popSome(2))], // SETITEM
      [0x75, () => this.#setItems(this.#popMark())], // SETITEMS
      [0x28, () => this.#mark()], // MARK
      [0x30, () => this.#drop()], // POP
      [0x31, () => void this.#popMark()], // POP_MARK
      [0x32, () => this.#push(this.#top())], // DUP
      [0x71, () => this.#memoize(cursor.uint8())], // BINPUT
      [0x72, () => this.#memoize(cursor.uint32())], // LONG_BINPUT
      [0x94, () => this.#memoize(this.#memo.size)], // MEMOIZE
      [0x68, () => this.#recall(cursor.uint8())], // BINGET
      [0x6a, () => this.#recall(cursor.uint32())], // LONG_BINGET
      [0x63, () => this.#global([cursor.line(), cursor.line()])], // GLOBAL
      [0x93, () => this.#global(this.#popSome(2))], // STACK_GLOBAL
      [0x52, () => this.#call()], // REDUCE
      [0x81, () => this.#call()], // NEWOBJ
      [0x62, () => this.#build()], // BUILD
      [0x51, () => this.#persistent()], // BINPERSID
    ]);
  }

  /** Runs to the end of the pickle. */
  run(): PickleValue {
    const opcodes = this.#opcodes();
    for (;;) {
      const opcode = this.cursor.uint8();
      if (opcode === STOP) return this.#pop();
      const step = opcodes.get(opcode);
      if (step === undefined)
        throw new PickleError(`opcode 0x${opcode.toString(16).padStart(2, '0')} does not belong into a checkpoint`);
      step();
    }
  }
}

/**
 * Reads one pickle from the beginning of `bytes`.
 *
 * @returns its value and where it ends
 * @throws RefusedGlobal for a name that is not allowed, PickleEnd when the bytes end before it does, PickleError otherwise
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions): { value: PickleValue; end: number } {
  const machine = new Machine(bytes, options);
  return { value: machine.run(), end: machine.cursor.position };
}

export { PickleEnd, PickleError };
