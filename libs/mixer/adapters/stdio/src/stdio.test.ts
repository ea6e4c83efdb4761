import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Clock, type Handler, type HandlerLimits, type Instance, NO_REACH, parseIp } from "@xebec/mixer-sdk";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import { confinementError } from "@xebec/platform-files";
import { stdio } from "./info.ts";
import { createAdapter } from "./stdio.ts";

const clock: Clock = { now: () => 1_500_000_000_123, every: () => () => undefined };

/** Limits by the directories that are open to handlers. */
const limitsOf = (...directories: string[]): HandlerLimits => ({
  ...NO_REACH,
  fileRefusal: (path) => confinementError(path, directories),
  directories,
});

function make(params: object, written?: string[]): Promise<Handler> {
  const limits = limitsOf(tmpdir());
  const adapter = written
    ? createAdapter({ limits }, () => ({ write: (text) => void written.push(text), close: () => undefined }))
    : createAdapter({ limits });
  return startHandler(adapter, params, { clock, limits });
}

const entry = (severity: string, more: object = {}): Instance =>
  ({
    name: "accesslog.logentry.istio-system",
    types: {},
    severity,
    timestamp: { seconds: 1_483_228_800, nanos: 0 },
    variables: {
      names: ["code", "ip", "latency", "labels", "mtls", "url"],
      types: ["INT64", "IP_ADDRESS", "DURATION", "STRING_MAP", "BOOL", "STRING"],
      values: [200, parseIp("10.0.0.1"), 15_000_000, new Map([["a", "b"]]), true, 'a"b'],
    },
    ...more,
  }) as Instance;

test("a log entry is one line of JSON in a fixed order", async () => {
  const written: string[] = [];
  const handler = await make({}, written);
  await handler.report?.([entry("Warning"), entry("?")], "logentry");
  const rest =
    '"time":"2017-01-01T00:00:00.000000Z","instance":"accesslog.logentry.istio-system","code":200,"ip":"10.0.0.1","latency":"15ms","labels":"stringmap[a:b]","mtls":true,"url":"a\\"b"}\n';
  assert.deepEqual(written, [`{"level":"warn",${rest}{"level":"info",${rest}`]);
});

test("an entry without a time has the one that Go prints for none", async () => {
  const written: string[] = [];
  const handler = await make({}, written);
  await handler.report?.([entry("INFO", { timestamp: undefined })], "logentry");
  assert.match(written.join(""), /"time":"0001-01-01T00:00:00.000000Z"/);
});

test("a metric begins with its value and has the time of now", async () => {
  const written: string[] = [];
  const handler = await make({ metric_level: "ERROR" }, written);
  const dimensions = { names: ["ip"], types: ["IP_ADDRESS"], values: [Uint8Array.of(1, 2, 3, 4)] };
  await handler.report?.(
    [{ name: "m.metric.ns", types: { value: "DOUBLE" }, value: 1.5, dimensions } as Instance],
    "metric",
  );
  assert.deepEqual(written, [
    '{"level":"error","time":"2017-07-14T02:40:00.123000Z","instance":"m.metric.ns","value":1.5,"ip":"AQIDBA=="}\n',
  ]);
});

test("the console form, own severities, and the least level", async () => {
  const written: string[] = [];
  const handler = await make({ outputAsJson: false, severityLevels: { boom: 2 }, outputLevel: "WARNING" }, written);
  await handler.report?.([entry("Warning"), entry("boom", { variables: undefined })], "logentry");
  assert.deepEqual(written, ["2017-01-01T00:00:00.000000Z\terror\taccesslog.logentry.istio-system\t{}\n"]);
});

test("a file is appended to; a rotated one is put aside when it is full", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stdio-"));
  try {
    const path = join(folder, "deep/access.log");
    const handler = await make({
      logStream: "ROTATED_FILE",
      outputPath: path,
      maxMegabytesBeforeRotation: 1,
      maxRotatedFiles: 2,
    });
    const big = entry("Info", { variables: { names: ["x"], types: ["STRING"], values: ["y".repeat(600_000)] } });
    for (let i = 0; i < 5; i++) await handler.report?.([big], "logentry");
    await handler.close?.();
    const files = readdirSync(join(folder, "deep"));
    assert.equal(files.length, 3, files.join());
    assert.ok(readFileSync(path, "utf8").endsWith("}\n"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("files put aside are removed after maxDaysBeforeRotation days, when another one is put aside", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stdio-"));
  try {
    const path = join(folder, "access.log");
    for (const [name, days] of [
      ["access-2017-07-10T00-00-00.000.log", 4],
      ["access-2017-07-12T00-00-00.000.log", 2],
    ] as const) {
      const file = join(folder, name);
      writeFileSync(file, "");
      const at = clock.now() / 1000 - days * 86_400;
      utimesSync(file, at, at);
    }
    const rotation = { maxMegabytesBeforeRotation: 1, maxDaysBeforeRotation: 3, maxRotatedFiles: 1000 };
    const handler = await make({ logStream: "ROTATED_FILE", outputPath: path, ...rotation });
    const big = entry("Info", { variables: { names: ["x"], types: ["STRING"], values: ["y".repeat(600_000)] } });
    for (let i = 0; i < 2; i++) await handler.report?.([big], "logentry");
    await handler.close?.();
    const files = readdirSync(folder).sort();
    assert.equal(files.length, 3, files.join());
    assert.equal(files[0], "access-2017-07-12T00-00-00.000.log");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a file outside of the directories that are open to handlers is refused, and none is without a directory", () => {
  const errors = (directories: readonly string[], outputPath: string): string =>
    paramErrors(stdio, { logStream: "FILE", outputPath }, { limits: limitsOf(...directories) }).join();
  assert.match(errors([], "/tmp/x"), /^outputPath: no directory is open to files of handlers; the flag --handlerDirs/);
  for (const path of ["/etc/cron.d/x", "/logs/../etc/x", "/logs", "/logsx/a", "relative", "/logs/a\0b", "/logs/dir/"])
    assert.match(errors(["/logs"], path), /^outputPath: /, path);
  for (const path of ["/logs/a", "/logs/deep/a", "/logs/./a", "/logs/..a"])
    assert.equal(errors(["/logs"], path), "", path);
});

test("a path is needed for files and refused for streams", () => {
  assert.deepEqual(paramErrors(stdio, { logStream: "FILE" }), ["outputPath: is required for logStream FILE"]);
  assert.deepEqual(paramErrors(stdio, { outputPath: "x" }), ["outputPath: has no meaning for logStream STDOUT"]);
});
