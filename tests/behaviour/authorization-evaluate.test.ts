import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { AuthorizationRule } from "@xebec/model-resources";
import { type Caller, evaluateRbac, type RequestToExplain } from "@xebec/pilot-explain";
import { object as fieldsOfJson, type Json, readConfigDump } from "@xebec/pilot-proxy-config";
import { type Lab, openLab } from "./lab/lab.ts";
import { Random } from "./lab/mutations.ts";
import { object } from "./objects.ts";

// What policies say of a request is computed without Envoy, too: both must agree, for any policies.

const IP = "10.1.0.10";
const SEED = 20_261_129;
const ROUNDS = 30;
const CALLS = 15;

const VALUES = {
  principals: ["*", "cluster.local/ns/default/sa/a", "cluster.local/ns/s*", "*/sa/b", "old/ns/default/sa/a"],
  namespaces: ["default", "s*", "*op", "*"],
  serviceAccounts: ["a", "shop/b", "default/b"],
  ipBlocks: ["10.8.0.0/16", "10.8.0.1", "10.9.0.1", "0.0.0.0/0"],
  remoteIpBlocks: ["10.8.0.0/16", "10.7.0.0/16"],
  requestPrincipals: ["*"],
  hosts: ["web", "*.example.com", "a.*", "A.example.com", "*", "a.example.com:8080"],
  ports: ["80", "8080"],
  methods: ["GET", "P*", "*", "DELETE"],
  paths: ["/a", "/a/*", "*/c", "*", "/{*}/c", "/a/{**}", "/a/{*}"],
} as const;
const SOURCE = ["principals", "namespaces", "ipBlocks", "remoteIpBlocks", "requestPrincipals"] as const;
const OPERATION = ["hosts", "ports", "methods", "paths"] as const;
const CONDITIONS: readonly (readonly [string, readonly string[]])[] = [
  ["request.headers[x-role]", ["admin", "ad*", "*min", "*"]],
  ["request.experimental.inline.headers[x-role]", ["admin", "u*"]],
  ["source.ip", ["10.8.0.0/16"]],
  ["remote.ip", ["10.7.0.0/16"]],
  ["source.namespace", ["default", "sh*"]],
  ["source.principal", ["cluster.local/ns/default/sa/a"]],
  ["source.serviceAccount", ["a", "shop/b"]],
  ["destination.port", ["80"]],
  ["destination.ip", [IP, "10.2.0.0/16"]],
  ["connection.sni", ["x.y", "*.y", "*"]],
  ["request.auth.claims[a]", ["b"]],
];

const capital = (text: string): string => `not${text[0]?.toUpperCase()}${text.slice(1)}`;

function fieldsOf(names: readonly (keyof typeof VALUES)[], random: Random): object {
  const fields: Record<string, string[]> = {};
  for (let left = 1 + random.number(2); left > 0; left--) {
    const name = random.of(names);
    const list = [random.of(VALUES[name]), random.of(VALUES[name])].slice(random.number(2));
    fields[random.number(3) === 0 ? capital(name) : name] = list as string[];
  }
  return fields;
}

function ruleOf(random: Random): AuthorizationRule {
  const accounts = random.number(6) === 0;
  const source = accounts ? { serviceAccounts: [random.of(VALUES.serviceAccounts)] } : fieldsOf(SOURCE, random);
  const [key, values] = random.of(CONDITIONS);
  return {
    ...(random.number(2)
      ? { from: [{ source }, ...(random.number(3) ? [] : [{ source: fieldsOf(SOURCE, random) }])] }
      : {}),
    ...(random.number(2) ? { to: [{ operation: fieldsOf(OPERATION, random) }] } : {}),
    ...(random.number(2) ? { when: [{ key, [random.number(3) ? "values" : "notValues"]: [random.of(values)] }] } : {}),
  } as AuthorizationRule;
}

interface Policy {
  readonly name: string;
  readonly action: "ALLOW" | "DENY" | "AUDIT";
  readonly rules: readonly AuthorizationRule[];
}

function policiesOf(random: Random): Policy[] {
  return Array.from({ length: 1 + random.number(3) }, (_, i) => ({
    ...{ name: `p${i}`, action: random.of(["ALLOW", "DENY", "AUDIT", "ALLOW"] as const) },
    rules: Array.from({ length: 1 + random.number(2) }, () => ruleOf(random)),
  }));
}

/** What a caller and its request are to the rules. */
interface Facts {
  readonly request: RequestToExplain;
  readonly caller: Caller;
}

