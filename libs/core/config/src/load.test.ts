import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { XebecError } from "@xebec/core-errors";
import { addressText, parseAddress } from "./address.ts";
import { ConfigError } from "./config-error.ts";
import { defineConfig, option } from "./define.ts";
import { helpText } from "./help.ts";
import { loadConfig } from "./load.ts";

const SPEC = defineConfig({
  service: "mixer-policy",
  summary: "answers checks",
  options: {
    grpcAddr: option.string("where to listen", ":9091"),
    port: option.number("the port", 9091, { env: "PORT" }),
    verbose: option.boolean("say more"),
    registries: option.list("where services come from", ["Bus"]),
    mode: option.oneOf("how", ["fast", "safe"], "safe"),
    token: option.string("what nobody may see", undefined, { secret: true }),
  },
});

const load = (argv: readonly string[], env: Record<string, string> = {}) => loadConfig(SPEC, argv, env);

function errorsOf(argv: readonly string[], env: Record<string, string> = {}): readonly string[] {
  try {
    load(argv, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.errors;
  }
  return [];
}

describe("an option that is read", () => {
  const spec = defineConfig({
    service: "s",
    summary: "",
    options: {
      even: option.string("digits", "0", {
        read: (text) => {
          if (!/^\d*$/.test(text)) throw new XebecError("invalid_argument", `"${text}" is not a number`);
          return text.padStart(4, "0");
        },
      }),
    },
  });

  it("has the form in which it is used, wherever it comes from", () => {
    assert.deepEqual(loadConfig(spec, [], {}).config, { even: "0000" });
    assert.deepEqual(loadConfig(spec, ["--even", "12"], {}).config, { even: "0012" });
    assert.deepEqual(loadConfig(spec, [], { XEBEC_S_EVEN: "" }).config, { even: "0000" });
  });

  it("is an error like any other when it cannot be read", () => {
    assert.throws(
      () => loadConfig(spec, ["--even", "x", "--odd", "1"], {}),
      (error: ConfigError) => {
        assert.deepEqual(error.errors, ["--odd: no such flag; there are --even", '--even: "x" is not a number']);
        return true;
      },
    );
  });
});

describe("a port", () => {
  const ports = defineConfig({ ...SPEC, options: { port: option.port("the port", 9091) } });
  for (const text of ["99999", "-1", "1.5", "http"])
    it(`is not ${text}`, () =>
      assert.throws(() => loadConfig(ports, ["--port", text], {}), /--port: .* is not a port from 0 to 65535/));
  it("may be left to the system", () => assert.equal(loadConfig(ports, ["--port", "0"], {}).config.port, 0));
});

describe("what is logged of a configuration", () => {
  it("shows no password of an address", () => {
    const { redacted, config } = load(["--registries", "nats://user:secret@a:1,nats://b:2", "--grpcAddr", "x//u@y"]);
    assert.deepEqual(redacted.registries, ["nats://[redacted]@a:1", "nats://b:2"]);
    assert.equal(redacted.grpcAddr, "x//[redacted]@y");
    assert.equal(config.registries[0], "nats://user:secret@a:1");
  });
});

describe("the configuration of a service", () => {
  const folder = mkdtempSync(join(tmpdir(), "xebec-config-"));
  after(() => rmSync(folder, { recursive: true }));
  const file = (text: string): string => {
    const path = join(folder, "config.yaml");
    writeFileSync(path, text);
    return path;
  };

  it("has defaults", () => {
    const { config } = load([]);
    assert.deepEqual(
      { ...config },
      { grpcAddr: ":9091", port: 9091, verbose: false, registries: ["Bus"], mode: "safe", token: undefined },
    );
  });

  it("lets flags win over environment, environment over the file, the file over defaults", () => {
    const path = file("port: 1\ngrpcAddr: file:1\nmode: fast\n");
    const env = { XEBEC_MIXER_POLICY_PORT: "2", XEBEC_MIXER_POLICY_GRPC_ADDR: "env:2" };
    const { config } = load(["--config-file", path, "--port=3"], env);
    assert.deepEqual([config.port, config.grpcAddr, config.mode, config.verbose], [3, "env:2", "fast", false]);
  });

  it("knows Istio's name of a variable, after its own", () => {
    assert.equal(load([], { PORT: "7" }).config.port, 7);
    assert.equal(load([], { PORT: "7", XEBEC_MIXER_POLICY_PORT: "8" }).config.port, 8);
  });

  it("reads lists with commas and repeated, and switches with and without a value", () => {
    assert.deepEqual(load(["--registries=a,b", "--registries", "c"]).config.registries, ["a", "b", "c"]);
    assert.equal(load(["--verbose"]).config.verbose, true);
    assert.equal(load(["--verbose", "false", "--port", "1"]).config.verbose, false);
    assert.equal(load(["--verbose=true"]).config.verbose, true);
  });

  it("keeps what stands behind the first equals sign", () => {
    assert.equal(load(["--token=a=b\n--c"]).config.token, "a=b\n--c");
  });

  it("reports all errors at once, each with its source", () => {
    const path = file("prot: 1\nmode: 5\n");
    const found = errorsOf(["--config-file", path, "--prt", "x", "stray", "--port", "many"], {
      XEBEC_MIXER_POLICY_VERBOSE: "perhaps",
    });
    const expected = [
      /^--prt: no such flag/,
      /^"stray": not a flag$/,
      /config\.yaml: "prot" is not an option/,
      /^--port: "many" is not a number$/,
      /^XEBEC_MIXER_POLICY_VERBOSE: "perhaps" is not a boolean$/,
      /^file, "mode": 5 is not one of fast, safe$/,
    ];
    assert.equal(found.length, expected.length, found.join("\n"));
    for (const [i, each] of expected.entries()) assert.match(found[i] ?? "", each);
  });

  it("suggests a flag that is spelled otherwise, or begins so", () => {
    assert.match(errorsOf(["--grpc-addr=x"]).join(), /did you mean --grpcAddr\?/);
    assert.match(errorsOf(["--grpc=x"]).join(), /did you mean --grpcAddr\?/);
    for (const other of ["--zzz=x", "--_=x"]) assert.doesNotMatch(errorsOf([other]).join(), /did you mean/);
  });

  it("takes no name that every object of JavaScript has for an option", () => {
    assert.deepEqual(errorsOf(["--constructor=x"]), ["--constructor: no such flag"]);
    assert.match(errorsOf(["--config-file", file("toString: 1\n")]).join(), /"toString" is not an option$/);
  });

  it("says that a value is missing", () => {
    assert.deepEqual(errorsOf(["--port"]), ["--port: needs a value"]);
    assert.deepEqual(errorsOf(["--port", "--verbose"]), ["--port: needs a value"]);
  });

  for (const [name, text, reason] of [
    ["that is not YAML", "a: [1", /config\.yaml: /],
    ["that is not a map", "- 1\n", /must be a map of options/],
  ] as const)
    it(`refuses a file ${name}`, () => assert.match(errorsOf(["--config-file", file(text)]).join(), reason));

  it("refuses a file that is not there", () => {
    assert.match(errorsOf(["--config-file", join(folder, "none.yaml")]).join(), /ENOENT/);
  });

  it("prints no secret, neither as effective value nor in an error", () => {
    assert.equal(load(["--token=hush"]).redacted.token, "[redacted]");
    assert.equal(load([]).redacted.token, undefined);
    const secret = defineConfig({ ...SPEC, options: { pin: option.number("a secret", 1, { secret: true }) } });
    assert.throws(
      () => loadConfig(secret, ["--pin=hush"], {}),
      (error: Error) => error.message.includes("--pin: the value is not a number") && !error.message.includes("hush"),
    );
  });

  it("lists every flag with its variables in --help", () => {
    const text = helpText(SPEC);
    for (const name of Object.keys(SPEC.options)) assert.ok(text.includes(`  --${name}`), name);
    assert.match(text, /--port N\n {6}the port \[9091\]\n {6}env XEBEC_MIXER_POLICY_PORT, PORT/);
    assert.match(text, /--mode TEXT\n {6}how \(fast, safe\) \[safe\]/);
  });
});

describe("options of a kind", () => {
  const KINDS = defineConfig({
    service: "pilot",
    summary: "serves xDS",
    options: {
      addr: option.address("where", ":1"),
      secure: option.addressOrNone("where, or nowhere", ":2"),
      port: option.port("which", 80),
      dir: option.directory("what to read"),
      bus: option.servers("the bus"),
      most: option.number("a limit", Number.MAX_VALUE),
    },
  });
  const wrong = (...argv: string[]): readonly string[] => {
    try {
      loadConfig(KINDS, argv, {});
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.errors;
    }
    return [];
  };

  it("say what they expect, all errors at once", () => {
    assert.deepEqual(
      wrong("--addr=foo", "--secure=1:2:3", "--port=99999", `--dir=${import.meta.dirname}/none`, "--bus=foo"),
      [
        '--addr: "foo" is not an address; write HOST:PORT, for example 127.0.0.1:15010',
        '--secure: "1:2:3" is not an address; write HOST:PORT, for example 127.0.0.1:15010',
        "--port: 99999 is not a port from 0 to 65535",
        `--dir: there is no directory "${import.meta.dirname}/none"; make it, or name another`,
        '--bus: "foo" is not a server; write nats://HOST:PORT',
      ],
    );
    assert.deepEqual(wrong(`--dir=${import.meta.filename}`), [`--dir: "${import.meta.filename}" is not a directory`]);
  });

  it("take what is right", () => {
    assert.deepEqual(
      wrong("--addr=[::1]:5", "--secure=", "--port=0", `--dir=${import.meta.dirname}`, "--bus=nats://a:1,tls://b:2"),
      [],
    );
    assert.deepEqual(wrong("--addr="), ['--addr: "" is not an address; write HOST:PORT, for example 127.0.0.1:15010']);
  });

  it("show a default without bound in words", () => assert.match(helpText(KINDS), /a limit \[no limit\]/));
});

describe("addresses", () => {
  for (const [text, host, port] of [
    [":15010", "0.0.0.0", 15010],
    ["127.0.0.1:1", "127.0.0.1", 1],
    ["[::1]:65535", "::1", 65535],
    ["localhost:0", "localhost", 0],
  ] as const)
    it(`reads ${text}`, () => {
      assert.deepEqual(parseAddress(text), { host, port });
      assert.deepEqual(parseAddress(addressText({ host, port })), { host, port });
    });
  for (const text of ["", "15010", "host", "host:", "host:65536", "host:-1", "a:b:1", "[::1]", "::1:80"])
    it(`refuses "${text}"`, () => assert.throws(() => parseAddress(text), { code: "invalid_argument" }));
});
