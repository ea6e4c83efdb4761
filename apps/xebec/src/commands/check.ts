import { sleep } from "@xebec/core-async";
import type { Condition } from "@xebec/model-resources";
import { addressPlan, type MeshStatus, MONITORING_PORT, type PublishedConfig } from "@xebec/platform-local";
import { isOfCluster, type MeshFlags } from "../analyze-input.ts";
import { certificateOf, serviceOfTls } from "../certificates.ts";
import { type AddCheck, clusterChecks } from "../cluster-check.ts";
import { callSupervisor } from "../control.ts";
import { type Diagnostics, diagnosticsOf, firstOf } from "../diagnostics.ts";
import { CONTROLLERS, lateControllers } from "../late-controllers.ts";
import { loadOptions } from "../mesh-options.ts";
import { type Format, listing, print, table } from "../output.ts";
import { runDirectory } from "../paths.ts";
import { recordedProcess } from "../process-record.ts";
import { authenticated, nackOf, type ProxySync, syncCell, XDS_TYPES } from "../proxy-sync.ts";

/** One thing that was looked at. Only an error makes the command fail. */
export interface Check {
  readonly id: string;
  /** What was looked at, in words that hold for either result. */
  readonly description: string;
  readonly ok: boolean;
  readonly severity: "error" | "warning";
  /** What is wrong, and what to do; empty when all is well. */
  readonly hint: string;
}

const TIMEOUT_MS = 2_000;
const POLL_MS = 100;
/** A certificate must have this part of its lifetime left. */
const LIFETIME_LEFT = 0.2;

/**
 * `xebec check`: looks at everything, and says what is wrong: of the cluster that is named, else of the mesh that runs here, else of the
 * cluster of KUBECONFIG.
 * @returns 1 when an error was found
 */
export async function check(options: MeshFlags & { readonly output: Format }): Promise<number> {
  const checks = (await isOfCluster(options)) ? await ofCluster(options) : await allChecks(runDirectory());
  print(listing(options.output, checks, () => text(checks)));
  return checks.some((each) => !each.ok && each.severity === "error") ? 1 : 0;
}

/** A row for each check; what is wrong stands below its row, so that rows stay short. */
function text(checks: readonly Check[]): string {
  const rows = checks.map((each) => [
    each.ok ? "ok" : each.severity === "error" ? "FAILED" : "warning",
    each.id,
    each.description,
  ]);
  const [header = "", ...lines] = table(["RESULT", "CHECK", "LOOKS AT"], rows).split("\n");
  const reported = checks.flatMap((each, i) => [lines[i] ?? "", ...(each.ok ? [] : [`          ${each.hint}`])]);
  return [header, ...reported].join("\n");
}

async function ofCluster(flags: MeshFlags): Promise<Check[]> {
  const found: Check[] = [];
  await clusterChecks(flags, (id, description, hint, severity = "error") =>
    found.push({ id, description, ok: hint === "", severity, hint }),
  );
  return found;
}

async function allChecks(runDir: string): Promise<Check[]> {
  const found: Check[] = [];
  const add: AddCheck = (id, description, hint, severity = "error") => {
    found.push({ id, description, ok: hint === "", severity, hint });
  };
  const mesh = await callSupervisor<MeshStatus>(runDir, "GET", "/status").catch((error: Error) => error);
  if (mesh instanceof Error) {
    add("supervisor", "answer on its socket", mesh.message);
    return found;
  }
  add("supervisor", "answer on its socket", mesh.missing.join("; "));
  add(
    "watchdog",
    "process that restarts the supervisor",
    recordedProcess(runDir, "watchdog") ? "" : 'it is gone; "xebec down" and "xebec up" start it anew',
    "warning",
  );
  for (const each of mesh.processes.filter(({ kind }) => kind === "service"))
    add(
      each.name === "nats" ? "nats" : `service/${each.name}`,
      "readiness",
      each.name === "nats"
        ? each.ready
          ? ""
          : `it does not accept connections; see ${each.log}`
        : await readiness(each.addresses[0] ?? "", each.log),
    );
  for (const each of mesh.processes.filter(({ kind }) => kind === "pod"))
    add(`pod/${each.name}`, "readiness", each.ready ? "" : each.problem || `not ready; see ${each.log}`);
  await consumerChecks(runDir, add);
  await proxyChecks(runDir, mesh, add);
  const addressBlock = loadOptions(runDir)?.addressBlock;
  if (addressBlock !== undefined) await certificateChecks(addressBlock, add);
  objectChecks(diagnosticsOf(mesh, await callSupervisor<Condition[]>(runDir, "GET", "/conditions")), add);
  return found;
}

