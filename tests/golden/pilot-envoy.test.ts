import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { XdsServer } from "@xebec/pilot-xds-server";
import { createGrpcServer } from "@xebec/platform-grpc";
import { goldenCases } from "@xebec/testing-golden";
import { findTool, tempDir } from "@xebec/testing-launch";
import { bootstrap } from "../behaviour/lab/envoy.ts";
import { IN_NAMESPACE } from "../behaviour/lab/namespace.ts";
import { testSecrets } from "../behaviour/lab/secrets.ts";
import { type PilotInput, snapshotOf } from "./pilot-case.ts";

const secrets = testSecrets();

describe("pilot: a real Envoy accepts what every golden case generates", () => {
  for (const each of goldenCases(join(import.meta.dirname, "pilot")))
    for (const [name, node] of Object.entries((each.input as PilotInput).proxies))
      it(`${each.name}: ${name}`, async () => {
        using folder = tempDir();
        const socket = folder.file("xds.sock");
        const metrics = createMetrics();
        const nacks: string[] = [];
        const xds = new XdsServer({ metrics, onNack: (report) => nacks.push(`${report.type}: ${report.message}`) });
        await xds.update(snapshotOf(each.input as PilotInput));
        const server = createGrpcServer({
          name: "xds",
          address: { path: socket },
          services: [xds.service(), secrets],
          metrics,
        });
        await server.start(new AbortController().signal);
        const file = folder.file("bootstrap.json");
        writeFileSync(file, JSON.stringify(bootstrap(node, socket)));
        const [program = "", ...args] = [
          // The listeners of a captured sidecar bind fixed ports on all addresses.
          ...IN_NAMESPACE,
          findTool("envoy"),
          "-c",
          file,
          "--use-dynamic-base-id",
          "--concurrency",
          "1",
          "--disable-hot-restart",
          "-l",
          "error",
        ];
        const envoy = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
        let output = "";
        for (const stream of [envoy.stdout, envoy.stderr])
          stream.on("data", (text: Buffer) => (output += text.toString()));
        try {
          await waitFor("everything is answered", 10_000, () => {
            assert.deepEqual(nacks, []);
            assert.equal(envoy.exitCode, null, output);
            const [connection] = xds.connections;
            const subs = [...(connection?.subscriptions.values() ?? [])];
            const isComplete = ["cluster", "listener"].every((type) => subs.some((sub) => sub.type.name === type));
            return isComplete && subs.every((sub) => sub.state === "idle");
          });
          assert.deepEqual(nacks, []);
        } finally {
          envoy.kill("SIGKILL");
          if (envoy.exitCode === null && envoy.signalCode === null) await once(envoy, "exit");
          await server.close?.();
        }
      });
});
