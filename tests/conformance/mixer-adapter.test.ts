// Adapters in processes of their own, as Istio 1.1 calls them: a Go program with Istio 1.1's generated code is called by our services.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { Mixer } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { waitFor } from "@xebec/core-async";
import { type Component, compose } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { readManifest } from "@xebec/core-yaml";
import { createMixerPolicy, createMixerTelemetry, type MixerService } from "@xebec/mixer-server";
import {
  decodeCondition,
  encodeResource,
  isObservedKey,
  keyOf,
  outcomeOf,
  type Resource,
} from "@xebec/model-resources";
import { createMemoryBus, createRevisionWriter } from "@xebec/platform-bus";
import { clientOf, createGrpcChannel, type GrpcChannel } from "@xebec/platform-grpc";
import { goBinary, withoutGo } from "./go.ts";

const META = "apiVersion: config.istio.io/v1alpha2";
const rules = (address: string, extra = "", overrides = "[good, 1s]") => `
${META}
kind: handler
metadata: {name: lists, namespace: istio-system}
spec:
  adapter: listchecker
  params: {overrides: ${overrides}, refresh_interval: 30s, entry_type: STRINGS}
  connection: {address: "${address}"${extra}}
---
${META}
kind: handler
metadata: {name: numbers, namespace: istio-system}
spec: {adapter: plain, connection: {address: "${address}"}}
---
${META}
kind: instance
metadata: {name: word, namespace: istio-system}
spec: {template: listentry, params: {value: 'request.path | "none"'}}
---
${META}
kind: instance
metadata: {name: rate, namespace: istio-system}
spec: {template: quota, params: {dimensions: {user: request.path, one: 1}}}
---
${META}
kind: instance
metadata: {name: sample, namespace: istio-system}
spec:
  template: metric
  params:
    value: response.size
    dimensions: {path: request.path, time: '"10ms"', ip: source.ip, took: response.duration, half: 0.5, on_time: true, sum: '"a" + "b"'}
---
${META}
kind: rule
metadata: {name: all, namespace: istio-system}
spec: {actions: [{handler: lists, instances: [word]}, {handler: numbers, instances: [rate, sample]}]}
---
${META}
kind: adapter
metadata: {name: plain, namespace: istio-system}
spec: {templates: [quota, metric]}
`;

interface Call {
  readonly call: string;
  readonly [field: string]: unknown;
}

/** The Go adapter with what it was asked. */
class GoAdapter {
  readonly calls: Call[] = [];
  readonly #child;
  #address = "";