function objectChecks({ refused, ignored, partly }: Diagnostics, add: AddCheck): void {
  add("objects/valid", "validity of configuration objects", firstOf(refused, "refused"));
  add("objects/effect", "effect of valid objects", firstOf(ignored, "without effect"), "warning");
  add("objects/whole", "parts of objects without effect", firstOf(partly, "partly in effect"), "warning");
}

async function readiness(address: string, log: string): Promise<string> {
  try {
    const answer = await fetch(`http://${address}:${MONITORING_PORT}/readyz`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { ready, missing } = (await answer.json()) as { ready: boolean; missing: string[] };
    return ready ? "" : missing.join("; ");
  } catch {
    return `it does not answer at ${address}:${MONITORING_PORT}; see ${log}`;
  }
}

/** A change that has just come is given a moment. */
async function consumerChecks(runDir: string, add: AddCheck): Promise<void> {
  const until = performance.now() + TIMEOUT_MS;
  const look = (): Promise<PublishedConfig> => callSupervisor<PublishedConfig>(runDir, "GET", "/published");
  let published = await look();
  let late = lateControllers(published);
  while ((!published.known || late.size > 0) && performance.now() < until) {
    await sleep(POLL_MS);
    published = await look();
    late = lateControllers(published);
  }
  add("config", "publication of the configuration", published.known ? "" : "it is unknown; see galley and nats");
  for (const name of CONTROLLERS)
    add(`config/${name}`, "application of the newest configuration", late.get(name) ?? "");
}

async function proxyChecks(runDir: string, mesh: MeshStatus, add: AddCheck): Promise<void> {
  // A client that only says it is a proxy makes nothing red; proxy-status shows it.
  const proxies = authenticated(await callSupervisor<ProxySync[]>(runDir, "GET", "/proxies"));
  const injected = mesh.processes.filter((each) => each.kind === "pod");
  add(
    "proxies",
    "connections to pilot",
    injected.length > 0 && proxies.length === 0 ? "none is connected; see the log of pilot" : "",
  );
  for (const proxy of proxies.toSorted((a, b) => a.proxy.localeCompare(b.proxy))) {
    const wrong = XDS_TYPES.flatMap((type) => {
      const cell = syncCell(proxy, type);
      if (cell === "NACKED") return [`rejects its ${type}s: ${nackOf(proxy, type)}`];
      return cell === "STALE" ? [`has not accepted its newest ${type}s yet`] : [];
    });
    add(`proxy/${proxy.proxy}`, "acceptance of what it was sent", wrong.join("; "));
  }
}

async function certificateChecks(addressBlock: number, add: AddCheck): Promise<void> {
  const plan = addressPlan(addressBlock);
  const checks = serviceOfTls(plan).map(async ({ service, host, port }) => {
    const description = "lifetime of its certificate";
    try {
      const { from, to } = await certificateOf(host, port, TIMEOUT_MS);
      const left = (to - Date.now()) / (to - from);
      const hint =
        left > LIFETIME_LEFT
          ? ""
          : `it ends at ${new Date(to).toISOString()} and was not renewed; is citadel ready? see the log of ${service}`;
      return { id: `certificate/${service}`, description, hint };
    } catch (error) {
      return { id: `certificate/${service}`, description, hint: (error as Error).message };
    }
  });
  for (const each of await Promise.all(checks)) add(each.id, each.description, each.hint);
}
