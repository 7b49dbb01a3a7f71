import { describe, expect, test } from 'vitest';
import { PickleEnd, PickleError, RefusedGlobal, unpickle } from './machine.js';
import { PYTHON_NAMES } from './python-names.js';
import { PickleNamespace, PickleSet, PickleTuple, type PickleValue } from './values.js';

const allowed = new Map(PYTHON_NAMES);
const bytes = (text: string) => Buffer.from(text, 'latin1');
const load = (text: string): PickleValue => unpickle(bytes(text), { allowed }).value;

/** The bytes that Python's pickle module writes for these values, by protocol. */
describe('what Python writes', () => {
  test.each<[string, PickleValue]>([
    [
      '\x80\x02]q\x00(K\x01M\x00\x01J\xff\xff\xff\xffG?\xf8\x00\x00\x00\x00\x00\x00N\x88\x89e.',
      [1, 256, -1, 1.5, null, true, false],
    ],
    ['\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.', 2n ** 63n],
    ['\x80\x02\x8a\x05\x00\x00\x00\x00\x80.', -(2 ** 39)],
    ['\x80\x02\x8a\x00.', 0],
    ['\x80\x02X\x04\x00\x00\x00\xc3\xa4\xc3\x9fq\x00.', 'äß'],
    ['\x80\x02U\x02\xe4!q\x00.', 'ä!'],
    ['\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.', new Map([['a', 1]])],
    ['\x80\x04\x8f\x94(K\x01K\x02\x90.', new PickleSet([1, 2])],
    ['\x80\x04(K\x01K\x02\x91\x94.', new PickleSet([1, 2])],
    ['\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00hi\x94.', Buffer.from('hi')],
    ['\x80\x03C\x02hiq\x00.', Buffer.from('hi')],
    ['\x80\x02c_codecs\nencode\nX\x02\x00\x00\x00\xc3\xbfX\x06\x00\x00\x00latin1\x86R.', 'ÿ'],
    ['\x80\x02K\x01K\x02\x86.', new PickleTuple([1, 2])],
    ['\x80\x02ccollections\nOrderedDict\n]](K\x01K\x02ea\x85R.', new Map([[1, 2]])],
    ['\x80\x02c__builtin__\nset\n]K\x01a\x85R.', new PickleSet([1])],
  ])('%j', (text, value) => {
    expect(load(text)).toEqual(value);
  });

  test('a namespace with attributes', () => {
    const value = load('\x80\x02cargparse\nNamespace\n)\x81}X\x01\x00\x00\x00aK\x01sb.');
    expect(value).toBeInstanceOf(PickleNamespace);
    expect((value as PickleNamespace).attributes).toEqual(new Map([['a', 1]]));
  });

  test('a list in itself', () => {
    const list = load('\x80\x02]q\x00h\x00a.') as PickleValue[];
    expect(list[0]).toBe(list);
  });

  test('where it ends', () => {
    expect(unpickle(bytes('\x80\x02N.rest'), { allowed }).end).toBe(4);
  });
});

describe('names that are not on the list are refused by name', () => {
  test.each([
    ['\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R.', 'posix.system'],
    ['\x80\x04\x8c\x02os\x8c\x06system\x93.', 'os.system'],
    ['\x80\x02c__builtin__\neval\n.', 'builtins.eval'],
    ['\x80\x02c__builtin__\n__import__\n.', 'builtins.__import__'],
    ['\x80\x02ctorch.hub\nload\n.', 'torch.hub.load'],
    ['\x80\x02ctoString\nconstructor\n.', 'toString.constructor'],
    ['\x80\x02c__proto__\nx\n.', '__proto__.x'],
  ])('%j', (text, path) => {
    expect(() => load(text)).toThrow(RefusedGlobal);
    expect(() => load(text)).toThrow(path);
  });

  test('a name on the list that is no function is not called', () => {
    expect(() => load('\x80\x02c__builtin__\nlist\n)R.')).toThrow('it calls builtins.list');
    expect(() => load('\x80\x02K\x01)R.')).toThrow('it calls what is not a function');
  });
});

describe('what no checkpoint has ends in an error', () => {
  test.each([
    ['a memo entry that is not there', '\x80\x02h\x07.', PickleError],
    ['a length beyond the end', '\x80\x02X\xff\xff\xff\x7fabc.', PickleEnd],
    ['a length beyond all bounds', '\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.', PickleEnd],
    ['a frame beyond the end', '\x80\x04\x95\x00\x00\x00\x00\x01\x00\x00\x00N.', PickleEnd],
    ['a huge integer', `\x80\x02\x8b\x00\x00\x10\x00${'\x01'.repeat(1 << 20)}.`, PickleError],
    ['no end', '\x80\x02N', PickleEnd],
    ['an empty stack', '\x80\x02.', PickleError],
    ['one pop too many', '\x80\x02(00.', PickleError],
    ['a tuple of what lies below the mark', '\x80\x02N(\x85.', PickleError],
    ['a mark that is missing', '\x80\x02Nt.', PickleError],
    ['appending to a number', '\x80\x02K\x01Na.', PickleError],
    ['setting an item of a list', '\x80\x02]NNs.', PickleError],
    ['a key without value', '\x80\x02}(Nu.', PickleError],
    ['state of a number', '\x80\x02K\x01Nb.', PickleError],
    ['a newer protocol', '\x80\x06N.', PickleError],
    ['an extension', '\x80\x02\x82\x01.', PickleError],
    ['a class by opcode INST', '(iposix\nsystem\n.', PickleError],
    ['something beside it', '\x80\x02NQ.', PickleError],
    ['a name without end', '\x80\x02cposix', PickleEnd],
    ['a name that is a number', '\x80\x04K\x01K\x02\x93.', PickleError],
    ['arguments that are no tuple', '\x80\x02ccollections\nOrderedDict\nK\x01R.', PickleError],
  ])('%s', (_, text, kind) => {
    expect(() => load(text)).toThrow(kind);
  });

  test.each([
    ['dictionaries', '}'.repeat(4e6)],
    ['lists in lists', `${']'.repeat(4e6)}${'a'.repeat(3e6)}`],
    ['marks', '('.repeat(1e7)],
    ['copies of what is there', `]q\x00${'h\x00'.repeat(9e6)}`],
    [
      'memo entries',
      `N${Array.from({ length: 3e6 }, (_, i) => `r${String.fromCharCode(i & 255, (i >> 8) & 255, i >> 16, 0)}`).join('')}`,
    ],
    ['sets of one long list', `](${'N'.repeat(1e6)}eq\x00${`c__builtin__\nset\nh\x00\x85R`.repeat(100)}`],
    ['dictionaries of one', `}(${'K\x01K\x02'.repeat(10)}uq\x00${`ccollections\nOrderedDict\nh\x00\x85R`.repeat(1e6)}`],
  ])('too many %s', (_, text) => {
    const before = process.memoryUsage().rss;
    expect(() => load(`\x80\x02${text}.`)).toThrow('more values than any checkpoint');
    expect(process.memoryUsage().rss - before).toBeLessThan(500e6);
  });
});