  constructor(program: string, flags: readonly string[] = []) {
    this.#child = spawn(program, flags, { stdio: ["ignore", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      if (!line.startsWith("{")) return;
      const call = JSON.parse(line) as Call;
      if (call.call === "listening") this.#address = String(call.address);
      else this.calls.push(call);
    });
  }

  get address(): Promise<string> {
    return waitFor("the Go adapter", 10_000, () => this.#address || undefined);
  }

  last(call: string): Call | undefined {
    return this.calls.findLast((each) => each.call === call);
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}

function objectsOf(text: string): Resource[] {
  return readManifest(text).objects.map(({ value }) => {
    const { apiVersion, kind, metadata, spec } = value as unknown as {
      apiVersion: string;
      kind: string;
      metadata: { name: string; namespace: string };
      spec: object;
    };
    const [group = "", version = ""] = apiVersion.split("/");
    return { group, version, kind, name: metadata.name, namespace: metadata.namespace, spec };
  });
}

describe("an adapter with Istio 1.1's own code", { skip: withoutGo, timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "go-adapter-"));
  const bus = createMemoryBus();
  const writer = createRevisionWriter({ bus, bucket: "config", source: "galley" });
  const conditions = new Map<string, string>();
  let program = "";
  let istio: Resource[] = [];
  let adapter: GoAdapter;
  let services: readonly MixerService[] = [];
  let all: Component;
  let policy: GrpcChannel;
  let telemetry: GrpcChannel;

  const apply = async (text: string): Promise<void> => {
    const before = services.map((each) => each.runtime.snapshot);
    const objects = new Map([...istio, ...objectsOf(text)].map((each) => [keyOf(each), encodeResource(each)]));
    await writer.replace(objects);
    await waitFor("the configuration in effect", 5_000, () =>
      services.every((each, i) => each.runtime.snapshot !== before[i]),
    );
  };
  const check = async (path: string, quotas = {}) => {
    const words = ["request.path", path];
    const attributes = { words, strings: { [-1]: -2 } };
    return clientOf(Mixer, policy).check({ attributes, globalWordCount: 221, quotas, deduplicationId: "dd" });
  };

  before(async () => {
    program = await goBinary("mixer-adapter");
    const cwd = join(import.meta.dirname, "mixer-adapter");
    const root = execFileSync("go", ["list", "-m", "-f", "{{.Dir}}", "istio.io/istio"], {
      cwd,
      encoding: "utf8",
    }).trim();
    // Istio 1.1's own objects.
    istio = ["listentry", "quota", "metric"]
      .map((name) => `mixer/template/${name}/template.yaml`)
      .concat("mixer/adapter/list/config/listchecker.yaml")
      // With a session Mixer 1.1 leaves the parameters out of its calls.
      .flatMap((file) => objectsOf(readFileSync(join(root, file), "utf8").replace("based: true", "based: false")));
    adapter = new GoAdapter(program);
    const options = { bus, adapters: [], address: { host: "127.0.0.1", port: 0 }, secretDirs: [folder] };
    services = [
      createMixerPolicy({ ...options, metrics: createMetrics() }),
      createMixerTelemetry({ ...options, metrics: createMetrics() }),
    ];
    all = compose("mixer", [bus, writer, ...services.flatMap((each) => each.components)]);
    await all.start(new AbortController().signal);
    bus.bucket("status").watch({
      entry(key, bytes) {
        if (!bytes || isObservedKey(key)) return;
        const condition = decodeCondition(bytes);
        conditions.set(key, `${outcomeOf(condition)} ${condition.reason}: ${condition.message}`);
      },
      synced() {},
    });
    [policy, telemetry] = services.map((each) =>
      createGrpcChannel({ address: { host: "127.0.0.1", port: each.server.port } }),
    ) as [GrpcChannel, GrpcChannel];
    await apply(rules(await adapter.address));
  });
  after(async () => {
    policy?.close();
    telemetry?.close();
    await all?.close?.();
    adapter?.end();
    rmSync(folder, { recursive: true });
  });

  it("decides about checks with the parameters of its handler", async () => {
    const { precondition } = await check("good");
    assert.deepEqual([precondition?.status?.code ?? 0, precondition?.validUseCount], [0, 3]);
    assert.deepEqual(adapter.last("listentry"), {
      ...{ call: "listentry", instance: "word.instance.istio-system", value: "good", dedup: true },
      ...{ config: true, refresh: "30s", auth: null },
    });
    const denied = (await check("bad")).precondition?.status;
    assert.equal(denied?.code, 5);
    assert.equal(denied?.message, "lists.handler.istio-system:bad is not listed");
  });

  it("grants quotas, by the instance's full name", async () => {
    const { quotas } = await check("good", { rate: { amount: 9n, bestEffort: true } });
    assert.equal(quotas.rate?.grantedAmount, 5n);
    assert.deepEqual(adapter.last("quota"), {
      ...{ call: "quota", instance: "rate.instance.istio-system", dedup: "ddrate", user: "good" },
    });
  });

  it("gets reports with all types of values, and literals as they are written", async () => {
    const words = ["request.path", "/a", "response.size", "source.ip", "response.duration"];
    await clientOf(Mixer, telemetry).report({
      attributes: [
        {
          words,
          strings: { [-1]: -2 },
          int64s: { [-3]: 42n },
          bytes: { [-4]: new Uint8Array([10, 0, 0, 1]) },
          durations: { [-5]: { seconds: 1n, nanos: 500_000_000 } },
        },
      ],
      globalWordCount: 221,
    });
    assert.deepEqual(adapter.last("metric"), {
      ...{ call: "metric", instance: "sample.instance.istio-system", value: 42 },
      dimensions: {
        ...{ path: "/a", time: "10ms", ip: "10.0.0.1", took: "1.5s", half: 0.5, on_time: true, sum: 'a" + "b' },
      },
    });
  });

  it("is called over TLS with a token, and its handler says what is wrong with its parameters", async () => {
    const [cert, key, token] = ["cert.pem", "key.pem", "token"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
        ...["-subj", "/CN=adapter", "-addext", "subjectAltName=DNS:adapter.example", "-keyout", key, "-out", cert],
      ],
      { stdio: "ignore" },
    );
    writeFileSync(token, "secret");
    const secure = new GoAdapter(program, ["-cert", cert, "-key", key]);
    try {
      const tls = `{caCertificates: ${cert}, tokenPath: ${token}, authHeader: BEARER, serverName: adapter.example}`;
      await apply(rules(await secure.address, `, authentication: {tls: ${tls}}`));
      assert.equal((await check("good")).precondition?.status?.code ?? 0, 0);
      assert.deepEqual(secure.last("listentry")?.auth, ["Bearer secret"]);
      await apply(rules(await secure.address, `, authentication: {tls: ${tls.replace("BEARER", "NONE")}}`, "good"));
      const found = [...conditions].find(([name]) => name.includes("handler/istio-system/lists"))?.[1] ?? "";
      assert.match(found, /authHeader/);
    } finally {
      secure.end();
    }
  });

  it("that ends fails its calls at once, and is used again when it is back", async () => {
    const dying = new GoAdapter(program);
    const address = await dying.address;
    await apply(rules(address));
    assert.equal((await check("good")).precondition?.status?.code ?? 0, 0);
    await assert.rejects(check("crash"), /Unavailable|unavailable|performing check/i);
    const again = new GoAdapter(program, ["-address", address]);
    try {
      await waitFor("the adapter", 20_000, async () => {
        const { precondition } = await check("good");
        return (precondition?.status?.code ?? 0) === 0;
      });
    } finally {
      again.end();
    }
  });
});
