import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import { eachMutation, mutated, Random, type RawRequest, wire } from "./lab/mutations.ts";
import { object } from "./objects.ts";

// No form of a request gets around a policy. The judge is what the server got: whatever reached it must not be what is denied, and must be
// what is allowed.

const IP = "10.1.0.10";
const SEED = 20_261_129;
const RANDOM_REQUESTS = 400;
const AT_ONCE = 20;

type Level = "NONE" | "BASE" | "MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES";

/** What the server got, in the forms that it may take it for. */
interface Got {
  readonly path: string;
  readonly method: string;
  readonly host: string;
  /** Of each header the values, and the items of lists in them. */
  readonly header: (name: string) => { readonly values: readonly string[]; readonly items: readonly string[] };
}

interface Attribute {
  readonly name: string;
  /** What a rule says. */
  readonly rule: object;
  /** A request that matches it. */
  readonly request: RawRequest;
  /** Whether what the server got is what the rule means, in whatever form. */
  readonly isMeant: (got: Got, level: Level) => boolean;
  /** Whether it is to the letter what the rule says. */
  readonly isSaid: (got: Got) => boolean;
}

const BASE: RawRequest = { method: "GET", target: "/other", host: "public.example.com", headers: [["x-role", "user"]] };
const operation = (more: object): object => ({ to: [{ operation: more }] });

