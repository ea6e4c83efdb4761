import { stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@xebec/platform-files";
import type { PodVolume } from "./manifest-objects.ts";
import type { PodFacts } from "./pod-environment.ts";
import { innerPath } from "./safe-path.ts";

/** Makes the token of a service account for an audience. Without a lifetime, in seconds, it is a day. */
export type IssueToken = (
  namespace: string,
  serviceAccount: string,
  audience: string,
  lifetimeSeconds?: number,
) => Promise<string>;

const DAY_SECONDS = 86_400;
/** Kubernetes makes no token that ends sooner, in seconds. */
const SHORTEST_SECONDS = 600;
/** The volume whose token is for citadel, whether or not it says so. */
const ISTIO_TOKEN = { volume: "istio-token", audience: "istio-ca" };
/** For whom a token is that does not say it: the API server, as in Kubernetes. Citadel does not take it. */
const DEFAULT_AUDIENCE = "https://kubernetes.default.svc";

/**
 * Writes the service account tokens of a volume, each for its audience and its lifetime (at least ten minutes, at most a day).
 * @param at the volume's directory
 * @param all false: only those of whose life more than a half has passed
 * @throws XebecError invalid_argument for a path that leads out of the volume
 */
export async function writeTokens(
  at: string,
  volume: PodVolume,
  facts: PodFacts,
  issueToken: IssueToken,
  all: boolean,
): Promise<void> {
  for (const { serviceAccountToken: token } of volume.projected?.sources ?? []) {
    if (!token) continue;
    const path = join(at, innerPath(token.path));
    const seconds = Math.min(Math.max(token.expirationSeconds ?? DAY_SECONDS, SHORTEST_SECONDS), DAY_SECONDS);
    if (!all && (await age(path)) < (seconds / 2) * 1_000) continue;
    const audience = token.audience || (volume.name === ISTIO_TOKEN.volume ? ISTIO_TOKEN.audience : DEFAULT_AUDIENCE);
    const text = await issueToken(facts.namespace, facts.serviceAccount, audience, seconds);
    await writeFileAtomic(path, text, { mode: 0o600 });
  }
}

async function age(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Number.POSITIVE_INFINITY;
    throw error;
  }
}
