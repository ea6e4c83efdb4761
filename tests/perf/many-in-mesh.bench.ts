import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@xebec/core-async";
import { hasReached } from "@xebec/model-resources";
import { addressPlan, MONITORING_PORT, type PublishedConfig, SERVICES } from "@xebec/platform-local";
import { Mesh } from "../e2e/mesh.ts";
import { HealthProbes } from "./health-probe.ts";
import { manyObjects } from "./many-objects.bench.ts";
import type { Figure } from "./table.ts";

const CONVERGED_MS = 120_000;
/** The start leaves work behind: compile caches are written, heaps shrink. */
const QUIET_MS = 20_000;
/** What returning proxies may still have is remembered for a minute. */
const GONE_MS = 100_000;
const CONTROLLERS = ["pilot", "mixer-policy", "mixer-telemetry"];

/** The same file in a mesh that runs, where six services and seven Envoys are busy with it at once. */
export async function manyInMeshFigures(): Promise<Figure[]> {
  await using mesh = await Mesh.start();
  await sleep(QUIET_MS);
  const plan = addressPlan(mesh.addressBlock);
  const pids = new Map<string, number>([["supervisor", mesh.supervisorPid]]);
  for (const service of SERVICES) pids.set(service, await mesh.pid(service));
  const probes = new HealthProbes(
    new Map(
      [...pids].map(([name, pid]) => {
        const service = SERVICES.find((each) => each === name);
        const target = service
          ? { host: plan.service(service), port: MONITORING_PORT, path: "/healthz" }
          : { socketPath: `${mesh.runDir}/control.sock`, path: "/version" };
        return [name, { pid, target }];
      }),
    ),
  );
  const takenOver = async (work: () => void): Promise<void> => {
    const revision = async (): Promise<PublishedConfig> => mesh.control<PublishedConfig>("/published");
    const before = (await revision()).position?.revisions.galley ?? 0;
    work();
    await waitFor(
      "every service has taken it over",
      CONVERGED_MS,
      async () => {
        const { position, observed } = await revision();
        const isNew = position !== undefined && (position.revisions.galley ?? 0) > before;
        return isNew && CONTROLLERS.every((each) => hasReached(observed[each], position));
      },
      200,
    );
  };
  const residents = (): Map<string, number> => new Map([...pids].map(([name, pid]) => [name, residentKib(pid)]));
  const before = residents();
  await probes.take();
  await takenOver(() => mesh.save("many.yaml", manyObjects()));
  const come = await probes.take();
  const withAll = residents();
  await takenOver(() => mesh.remove("many.yaml"));
  const gone = await probes.take();
  await sleep(GONE_MS);
  await probes.end();
  const after = residents();
  const more = (now: ReadonlyMap<string, number>, name: string): string =>
    `${(((now.get(name) ?? 0) - (before.get(name) ?? 0)) / 1024).toFixed(0)} MiB`;
  return [...pids.keys()].map((name) => {
    const [first, second] = [come.get(name), gone.get(name)];
    return {
      what: `the same in a mesh: ${name}`,
      value:
        `longest health check ${first?.totalMs.toFixed(0)} and ${second?.totalMs.toFixed(0)} ms, ` +
        `${first?.ownMs.toFixed(0)} and ${second?.ownMs.toFixed(0)} of its own, ` +
        `${first?.queuedMs.toFixed(0)} and ${second?.queuedMs.toFixed(0)} until it had a core; ` +
        `${more(withAll, name)} more, ${more(after, name)} when they are gone`,
      cpu: "",
      goal: "100 ms",
    };
  });
}

function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
