import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Child, startChild, tempDir } from "@xebec/testing-launch";
import fc from "fast-check";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";

/** Two replicas of mixer-policy. */
const POLICY = ["10.9.0.1", "10.9.0.2"] as const;
const CASES = Number(process.env.XEBEC_POLICY_CASES ?? 60);
const REQUESTS = 4;

const object = (kind: string, name: string, spec: object, namespace = "default"): object => ({
  ...{ apiVersion: "config.istio.io/v1alpha2", kind },
  ...{ metadata: { name, namespace }, spec },
});
const handler = (name: string, compiledAdapter: string, params: object): object =>
  object("handler", name, { compiledAdapter, params });

const direct = {
  "@type": "type.googleapis.com/istio.policy.v1beta1.DirectHttpResponse",
  ...{ code: 429, body: 'later, "please" \\ \n', headers: { "Retry-After": "5", "x-why": "edge" } },
};
const HANDLERS = [
  handler("plain", "denier", { status: { message: "not here" } }),
  handler("nobody", "denier", { status: { code: 16 } }),
  handler("later", "denier", { status: { code: 8, message: "unused", details: [direct] } }),
  handler("empty", "denier", {
    status: { code: 7, details: [{ ...direct, code: "Forbidden", body: "", headers: {} }] },
  }),
  handler("odd", "denier", { status: { code: 99, message: "ünknown" } }),
  handler("fine", "denier", { status: { code: 0 } }),
  handler("gone", "denier", { status: { code: 5, message: "gone" } }),
];
const LISTS = [
  handler("white", "listchecker", { overrides: ["v1", "a", "/x", "", "GET", "ü"] }),
  handler("black", "listchecker", {
    overrides: ["V1", "aB", "/X"],
    entryType: "CASE_INSENSITIVE_STRINGS",
    blacklist: true,
  }),
];
const NETWORKS = [
  handler("near", "listchecker", {
    overrides: ["10.1.0.0/30", "10.1.0.192/26", "fd00::/7"],
    entryType: "IP_ADDRESSES",
  }),
  handler("far", "listchecker", { overrides: ["10.1.0.7", "::/1"], entryType: "IP_ADDRESSES", blacklist: true }),
];

const VALUES = [
  "",
  "v1",
  "V1",
  "a",
  "A",
  "ab",
  "ı",
  "/x",
  "/X/y",
  "GET",
  "ü",
  "a,b",
  "\u00ff",
  "\u00c3\u00bc\u00ff",
  "application/grpc+x",
];
const quoted = fc
  .constantFrom(...VALUES.filter((each) => !/[\u00c3\u00ff]/.test(each)))
  .map((each) => JSON.stringify(each));
const { text, bool } = fc.letrec<{ text: string; bool: string }>((tie) => ({
  text: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    quoted,
    fc.constantFrom(
      'request.headers["x-a"]',
      'request.headers["x-b"] | "none"',
      'request.headers["X-A"] | "upper"',
      'request.headers[":authority"]',
      "request.path",
      "request.url_path",
      "request.method",
      "request.host",
      'request.useragent | "none"',
      "request.referer",
      'source.principal | "nobody"',
      "source.user",
      "destination.service.namespace",
      'destination.service.namespace | "x"',
      "context.protocol",
      "context.reporter.kind",
    ),
    fc.tuple(tie("text"), tie("text")).map(([a, b]) => `(${a} + ${b})`),
    fc.tuple(tie("text"), tie("text")).map(([a, b]) => `(${a} | ${b})`),
    fc.tuple(tie("bool"), tie("text"), tie("text")).map(([a, b, c]) => `conditional(${a}, ${b}, ${c})`),
    fc.tuple(tie("bool"), tie("text"), tie("text")).map(([a, b, c]) => `conditionalString(${a}, ${b}, ${c})`),
  ),
  bool: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("connection.mtls", '(source.ip == ip("10.1.0.7"))', '(source.ip != ip("10.1.0.8"))'),
    fc.tuple(tie("text"), fc.constantFrom("==", "!="), tie("text")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie("text"), fc.constantFrom("v1", "v*", "*1", "*", "/x*", "")).map(([a, b]) => `match(${a}, "${b}")`),
    fc.tuple(tie("text"), quoted).map(([a, b]) => `(${a}).startsWith(${b})`),
    fc.tuple(tie("text"), quoted).map(([a, b]) => `(${a}).endsWith(${b})`),
    fc.tuple(tie("text"), fc.integer({ min: 0, max: 4 })).map(([a, b]) => `(size(${a}) == ${b})`),
    fc.tuple(tie("bool"), fc.constantFrom("&&", "||"), tie("bool")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie("bool"), fc.constantFrom("==", "!="), tie("bool")).map(([a, op, b]) => `(${a} ${op} ${b})`),
  ),
}));

