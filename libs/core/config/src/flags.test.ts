import assert from "node:assert/strict";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { configArguments } from "./arguments.ts";
import { ConfigError } from "./config-error.ts";
import { type ConfigValues, defineConfig, option } from "./define.ts";
import { helpText } from "./help.ts";
import { loadConfig } from "./load.ts";
import { configOf } from "./values.ts";

const SPEC = defineConfig({
  service: "pilot",
  summary: "serves xDS",
  options: {
    grpcAddr: option.address("where to listen", ":15010"),
    registries: option.list("where services come from", ["Bus"]),
    http10: option.boolean("HTTP/1.0"),
    port: option.port("a port", 1),
    namespace: option.string("the namespace", "istio-system"),
  },
  subcommand: "discovery",
  positional: ["ROLE"],
  aliases: { n: "namespace", GRPCAddr: "grpcAddr" },
  ignored: { resync: "value", profile: "switch" },
});

function errorsOf(argv: readonly string[], spec = SPEC): readonly string[] {
  try {
    loadConfig(spec, argv, {});
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.errors;
  }
  return [];
}

describe("Istio's command line", () => {
  const load = (...argv: string[]) => loadConfig(SPEC, argv, {});

  it("may begin with its subcommand, and only begin", () => {
    assert.equal(load("discovery", "--port=7").config.port, 7);
    assert.deepEqual(errorsOf(["--port=7", "a", "discovery"]), ['"discovery": not a flag']);
  });

  for (const argv of [["-n", "x"], ["-n=x"], ["--namespace", "x"], ["--namespace=x"]])
    it(`may write ${argv.join(" ")}`, () => assert.equal(load(...argv).config.namespace, "x"));

  it("may use other names, and one letter with one dash only", () => {
    assert.equal(load("--GRPCAddr", ":7").config.grpcAddr, ":7");
    assert.match(errorsOf(["--n", "x"]).join(), /--n: no such flag/);
    assert.match(errorsOf(["-p", "1"])[0] ?? "", /"-p": not a flag/);
  });

  it("may have flags without effect, which are named, with their values", () => {
    const { config, ignored } = load(
      "--resync",
      "--port",
      "--profile",
      "--http10",
      "--resync=5m",
      "--profile",
      "false",
    );
    assert.deepEqual(ignored, ["--resync", "--profile", "--resync", "--profile"]);
    assert.deepEqual([config.http10, config.port], [true, 1], "the value of --resync is what follows, whatever it is");
  });

  it("may have them in a file, too", () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "xebec-flags-"));
    const path = join(folder.path, "config.yaml");
    writeFileSync(path, "resync: 5m\nport: 7\n");
    const { config, ignored } = load("--config-file", path, "--profile");
    assert.deepEqual([config.port, ignored], [7, ["--profile", "resync"]]);
    writeFileSync(path, "other: 5m\n");
    assert.match(errorsOf(["--config-file", path]).join(), /"other" is not an option/);
  });

  it("has arguments that are not flags, as many as are declared", () => {
    assert.deepEqual(load("--port", "5", "router", "--http10").positional, ["router"]);
    assert.deepEqual(errorsOf(["router", "more"]), ['"more": not a flag']);
  });

  it("shows other names and flags without effect in --help", () => {
    const text = helpText(SPEC);
    assert.match(text, /--namespace, -n TEXT/);
    assert.match(text, /--grpcAddr, --GRPCAddr TEXT/);
    assert.match(text, /--resync, --profile\n {6}accepted for Istio's charts, without effect/);
  });
});

describe("a command line with flags of other versions", () => {
  const LENIENT = defineConfig({ ...SPEC, ignoresUnknown: true });

  it("is read without them, with their values", () => {
    const { config, ignored } = loadConfig(
      LENIENT,
      ["--new", "value", "--port", "5", "--other", "-n", "x", "--a=b"],
      {},
    );
    assert.deepEqual([config.port, config.namespace], [5, "x"]);
    assert.deepEqual(ignored, ["--new", "--other", "--a"]);
  });

  it("has all other errors", () => {
    assert.deepEqual(errorsOf(["--new", "--port", "x"], LENIENT), ['--port: "x" is not a port from 0 to 65535']);
  });
});

describe("typed values", () => {
  const address = fc.nat(65_535).map((port) => `127.0.0.1:${port}`);
  const values: fc.Arbitrary<ConfigValues<typeof SPEC>> = fc.record(
    {
      grpcAddr: address,
      registries: fc.array(fc.stringMatching(/^[^,]+$/), { maxLength: 3 }),
      http10: fc.boolean(),
      port: fc.nat(65_535),
      namespace: fc.string(),
    },
    { requiredKeys: [] },
  );

  it("are the same in the process of their own that they are handed to", () => {
    fc.assert(
      fc.property(values, (each) => {
        const { config } = loadConfig(SPEC, configArguments<typeof SPEC>(each), {});
        assert.deepEqual({ ...config }, { ...configOf(SPEC, each) });
      }),
    );
  });

  it("are completed with the defaults, also where one is undefined", () => {
    const config = configOf(SPEC, { port: 7, namespace: undefined });
    assert.deepEqual(
      { ...config },
      { grpcAddr: ":15010", registries: ["Bus"], http10: false, port: 7, namespace: "istio-system" },
    );
  });

  it("are checked as flags are, all at once", () => {
    const wrong = { grpcAddr: "x", port: -1, prot: 1 } as ConfigValues<typeof SPEC>;
    assert.throws(
      () => configOf(SPEC, wrong),
      (error: ConfigError) => {
        assert.deepEqual(error.errors, [
          '"prot" is not an option',
          '"grpcAddr": "x" is not an address; write HOST:PORT, for example 127.0.0.1:15010',
          '"port": -1 is not a port from 0 to 65535',
        ]);
        return true;
      },
    );
  });

  it("cannot be handed over when an element of a list holds a comma", () => {
    assert.throws(() => configArguments<typeof SPEC>({ registries: ["a,b"] }), /--registries: "a,b" holds a comma/);
  });
});
