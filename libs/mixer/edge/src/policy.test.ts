import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Resource } from "@xebec/model-resources";
import { callReasonOf, type PolicyTarget, policyOf, readPolicyObjects, tcpPolicyOf } from "./index.ts";

const object = (kind: string, name: string, spec: object, namespace = "default"): Resource => ({
  ...{ group: "config.istio.io", version: "v1alpha2", kind, namespace, name, spec },
});
const HANDLERS = [
  object("handler", "deny", { compiledAdapter: "denier" }),
  object("handler", "fetched", { compiledAdapter: "listchecker", params: { providerUrl: "http://lists/" } }),
  object("handler", "words", { compiledAdapter: "listchecker", params: { overrides: ["a+"], entryType: "REGEX" } }),
  object("handler", "list", { compiledAdapter: "listchecker", params: { overrides: ["a"] } }),
  object("handler", "count", { compiledAdapter: "memquota", params: { quotas: [{ name: "q.instance.default" }] } }),
  object("denier", "old", {}),
  object("handler", "far", { compiledAdapter: "denier", connection: { address: "adapters:9000" } }),
  object("instance", "foreign", { template: "mine" }),
  object("handler", "wrong", { compiledAdapter: "denier", params: { statu: 1 } }),
  object("instance", "nothing", { compiledTemplate: "checknothing" }),
  object("instance", "header", { compiledTemplate: "listentry", params: { value: 'request.headers["x-a"]' } }),
  object("instance", "caller", { compiledTemplate: "listentry", params: { value: 'source.labels["app"]' } }),
  object("instance", "q", { compiledTemplate: "quota" }),
];
const ruleOf = (
  match: string,
  handler = "deny",
  instance = "nothing",
  more: object = {},
  namespace = "default",
): Resource => object("rule", "r", { match, actions: [{ handler, instances: [instance] }], ...more }, namespace);
const TARGET: PolicyTarget = {
  ...{ rootNamespace: "istio-system", namespace: "default", name: "web", host: "web.default.svc.cluster.local" },
  ...{ labels: { app: "web" }, failOpen: false },
};
const policy = (rules: readonly Resource[], more: Partial<PolicyTarget> = {}) =>
  policyOf(readPolicyObjects([...HANDLERS, ...rules]), { ...TARGET, ...more });