interface Rule {
  readonly match: string;
  /** The handler, and the value that it looks up. */
  readonly actions: readonly (readonly [handler: string, value?: string])[];
}
const nameOf = (each: object): string => (each as { metadata: { name: string } }).metadata.name;
const action = fc.oneof(
  fc.constantFrom(...HANDLERS.map(nameOf)).map((name) => [name] as const),
  fc.tuple(fc.constantFrom(...LISTS.map(nameOf)), text),
  fc.tuple(
    fc.constantFrom(...NETWORKS.map(nameOf)),
    fc.constantFrom("source.ip", 'source.ip | ip("1.2.3.4")', 'ip("::1")'),
  ),
);
const rule: fc.Arbitrary<Rule> = fc.record({
  match: fc.oneof({ weight: 3, arbitrary: bool }, { weight: 1, arbitrary: fc.constant("true") }),
  actions: fc.uniqueArray(action, { minLength: 1, maxLength: 2, selector: ([name]) => name }),
});
/** As bytes: some are UTF-8, some are not. */
const header = fc.constantFrom(...VALUES.filter((each) => each !== "ı"), "application/grpc", "\u00c4\u00b1");
type Request = Partial<HttpCall> & { readonly isSecure: boolean };
const request: fc.Arbitrary<Request> = fc.record({
  path: fc.constantFrom("/x", "/X/y?v1", "/x?a=1&b=/x", "/a/../x", "//x", "/%2e%2e/x", "/v%31", "/?"),
  method: fc.constantFrom("GET", "POST", "DELETE", "HEAD"),
  from: fc.constantFrom("10.1.0.1", "10.1.0.7", "10.1.0.200", "10.1.0.8"),
  version: fc.constantFrom("1.1" as const, "2" as const),
  isSecure: fc.boolean(),
  headers: fc.dictionary(fc.constantFrom("x-a", "x-b", "user-agent", "referer", "content-type"), header, {
    noNullPrototype: true,
  }),
});

