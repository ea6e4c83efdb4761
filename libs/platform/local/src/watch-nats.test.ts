import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { SUBJECTS } from "@xebec/model-bus";
import { createNatsBus } from "@xebec/platform-bus";
import { RUN_ID_ENV } from "@xebec/platform-process";
import { findTool, freePort, tempDir } from "@xebec/testing-launch";
import { ManagedProcess } from "./managed-process.ts";
import { httpReady } from "./readiness.ts";
import { watchNats } from "./watch-nats.ts";

const TIMEOUT_MS = 20_000;
/** Blocks of the store are opened anew after some of these. */
const LARGE = Buffer.alloc(600_000, "x");

test("a server whose store has failed although it says that all is well is noticed by its writers and started again", async (t) => {
  using folder = tempDir();
  const [port, monitoring] = [await freePort(), await freePort()];
  const storeDir = folder.file("store");
  const config = folder.file("nats.conf");
  writeFileSync(
    config,
    `listen: "127.0.0.1:${port}"\nhttp: "127.0.0.1:${monitoring}"\njetstream { store_dir: "${storeDir}" }\n`,
  );
  const managed = new ManagedProcess(
    {
      name: "service/nats",
      command: [findTool("nats-server"), "-c", config],
      env: { [RUN_ID_ENV]: randomUUID() },
      cwd: folder.path,
      logFile: folder.file("nats.log"),
    },
    () => undefined,
  );
  managed.start({ found: [] });
  const stop = new AbortController();
  const bus = createNatsBus({ servers: [`127.0.0.1:${port}`], name: "test" });
  t.after(async () => {
    stop.abort();
    await bus.close?.();
    await managed.end(2_000);
  });
  await bus.start(stop.signal);
  const state = bus.bucket("config");
  await state.put("small", Buffer.from("1"));
  // It goes on writing into files that have no name any more, until it needs a new one.
  rmSync(storeDir, { recursive: true });
  let written = 0;
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      await state.put(`large-${written % 8}`, LARGE);
      written++;
    }
  })();
  const [reported] = await waitFor("the writer is notified", TIMEOUT_MS, () => bus.missing?.()[0] && bus.missing());
  assert.match(reported ?? "", /^the bus has taken no change of the bucket "config" for [5-9] s: /);
  assert.ok(await httpReady("127.0.0.1", monitoring, "/healthz"), "the server says that all is well");
  const before = written;
  const end = watchNats(managed, {
    health: {
      error: async () => ((await httpReady("127.0.0.1", monitoring, "/healthz")) ? undefined : "it is not well"),
    },
    storeDir,
    onStall: (stalled) => {
      const listening = bus.subscribe(SUBJECTS.stalls, (name) => stalled(Buffer.from(name).toString()));
      return () => listening.close();
    },
  });
  t.after(end);
  await waitFor("changes are taken again", TIMEOUT_MS, () => written > before + 10);
  assert.deepEqual(bus.missing?.(), []);
  assert.equal(managed.restarts, 1);
  isOver = true;
  await writing;
  await waitFor(
    "nothing is lost",
    TIMEOUT_MS,
    async () => Buffer.from((await state.get("small")) ?? "").toString() === "1",
  );
});
