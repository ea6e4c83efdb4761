import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import {
  DOCKER_LAYER,
  DOCKER_MANIFEST,
  OCI_LAYER,
  OCI_MANIFEST,
  startRegistry,
  tarOf,
  WASM_LAYER,
} from "@xebec/platform-envoy/registry-testkit";
import { type Lab, openLab } from "./lab/lab.ts";
import { keySet, SigningKey } from "./lab/tokens.ts";
import { type TestModule, wasmModule } from "./lab/wasm.ts";
import { object } from "./objects.ts";

const ISSUER = "https://issuer.example.com";
const rsa = new SigningKey("RS256", "rsa");
const WEB = { selector: { matchLabels: { app: "web" } } };

const plugin = (name: string, spec: object, namespace = "default"): object => ({
  ...{ apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin" },
  metadata: { name, namespace },
  spec,
});

describe("WasmPlugin through real Envoys", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      agentOf: "web",
      secrets: [],
      proxies: {
        web: { kind: "captured", ip: "10.1.0.10", labels: { app: "web" } },
        client: { kind: "explicit", ip: "10.1.0.11", labels: { app: "client" }, app: "10.1.0.12" },
        ingress: {
          ...{ kind: "gateway", ip: "10.1.0.20", namespace: "default" },
          labels: { istio: "ingress", "gateway.networking.k8s.io/gateway-name": "named" },
        },
      },
      services: [
        {
          name: "web",
          address: "10.98.0.1",
          ports: { http: 80, "http-other": 81, tcp: 82 },
          pods: [{ name: "web", ip: "10.1.0.10", sidecar: true }],
        },
      ],
      objects: [
        object("Gateway", "edge", {
          selector: { istio: "ingress" },
          servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        }),
        object("VirtualService", "edge", {
          hosts: ["*"],
          gateways: ["edge"],
          http: [{ route: [{ destination: { host: "web", port: { number: 80 } } }] }],
        }),
        object("PeerAuthentication", "off", { mtls: { mode: "DISABLE" } }),
      ],
    });
    for (const port of [80, 81]) await lab.serve({ name: "web", at: `10.1.0.10:${port}` });
    await lab.serve({ name: "bytes", at: "10.1.0.10:82" });
  });
  after(() => lab?.close());

  /** A module in a file that the proxies have. @returns its URL */
  const file = (name: string, what: TestModule): string => {
    const path = lab.folder.file(`${name}.wasm`);
    writeFileSync(path, wasmModule(what));
    return `file://${path}`;
  };
  const call = (more: object = {}) => lab.http({ to: "web", url: "http://web/", ...more });

  it("adds to answers, gets its configuration, and changes for the next request of open connections", async () => {
    const url = file("header", { config: "x-plugin" });
    await lab.during([plugin("header", { ...WEB, url, pluginConfig: { a: [1] }, pluginName: "root" })], async () => {
      const kept = await lab.keepAlive({ to: "web", url: "http://web/" });
      assert.equal((await kept.request()).headers["x-plugin"], '{"a":[1]}');
      await lab.apply([plugin("header", { ...WEB, url, pluginConfig: { b: 2 } })]);
      const changed = await kept.request();
      assert.deepEqual([changed.status, changed.headers["x-plugin"]], [200, '{"b":2}']);
      const other = file("other", { header: ["x-plugin", "other"] });
      await lab.apply([plugin("header", { ...WEB, url: other })]);
      assert.equal((await kept.request()).headers["x-plugin"], "other");
      await kept.close();
    });
    assert.equal((await call()).headers["x-plugin"], undefined);
  });

  it("stands before authentication, before authorization, or behind it, by its phase", async () => {
    const token = `Bearer ${rsa.token(ISSUER, { sub: "alice" })}`;
    const identity = file("identity", { request: ["authorization", token] });
    const mark = file("mark", { request: ["x-mark", "yes"] });
    const rules = (rule: object): object[] => [
      object("RequestAuthentication", "jwt", { ...WEB, jwtRules: [{ issuer: ISSUER, jwks: keySet(rsa) }] }),
      object("AuthorizationPolicy", "needs", { ...WEB, rules: [rule] }),
    ];
    const signedIn = rules({ from: [{ source: { requestPrincipals: [`${ISSUER}/alice`] } }] });
    await lab.during([...signedIn, plugin("p", { ...WEB, url: identity, phase: "AUTHN" })], async () => {
      assert.equal((await call()).status, 200);
      await lab.apply([plugin("p", { ...WEB, url: identity, phase: "AUTHZ" })]);
      assert.equal((await call()).status, 403);
    });
    const marked = rules({ when: [{ key: "request.headers[x-mark]", values: ["yes"] }] });
    await lab.during([...marked, plugin("p", { ...WEB, url: mark, phase: "AUTHZ" })], async () => {
      assert.equal((await call()).status, 200);
      for (const phase of ["STATS", "UNSPECIFIED_PHASE"]) {
        await lab.apply([plugin("p", { ...WEB, url: mark, phase })]);
        assert.equal((await call()).status, 403, phase);
      }
    });
  });

  it("of a phase goes first by priority, and one without priority last", async () => {
    const of = (value: string, priority?: number): object =>
      plugin(value, { ...WEB, url: file(value, { request: ["x-order", value] }), ...(priority ? { priority } : {}) });
    const stats = plugin("s", { ...WEB, url: file("s", { request: ["x-order", "s"] }), phase: "STATS", priority: -5 });
    await lab.during([of("a"), of("b", 1), of("c", 10), stats], async () => {
      const { got } = await call();
      assert.equal(got?.headers["x-order"], "s, c, b, a");
    });
  });

  it("is for what match says: clients or servers, and ports", async () => {
    const url = file("match", { header: ["x-plugin", "here"] });
    const at = async (port: number, way: object): Promise<boolean> =>
      (await lab.http({ ...way, url: `http://web:${port}/` })).headers["x-plugin"] !== undefined;
    const seen = async (match?: object[]): Promise<boolean[]> =>
      lab.during(
        [plugin("m", { url, selector: { matchLabels: { app: "web" } }, ...(match ? { match } : {}) })],
        async () => [await at(80, { to: "web" }), await at(81, { to: "web" }), await at(80, { through: "web" })],
      );
    assert.deepEqual(await seen(), [true, true, true]);
    assert.deepEqual(await seen([{ mode: "SERVER" }]), [true, true, false]);
    assert.deepEqual(await seen([{ mode: "CLIENT" }]), [false, false, true]);
    assert.deepEqual(
      await seen([
        { mode: "SERVER", ports: [{ number: 81 }] },
        { mode: "CLIENT", ports: [{ number: 1 }] },
      ]),
      [...[false, true, false]],
    );
  });

  it("is for the proxies that selector and targetRefs name, in the root namespace for all", async () => {
    const url = file("where", { header: ["x-plugin", "here"] });
    const seen = async (spec: object, namespace?: string): Promise<boolean[]> =>
      lab.during([plugin("w", { url, ...spec }, namespace)], async () => [
        (await call()).headers["x-plugin"] !== undefined,
        (await lab.http({ to: "ingress", url: "http://any:8080/" })).headers["x-plugin"] === "here",
      ]);
    const match = [{ mode: "SERVER" }];
    assert.deepEqual(await seen({ match }, "istio-system"), [true, false]);
    assert.deepEqual(await seen({ match }, "elsewhere"), [false, false]);
    const target = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "named" };
    assert.deepEqual(await seen({ targetRefs: [target] }), [false, true]);
    assert.deepEqual(await seen({ targetRef: target }), [false, true]);
    assert.deepEqual(await seen({ selector: { matchLabels: { istio: "ingress" } } }), [false, true]);
  });

  it("that fails refuses requests, lets them through, or starts again, by failStrategy", async () => {
    const url = file("traps", { trapsAbove: 20 });
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-${i}`, "x"]));
    for (const [failStrategy, status] of [
      [undefined, 503],
      ["FAIL_CLOSE", 503],
      ["FAIL_OPEN", 200],
    ] as const)
      await lab.during([plugin("f", { ...WEB, url, ...(failStrategy ? { failStrategy } : {}) })], async () => {
        assert.equal((await call()).status, 200);
        assert.equal((await call({ headers: many })).status, 503);
        assert.equal((await call()).status, status, failStrategy);
      });
    await lab.during([plugin("f", { ...WEB, url, failStrategy: "FAIL_RELOAD" })], async () => {
      assert.equal((await call({ headers: many })).status, 503);
      await waitFor("the module runs again", 10_000, async () => (await call()).status === 200);
    });
  });

  it("whose file is not in the proxy refuses requests or lets them through, by failStrategy, until it is there", async () => {
    const path = lab.folder.file("gone.wasm");
    for (const [failStrategy, status, instead] of [
      ["FAIL_CLOSE", 403, "traffic is refused"],
      ["FAIL_RELOAD", 403, "traffic is refused"],
      ["FAIL_OPEN", 200, "traffic passes without it"],
    ] as const) {
      const gone = plugin("gone", { ...WEB, url: `file://${path}`, failStrategy });
      const refusal = await lab.refusal([gone]);
      assert.match(refusal, /gone\.wasm cannot be read: the proxy has no such file/);
      assert.ok(refusal.endsWith(instead), refusal);
      const key = "extensions.istio.io/WasmPlugin/default/gone";
      assert.match(lab.xds.currentNacks.get(key)?.message ?? "", /the proxy has no such file/);
      await waitFor(`the status ${status}`, 10_000, async () => (await call()).status === status);
      if (failStrategy === "FAIL_OPEN") {
        // It holds up nothing else of its listeners.
        const beside = plugin("beside", { ...WEB, url: file("beside", { header: ["x-plugin", "beside"] }) });
        await lab.send([beside]);
        await waitFor("the other one", 10_000, async () => (await call()).headers["x-plugin"] === "beside");
        await lab.remove([beside]);
        file("gone", { header: ["x-plugin", "here"] });
        await waitFor("the file is used", 10_000, async () => (await call()).headers["x-plugin"] === "here");
      }
      await lab.remove([gone]);
    }
  });

  it("has the variables of vmConfig, and those of its proxy", async () => {
    const url = file("environment", { environment: "x-env" });
    const of = (variable: object): object => plugin("e", { ...WEB, url, vmConfig: { env: [variable] } });
    await lab.during([of({ name: "A", value: "b" })], async () => {
      assert.equal((await call()).headers["x-env"], "A=b");
      await lab.apply([of({ name: "A", value: "c" })]);
      assert.equal((await call()).headers["x-env"], "A=c");
      await lab.apply([of({ name: "PATH", valueFrom: "HOST" })]);
      assert.match(String((await call()).headers["x-env"]), /^PATH=\//);
    });
  });

  it("answers in the place of the workload", async () => {
    await lab.during([plugin("t", { ...WEB, url: file("teapot", { answer: 418 }) })], async () => {
      const { status, by } = await call();
      assert.deepEqual([status, by], [418, ""]);
    });
  });

  it("of the type NETWORK is for connections", async () => {
    const url = file("closes", { closes: true });
    const tcp = async (): Promise<string> => (await lab.tcp({ to: "web", port: 82 })).by;
    assert.equal(await tcp(), "bytes");
    const spec = { ...WEB, url, type: "NETWORK", match: [{ mode: "SERVER", ports: [{ number: 82 }] }] };
    await lab.during([plugin("n", spec)], async () => {
      assert.equal(await tcp(), "");
      assert.equal((await call()).status, 200);
    });
  });

  describe("from a server, by way of the agent", () => {
    /** The bytes behind each path, and how often they were fetched. */
    const modules = new Map<string, Buffer>();
    const fetched = new Map<string, number>();
    let server: Server;
    let origin = "";
    before(async () => {
      server = createServer(({ url = "" }, response) => {
        fetched.set(url, (fetched.get(url) ?? 0) + 1);
        const bytes = modules.get(url);
        response.writeHead(bytes ? 200 : 404).end(bytes);
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(() => server?.close());

    const offer = (path: string, value: string): string => {
      const bytes = wasmModule({ header: ["x-plugin", value] });
      modules.set(path, bytes);
      return createHash("sha256").update(bytes).digest("hex");
    };
    const seen = async (): Promise<string> => {
      const { status, headers } = await call();
      return `${status} ${headers["x-plugin"] ?? "-"}`;
    };
    const becomes = (wanted: string) =>
      waitFor(`a request gets ${wanted}`, 10_000, async () => (await seen()) === wanted);

    it("is fetched, is not fetched again without need, and changes for the next request of open connections", async () => {
      const sha256 = offer("/one", "one");
      await lab.during([plugin("r", { ...WEB, url: `${origin}/one`, sha256 })], async () => {
        await becomes("200 one");
        const kept = await lab.keepAlive({ to: "web", url: "http://web/" });
        await kept.request();
        offer("/two", "two");
        await lab.apply([plugin("r", { ...WEB, url: `${origin}/two` })]);
        await becomes("200 two");
        assert.equal((await kept.request()).headers["x-plugin"], "two");
        await kept.close();
        offer("/two", "newer");
        await lab.apply([plugin("r", { ...WEB, url: `${origin}/two`, pluginConfig: { a: 1 } })]);
        assert.equal(await seen(), "200 two");
        await lab.apply([plugin("r", { ...WEB, url: `${origin}/two`, imagePullPolicy: "Always" })]);
        await becomes("200 newer");
        assert.deepEqual([fetched.get("/one"), fetched.get("/two")], [1, 2]);
      });
      assert.equal(await seen(), "200 -");
    });

    it("is refused when it is another one: the last one stays, else failStrategy counts", async () => {
      const sha256 = offer("/good", "good");
      const of = (path: string, more: object = {}) => plugin("s", { ...WEB, url: `${origin}${path}`, ...more });
      const wrong = { sha256: "0".repeat(64) };
      assert.match(
        await lab.refusal([of("/good", wrong)]),
        /default\.s\/fetched: .*has the sha256 [0-9a-f]{64}, not 0{64}; traffic is refused/,
      );
      await becomes("403 -");
      const key = "extensions.istio.io/WasmPlugin/default/s";
      assert.match(lab.xds.currentNacks.get(key)?.message ?? "", /has the sha256/);
      await lab.apply([of("/good", { sha256 })]);
      await becomes("200 good");
      assert.equal(lab.xds.currentNacks.get(key), undefined);
      assert.match(await lab.refusal([of("/gone")]), /answered with status 404; the last module stays/);
      assert.equal(await seen(), "200 good");
      await lab.remove([of("/good")]);
      await becomes("200 -");
      const open = plugin("open", { ...WEB, url: `${origin}/later`, failStrategy: "FAIL_OPEN" });
      assert.match(await lab.refusal([open]), /status 404; traffic passes without it/);
      assert.equal(await seen(), "200 -");
      offer("/later", "later");
      await becomes("200 later");
      await lab.remove([open]);
    });

    it("is pulled from a registry of images: of Docker, of OCI, or the module alone, and again for latest", async (context) => {
      const registry = await startRegistry();
      context.after(() => registry.close());
      const of = (url: string, more: object = {}) => plugin("image", { ...WEB, url, ...more });
      const bytes = (value: string): Buffer => wasmModule({ header: ["x-plugin", value] });
      const archive = (value: string): Buffer => tarOf({ "plugin.wasm": bytes(value) });
      registry.push("docker", "1", DOCKER_MANIFEST, [{ mediaType: DOCKER_LAYER, bytes: archive("docker") }]);
      registry.push("oci", "latest", OCI_MANIFEST, [{ mediaType: OCI_LAYER, bytes: archive("oci") }]);
      const digest = registry.push("alone", "1", OCI_MANIFEST, [{ mediaType: WASM_LAYER, bytes: bytes("alone") }]);
      await lab.during([of(`${registry.host}/docker:1`)], async () => {
        await becomes("200 docker");
        const sha256 = digest.slice("sha256:".length);
        await lab.apply([of(`oci://${registry.host}/alone@${digest}`, { sha256 })]);
        await becomes("200 alone");
        const wrong = of(`oci://${registry.host}/docker:1`, { sha256 });
        assert.match(await lab.refusal([wrong]), /has the sha256 [0-9a-f]{64}, not .*; the last module stays/);
        await lab.apply([of(`oci://${registry.host}/oci`)]);
        await becomes("200 oci");
        registry.push("oci", "latest", OCI_MANIFEST, [{ mediaType: OCI_LAYER, bytes: archive("newer") }]);
        await lab.apply([of(`oci://${registry.host}/oci`, { pluginConfig: { a: 1 } })]);
        await becomes("200 newer");
      });
    });

    it("is pulled with the credentials of imagePullSecret, which its proxy gets from pilot", async (context) => {
      const registry = await startRegistry({ auth: { way: "token", user: "me", password: "hush" } });
      context.after(() => registry.close());
      const bytes = wasmModule({ header: ["x-plugin", "private"] });
      registry.push("a", "1", OCI_MANIFEST, [{ mediaType: WASM_LAYER, bytes }]);
      const of = (more: object) => plugin("p", { ...WEB, url: `oci://${registry.host}/a:1`, ...more });
      assert.match(await lab.refusal([of({})]), /gives none \(status 401\); traffic is refused/);
      assert.match(await lab.refusal([of({ imagePullSecret: "pull" })]), /no credentials of the Secret default\/pull/);
      const auths = { [registry.host]: { username: "me", password: "hush" } };
      const data = { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") };
      await lab.keep([{ kind: "Secret", namespace: "default", name: "pull", data }]);
      await becomes("200 private");
      await lab.remove([of({})]);
      await becomes("200 -");
    });

    it("is refused from addresses of the machine and its link, and when it is no module", async () => {
      modules.set("/text", Buffer.from("not a module"));
      for (const [url, why] of [
        ["http://169.254.169.254/m.wasm", /may not be called: .*link-local/],
        [`${origin}/text`, /is not a WebAssembly module/],
        ["oci://127.0.0.1:1/m:1", /127\.0\.0\.1:1\/v2\/m\/manifests\/1 does not answer/],
      ] as const) {
        assert.match(await lab.refusal([plugin("t", { ...WEB, url })]), why);
        await becomes("403 -");
        await lab.remove([plugin("t", { ...WEB, url })]);
      }
    });
  });
});