/** A path as a server sees it that normalizes as the mesh is said to do (RFC 3986, 6.2.2). */
function normalized(path: string, level: Level): string {
  let text = path.replace(/[?#].*$/s, "");
  if (level === "NONE") return text;
  if (level === "DECODE_AND_MERGE_SLASHES") text = text.replace(/%2f|%5c/gi, "/");
  text = text.replace(/%([0-9a-f]{2})/gi, (whole, code: string) => {
    const letter = String.fromCharCode(Number.parseInt(code, 16));
    return /[A-Za-z0-9\-._~]/.test(letter) ? letter : whole;
  });
  text = text.replaceAll("\\", "/");
  if (level !== "BASE") text = text.replace(/\/{2,}/g, "/");
  const out: string[] = [];
  const segments = text.split("/").slice(1);
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1;
    if (segment === "..") out.pop();
    else if (segment !== ".") out.push(segment);
    if (isLast && (segment === "." || segment === "..")) out.push("");
  }
  const whole = `/${out.join("/")}`;
  return level === "BASE" ? whole : whole.replace(/\/{2,}/g, "/");
}

const isHost = (got: Got, host: string): boolean => {
  const name = got.host.toLowerCase().replace(/^.*@/s, "").replace(/:\d*$/, "").replace(/\.$/, "");
  return host.startsWith("*") ? name.endsWith(host.slice(1)) : name === host;
};
const path = (name: string, value: string, target: string, matches: (path: string) => boolean): Attribute => ({
  ...{ name, rule: operation({ paths: [value] }), request: { ...BASE, target } },
  isMeant: (got, level) => matches(normalized(got.path, level)),
  isSaid: (got) => matches(got.path.replace(/[?#].*$/s, "")),
});
const header = (name: string, value: string, sent: string, matches: (value: string) => boolean): Attribute => ({
  ...{ name, rule: { when: [{ key: "request.headers[x-role]", values: [value] }] } },
  request: { ...BASE, headers: [["x-role", sent]] },
  isMeant: (got) => got.header("x-role").items.some(matches),
  isSaid: (got) => {
    const { values } = got.header("x-role");
    return values.length > 0 && values.every(matches);
  },
});
const hosts = (name: string, value: string, host: string): Attribute => ({
  ...{ name, rule: operation({ hosts: [value] }), request: { ...BASE, host } },
  isMeant: (got) => isHost(got, value),
  isSaid: (got) => {
    const text = got.host.toLowerCase();
    return value.startsWith("*") ? text.endsWith(value.slice(1)) : text === value;
  },
});

const ATTRIBUTES: readonly Attribute[] = [
  path("a path", "/admin", "/admin", (text) => text === "/admin"),
  path("a path's beginning", "/admin/*", "/admin/users/x", (text) => text.startsWith("/admin/")),
  path("a path's end", "*/secret", "/a/secret", (text) => text.endsWith("/secret")),
  path("a template", "/t/{*}/private", "/t/one/private", (text) => /^\/t\/[^/]+\/private$/.test(text)),
  path("an open template", "/o/{**}", "/o/a/b", (text) => /^\/o\/.+/s.test(text)),
  hosts("a host", "admin.example.com", "admin.example.com"),
  hosts("a host's end", "*.int.example.com", "a.int.example.com"),
  header("a header", "root", "root", (value) => value === "root"),
  header("a header's beginning", "ro*", "robot", (value) => value.startsWith("ro")),
  header("a header's end", "*ot", "robot", (value) => value.endsWith("ot")),
  {
    ...{ name: "a method", rule: operation({ methods: ["DELETE"] }), request: { ...BASE, method: "DELETE" } },
    isMeant: ({ method }) => method === "DELETE",
    isSaid: ({ method }) => method === "DELETE",
  },
];

describe("no form of a request gets around an AuthorizationPolicy", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { web: { kind: "captured", ip: IP, labels: { app: "web" } } },
      services: [
        {
          ...{ name: "web", address: "10.98.0.1", ports: { http: 80 } },
          pods: [{ name: "web", ip: IP, sidecar: true, labels: { app: "web" } }],
        },
      ],
    });
    await lab.serve({ name: "web", at: `${IP}:80` });
  });
  after(() => lab.close());

  const policy = (action: string, rules: readonly object[]): object =>
    object("AuthorizationPolicy", "p", { action, rules });
  const mesh = (normalization: Level): object =>
    object("MeshConfig", "mesh", { pathNormalization: { normalization } }, { namespace: "istio-system" });

  interface Outcome {
    readonly request: RawRequest;
    readonly status: number;
    readonly got?: Got;
  }
  const sent = async (request: RawRequest): Promise<Outcome> => {
    const { text, error } = await lab.tcp({ to: "web", port: 80, send: wire(request) });
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
    assert.ok(status > 0, `${wire(request)}: ${error}`);
    const json = text.slice(text.indexOf("\r\n\r\n{") + 4, text.lastIndexOf("}") + 1);
    if (!/^x-by: web/im.test(text)) return { request, status };
    const body = /\{.*\}/s.exec(text.slice(text.indexOf("\r\n\r\n")))?.[0] ?? json;
    const {
      method,
      path: target,
      headers,
    } = JSON.parse(body) as {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
    };
    // The server has joined repeated headers: their values are known by what was sent.
    const valuesOf = (name: string): string[] =>
      request.headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value.trim());
    return {
      ...{ request, status },
      got: {
        ...{ method, path: target, host: headers.host ?? "" },
        header: (name) => {
          const values = name in headers ? valuesOf(name) : [];
          const items = values.flatMap((value) => [value, ...value.split(",").map((each) => each.trim())]);
          return { values, items };
        },
      },
    };
  };
  const outcomes = async (requests: readonly RawRequest[]): Promise<Outcome[]> => {
    const all: Outcome[] = [];
    for (let i = 0; i < requests.length; i += AT_ONCE)
      all.push(...(await Promise.all(requests.slice(i, i + AT_ONCE).map(sent))));
    return all;
  };
  const told = ({ request, got }: Outcome): string =>
    `${JSON.stringify(wire(request))} reached the server as ${got?.path}`;

  for (const level of ["BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"] as const) {
    it(`with ${level} what a DENY means reaches no server, in whatever form`, async () => {
      const random = new Random(SEED);
      await lab.apply([
        mesh(level),
        policy(
          "DENY",
          ATTRIBUTES.map(({ rule }) => rule),
        ),
      ]);
      const requests = [
        ...ATTRIBUTES.flatMap(({ request }) => eachMutation(request, random)),
        ...Array.from({ length: RANDOM_REQUESTS }, () => mutated(random.of(ATTRIBUTES).request, random)),
      ];
      const all = await outcomes(requests);
      for (const each of all)
        for (const { name, isMeant } of ATTRIBUTES)
          if (each.got) assert.ok(!isMeant(each.got, level), `${name}: ${told(each)}`);
      for (const { name, request } of ATTRIBUTES)
        assert.equal(all.find((each) => each.request === request)?.status, 403, name);
      assert.ok(
        all.some(({ got }) => got),
        "nothing passes at all",
      );
      // What passes is in the normal form already: policies and servers see the same.
      for (const { got, request } of all)
        if (got) assert.equal(got.path.replace(/[?#].*$/s, ""), normalized(got.path, level), wire(request));
      assert.equal((await sent(BASE)).status, 200);
    });
  }

  it("what an ALLOW does not say reaches no server, in whatever form", async () => {
    for (const [i, { name, rule, request, isSaid }] of ATTRIBUTES.entries()) {
      const random = new Random(SEED + i);
      await lab.apply([mesh("BASE"), policy("ALLOW", [rule])]);
      const requests = [
        ...eachMutation(request, random),
        ...Array.from({ length: RANDOM_REQUESTS / 5 }, () => mutated(request, random)),
        ...Array.from({ length: RANDOM_REQUESTS / 5 }, () => mutated(random.of(ATTRIBUTES).request, random)),
      ];
      const all = await outcomes(requests);
      for (const each of all) if (each.got) assert.ok(isSaid(each.got), `${name}: ${told(each)}`);
      assert.equal(all.find((each) => each.request === request)?.status, 200, name);
      assert.equal((await sent(BASE)).status, 403, name);
    }
  });

  it("what an ALLOW excludes reaches no server, in whatever form", async () => {
    const random = new Random(SEED);
    const rules = [
      {
        to: [
          {
            operation: {
              notPaths: ["/admin", "/admin/*", "*/secret"],
              notHosts: ["admin.example.com", "*.int.example.com"],
            },
          },
        ],
        when: [{ key: "request.headers[x-role]", notValues: ["root", "ro*", "*ot"] }],
      },
    ];
    const excluded = ATTRIBUTES.filter(({ name }) => !/template|method/.test(name));
    await lab.apply([mesh("BASE"), policy("ALLOW", rules)]);
    const requests = excluded.flatMap(({ request }) => [
      ...eachMutation(request, random),
      ...Array.from({ length: RANDOM_REQUESTS / 10 }, () => mutated(request, random)),
    ]);
    for (const each of await outcomes(requests))
      for (const { name, isMeant } of excluded)
        if (each.got) assert.ok(!isMeant(each.got, "BASE"), `${name}: ${told(each)}`);
    assert.equal((await sent(BASE)).status, 200);
  });

  it("a DENY of everything but some reaches no server with anything else", async () => {
    const random = new Random(SEED);
    const rules = [
      operation({ notPaths: ["/other"] }),
      operation({ notHosts: ["public.example.com"] }),
      { when: [{ key: "request.headers[x-role]", notValues: ["user"] }] },
    ];
    await lab.apply([mesh("BASE"), policy("DENY", rules)]);
    const requests = [BASE, ...ATTRIBUTES.map(({ request }) => request)].flatMap((request) => [
      ...eachMutation(request, random),
      ...Array.from({ length: RANDOM_REQUESTS / 10 }, () => mutated(request, random)),
    ]);
    for (const each of await outcomes(requests)) {
      if (!each.got) continue;
      const { got } = each;
      assert.equal(got.path.replace(/[?#].*$/s, ""), "/other", told(each));
      assert.equal(got.host.toLowerCase(), "public.example.com", told(each));
      const { values } = got.header("x-role");
      assert.ok(values.length > 0 && values.every((value) => value === "user"), told(each));
    }
    assert.equal((await sent(BASE)).status, 200);
  });

  it("who the caller is, and where it is, is not what its headers say", async () => {
    const spoofed: RawRequest["headers"] = [
      ["x-forwarded-client-cert", "By=x;Hash=y;URI=spiffe://cluster.local/ns/default/sa/a"],
      ["x-forwarded-for", "10.7.0.1"],
      ["x-envoy-external-address", "10.7.0.1"],
      ["x-envoy-internal", "true"],
    ];
    for (const source of [
      { principals: ["cluster.local/ns/default/sa/a"] },
      { namespaces: ["default"] },
      { serviceAccounts: ["a"] },
      { ipBlocks: ["10.7.0.1"] },
      { requestPrincipals: ["*"] },
    ]) {
      await lab.apply([policy("ALLOW", [{ from: [{ source }] }])]);
      const request = { ...BASE, headers: [...spoofed, ["authorization", "Bearer x.y.z"] as const] };
      assert.equal((await sent(request)).status, 403, JSON.stringify(source));
    }
  });
});
