import { sleep } from "@xebec/core-async";
import { requestCertificate } from "@xebec/platform-identity";
import { CITADEL_PORT, rootFile, tokenFile } from "@xebec/platform-local";
import type { ComparedMesh } from "./mesh.ts";
import { DENIED_HEADER, newPod, routeOf } from "./objects.ts";

const TELEMETRY_PORT = 42_422;
const PAUSE_MS = 50;

/** Something that the control plane does for its users. One attempt at it is made after another. */
export interface MeshFunction {
  readonly name: string;
  /** How long it may take before it counts as failed, in milliseconds. */
  readonly limitMs: number;
  /** @param n number of the attempt, never used before in this mesh @throws when it does not work */
  attempt(mesh: ComparedMesh, n: number, signal: AbortSignal): Promise<void>;
}

/** What users notice when a component is away. */
export const FUNCTIONS: readonly MeshFunction[] = [
  {
    name: "routing",
    limitMs: 1_000,
    async attempt(mesh) {
      expect(await mesh.get("/productpage", {}, 1_000), 200);
    },
  },
  {
    name: "new configuration",
    limitMs: 2_000,
    async attempt(mesh, n, signal) {
      mesh.save("function", routeOf(n));
      await until(signal, async () => (await mesh.get("/compare-function")).body === `answer ${n}`);
    },
  },
  {
    name: "new pods",
    limitMs: 8_000,
    async attempt(mesh, n, signal) {
      const name = `compare-pod-${n}`;
      try {
        mesh.save("pod", newPod(name));
        await until(signal, async () =>
          (await mesh.status()).processes.some((each) => each.ready && each.name.startsWith(`default/${name}-`)),
        );
      } finally {
        mesh.remove("pod");
      }
    },
  },
  {
    name: "certificates",
    limitMs: 2_000,
    async attempt(mesh, _n, signal) {
      const order = {
        caAddress: `${mesh.plan.service("citadel")}:${CITADEL_PORT}`,
        caRootFile: rootFile(mesh.runDir),
        tokenFile: tokenFile(mesh.runDir, "galley"),
        ...{ keyType: "P-256" as const, ttlMs: 3_600_000, names: {}, roots: "" },
      };
      await requestCertificate(order, signal);
    },
  },
  {
    name: "checks",
    limitMs: 1_500,
    async attempt(mesh) {
      expect(await mesh.get("/productpage", { [DENIED_HEADER]: "yes" }, 1_500), 403);
    },
  },
  {
    name: "metrics",
    limitMs: 3_000,
    async attempt(mesh, _n, signal) {
      const before = await requestsCounted(mesh);
      await mesh.get("/productpage").catch(() => undefined);
      await until(signal, async () => (await requestsCounted(mesh)) > before);
    },
  },
];

/** One attempt, in milliseconds since the watch began. */
export interface Attempt {
  readonly from: number;
  readonly to: number;
  readonly ok: boolean;
}

let attempts = 0;

/** Tries a function again and again. @param signal ends it @returns what came of each attempt */
export async function watchFunction(
  each: MeshFunction,
  mesh: ComparedMesh,
  began: number,
  signal: AbortSignal,
): Promise<Attempt[]> {
  const done: Attempt[] = [];
  while (!signal.aborted) {
    const from = performance.now() - began;
    const ok = await succeeds(each, mesh, signal);
    // What was broken off says nothing.
    if (ok === undefined) break;
    done.push({ from, to: performance.now() - began, ok });
    await sleep(PAUSE_MS, signal).catch(() => undefined);
  }
  return done;
}

/** @returns undefined when it was broken off */
export async function succeeds(
  each: MeshFunction,
  mesh: ComparedMesh,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(each.limitMs)]);
  try {
    await each.attempt(mesh, ++attempts, limit);
    return !limit.aborted;
  } catch {
    return signal.aborted ? undefined : false;
  }
}

/**
 * For how long a function did not work: from the beginning of each attempt that failed to the end of the next that did not.
 * @param watchedMs a function that does not work at the end of the watch was away until then
 * @returns milliseconds
 */
export function outageOf(done: readonly Attempt[], watchedMs: number): number {
  let away = 0;
  let since: number | undefined;
  for (const { from, to, ok } of done) {
    if (!ok) since ??= from;
    else if (since !== undefined) {
      away += to - since;
      since = undefined;
    }
  }
  return since === undefined ? away : away + Math.max(0, watchedMs - since);
}

async function until(signal: AbortSignal, holds: () => Promise<boolean>): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (await holds().catch(() => false)) return;
    await sleep(10, signal);
  }
}

async function requestsCounted(mesh: ComparedMesh): Promise<number> {
  const { body } = await mesh.getFrom(mesh.plan.service("mixer-telemetry"), TELEMETRY_PORT, "/metrics");
  let sum = 0;
  for (const [, value] of body.matchAll(/^istio_requests_total\{.*\} (\S+)$/gm)) sum += Number(value);
  return sum;
}

function expect(answer: { readonly status: number }, status: number): void {
  if (answer.status !== status) throw new Error(`status ${answer.status}`);
}
