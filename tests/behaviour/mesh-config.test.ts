import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { COMMANDS } from "@xebec/model-resources";
import { object, PROXIES } from "./lab/cases.ts";
import { type Answered, type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { Receivers } from "./lab/receivers.ts";

const SYSTEM = { namespace: "istio-system" };
/** Receivers that no service of the mesh has. */
const GRPC = "10.150.0.2:4317";
const HTTP = "10.150.0.2:9411";

let lab: Lab;
let receivers: Receivers;
const call = (more: Partial<HttpCall> = {}): Promise<Answered> =>
  lab.http({ url: `http://${more.to ? "own" : "web"}/`, ...(more.to ? {} : { through: "client" }), ...more });
const mesh = (spec: object): object => object("MeshConfig", "mesh", spec, SYSTEM);
const during = (spec: object, work: () => Promise<void>, objects: readonly object[] = []): Promise<void> =>
  lab.during([mesh(spec), ...objects], work);
const admin = async (path: string, proxy = "client"): Promise<string> =>
  (await lab.envoys.get(proxy)?.admin(path)) ?? "";
const trace = (tracing: object, more: object = {}): object => ({ defaultConfig: { tracing, ...more } });

describe("the mesh configuration", () => {
  before(async () => {
    lab = await openLab({
      proxies: {
        ...{ client: PROXIES.client as never, gateway: PROXIES.gateway as never },
        server: { kind: "captured", ip: "10.1.0.30", labels: { app: "own" } },
        own: {
          ...{ kind: "captured", ip: "10.1.0.31", labels: { app: "own" } },
          metadata: {
            PROXY_CONFIG: {
              concurrency: 2,
              proxyHeaders: { server: { value: "pod" } },
              gatewayTopology: "wrong",
              tracing: { zipkin: { address: HTTP }, customTags: { of: { literal: { value: "pod" } } } },
            },
          },
        },
      },
      services: [
        host("web"),
        host("plain", { ports: { foo: 9100 } }),
        { ...host("far"), namespace: "other" },
        { ...host("own"), pods: [{ name: "own-v1", ip: "10.1.0.30", sidecar: true }] },
      ],
      upstreams: [
        { name: "own", at: "10.1.0.30:80" },
        { name: "own", at: "10.1.0.31:80" },
        { name: "local", at: "127.0.0.1:80" },
        { name: "one", at: "10.160.0.1:80" },
        { name: "two", at: "10.160.0.2:80" },
      ],
      objects: [
        object("Gateway", "edge", {
          selector: { istio: "ingressgateway" },
          servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        }),
        object("VirtualService", "edge", {
          hosts: ["edge.example"],
          gateways: ["edge"],
          http: [{ route: [{ destination: { host: "web" } }] }],
        }),
      ],
      flags: ["--file-flush-interval-msec", "10"],
    });
    receivers = new Receivers();
    await receivers.grpc(lab.folder.file("grpc.sock"));
    await receivers.http(lab.folder.file("http.sock"));
    await lab.serve({ name: "grpc", at: GRPC, relay: lab.folder.file("grpc.sock") });
    await lab.serve({ name: "http", at: HTTP, relay: lab.folder.file("http.sock") });
  });
  after(async () => {
    await lab?.close();
    await receivers?.close();
  });

  it("h2UpgradePolicy: HTTP/2 to endpoints, unless a DestinationRule says otherwise", async () => {
    assert.equal((await call()).got?.protocol, "HTTP/1.1");
    await during({ h2UpgradePolicy: "UPGRADE" }, async () => {
      assert.equal((await call()).got?.protocol, "HTTP/2");
      const http = { h2UpgradePolicy: "DO_NOT_UPGRADE" };
      const rule = object("DestinationRule", "web", { host: "web", trafficPolicy: { connectionPool: { http } } });
      await lab.during([rule], async () => assert.equal((await call()).got?.protocol, "HTTP/1.1"));
    });
  });

  it("defaultHttpRetryPolicy: routes without retries of their own", async () => {
    assert.equal((await call({ do: "500,200" })).status, 500);
    await during({ defaultHttpRetryPolicy: { attempts: 1, retryOn: "5xx", backoff: "1ms" } }, async () => {
      assert.equal((await call({ do: "500,200" })).status, 200);
      assert.equal((await call({ do: "500,500,200" })).status, 500);
    });
  });

  it("dnsRefreshRate: names are looked up again", async () => {
    await lab.name("fickle.example", ["10.160.0.1"]);
    const ports = [{ number: 80, name: "http", protocol: "HTTP" }];
    const entry = object("ServiceEntry", "named", { hosts: ["fickle.example"], ports, resolution: "DNS" });
    await during({ dnsRefreshRate: "0.1s" }, async () => {
      assert.equal((await call({ url: "http://fickle.example/" })).by, "one");
      await lab.name("fickle.example", ["10.160.0.2"]);
      await waitFor(
        "the other address is called",
        5_000,
        async () => (await call({ url: "http://fickle.example/" })).by === "two",
        20,
      );
    }, [entry]);
  });

  it("inboundClusterStatName and outboundClusterStatName: names in statistics", () =>
    during(
      {
        inboundClusterStatName: "in_%SERVICE%_%TARGET_PORT%",
        outboundClusterStatName: "out_%SERVICE_FQDN%_%SERVICE_PORT%_%SERVICE_PORT_NAME%",
      },
      async () => {
        await call();
        await call({ to: "server" });
        assert.match(
          await admin("/stats?filter=upstream_rq_total"),
          /cluster\.out_web\.default\.svc\.cluster\.local_80_http;\.upstream_rq_total: [1-9]/,
        );
        assert.match(
          await admin("/stats?filter=upstream_rq_total", "server"),
          /cluster\.in_own\.default_80;\.upstream_rq_total: [1-9]/,
        );
      },
    ));

  it("inboundTrafficPolicy LOCALHOST: the container listens on 127.0.0.1", async () => {
    assert.equal((await call({ to: "server" })).by, "own");
    await during({ inboundTrafficPolicy: { mode: "LOCALHOST" } }, async () => {
      assert.equal((await call({ to: "server" })).by, "local");
    });
  });

  it("protocolDetectionTimeout: how long a client that says nothing is waited for", async () => {
    const connected = async (): Promise<boolean> => {
      await lab.tcp({ through: "client", host: "plain", port: 9100, send: "", timeoutMs: 1_000 });
      return /upstream_cx_total: [1-9]/.test(await admin("/stats?filter=outbound%7C9100.*upstream_cx_total"));
    };
    await during({ protocolDetectionTimeout: "30s" }, async () => assert.equal(await connected(), false));
    assert.equal(await connected(), true);
  });

  it("default*ExportTo: who sees objects that do not say", async () => {
    const url = "http://far.other.svc.cluster.local/";
    const closed = { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } };
    await during(closed, async () => assert.equal((await call({ url })).status, 200));
    await during({ ...closed, defaultServiceExportTo: ["."] }, async () => {
      assert.equal((await call({ url })).status, 502);
      assert.equal((await call()).status, 200);
    });
    await during({ ...closed, defaultServiceExportTo: ["~"] }, async () => assert.equal((await call()).status, 0));
    const other = { namespace: "other" };
    const route = object(
      "VirtualService",
      "web",
      { hosts: ["web.default.svc.cluster.local"], http: [{ directResponse: { status: 418 } }] },
      other,
    );
    await during({}, async () => assert.equal((await call()).status, 418), [route]);
    await during({ defaultVirtualServiceExportTo: ["."] }, async () => assert.equal((await call()).status, 200), [
      route,
    ]);
    const rule = object(
      "DestinationRule",
      "far",
      {
        host: "far.other.svc.cluster.local",
        trafficPolicy: { connectionPool: { http: { h2UpgradePolicy: "UPGRADE" } } },
      },
      other,
    );
    await during({}, async () => assert.equal((await call({ url })).got?.protocol, "HTTP/2"), [rule]);
    await during(
      { defaultDestinationRuleExportTo: ["."] },
      async () => assert.equal((await call({ url })).got?.protocol, "HTTP/1.1"),
      [rule],
    );
  });

  it("meshMTLS: the oldest version and the ciphers of TLS in the mesh", async () => {
    const own = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/default"] });
    const status = async (version: "TLSv1.2" | "TLSv1.3"): Promise<number> =>
      (await call({ to: "server", tls: { ...own, alpn: ["istio"], version } })).status;
    assert.deepEqual([await status("TLSv1.2"), await status("TLSv1.3")], [200, 200]);
    await during({ meshMTLS: { minProtocolVersion: "TLSV1_3" } }, async () =>
      assert.deepEqual([await status("TLSv1.2"), await status("TLSv1.3")], [0, 200]),
    );
    await during(
      { meshMTLS: { cipherSuites: ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"] } },
      async () => {
        await status("TLSv1.2");
        const stats = await admin("/stats?filter=ssl.ciphers", "server");
        assert.match(stats, /AES256-GCM-SHA384: [1-9]/);
      },
    );
  });

  it("defaultConfig.proxyHeaders: the server's name, the request's id, what is said of the client's certificate", async () => {
    const own = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/default"] });
    const known = () => call({ to: "server", tls: { ...own, alpn: ["istio"] } });
    const usual = await known();
    assert.equal(usual.headers.server, "istio-envoy");
    assert.match(usual.got?.headers["x-forwarded-client-cert"] ?? "", /Subject=.*URI=/);
    const proxyHeaders = {
      server: { value: "own" },
      requestId: { disabled: true },
      setCurrentClientCertDetails: { uri: false },
    };
    await during({ defaultConfig: { proxyHeaders } }, async () => {
      const { headers, got } = await known();
      assert.deepEqual([headers.server, got?.headers["x-request-id"]], ["own", undefined]);
      assert.doesNotMatch(got?.headers["x-forwarded-client-cert"] ?? "", /URI=spiffe/);
    });
    await during(
      { defaultConfig: { proxyHeaders: { server: { disabled: true }, forwardedClientCert: "SANITIZE" } } },
      async () => {
        const { headers, got } = await known();
        assert.deepEqual([headers.server, got?.headers["x-forwarded-client-cert"]], [undefined, undefined]);
      },
    );
  });

  it("defaultConfig.gatewayTopology: proxies before gateways are trusted", async () => {
    const at = () =>
      lab.http({
        to: "gateway",
        url: "http://edge.example/",
        headers: { "x-forwarded-for": "1.1.1.1, 2.2.2.2", "x-forwarded-client-cert": "URI=a" },
      });
    assert.equal((await at()).got?.headers["x-forwarded-client-cert"], undefined);
    assert.notEqual((await at()).got?.headers["x-envoy-external-address"], "2.2.2.2");
    const gatewayTopology = { numTrustedProxies: 1, forwardClientCertDetails: "ALWAYS_FORWARD_ONLY" };
    await during({ defaultConfig: { gatewayTopology } }, async () => {
      const { got } = await at();
      assert.equal(got?.headers["x-envoy-external-address"], "2.2.2.2");
      assert.equal(got?.headers["x-forwarded-client-cert"], "URI=a");
    });
  });

  it("defaultConfig.proxyHeaders: attempts, Envoy's own headers, the host and port that were called", async () => {
    const rewrite = object("VirtualService", "rewrite", {
      hosts: ["web"],
      http: [{ rewrite: { authority: "other.example" }, route: [{ destination: { host: "web" } }] }],
    });
    const of = async () => {
      const { headers, got } = await call();
      const named = (name: string): string | undefined => got?.headers[name];
      const time = headers["x-envoy-upstream-service-time"] === undefined ? "-" : "time";
      return [named("x-envoy-attempt-count"), time, named("x-forwarded-host"), named("x-forwarded-port")];
    };
    await lab.during([rewrite], async () => assert.deepEqual(await of(), ["1", "time", undefined, undefined]));
    const proxyHeaders = {
      attemptCount: { disabled: true },
      envoyDebugHeaders: { disabled: true },
      xForwardedHost: { enabled: true },
      xForwardedPort: { enabled: true },
    };
    await during(
      { defaultConfig: { proxyHeaders } },
      async () => assert.deepEqual(await of(), [undefined, "-", "web", "80"]),
      [rewrite],
    );
  });

  it("defaultConfig.proxyHeaders.preserveHttp1HeaderCase: names of headers stay as they were written", async () => {
    const answer = async (): Promise<string> =>
      (await lab.tcp({ to: "server", port: 80, send: "GET / HTTP/1.1\r\nHost: own\r\nConnection: close\r\n\r\n" }))
        .text;
    assert.match(await answer(), /\r\ndate: /);
    await during({ defaultConfig: { proxyHeaders: { preserveHttp1HeaderCase: true } } }, async () =>
      assert.match(await answer(), /\r\nDate: /),
    );
  });

  it("defaultConfig.gatewayTopology.proxyProtocol: gateways take the client's address from what stands before them", async () => {
    const send = (client: string): string =>
      `${client}GET / HTTP/1.1\r\nHost: edge.example\r\nConnection: close\r\n\r\n`;
    const got = async (client: string): Promise<string> =>
      (await lab.tcp({ to: "gateway", port: 80, send: send(client) })).text;
    assert.match(await got(""), /"x-forwarded-for":"(?!9)/);
    await during({ defaultConfig: { gatewayTopology: { proxyProtocol: {} } } }, async () => {
      assert.match(await got("PROXY TCP4 9.8.7.6 10.1.0.2 1000 80\r\n"), /"x-forwarded-for":"9\.8\.7\.6"/);
    });
  });

  it("a pod's own ProxyConfig overrules defaultConfig, field by field: headers and tracing", async () => {
    const server = async (proxy: "own" | "server") => {
      const { headers, got } = await lab.http({ to: proxy, url: "http://own/" });
      return [headers.server, got?.headers["x-envoy-attempt-count"], got?.headers["x-request-id"] !== undefined];
    };
    await during(
      { defaultConfig: { proxyHeaders: { server: { value: "mesh" }, requestId: { disabled: true } } } },
      async () => {
        assert.deepEqual(await server("server"), ["mesh", undefined, false]);
        assert.deepEqual(await server("own"), ["pod", undefined, false]);
      },
    );
    await during(trace({ datadog: { address: HTTP }, sampling: 100 }), async () => {
      await lab.http({ to: "own", url: "http://own/of-the-pod" });
      const span = await receivers.one("a span", receivers.spans, (each) =>
        (each.tags["http.url"] ?? "").endsWith("/of-the-pod"),
      );
      assert.equal(span.tags.of, "pod");
    });
  });

  it("proxyListenPort and proxyInboundListenPort: where traffic is redirected to", () =>
    during({ proxyListenPort: 16_001, proxyInboundListenPort: 16_006 }, async () => {
      const found = await admin("/listeners");
      assert.match(found, /virtualOutbound::[\d.]+:16001/);
      assert.match(found, /virtualInbound::[\d.]+:16006/);
    }));

  it("accessLogFormat: Envoy has every command that is accepted", async () => {
    const file = lab.folder.file("commands.log");
    await during({ accessLogFile: file, accessLogFormat: COMMANDS.join(" ") }, async () => {
      await call();
      await waitFor("a request is logged", 5_000, () => existsSync(file) && readFileSync(file, "utf8").length > 0, 10);
    });
  });

  it("tlsDefaults: ciphers and curves of TLS at gateways", async () => {
    const key = lab.ca.issue({ dns: ["tls.example"] });
    writeFileSync(lab.folder.file("tls.crt"), key.cert);
    writeFileSync(lab.folder.file("tls.key"), key.key);
    const gateway = object("Gateway", "tls", {
      selector: { istio: "ingressgateway" },
      servers: [
        {
          port: { number: 8443, name: "https", protocol: "HTTPS" },
          hosts: ["tls.example"],
          tls: {
            mode: "SIMPLE",
            serverCertificate: lab.folder.file("tls.crt"),
            privateKey: lab.folder.file("tls.key"),
          },
        },
      ],
    });
    const route = object("VirtualService", "tls", {
      ...{ hosts: ["tls.example"], gateways: ["tls"], http: [{ directResponse: { status: 204 } }] },
    });
    const spoken = async (ciphers?: string): Promise<string> => {
      const tls = { sni: "tls.example", version: "TLSv1.2", ...(ciphers ? { ciphers } : {}) } as const;
      const { status, cipher } = await lab.http({ to: "gateway", url: "https://tls.example:8443/", tls });
      const curves = await admin("/stats?filter=8443.*ssl.curves", "gateway");
      return `${status} ${cipher ?? ""} ${/P-384: [1-9]/.test(curves) ? "P-384" : ""}`.trim();
    };
    const small = "ECDHE-RSA-AES128-GCM-SHA256";
    await during({}, async () => assert.equal(await spoken(small), `204 ${small}`), [gateway, route]);
    const tlsDefaults = { cipherSuites: ["ECDHE-RSA-AES256-GCM-SHA384"], ecdhCurves: ["P-384"] };
    await during({ tlsDefaults }, async () => {
      assert.equal(await spoken(), "204 ECDHE-RSA-AES256-GCM-SHA384 P-384");
      assert.match(await spoken(small), /^0/);
    }, [gateway, route]);
  });

  it("tlsDefaults.minProtocolVersion: is refused, as Istio's", () =>
    assert.rejects(
      during({ tlsDefaults: { minProtocolVersion: "TLSV1_3" } }, async () => {}),
      /write it at the Gateway/,
    ));

  it("tlsSettings of tracing and envoyAccessLogService: over TLS, to a server that has the names and is not revoked", async () => {
    const at = "10.150.0.3:9411";
    const server = lab.ca.issue({ dns: ["zipkin.example"] });
    await lab.serve({ name: "zipkin", at, tls: server, silent: true });
    const file = (name: string, text: string): string => {
      writeFileSync(lab.folder.file(name), text);
      return lab.folder.file(name);
    };
    const own = lab.ca.issue({ dns: ["client.example"] });
    const roots = { caCertificates: file("zipkin-ca.pem", lab.ca.cert), sni: "zipkin.example" };
    const pair = { clientCertificate: file("zipkin.crt", own.cert), privateKey: file("zipkin.key", own.key) };
    const names = (name: string) => ({ ...roots, subjectAltNames: [name] });
    const sent = async (cluster: string, spec: object): Promise<boolean> => {
      let result = false;
      await during(spec, async () => {
        await call();
        await waitFor("something was sent, or could not be", 10_000, async () => {
          const stats = await admin(
            `/stats?filter=^cluster.${cluster}.(ssl.(handshake|fail_verify_san|fail_verify_error)|upstream_cx_connect_fail)`,
          );
          result = /handshake: [1-9]/.test(stats);
          return result || /(fail_verify\w*|connect_fail): [1-9]/.test(stats);
        });
      });
      return result;
    };
    const crl = { caCrl: file("zipkin.crl", lab.ca.revoke([server.cert])) };
    const log = (tlsSettings: object): object => ({
      enableEnvoyAccessLogService: true,
      defaultConfig: { envoyAccessLogService: { address: at, tlsSettings } },
    });
    for (const [tls, isSent] of [
      [{ mode: "SIMPLE", ...names("zipkin.example") }, true],
      [{ mode: "MUTUAL", ...pair, ...names("zipkin.example") }, true],
      [{ mode: "SIMPLE", ...names("other.example") }, false],
      [{ mode: "SIMPLE", insecureSkipVerify: true }, true],
      [{ mode: "SIMPLE", ...names("zipkin.example"), ...crl }, false],
    ] as const) {
      const spans = trace({ sampling: 100, zipkin: { address: at }, tlsSettings: tls });
      assert.equal(await sent("zipkin", spans), isSent, `spans: ${JSON.stringify(tls)}`);
    }
    assert.equal(
      await sent("envoy_accesslog_service", log({ mode: "MUTUAL", ...pair, ...names("zipkin.example") })),
      true,
    );
    assert.equal(await sent("envoy_accesslog_service", log({ mode: "SIMPLE", ...names("other.example") })), false);
  });

  it("tcpKeepalive: connections to endpoints are probed", () =>
    during({ tcpKeepalive: { probes: 4, time: "7s", interval: "3s" } }, async () => {
      assert.match(
        await admin("/config_dump?resource=dynamic_active_clusters&name_regex=outbound.80..web.*"),
        /"keepalive_probes": 4,\s*"keepalive_time": 7,\s*"keepalive_interval": 3/,
      );
      assert.equal((await call()).status, 200);
    }));

  it("accessLogFile: a connection that no chain takes is logged, unless disableEnvoyListenerLog", async () => {
    const strict = object("PeerAuthentication", "own", { mtls: { mode: "STRICT" } });
    const file = lab.folder.file("listener.log");
    const spec = { accessLogFile: file, accessLogFormat: "%RESPONSE_FLAGS% %DOWNSTREAM_LOCAL_ADDRESS%" };
    const size = (): number =>
      existsSync(file)
        ? readFileSync(file, "utf8")
            .split("\n")
            .filter((each) => each.startsWith("NR 10.1.0.30")).length
        : 0;
    await during(
      { ...spec, disableEnvoyListenerLog: true },
      async () => assert.equal((await call({ to: "server" })).status, 0),
      [strict],
    );
    assert.equal(size(), 0);
    await during(spec, async () => {
      await call({ to: "server" });
      await waitFor("the connection is logged", 5_000, () => size() === 1, 10);
    }, [strict]);
  });

  it("enableEnvoyAccessLogService: the service that defaultConfig names gets everything", () =>
    during(
      { enableEnvoyAccessLogService: true, defaultConfig: { envoyAccessLogService: { address: GRPC } } },
      async () => {
        const { call: id } = await call();
        const requestId = (await lab.arrivals({ call: id }))[0]?.headers["x-request-id"];
        const { logName } = await receivers.one(
          "an entry",
          receivers.entries,
          ({ http }) => http?.request?.requestId === requestId,
        );
        assert.equal(logName, "http_envoy_accesslog");
      },
    ));

  it("defaultConfig.tracing: a Zipkin by its address, its sampling, tags and lengths; enableTracing switches it off", async () => {
    const tags = {
      fixed: { literal: { value: "x" } },
      home: { environment: { name: "NO_SUCH", defaultValue: "h" } },
      agent: { header: { name: "x-agent", defaultValue: "none" } },
    };
    const zipkin = { zipkin: { address: HTTP }, sampling: 100 };
    await during(trace({ ...zipkin, customTags: tags, maxPathTagLength: 12, enableIstioTags: false }), async () => {
      await call({ url: "http://web/0123456789abcdef" });
      const span = await receivers.one("a span", receivers.spans, (each) =>
        (each.tags["http.url"] ?? "").includes("/0123456789"),
      );
      assert.ok(span.tags["http.url"]?.endsWith("/0123456789a"));
      const { fixed, home, agent } = span.tags;
      assert.deepEqual(
        { fixed, home, agent, mesh: span.tags["istio.mesh_id"] },
        { fixed: "x", home: "h", agent: "none", mesh: undefined },
      );
    });
    await during({ ...trace(zipkin), enableTracing: false }, async () => {
      assert.equal((await call()).got?.headers["x-b3-traceid"], undefined);
    });
    await during({ defaultConfig: { zipkinAddress: HTTP } }, async () => {
      assert.ok((await call()).got?.headers["x-b3-traceid"]);
    });
    await during(trace({ datadog: { address: HTTP }, sampling: 100 }), async () => {
      await call();
      await receivers.one("traces for the agent", receivers.requests, ({ path }) => path === "/v0.4/traces");
    });
  });
});

describe("a mesh with one sidecar", () => {
  it("proxyHttpPort: the HTTP proxy, for absolute URLs and CONNECT, by the rules of hosts", async () => {
    const spec = { proxyHttpPort: 16_080, outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } };
    await using own = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1" } },
      services: [host("proxied")],
      objects: [mesh(spec)],
    });
    const at = "127.0.0.1:16080";
    const get = (url: string) => own.http({ at, url, path: url });
    const { by, status } = await get("http://proxied/x");
    assert.deepEqual([status, by.startsWith("proxied")], [200, true]);
    assert.equal((await get("http://nobody/")).status, 502);
    const connect = "CONNECT proxied:80 HTTP/1.1\r\nhost: proxied:80\r\n\r\n";
    assert.match((await own.tcp({ at, port: 16_080, send: connect, timeoutMs: 500 })).text, /^HTTP\/1\.1 200/);
  });
});
