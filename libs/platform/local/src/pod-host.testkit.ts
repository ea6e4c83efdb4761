import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { addressPlan } from "./address-plan.ts";
import type { PodHost } from "./pod-host.ts";
import type { PodSet } from "./pod-set.ts";

/** What a test's pods need; `step` names the set whose rollouts go on when a pod changes. */
export async function host(
  t: TestContext,
  more: Partial<PodHost> = {},
): Promise<{ host: PodHost; step: (set: PodSet) => void; runId: string }> {
  const folder = tempDir();
  t.after(() => folder.remove());
  const runId = randomUUID();
  let set: PodSet | undefined;
  return {
    runId,
    step: (given) => {
      set = given;
    },
    host: {
      plan: addressPlan(199),
      root: "/",
      runDir: folder.path,
      runId,
      injector: { host: "127.0.0.1", port: 1, serverName: "none", ca: () => undefined },
      issueToken: async () => "token",
      baseEnv: { PATH: process.env.PATH ?? "" },
      caAddress: "127.0.0.1:8060",
      discoveryAddress: "127.0.0.1:15012",
      proxyConfig: {},
      data: () => undefined,
      services: () => [],
      stateChanged: async () => undefined,
      recordsChanged: () => set?.step(),
      withdrawn: async () => undefined,
      ...more,
    },
  };
}
