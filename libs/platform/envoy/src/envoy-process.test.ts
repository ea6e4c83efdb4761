import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { isRunning, type ProcessId, processOf } from "@xebec/platform-process";
import { freePorts, type TempDir, tempDir } from "@xebec/testing-launch";
import { createEnvoyAdmin, type EnvoyAdmin } from "./envoy-admin.ts";
import { createEnvoyProcess } from "./envoy-process.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("envoy process", () => {
  const NEVER = new AbortController().signal;
  const started = new Set<ProcessId>();

  afterEach(() => {
    for (const id of started) if (isRunning(id)) process.kill(id.pid, "SIGKILL");
    started.clear();
  });

  /** A program that answers as Envoy's admin interface does, at PORT for the node NODE. */
  function fakeEnvoy(folder: TempDir, port: number, node = "n"): string {
    const program = folder.file(`envoy-${port}`);
    writeFileSync(
      program,
      `#!${process.execPath}
    require("node:http").createServer((request, response) => {
      response.end(request.url === "/ready" ? "LIVE\\n" : JSON.stringify({ node: { id: ${JSON.stringify(node)} } }));
    }).on("error", () => process.exit(1)).listen(${port}, "127.0.0.1");`,
      { mode: 0o755 },
    );
    return program;
  }

  function run(program: string, args: readonly string[]): ProcessId {
    const { pid = 0 } = spawn(program, args, { detached: true, stdio: "ignore" });
    const id = processOf(pid);
    assert.ok(id);
    started.add(id);
    return id;
  }

  function supervised(folder: TempDir, program: string, admin: EnvoyAdmin) {
    const metrics = createMetrics();
    const it = createEnvoyProcess({
      ...{ program, args: ["-l", "warning"], bootstrap: async () => ({ a: 1 }), admin, metrics, nodeId: "n" },
      ...{ drainMs: 0, drainQuery: "" },
      bootstrapFile: folder.file("b.json"),
      pidFile: folder.file("envoy.pid"),
      logFile: folder.file("envoy.log"),
    });
    const id = (): ProcessId | undefined => {
      const found = it.pid === undefined ? undefined : processOf(it.pid);
      if (found) started.add(found);
      return found;
    };
    return { it, id, metrics };
  }

  const kept = (folder: TempDir): { pid: number; hash: string } =>
    JSON.parse(readFileSync(folder.file("envoy.pid"), "utf8"));

  describe("an Envoy that is kept running", () => {
    it("is ended when the agent is asked to end while it is being taken over", async () => {
      using folder = tempDir();
      const [port = 0] = await freePorts(1, "127.0.0.1");
      const program = fakeEnvoy(folder, port);
      const envoy = run("/bin/sleep", ["60"]);
      const hash = createHash("sha256")
        .update(`${JSON.stringify({ a: 1 }, undefined, 2)}\n`)
        .update(JSON.stringify([program, ["-l", "warning"]]))
        .digest("hex");
      writeFileSync(folder.file("envoy.pid"), JSON.stringify({ ...envoy, nodeId: "n", hash }));
      const asked = Promise.withResolvers<void>();
      const silent: EnvoyAdmin = {
        ...createEnvoyAdmin({ host: "127.0.0.1", port }),
        nodeId: async () => {
          asked.resolve();
          throw new Error("not yet");
        },
      };
      const { it: agent, id } = supervised(folder, program, silent);
      const starting = agent.start(NEVER);
      await asked.promise;
      await agent.close?.();
      await starting;
      assert.equal(isRunning(envoy), false);
      assert.equal(id(), undefined, "nothing was started after the end");
      assert.equal(existsSync(folder.file("envoy.pid")), false);
    });

    it("is not started when the agent ends before", async () => {
      using folder = tempDir();
      const { it: envoy, id } = supervised(
        folder,
        fakeEnvoy(folder, 1),
        createEnvoyAdmin({ host: "127.0.0.1", port: 1 }),
      );
      await envoy.start(AbortSignal.abort());
      await envoy.close?.();
      await envoy.start(NEVER);
      assert.equal(id(), undefined);
    });

    it("keeps its pid file when the agent that could not start is closed", async () => {
      using folder = tempDir();
      const envoy = run("/bin/sleep", ["60"]);
      writeFileSync(folder.file("envoy.pid"), JSON.stringify({ ...envoy, nodeId: "n", hash: "x" }));
      writeFileSync(folder.file("file"), "");
      const broken = createEnvoyProcess({
        ...{ program: "/bin/sleep", args: [], bootstrap: async () => ({}), nodeId: "n", metrics: createMetrics() },
        ...{ drainMs: 0, drainQuery: "" },
        admin: createEnvoyAdmin({ host: "127.0.0.1", port: 1 }),
        bootstrapFile: folder.file("file/is-no-folder"),
        pidFile: folder.file("envoy.pid"),
      });
      await assert.rejects(broken.start(NEVER));
      await broken.close?.();
      assert.ok(isRunning(envoy));
      assert.equal(kept(folder).pid, envoy.pid);
    });

    for (const [what, text] of [
      ["is lost", undefined],
      ["is damaged", "{"],
      ["names another process", JSON.stringify({ pid: process.pid, startTime: "1", nodeId: "n", hash: "x" })],
    ] as const)
      it(`is found by its command line when its pid file ${what}, instead of a second one beside it`, async () => {
        using folder = tempDir();
        const [port = 0] = await freePorts(1, "127.0.0.1");
        const admin = createEnvoyAdmin({ host: "127.0.0.1", port });
        const program = fakeEnvoy(folder, port);
        const old = run(program, ["-c", folder.file("b.json"), "-l", "warning"]);
        await waitFor("the Envoy of before", 5_000, () => admin.live().catch(() => false));
        if (text !== undefined) writeFileSync(folder.file("envoy.pid"), text);
        const { it: envoy, id } = supervised(folder, program, admin);
        await envoy.start(NEVER);
        assert.equal(isRunning(old), false, "its bootstrap is not known, so it was replaced");
        await waitFor("the new one is live", 5_000, () => envoy.missing?.().length === 0);
        assert.equal(kept(folder).pid, id()?.pid);
        await envoy.close?.();
        assert.equal(id(), undefined);
      });

    for (const origin of ["started here", "taken over"])
      it(`is started again when it ends, also one that was ${origin}`, async () => {
        using folder = tempDir();
        const [port = 0] = await freePorts(1, "127.0.0.1");
        const admin = createEnvoyAdmin({ host: "127.0.0.1", port });
        const program = fakeEnvoy(folder, port);
        const agent = supervised(folder, program, admin);
        if (origin === "taken over") {
          const hash = createHash("sha256")
            .update(`${JSON.stringify({ a: 1 }, undefined, 2)}\n`)
            .update(JSON.stringify([program, ["-l", "warning"]]))
            .digest("hex");
          const old = run(program, []);
          writeFileSync(folder.file("envoy.pid"), JSON.stringify({ ...old, nodeId: "n", hash }));
        }
        await agent.it.start(NEVER);
        await waitFor("it is live", 5_000, () => agent.it.missing?.().length === 0);
        const first = agent.id();
        assert.ok(first);
        const others = [...started].filter(({ pid }) => pid !== first.pid);
        assert.deepEqual(others, [], "one process: started, or taken over");
        let reported = 0;
        agent.it.onChange(() => reported++);
        process.kill(first.pid, "SIGKILL");
        await waitFor("another one is live", 5_000, () => {
          const next = agent.id();
          return next !== undefined && next.pid !== first.pid && agent.it.missing?.().length === 0;
        });
        assert.ok(reported >= 2, "both changes were reported");
        await agent.it.close?.();
        assert.equal(agent.id(), undefined);
      });

    it("is not taken for live any more when it is asked and does not answer", async () => {
      using folder = tempDir();
      const [port = 0] = await freePorts(1, "127.0.0.1");
      const admin = createEnvoyAdmin({ host: "127.0.0.1", port });
      let mute = false;
      const agent = supervised(folder, fakeEnvoy(folder, port), { ...admin, live: async () => !mute && admin.live() });
      await agent.it.start(NEVER);
      await waitFor("it is live", 5_000, () => agent.it.missing?.().length === 0);
      mute = true;
      await agent.it.look();
      assert.equal(agent.it.missing?.().length, 1);
      mute = false;
      await waitFor("it is live again", 5_000, () => agent.it.missing?.().length === 0);
      await agent.it.close?.();
      agent.id();
    });

    it("is not taken for live because another program has its admin port", async () => {
      using folder = tempDir();
      const [port = 0] = await freePorts(1, "127.0.0.1");
      const admin = createEnvoyAdmin({ host: "127.0.0.1", port });
      run(fakeEnvoy(folder, port, "other"), []);
      await waitFor("the other one", 5_000, () => admin.live().catch(() => false));
      // It runs, and cannot have the port.
      const mute = folder.file("mute");
      writeFileSync(mute, `#!${process.execPath}\nsetInterval(() => {}, 1000);`, { mode: 0o755 });
      let asked = 0;
      const counting = {
        ...admin,
        live: () => {
          asked++;
          return admin.live();
        },
      };
      const { it: envoy } = supervised(folder, mute, counting);
      await envoy.start(NEVER);
      await waitFor("the admin port was asked several times", 5_000, () => asked > 3);
      assert.equal(envoy.missing?.().length, 1);
      await envoy.close?.();
    });
  });
});
