/** Addresses of models on the Hugging Face Hub, as recipes write them: `hf:owner/name@revision`. */
import { UserError } from '@t2r/core';

export interface HubAddress {
  /** `openai-community/gpt2`. */
  repo: string;
  /** A commit, a branch or a tag. */
  revision: string;
}

const PREFIX = 'hf:';
const ADDRESS = /^hf:((?:[\w.-]+\/)?[\w.-]+)(?:@([^\s@]+))?$/;

export const isHubAddress = (path: string) => path.startsWith(PREFIX);

/** Whether a revision is the full hash of a commit, which never moves. */
export const isCommit = (revision: string) => /^[0-9a-f]{40}$/.test(revision);

/** @throws UserError where it is not written as it should be */
export function parseHubAddress(text: string): HubAddress {
  const match = ADDRESS.exec(text);
  const parts = match?.[1]?.split('/') ?? ['.'];
  if (match === null || parts.some((part) => /^\.+$/.test(part)) || match[2]?.split('/').includes('..'))
    throw new UserError(`"${text}" is no address of a model on the Hugging Face Hub`, {
      hint: 'Write hf:owner/name@revision, e.g. hf:openai-community/gpt2@607a30d783dfa663caf39e06633721c8d4cfcd7e.',
    });
  return { repo: match[1]!, revision: match[2] ?? 'main' };
}

export const formatHubAddress = ({ repo, revision }: HubAddress) => `${PREFIX}${repo}@${revision}`;
