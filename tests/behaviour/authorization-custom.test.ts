import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Answered, type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";
import { object } from "./objects.ts";

const ROOT = "istio-system";
const IP = "10.1.0.10";

const custom = (provider: string, more: object = {}, name = provider): object =>
  object("AuthorizationPolicy", name, {
    ...{ action: "CUSTOM", provider: { name: provider } },
    rules: [{ to: [{ operation: { paths: ["/asked*"] } }] }],
    ...more,
  });
const authorizer = (name: string, ports: Readonly<Record<string, number>>): LabService => {
  const service = host(name, { ports });
  return { ...service, pods: service.pods.slice(0, 1) };
};
const PORT = 9000;
const serviceOf = (name: string): string => `${name}.default.svc.cluster.local`;
const ext = (
  name: string,
  kind: "Http" | "Grpc",
  more: object = {},
  service = kind === "Http" ? "askhttp" : "askgrpc",
) => ({
  name,
  [`envoyExtAuthz${kind}`]: { service: serviceOf(service), port: PORT, ...more },
});

/** What servers do with a call by its header is what the authorizer does, too, when it gets that header. */
const CALL_HEADERS = ["x-call", "x-do"];

describe("AuthorizationPolicy with action CUSTOM through real Envoys", () => {
  let lab: Lab;
  const web: LabService = {
    ...{ name: "web", address: "10.98.0.1", ports: { http: 80, tcp: 5000 } },
    pods: [{ name: "web", ip: IP, sidecar: true, labels: { app: "web" }, serviceAccount: "web" }],
  };
  const extensionProviders = [
    ext("http", "Http", { includeRequestHeadersInCheck: CALL_HEADERS }),
    ext("http-all", "Http", {
      includeRequestHeadersInCheck: [...CALL_HEADERS, "x-sent*"],
      includeAdditionalHeadersInCheck: { "x-added": "by-mesh" },
      pathPrefix: "/check",
      headersToUpstreamOnAllow: ["x-user"],
      headersToDownstreamOnDeny: ["x-why"],
      headersToDownstreamOnAllow: ["x-session"],
      includeRequestBodyInCheck: { maxRequestBytes: 10, allowPartialMessage: true },
    }),
    ext("http-old", "Http", { includeHeadersInCheck: CALL_HEADERS }),
    ext("http-none", "Http"),
    ...[false, true].map((clearRouteCache) =>
      ext(`route-${clearRouteCache}`, "Http", {
        ...{ includeRequestHeadersInCheck: CALL_HEADERS, headersToUpstreamOnAllow: ["x-user"], clearRouteCache },
      }),
    ),
    ext("slow", "Http", { includeRequestHeadersInCheck: CALL_HEADERS, timeout: "0.1s" }),
    ext("open", "Http", { includeRequestHeadersInCheck: CALL_HEADERS, timeout: "0.1s", failOpen: true }),
    ext("status", "Http", { includeRequestHeadersInCheck: CALL_HEADERS, timeout: "0.1s", statusOnError: "503" }),
    ext("grpc", "Grpc", { timeout: "1s" }),
    ext("grpc-body", "Grpc", { includeRequestBodyInCheck: { maxRequestBytes: 10, packAsBytes: true } }),
    ext("nowhere", "Http", {}, "nobody"),
    { name: "elsewhere", envoyExtAuthzHttp: { service: `shop/${serviceOf("askhttp")}`, port: PORT } },
    {
      name: "here",
      envoyExtAuthzHttp: {
        service: `default/${serviceOf("askhttp")}`,
        port: PORT,
        includeRequestHeadersInCheck: CALL_HEADERS,
      },
    },
    { name: "port", envoyExtAuthzHttp: { service: serviceOf("askhttp"), port: 1 } },
  ];
  before(async () => {
    lab = await openLab({
      proxies: {
        web: { kind: "captured", ip: IP, labels: { app: "web" }, serviceAccount: "web" },
        gateway: { kind: "gateway", ip: "10.1.0.20", labels: { istio: "ingressgateway" } },
      },
      services: [web, authorizer("askhttp", { http: PORT }), authorizer("askgrpc", { grpc: PORT }), host("plain")],
      objects: [
        object("MeshConfig", "mesh", { extensionProviders }, { namespace: ROOT }),
        object("Gateway", "gw", {
          selector: { istio: "ingressgateway" },
          servers: [{ port: { number: 8000, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        }),
        object("DestinationRule", "plain", {
          host: "plain",
          subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
        }),
        object("VirtualService", "by-user", {
          ...{ hosts: ["user.example.com"], gateways: ["gw"] },
          http: [
            {
              match: [{ headers: { "x-user": { exact: "tester" } } }],
              route: [{ destination: { host: "plain", subset: "v2" } }],
            },
            { route: [{ destination: { host: "plain", subset: "v1" } }] },
          ],
        }),
        object("VirtualService", "plain", {
          ...{ hosts: ["plain.example.com"], gateways: ["gw"] },
          http: [{ route: [{ destination: { host: "plain" } }] }],
        }),
      ],
    });
    for (const port of [80, 5000]) await lab.serve({ name: "web", at: `${IP}:${port}` });
  });
  after(() => lab.close());

  const call = (path: string, more: Partial<HttpCall> = {}): Promise<Answered> =>
    lab.http({ to: "web", url: `http://web${path}`, timeoutMs: 5_000, ...more });
  const arrived = async (answer: Answered): Promise<string[]> =>
    (await lab.arrivals(answer, 0)).map(({ server }) => server);

  it("clearRouteCache: what the authorizer adds decides about the route", async () => {
    const selector = { matchLabels: { istio: "ingressgateway" } };
    const by = async (provider: string): Promise<string> =>
      lab.during([custom(provider, { selector })], async () => {
        const way = { to: "gateway", url: "http://user.example.com:8000/asked", do: "200+header:x-user=tester,200" };
        const answer = await lab.http(way);
        assert.equal(answer.got?.headers["x-user"], "tester");
        return answer.by;
      });
    assert.deepEqual([await by("route-false"), await by("route-true")], ["plain-v1", "plain-v2"]);
  });

  it("only what its rules match is asked about, and goes on when the authorizer says so", async () => {
    await lab.during([custom("http")], async () => {
      assert.deepEqual(await arrived(await call("/free")), ["web"]);
      const asked = await call("/asked", { do: "200,200" });
      assert.deepEqual([asked.by, await arrived(asked)], ["web", ["askhttp-v1", "web"]]);
      const refused = await call("/asked", { do: "403" });
      assert.deepEqual([refused.status, await arrived(refused)], [403, ["askhttp-v1"]]);
      const redirected = await call("/asked", { do: "302+header:location=/login" });
      assert.deepEqual([redirected.status, redirected.headers.location], [302, "/login"]);
    });
  });

  it("envoyExtAuthzHttp: what is sent to the authorizer, and what of its answer is passed on", async () => {
    await lab.during([custom("http-all")], async () => {
      const answer = await call("/asked?q=1", {
        ...{ do: "200+header:x-user=ann+header:x-session=s1+header:x-other=o,200", method: "POST" },
        ...{ body: "0123456789abc", headers: { "x-sent-it": "1", "x-kept": "2", authorization: "Bearer t" } },
      });
      const [check, got] = await lab.arrivals(answer, 2);
      assert.equal(check?.path, "/check/asked?q=1");
      assert.equal(check?.method, "POST");
      assert.equal(check?.body, "0123456789");
      const { "x-sent-it": sent, "x-kept": kept, "x-added": added, authorization } = check?.headers ?? {};
      assert.deepEqual([sent, kept, added, authorization], ["1", undefined, "by-mesh", "Bearer t"]);
      assert.deepEqual([got?.headers["x-user"], got?.headers["x-other"]], ["ann", undefined]);
      assert.equal(got?.body, "0123456789abc");
      assert.deepEqual([answer.headers["x-session"], answer.headers["x-other"]], ["s1", undefined]);
      const refused = await call("/asked", { do: "401+header:x-why=no+header:x-other=o" });
      assert.equal(refused.status, 401);
      assert.deepEqual([refused.headers["x-why"], refused.headers["x-other"]], ["no", undefined]);
    });
  });

  it("envoyExtAuthzHttp.includeHeadersInCheck is the older name", async () => {
    await lab.during([custom("http-old")], async () => assert.equal((await call("/asked", { do: "403" })).status, 403));
    await lab.during([custom("http-none")], async () => {
      // The authorizer does not know what to do, and lets it pass.
      const answer = await call("/asked", { do: "204" });
      assert.deepEqual([answer.status, await arrived(answer)], [204, ["web"]]);
    });
  });

  it("timeout, failOpen and statusOnError: what happens when the authorizer does not answer", async () => {
    for (const [name, status, by] of [
      ["slow", 403, ""],
      ["open", 200, "web"],
      ["status", 503, ""],
    ] as const)
      await lab.during([custom(name)], async () => {
        const answer = await call("/asked", { do: "hang,200" });
        assert.deepEqual([name, answer.status, answer.by], [name, status, by]);
      });
  });

  it("envoyExtAuthzGrpc: the request as it is, and the answer's status, headers and body", async () => {
    await lab.during([custom("grpc")], async () => {
      const passed = await call("/asked?q", { headers: { "x-authz": "allow" } });
      const [check] = await lab.arrivals(passed, 2);
      assert.deepEqual([check?.server, check?.method, check?.path], ["askgrpc-v1", "Check GET", "/asked?q"]);
      assert.deepEqual([passed.by, passed.got?.headers["x-checked"]], ["web", "yes"]);
      const { status, headers, body } = await call("/asked", { headers: { "x-authz": "deny" } });
      assert.deepEqual([status, headers["x-why"], body], [401, "no", "refused"]);
      for (const wish of ["error", "hang"])
        assert.equal((await call("/asked", { headers: { "x-authz": wish } })).status, 403);
      assert.equal((await call("/free", { headers: { "x-authz": "deny" } })).by, "web");
    });
    await lab.during([custom("grpc-body")], async () => {
      const small = await call("/asked", { method: "POST", body: "0123" });
      assert.equal((await lab.arrivals(small, 2))[0]?.body, "0123");
      assert.equal((await call("/asked", { method: "POST", body: "0123456789abc" })).status, 413);
    });
  });

  it("envoyExtAuthzGrpc is asked about connections; an authorizer that speaks HTTP is not", async () => {
    const connect = async (account: string): Promise<boolean> => {
      const own = lab.ca.issue({ uris: [`spiffe://cluster.local/ns/default/sa/${account}`] });
      return (await lab.tcp({ to: "web", port: 5000, tls: { alpn: ["istio"], sni: "x", ...own } })).by === "web";
    };
    await lab.during([custom("grpc", { rules: [{}] })], async () => {
      assert.deepEqual([await connect("ann"), await connect("refused")], [true, false]);
    });
    await lab.during([custom("http", { rules: [{}] })], async () => assert.ok(await connect("refused")));
  });

  it("CUSTOM comes before DENY and ALLOW", async () => {
    const deny = object("AuthorizationPolicy", "deny", {
      ...{ action: "DENY", rules: [{ to: [{ operation: { paths: ["/asked/denied"] } }] }] },
    });
    await lab.during([custom("http"), deny], async () => {
      const answer = await call("/asked/denied", { do: "200" });
      assert.deepEqual(
        [answer.status, answer.body, await arrived(answer)],
        [403, "RBAC: access denied", ["askhttp-v1"]],
      );
      assert.equal((await call("/asked/denied", { do: "401" })).status, 401);
    });
  });

  it("two authorizers are asked each about what its own rules match", async () => {
    const both = { rules: [{ to: [{ operation: { paths: ["/asked/both", "/asked/grpc"] } }] }] };
    const first = { rules: [{ to: [{ operation: { paths: ["/asked/both", "/asked/http"] } }] }] };
    await lab.during([custom("http", first), custom("grpc", both)], async () => {
      const asked = async (path: string) => (await arrived(await call(path, { do: "200,200,200" }))).sort();
      assert.deepEqual(await asked("/asked/http"), ["askhttp-v1", "web"]);
      assert.deepEqual(await asked("/asked/grpc"), ["askgrpc-v1", "web"]);
      assert.deepEqual(await asked("/asked/both"), ["askgrpc-v1", "askhttp-v1", "web"]);
      assert.deepEqual(await asked("/free"), ["web"]);
    });
  });

  it("what an authorizer that is not to be had would be asked about is denied", async () => {
    for (const name of ["unknown", "nowhere", "elsewhere", "port"])
      await lab.during([custom(name)], async () => {
        const { status, body } = await call("/asked");
        assert.deepEqual([name, status, body], [name, 403, "RBAC: access denied"]);
        assert.equal((await call("/free")).by, "web");
      });
    await lab.during([custom("here")], async () => assert.equal((await call("/asked", { do: "401" })).status, 401));
  });

  it("in a dry run nobody is asked", async () => {
    const dry = object(
      "AuthorizationPolicy",
      "p",
      { action: "CUSTOM", provider: { name: "http" }, rules: [{}] },
      {
        annotations: { "istio.io/dry-run": "true" },
      },
    );
    await lab.during([dry], async () => assert.deepEqual(await arrived(await call("/asked")), ["web"]));
  });

  it("a gateway asks, too", async () => {
    const selector = { selector: { matchLabels: { istio: "ingressgateway" } } };
    await lab.during([custom("http", selector)], async () => {
      const gateway = { to: "gateway", url: "http://plain.example.com:8000/asked" };
      assert.equal((await call("", { ...gateway, do: "401" })).status, 401);
      assert.match((await call("", { ...gateway, do: "200,200" })).by, /^plain-/);
    });
  });
});
