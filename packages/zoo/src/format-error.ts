/** Errors about a checkpoint file: the path in front, then what is wrong with it. */
import { UserError } from '@t2r/core';

/** Makes the error for one file. */
export type Fail = (what: string, hint?: string) => UserError;

const DAMAGED = 'Write or download the file again; a run makes a step anew with --force.';

/** Errors about the file at `path`. Where nothing else is said, the advice is to get the file again. */
export const failAt =
  (path: string): Fail =>
  (what, hint = DAMAGED) =>
    new UserError(`${path}: ${what}`, { location: { file: path }, hint });

const SHOWN = 200;

/** A text from a file for a message: quoted, and cut where it is long. */
export const quoted = (text: string) => JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text);

/** Errors about one tensor of a file. */
export const failTensor =
  (fail: Fail, name: string): Fail =>
  (what, hint) =>
    fail(`tensor ${quoted(name)}: ${what}`, hint);
