/** Bearer tokens. */
import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Whether an `Authorization` header carries the token. Takes the same time whatever is wrong with it. */
export function createTokenCheck(token: string): (header: string | undefined) => boolean {
  const expected = digest(`Bearer ${token}`);
  return (header = '') => timingSafeEqual(digest(header.replace(/^bearer /i, 'Bearer ')), expected);
}
