// The supervisor's process: runs the mesh of a run directory and answers the command line on a Unix socket.

import { rm } from "node:fs/promises";
import { isXebecError, XebecError } from "@xebec/core-errors";
import { afterStart } from "@xebec/core-lifecycle";
import { escapeControls, logger } from "@xebec/core-log";
import { decodeProxies } from "@xebec/model-bus";
import { signToken } from "@xebec/model-pki";
import { createHttpServer } from "@xebec/platform-http";
import { loadOrCreateTokenKey } from "@xebec/platform-identity";
import { type IssueToken, Supervisor } from "@xebec/platform-local";
import { findProgram } from "@xebec/platform-process";
import { defaultHttpsPort, loadOptions } from "./mesh-options.ts";
import { controlSocket, ROOT, runDirectory } from "./paths.ts";
import { recordProcess } from "./process-record.ts";
import { serviceOptions } from "./service-options.ts";
import { claimRunDirectory } from "./single-supervisor.ts";
import { EXIT_RELEASED } from "./watchdog.ts";

const log = logger("supervisor");
const TOKEN_SECONDS = 24 * 3600;
const PROXIES_TIMEOUT_MS = 2_000;

async function tokenMaker(dir: string): Promise<IssueToken> {
  const key = await loadOrCreateTokenKey(dir);
  return async (namespace, serviceAccount, audience, lifetimeSeconds = TOKEN_SECONDS) =>
    signToken(key, { namespace, serviceAccount, audience }, lifetimeSeconds);
}

async function main(): Promise<void> {
  const runDir = runDirectory();
  const options = loadOptions(runDir);
  if (!options) throw new XebecError("failed_precondition", `${runDir} holds no mesh; start one with "xebec up"`);
  const supervisor = new Supervisor({
    root: ROOT,
    runDir,
    ...options,
    ingressHttpsPort: options.ingressHttpsPort ?? defaultHttpsPort(options.ingressPort),
    envoy: findProgram("envoy", { root: ROOT, env: process.env }),
    natsServer: findProgram("nats-server", { root: ROOT, env: process.env }),
    tokenMaker,
    serviceOptions,
  });
  await claimRunDirectory(runDir);
  const socket = controlSocket(runDir);
  await rm(socket, { force: true });
  let ending: Promise<void> | undefined;
  const control = createHttpServer({
    name: "control socket",
    address: { path: socket },
    routes: (app) => {
      app.get("/status", () => supervisor.status());
      app.get("/conditions", () => supervisor.conditions());
      app.get("/published", () => supervisor.published());
      app.get<{ Querystring: { strict?: string } }>("/proxies", async ({ query }) => {
        const answers = await supervisor.bus?.requestAll("proxies", new Uint8Array(), {
          timeoutMs: PROXIES_TIMEOUT_MS,
        });
        // No answer is not the same as no proxy.
        if (query.strict !== undefined && !answers?.length)
          throw new XebecError("unavailable", "pilot does not answer");
        return (await Promise.all((answers ?? []).map(decodeProxies))).flat();
      });
      app.get<{ Params: { name: string } }>("/logs/:name", ({ params }) => {
        const files = supervisor.lookup.logFiles(params.name);
        if (!files) throw new XebecError("not_found", `no pod or service "${params.name}"; "xebec status" lists them`);
        return files;
      });
      app.get<{ Params: { pod: string }; Querystring: { container?: string } }>("/exec/:pod", ({ params, query }) => {
        const context = supervisor.lookup.execContext(params.pod, query.container);
        if (!context) throw new XebecError("not_found", `no pod "${params.pod}"; "xebec status" lists them`);
        return context;
      });
      app.get<{ Params: { pod: string } }>("/proxy-admin/:pod", ({ params }) => {
        const admin = supervisor.lookup.proxyAdmin(params.pod);
        if (!admin) throw new XebecError("not_found", `no pod "${params.pod}"; "xebec status" lists them`);
        return admin;
      });
      app.post<{ Params: { component: string }; Querystring: { build?: string } }>(
        "/replace/:component",
        async ({ params, query }) => {
          if (!query.build) throw new XebecError("invalid_argument", "say build=FOLDER");
          await supervisor.replace(params.component, query.build);
          return { replaced: true };
        },
      );
      app.post("/down", async () => {
        ending ??= supervisor.down().finally(() => setTimeout(() => process.exit(0), 50));
        await ending;
        return { ended: true };
      });
    },
    limits: { requestMs: 60_000 },
  });
  await recordProcess(runDir, "supervisor");
  await supervisor.restore();
  await control.start(new AbortController().signal);
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      if (ending) return;
      log.info("the supervisor goes; what it started goes on");
      ending = supervisor.release().finally(() => process.exit(EXIT_RELEASED));
    });
  try {
    await supervisor.start();
    afterStart();
  } catch (error) {
    // A start that `down` cut short has not failed.
    if (!ending) throw error;
  }
}

// Life goes on: the mesh needs somebody who looks after it more than it needs to know of one forgotten error.
process.on("unhandledRejection", (error) => log.error({ err: error }, "an error that nothing handled"));
main().catch(async (error: unknown) => {
  log.fatal({ err: error }, "the supervisor could not start");
  const text = isXebecError(error) || error instanceof Error ? error.message : String(error);
  process.stderr.write(escapeControls(`xebec: ${text}\n`));
  process.exit(1);
});