describe("the evaluation of AuthorizationPolicies without Envoy", () => {
  let lab: Lab;
  const certificates = new Map<string, { readonly cert: string; readonly key: string }>();
  before(async () => {
    lab = await openLab({
      proxies: { web: { kind: "captured", ip: IP, labels: { app: "web" } } },
      services: [
        {
          ...{ name: "web", address: "10.98.0.1", ports: { http: 80, "http-admin": 8080 } },
          pods: [{ name: "web", ip: IP, sidecar: true, labels: { app: "web" } }],
        },
      ],
      objects: [object("MeshConfig", "mesh", { trustDomainAliases: ["old"] }, { namespace: "istio-system" })],
    });
    for (const port of [80, 8080]) await lab.serve({ name: "web", at: `${IP}:${port}` });
    for (const identity of ["default/sa/a", "shop/sa/b", "default/sa/b"]) {
      const uri = `spiffe://cluster.local/ns/${identity}`;
      certificates.set(uri, lab.ca.issue({ uris: [uri] }));
    }
  });
  after(() => lab.close());

  /** A random request: what is known of it, and whether it passes a real Envoy. */
  const call = async (random: Random): Promise<{ readonly facts: Facts; readonly passes: boolean }> => {
    const uri = random.number(3) ? random.of([...certificates.keys()]) : undefined;
    const [ip, port] = [random.of(["10.8.0.1", "10.8.3.4", "10.9.0.1"]), random.of([80, 8080])];
    const sni = uri ? random.of(["x.y", "z"]) : "";
    const host = random.of(["web", "a.example.com", "A.Example.COM", "b.org"]) + (random.number(3) ? "" : `:${port}`);
    const path = random.of(["/a", "/a/b", "/a/b/c", "/x/c", "/", "/a?q=/c", "/a/"]);
    const method = random.of(["GET", "POST", "DELETE"]);
    const role = random.of([undefined, "admin", "user", "administrator", "user,admin", ""]);
    const forwarded = random.of([undefined, "10.7.0.1", "10.8.9.9"]);
    const own = uri ? certificates.get(uri) : undefined;
    const answer = await lab.http({
      ...{ to: "web", url: `http://web:${port}${path}`, method, from: ip },
      headers: {
        host,
        ...(role === undefined ? {} : { "x-role": role }),
        ...(forwarded ? { "x-forwarded-for": forwarded } : {}),
      },
      ...(own ? { tls: { alpn: ["istio"], sni, ...own } } : {}),
    });
    assert.ok(answer.status === 200 || answer.status === 403, `${answer.status} ${answer.error}`);
    const facts: Facts = {
      request: { method, path, host, port, headers: role === undefined ? {} : { "x-role": role } },
      caller: {
        ...{ identity: uri ?? "", address: ip, serverName: sni, destinationAddress: IP, destinationPort: port },
        // Where the lab says that captured traffic comes from, unless a header says something else.
        originalAddress: forwarded ?? "10.1.0.77",
      },
    };
    return { facts, passes: answer.status === 200 };
  };

  /** The rules that Envoy enforces, by the configuration that it has. */
  const rulesNow = async (): Promise<Json[]> => {
    const dump = readConfigDump((await lab.envoys.get("web")?.admin("/config_dump")) ?? "");
    return ["envoy.filters.http.rbac/DENY", "envoy.filters.http.rbac/ALLOW"].flatMap((name) => {
      const config = dump.extensions.find((each) => each.name === name);
      const rules = fieldsOfJson(fieldsOfJson(config?.typed_config)?.rules);
      return rules ? [rules] : [];
    });
  };

  it("agrees with a real Envoy, for any policies and requests", async () => {
    const random = new Random(SEED);
    const count = { allowed: 0, denied: 0 };
    let former: readonly object[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const policies = policiesOf(random);
      const objects = policies.map(({ name, action, rules }) => object("AuthorizationPolicy", name, { action, rules }));
      if (former.length > objects.length) await lab.remove(former.slice(objects.length));
      await lab.apply(objects);
      former = objects;
      const rules = await rulesNow();
      for (let i = 0; i < CALLS; i++) {
        const { facts, passes } = await call(random);
        const allowed = rules.every((each) => evaluateRbac(each, facts.request, facts.caller).allowed);
        assert.equal(allowed, passes, `round ${round}: ${JSON.stringify({ policies, facts, rules })}`);
        count[passes ? "allowed" : "denied"]++;
      }
    }
    assert.ok(count.allowed > 50 && count.denied > 50, JSON.stringify(count));
  });
});