describe("policy at the edge", () => {
  const folder = tempDir();
  let lab: Lab;
  let policy: Child[] = [];
  const seed = Number(process.env.XEBEC_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const sets = fc.sample(fc.array(rule, { minLength: 1, maxLength: 3 }), { numRuns: CASES, seed });
  const requests = fc.sample(fc.array(request, { minLength: REQUESTS, maxLength: REQUESTS }), { numRuns: CASES, seed });
  /** The rules of each case hold for the requests that name it. */
  const rules = sets.flatMap((set, i) =>
    set.flatMap(({ match, actions }, j) => [
      ...actions.flatMap(([, value], k) =>
        value === undefined
          ? []
          : [object("instance", `v-${i}-${j}-${k}`, { compiledTemplate: "listentry", params: { value } })],
      ),
      object("rule", `r-${String(i).padStart(3, "0")}-${j}`, {
        match: `request.headers["x-case"] == "case-${i}" && (${match})`,
        actions: actions.map(([name, value], k) => ({
          handler: name,
          instances: [value === undefined ? "nothing" : `v-${i}-${j}-${k}`],
        })),
      }),
    ]),
  );
  const objects = [
    object("instance", "nothing", { compiledTemplate: "checknothing" }),
    ...[...HANDLERS, ...LISTS, ...NETWORKS, ...rules],
    // What reads the caller's labels needs mixer-policy: with it, all rules for that service do.
    object("rule", "zz-call", {
      match: 'destination.service.name == "called" && source.labels["app"] == "nobody"',
      actions: [{ handler: "plain", instances: ["nothing"] }],
    }),
    // For connections without HTTP, which have no headers: the rules of the cases cannot hold for them.
    object("rule", "zz-bytes", {
      match: 'context.protocol == "tcp" && destination.service.name == "edge" && source.ip == ip("10.1.0.8")',
      actions: [{ handler: "plain", instances: ["nothing"] }],
    }),
  ];
  const service = (name: string, last: number) => ({
    ...{ name, address: `10.96.0.${last}`, ports: { http: 9080, tcp: 7777 } },
    pods: [{ name: `${name}-1`, ip: `10.1.1.${last}`, labels: { app: name }, sidecar: true }],
  });

  const tls = () => ({ ...lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/ann"] }), alpn: ["istio"] });
  let secure: ReturnType<typeof tls>;
  const ask = async (to: string, { isSecure, ...call }: Request, i: number) => {
    const once = () =>
      lab.http({
        ...{ to, url: "http://web:9080/", ...call, ...(call.from ? { source: call.from } : {}) },
        headers: { "x-case": `case-${i}`, ...call.headers },
        ...(isSecure ? { tls: secure } : {}),
      });
    let answer = await once();
    // A busy machine may be late with an answer.
    for (let again = 0; answer.status === 0 && again < 3; again++) answer = await once();
    const { status, body, headers } = answer;
    const kept = Object.entries(headers).filter(
      ([name]) => !/^(?:date|x-envoy-upstream-service-time|x-by)$/.test(name),
    );
    return { status, body: status === 200 ? "" : body, headers: status === 200 ? {} : Object.fromEntries(kept) };
  };

  before(async () => {
    lab = await openLab({
      proxies: {
        edge: { kind: "captured", ip: "10.1.1.1", labels: { app: "edge" } },
        called: { kind: "captured", ip: "10.1.1.2", labels: { app: "called" } },
      },
      services: [
        service("edge", 1),
        service("called", 2),
        {
          ...{ name: "istio-policy", namespace: "istio-system", address: "10.96.0.3", ports: { "grpc-mixer": 9091 } },
          pods: POLICY.map((ip) => ({ name: `istio-policy-${ip}`, ip, sidecar: true })),
        },
      ],
      objects: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: mixer, namespace: istio-system}
spec: {host: "*.istio-system.svc.cluster.local", trafficPolicy: {tls: {mode: DISABLE}}}
`,
      upstreams: [
        { name: "edge", at: "10.1.1.1:9080" },
        { name: "called", at: "10.1.1.2:9080" },
        { name: "edge-bytes", at: "10.1.1.1:7777" },
        { name: "called-bytes", at: "10.1.1.2:7777" },
      ],
    });
    secure = tls();
    const folderOfRules = folder.file("rules");
    mkdirSync(folderOfRules);
    writeFileSync(join(folderOfRules, "rules.yaml"), objects.map((each) => JSON.stringify(each)).join("\n---\n"));
    const main = join(import.meta.dirname, "../../apps/mixer-policy/src/main.ts");
    policy = POLICY.map((ip) => {
      const addresses = ["--address", `${ip}:9091`, "--secureAddr", "", "--monitoringAddress", ip];
      const flags = [main, `--configStoreURL=fs://${folderOfRules}`, ...addresses];
      return startChild(...lab.namespace.command(process.execPath, flags));
    });
    await lab.apply(objects.map((each) => JSON.stringify(each)).join("\n---\n"));
    for (const [i, ip] of POLICY.entries())
      await waitFor("Mixer is ready", 30_000, async () => {
        assert.ok(!policy[i]?.exited, policy[i]?.output());
        return (await lab.http({ at: `${ip}:15014`, url: `http://${ip}:15014/readyz` })).status === 200;
      });
    await waitFor(
      "a proxy is answered by Mixer",
      30_000,
      async () => (await ask("called", { isSecure: false }, -1)).status === 200,
    );
  });
  after(async () => {
    await lab?.close();
    for (const each of policy) await each.stop();
    folder.remove();
  });

  it(`is the same as that of mixer-policy, for random rules and requests (XEBEC_SEED=${seed})`, async () => {
    const statuses = new Map<number, number>();
    for (const [i, list] of requests.entries())
      for (const each of list) {
        const [here, there] = await Promise.all([ask("edge", each, i), ask("called", each, i)]);
        const given = JSON.stringify({ rules: sets[i], request: each }, undefined, 1);
        assert.deepEqual(here, there, given);
        statuses.set(here.status, (statuses.get(here.status) ?? 0) + 1);
      }
    console.log(statuses);
    assert.ok(statuses.size > 3, `different answers, not only ${[...statuses.keys()]}`);
  });

  it("closes connections without HTTP that a rule denies, asking mixer-policy", async () => {
    const say = async (to: string, from: string) =>
      (await lab.tcp({ to, from, source: from, port: 7777, send: "hello" })).text;
    assert.match(await say("edge", "10.1.0.7"), /edge-bytes/);
    assert.equal(await say("edge", "10.1.0.8"), "");
    assert.match(await say("called", "10.1.0.8"), /called-bytes/);
  });

  it("is asked of another replica when one is killed: no request fails", async () => {
    const all = requests.flatMap((list, i) => list.map((each) => [each, i] as const)).slice(0, 60);
    const before = await Promise.all(all.map(([each, i]) => ask("edge", each, i)));
    const killed = policy[0]?.stop("SIGKILL");
    for (const [n, [each, i]] of all.entries()) assert.deepEqual(await ask("called", each, i), before[n]);
    await killed;
  });

  it("needs nobody: it goes on when mixer-policy is gone", async () => {
    const all = requests.slice(0, 10).flatMap((list, i) => list.map((each) => [each, i] as const));
    const answers = async () => {
      const found: unknown[] = [];
      for (const [each, i] of all) found.push(await ask("edge", each, i));
      return found;
    };
    const before = await answers();
    for (const each of policy) await each.stop("SIGKILL");
    assert.deepEqual(await answers(), before);
  });
});
