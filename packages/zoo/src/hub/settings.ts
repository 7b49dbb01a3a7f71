/** Where the Hub is, who asks, and where what it sends is kept: the environment variables of Python's huggingface_hub. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface HubSettings {
  /** Address of the Hub or of a mirror, without a slash at the end. */
  endpoint: string;
  /** Access token, for gated and private models. */
  token?: string;
  /** Folder of the cache, which Python's huggingface_hub shares. */
  cache: string;
  /** Never use the network. */
  offline: boolean;
  /** Wait before the second attempt of a request in milliseconds; doubled for each further one. Default 500. */
  delayMs?: number;
}

const isOn = (value: string | undefined) => /^(1|on|yes|true)$/i.test(value ?? '');

/**
 * HF_ENDPOINT (default https://huggingface.co), HF_TOKEN, HF_HUB_CACHE (default $HF_HOME/hub), HF_HOME (default
 * $XDG_CACHE_HOME/huggingface, which is ~/.cache/huggingface), HF_HUB_OFFLINE.
 */
export function hubSettings(env: Readonly<Record<string, string | undefined>> = process.env): HubSettings {
  const cacheHome = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const home = env.HF_HOME || join(cacheHome, 'huggingface');
  return {
    endpoint: (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, ''),
    token: env.HF_TOKEN || undefined,
    cache: env.HF_HUB_CACHE || join(home, 'hub'),
    offline: isOn(env.HF_HUB_OFFLINE),
  };
}
