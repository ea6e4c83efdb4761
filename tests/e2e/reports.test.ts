// What mixer-telemetry counts is exactly what was sent: with Istio 1.1's default configuration, on Bookinfo, through kills.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { tempDir } from "@xebec/testing-launch";
import { LessonShell, stepsOf } from "./lesson-page.ts";
import { killHard, Mesh } from "./mesh.ts";

const ROOT = join(import.meta.dirname, "../..");
const SAMPLES = join(ROOT, "deploy/samples");
const DEFAULTS = ["prometheus.yaml", "accesslog.yaml"];
const PAGES = 400;
/** Every so many pages one is asked for as gRPC asks, which is known by the content type. */
const GRPC_EVERY = 4;
const GRPC = { "content-type": "application/grpc" };
const KILLS = 4;
/** A page asks details once, reviews once, and these ratings once, which ask the database once. */
const HTTP = ["details", "reviews", "ratings"];
const TCP = {
  istio_tcp_connections_opened_total: 1,
  istio_tcp_connections_closed_total: 1,
  istio_tcp_received_bytes_total: 6,
  istio_tcp_sent_bytes_total: 30,
};

describe("reports", () => {
  const folder = tempDir();
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start({
      base: [
        ...["platform/bookinfo.yaml", "platform/ingress-gateway.yaml", "networking/bookinfo-gateway.yaml"],
        ...["networking/destination-rule-all.yaml", "telemetry/durable-reports.yaml"],
      ],
      prepare: (each) => each.save("sleep.yaml", readFileSync(join(SAMPLES, "sleep/sleep.yaml"), "utf8")),
    });
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
    folder.remove();
  });

  const metrics = async (): Promise<string> => (await mesh.direct(mesh.address(8), 42422, "/metrics")).body;
  /** The sum of a metric's samples that have some labels. */
  const sum = (text: string, name: string, labels: Record<string, string>): number =>
    text
      .split("\n")
      .filter((line) => line.startsWith(`${name}{`))
      .filter((line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  /** All that is to be exact, by what it is. */
  const counts = async (): Promise<Record<string, number>> => {
    const text = await metrics();
    const found: Record<string, number> = {};
    for (const reporter of ["source", "destination"]) {
      for (const service of HTTP) {
        const labels = { reporter, destination_service_name: service, request_protocol: "http", response_code: "200" };
        found[`${reporter} ${service}`] = sum(text, "istio_requests_total", labels);
        const { response_code: _, ...any } = labels;
        found[`${reporter} ${service} durations`] = sum(text, "istio_request_duration_seconds_count", any);
      }
      const grpc = { reporter, destination_service_name: "productpage", request_protocol: "grpc" };
      found[`${reporter} gRPC`] = sum(text, "istio_requests_total", grpc);
      for (const name of Object.keys(TCP))
        found[`${reporter} ${name}`] = sum(text, name, { reporter, destination_service_name: "ratings-db" });
    }
    return found;
  };
  const stable = async (): Promise<Record<string, number>> => {
    let last = "";
    let since = 0;
    return waitFor(
      "counters stand still",
      30_000,
      async () => {
        const now = await counts();
        since = JSON.stringify(now) === last ? since + 1 : 0;
        last = JSON.stringify(now);
        return since >= 10 ? now : undefined;
      },
      300,
    );
  };

  it("the lesson about TCP", async () => {
    const at = folder.file("lesson");
    mkdirSync(at);
    for (const [name, target] of LessonShell.links) symlinkSync(target, join(at, name));
    const { runDir, ingressPort, addressBlock } = mesh;
    const shell = new LessonShell({ runDir, ingressPort, addressBlock, secureIngressPort: 0 }, at);
    for (const step of stepsOf(readFileSync(join(SAMPLES, "tcp-metrics/README.md"), "utf8"))) await shell.run(step);
  });

  it("HTTP, gRPC and TCP are counted exactly, however often mixer-telemetry is killed", async () => {
    mesh.copy("networking/virtual-service-ratings-db.yaml", "routes.yaml");
    for (const file of DEFAULTS) mesh.save(file, readFileSync(join(ROOT, "libs/mixer/server/testdata", file), "utf8"));
    await waitFor("stars of the database, and a report of each call", 60_000, async () => {
      for (const headers of [{}, GRPC]) await mesh.get("/productpage", headers);
      const now = await counts();
      return Object.values(now).every((count) => count > 0);
    });
    const before = await stable();
    let isOver = false;
    let pages = 0;
    const load = async (): Promise<void> => {
      while (pages < PAGES) {
        const headers = pages++ % GRPC_EVERY === 0 ? GRPC : undefined;
        assert.equal((await mesh.get("/productpage", headers)).status, 200);
      }
    };
    const kill = async (): Promise<void> => {
      for (let i = 1; i <= KILLS && !isOver; i++) {
        await waitFor("a share of the pages", 120_000, () => pages >= (i * PAGES) / (KILLS + 1), 10);
        const pid = await mesh.pid("mixer-telemetry");
        await killHard(pid);
        await waitFor("it is started again", 60_000, async () => (await mesh.pid("mixer-telemetry")) !== pid, 50);
      }
    };
    const killing = kill();
    await Promise.all(Array.from({ length: 4 }, load));
    isOver = true;
    await killing;
    await waitFor("it answers again", 60_000, async () => (await metrics().catch(() => "")) !== "", 100);
    const expected = Object.fromEntries(
      Object.entries(before).map(([what, count]) => {
        const times = what.endsWith("gRPC")
          ? 1 / GRPC_EVERY
          : (Object.entries(TCP).find(([name]) => what.endsWith(name))?.[1] ?? 1);
        return [what, count + PAGES * times];
      }),
    );
    await waitFor("all is counted", 60_000, async () => {
      const now = await counts();
      return Object.entries(expected).every(([what, count]) => (now[what] ?? 0) >= count);
    }).catch(() => undefined);
    assert.deepEqual(await stable(), expected);
  });
});
