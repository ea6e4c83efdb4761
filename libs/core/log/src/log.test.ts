import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { applyLogLevels, logger, logLevels, setLogLevel } from "./index.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("log", () => {
  afterEach(() => setLogLevel("info"));

  describe("log levels", () => {
    it("are those of the default until a scope has its own", () => {
      const log = logger("a");
      assert.equal(logger("a"), log);
      assert.equal(log.level, "info");
      setLogLevel("debug", "a");
      assert.deepEqual([log.level, logger("b").level], ["debug", "info"]);
      setLogLevel("warn");
      assert.deepEqual([log.level, logger("b").level, logger("later").level], ["warn", "warn", "warn"]);
      assert.deepEqual([logLevels().default, logLevels().b], ["warn", "warn"]);
    });

    for (const [text, levels] of [
      ["debug", { default: "debug", ads: "debug" }],
      ["default:warn,ads:debug", { default: "warn", ads: "debug" }],
      ["ads:debug,default:warn", { default: "warn", ads: "debug" }],
      ["ads:none", { default: "info", ads: "silent" }],
      ["", { default: "info", ads: "info" }],
      ["info,", { default: "info", ads: "info" }],
    ] as const)
      it(`are taken from "${text}"`, () => {
        logger("ads");
        assert.deepEqual(applyLogLevels(text), []);
        const { default: all, ads } = logLevels();
        assert.deepEqual({ default: all, ads }, levels);
      });

    for (const [text, wrong] of [
      ["loud", "loud"],
      ["ads:loud", "loud"],
      ["default:debug,ads:Debug", "Debug"],
      ["ads:", ""],
      [":info", ":info"],
    ] as const)
      it(`are not changed by "${text}", and the error says why`, () => {
        const errors = applyLogLevels(text);
        assert.equal(errors.length, 1);
        assert.ok(errors[0]?.includes(`"${wrong}"`), errors[0]);
        assert.equal(logLevels().default, "info");
      });
  });

  describe("a line of the log", () => {
    /** What a program that uses the logger writes. */
    const lines = (program: string): Record<string, unknown>[] => {
      const imports = `import { logger, setLogLevel } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
      import { XebecError } from ${JSON.stringify(join(import.meta.dirname, "../../errors/src/index.ts"))};`;
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        ["--input-type=module", "-e", `${imports}\n${program}`],
        { encoding: "utf8" },
      );
      assert.equal(status, 0, stderr);
      return stdout
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    };

    it("is JSON with level, time, scope and text", () => {
      const [line] = lines('logger("ads").warn({ proxies: 2 }, "slow");');
      const { level, scope, msg, proxies, time, ...rest } = line ?? {};
      assert.deepEqual([level, scope, msg, proxies, rest], ["warn", "ads", "slow", 2, {}]);
      assert.equal(new Date(String(time)).toISOString(), time);
    });

    it("is not written below the level of its scope", () => {
      const program =
        'logger("a").debug("x"); setLogLevel("debug", "a"); logger("a").debug("y"); logger("b").debug("z");';
      assert.deepEqual(
        lines(program).map((each) => each.msg),
        ["y"],
      );
    });

    it("does nothing to a terminal", () => {
      const program = `process.stdout.write("raw\\n"); logger("a").warn({ proxy: "a\\u001b[2J\\u009b\\u202e" }, "b\\u0085c");`;
      const { stdout } = spawnSync(
        process.execPath,
        [
          "--input-type=module",
          "-e",
          `import { logger } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};${program}`,
        ],
        { encoding: "utf8" },
      );
      const line = stdout.split("\n")[1] ?? "";
      assert.doesNotMatch(line, /[\p{Cc}\u202e]/u);
      assert.deepEqual([JSON.parse(line).proxy, JSON.parse(line).msg], ["a\u001b[2J\u009b\u202e", "b\u0085c"]);
    });

    it("holds no secret", () => {
      const secrets = '{ token: "hush", key: "hush", password: "hush", seed: "hush", a: { token: "hush", b: 1 } }';
      const [line] = lines(`logger("a").info(${secrets}, "x");`);
      assert.doesNotMatch(JSON.stringify(line), /hush/);
      assert.deepEqual(line?.a, { token: "[redacted]", b: 1 });
    });

    it("holds no secret that stands in a text, an error or deep in a field", () => {
      const program = `
      const error = new Error("http://user:hush@host does not answer", { cause: new Error("token=hush") });
      logger("a").error({ err: error, deep: { er: { url: "nats://u:hush@bus", headers: { authorization: "Bearer hush" } } } },
        "password: hush");
      logger("a").info("http://u:hush@host");`;
      const text = JSON.stringify(lines(program));
      assert.doesNotMatch(text, /hush/);
      assert.match(text, /does not answer/);
    });

    it("is written once in a while when it says the same again, if it is a warning or an error", () => {
      const written = lines(`const log = logger("a");
      for (let i = 0; i < 100; i++) log.warn({ url: "http://lists" , err: new Error("refused") }, "a list could not be fetched");
      for (let i = 0; i < 3; i++) log.info("reported");
      log.warn({ url: "http://others" }, "a list could not be fetched");
      setLogLevel("debug", "a");
      for (let i = 0; i < 3; i++) log.warn("while somebody looks for an error");`);
      const of = (text: string): number => written.filter((each) => each.msg === text).length;
      assert.deepEqual(
        [of("a list could not be fetched"), of("reported"), of("while somebody looks for an error")],
        [2, 3, 3],
      );
    });

    it("logs of an error its code, private detail and causes, and of others the stack", () => {
      const program = `const cause = new TypeError("deep");
      logger("a").error({ err: new XebecError("not_found", "no such thing", { detail: "in the cellar", cause }) }, "x");
      logger("a").error({ err: "only a text" }, "y");`;
      const [first, second] = lines(program);
      const { type, message, code, detail, stack, cause } = (first?.err ?? {}) as Record<string, unknown>;
      assert.deepEqual(
        [type, message, code, detail, stack],
        ["XebecError", "no such thing", "not_found", "in the cellar", undefined],
      );
      const deep = cause as Record<string, unknown>;
      assert.deepEqual([deep.type, deep.message], ["TypeError", "deep"]);
      assert.match(String(deep.stack), /TypeError: deep\n/);
      assert.equal(second?.err, "only a text");
    });

    it("waits when the disk is full, and what was too much is counted", () => {
      // 4 MiB of disk in a mount namespace of its own; the process must live, and write again when there is room.
      const program = `import { rmSync, writeFileSync } from "node:fs";
      import { logger } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
      const log = logger("a");
      log.info("before");
      try { writeFileSync("filler", Buffer.alloc(8 << 20)); } catch {}
      for (let i = 0; i < 20; i++) log.info({ text: "x".repeat(100_000) }, "too much");
      rmSync("filler");
      log.info("after");
      log.info("at last");`;
      using folder = tempDir();
      const mount = 'mount -t tmpfs -o size=4m tmpfs "$0" && cd "$0" && "$@" > log; cat log';
      const { stdout, stderr, status } = spawnSync(
        "unshare",
        [
          "--map-root-user",
          "--mount",
          "sh",
          "-c",
          mount,
          folder.path,
          process.execPath,
          "--input-type=module",
          "-e",
          program,
        ],
        { encoding: "utf8", maxBuffer: 8 << 20 },
      );
      assert.equal(status, 0, stderr);
      const lines = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { msg: string; lines?: number });
      const reported = lines.map(({ msg }) => msg).filter((msg) => msg !== "too much");
      assert.deepEqual(reported, [
        "before",
        "after",
        "lines of this log were lost; it could not be written",
        "at last",
      ]);
    });

    it("is on its way before a process ends that is killed", () => {
      const program = 'logger("a").info("last words"); process.kill(process.pid, "SIGKILL");';
      const imports = `import { logger } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};`;
      const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", `${imports}\n${program}`], {
        encoding: "utf8",
      });
      assert.match(stdout, /last words/);
    });
  });
});