describe("who decides about a request", () => {
  const cases: readonly [name: string, rule: Resource, kind: string][] = [
    ["nothing without a rule of the namespace", ruleOf("", "deny", "nothing", {}, "other"), "none"],
    ["another service is meant", ruleOf('destination.service.name == "other"'), "none"],
    ["another host is meant", ruleOf('match(destination.service.host, "other.*")'), "none"],
    ["another workload is meant", ruleOf('destination.labels["app"] == "db" && source.labels["app"] == "x"'), "none"],
    ["a label that is not there", ruleOf('source.labels["a"] == "x" && destination.labels["none"] == "v1"'), "none"],
    ["one of two may hold", ruleOf('destination.labels["app"] == "db" || request.method == "GET"'), "edge"],
    ["this workload is meant", ruleOf('destination.labels["app"] == "web"'), "edge"],
    ["a header", ruleOf('request.headers["x"] == "1" && destination.service.name == "web"'), "edge"],
    ["a list of headers", ruleOf("", "list", "header"), "edge"],
    ["labels of the caller", ruleOf('source.labels["app"] == "x"'), "call"],
    ["a list of what only mixer-policy knows", ruleOf("", "list", "caller"), "call"],
    ["a list that is fetched", ruleOf("", "fetched", "header"), "call"],
    ["regular expressions", ruleOf("", "words", "header"), "call"],
    ["a function that is not there", ruleOf('toLower(request.path) == "/a"'), "call"],
    [
      "header operations",
      ruleOf("", "deny", "nothing", { requestHeaderOperations: [{ name: "x", values: ['"1"'] }] }),
      "call",
    ],
    ["an adapter in a process of its own", ruleOf("", "far"), "call"],
    ["a template that is none of Istio's", ruleOf("", "deny", "foreign"), "call"],
    ["a handler of a legacy kind", ruleOf("", "old.denier"), "call"],
    ["something is wrong with the handler", ruleOf("", "wrong"), "call"],
    ["a quota that nobody is bound to", ruleOf("", "count", "q"), "none"],
  ];
  for (const [name, rule, kind] of cases) it(`${kind}: ${name}`, () => assert.equal(policy([rule]).kind, kind));

  it("call: a quota that is bound to the service, and to no other", () => {
    const binding = object("QuotaSpecBinding", "b", { services: [{ name: "web" }], quotaSpecs: [{ name: "s" }] });
    const rules = [ruleOf("", "count", "q"), binding];
    assert.equal(policy(rules).kind, "call");
    assert.equal(policy(rules, { name: "other", host: "other.default.svc.cluster.local" }).kind, "none");
  });

  it("call: an attribute that an HTTPAPISpec gives to requests", () => {
    const attributes = { attributes: { "request.host": { stringValue: "x" } } };
    const spec = object("HTTPAPISpec", "s", { patterns: [{ httpMethod: "GET", uriTemplate: "/", attributes }] });
    const binding = object("HTTPAPISpecBinding", "b", { services: [{ name: "web" }], apiSpecs: [{ name: "s" }] });
    const rules = [ruleOf('request.host == "x"', "deny")];
    assert.equal(policy([...rules, spec]).kind, "edge");
    assert.equal(policy([...rules, spec, binding]).kind, "call");
    assert.equal(policy([ruleOf('request.path == "x"', "deny"), spec, binding]).kind, "edge");
  });

  const connections: readonly [name: string, match: string, kind: string][] = [
    ["a header", 'request.headers["x"] == "1"', "none"],
    ["a header and more", 'destination.service.name == "web" && (request.path | request.host) == "/"', "none"],
    ["the other protocol", 'context.protocol == "http"', "none"],
    ["a header, or else the caller", 'request.headers["x"] == "1" || source.ip == ip("10.0.0.1")', "none"],
    ["the caller, or else a header", 'source.ip == ip("10.0.0.1") || request.headers["x"] == "1"', "call"],
    ["a header with a default", '(request.headers["x"] | "none") == "none"', "call"],
    ["the service", 'destination.service.name == "web"', "call"],
  ];
  for (const [name, match, kind] of connections)
    it(`${kind} of a connection without HTTP: ${name}`, () => {
      const objects = tcpPolicyOf(readPolicyObjects([...HANDLERS, ruleOf(match)]));
      assert.equal(policyOf(objects, { ...TARGET, protocol: "tcp" }).kind, kind);
    });

  it("is mixer-policy for all rules of a service when it is for one, and says why", () => {
    const two = [ruleOf('request.path == "/"'), { ...ruleOf('source.labels["a"] == "b"'), name: "s" }];
    const found = policy(two);
    assert.deepEqual(found.kind === "call" && found.why, [
      { key: "config.istio.io/rule/default/s", why: "source.labels is known to mixer-policy only" },
    ]);
    assert.equal(found.keys.length, 2);
  });

  describe("what a request gets that nobody answers", () => {
    const declared = (name: string, failure?: string): Resource => ({
      ...object("handler", name, { compiledAdapter: "listchecker", params: { providerUrl: "http://lists/" } }),
      ...(failure === undefined ? {} : { annotations: { "mixer.xebec.io/failure": failure } }),
    });
    const handlers = [declared("open", "open"), declared("closed", "closed"), declared("mesh", "caller")];
    const failOpen = (names: readonly string[], more: Partial<PolicyTarget> = {}): boolean | undefined => {
      const rules = names.map((name) => ({ ...ruleOf("", name, "header"), name: `r-${name}` }));
      const found = policy([...handlers, ...rules], more);
      return found.kind === "call" ? found.failOpen : undefined;
    };
    const modes: readonly [handlers: readonly string[], mesh: boolean, failOpen: boolean][] = [
      [["fetched"], false, false],
      [["fetched"], true, true],
      [["mesh"], true, true],
      [["open"], false, true],
      [["open", "fetched"], false, false],
      [["open", "mesh"], true, true],
      [["closed"], true, false],
      [["closed", "open", "fetched"], true, false],
    ];
    for (const [names, mesh, expected] of modes)
      it(`${names} in a mesh that fails ${mesh ? "open" : "closed"}`, () =>
        assert.equal(failOpen(names, { failOpen: mesh }), expected));

    it("depends on the rules that may hold for the service only", () => {
      const rules = [
        { ...ruleOf('destination.service.name == "other"', "closed", "header"), name: "other" },
        ruleOf("", "open", "header"),
      ];
      const of = (target: Partial<PolicyTarget>) => policy([...handlers, ...rules], target);
      const [web, other] = [of({}), of({ name: "other", host: "other.default.svc.cluster.local" })];
      assert.ok(web.kind === "call" && web.failOpen);
      assert.ok(other.kind === "call" && !other.failOpen);
    });

    it("holds for scripts that fail and for connections without HTTP, too", () => {
      const deny = { ...HANDLERS[0], name: "open-deny", annotations: { "mixer.xebec.io/failure": "open" } } as Resource;
      const rules = [...handlers, deny, ruleOf('request.headers["x"] == "1"', "open-deny")];
      const edge = policy(rules);
      assert.match(edge.kind === "edge" ? edge.script : "", /if not ok then\n {4}return\n/);
      const tcp = tcpPolicyOf(readPolicyObjects([...HANDLERS, deny, ruleOf("", "open-deny")]));
      const found = policyOf(tcp, { ...TARGET, protocol: "tcp" });
      assert.ok(found.kind === "call" && found.failOpen);
    });
  });

  it("is said of each rule by itself, whatever service it is for", () => {
    const reasonOf = (rule: Resource): string | undefined => {
      const objects = readPolicyObjects([...HANDLERS, rule]);
      return callReasonOf(objects, objects.rules[0] as (typeof objects.rules)[0]);
    };
    assert.equal(reasonOf(ruleOf('destination.service.name == "other" && request.path == "/"')), undefined);
    assert.equal(reasonOf(ruleOf('destination.labels["app"] == "db"')), undefined);
    assert.match(reasonOf(ruleOf("", "fetched", "header")) ?? "", /^handler fetched.default: its list is fetched$/);
  });

  it("is mixer-policy for what another adapter than kubernetesenv says, and for more rules than a script should have", () => {
    const found = (kind: string) =>
      object("instance", "found", { compiledTemplate: kind, attributeBindings: { "source.ip": "$out.ip" } });
    const near = ruleOf('source.ip == ip("10.0.0.1")');
    assert.equal(policy([near, found("kubernetes")]).kind, "edge");
    assert.equal(policy([near, found("mine")]).kind, "call");
    const many = Array.from({ length: 3000 }, (_, i) => ({
      ...ruleOf(`request.headers["x-long-name"] == "value ${i}"`),
      name: `r${i}`,
    }));
    assert.equal(policy(many).kind, "call");
  });

  it("texts of users stay texts in the script", () => {
    const evil = 'a"]] end os.exit() --\n\\';
    const found = policy([ruleOf(`request.headers["x"] == ${JSON.stringify(evil)}`)]);
    assert.ok(
      found.kind === "edge" && found.script.includes('"a\\034]] end os.exit() --\\010\\092"'),
      JSON.stringify(found),
    );
  });
});
