import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { AggregatedDiscoveryService } from "@xebec/api-envoy/envoy/service/discovery/v3/ads";
import { NameTableSchema } from "@xebec/api-mesh/istio/networking/nds/v1/nds";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { createGrpcServer, type GrpcServer, service } from "@xebec/platform-grpc";
import { freePorts, tempDir } from "@xebec/testing-launch";
import { decode, encode, type RecordType } from "dns-packet";
import { createDnsProxy } from "./dns-proxy.ts";
import { DnsServer } from "./dns-server.ts";

const HOST = "127.0.97.1";
const NEVER = new AbortController().signal;
const MANY = Array.from({ length: 200 }, (_, i) => `10.7.${i >> 8}.${i & 255}`);
const KUBERNETES = { registry: "Kubernetes" };
const TABLE = {
  "a.example.com": { ips: ["240.240.1.2", "2001:2::102"], registry: "External" },
  "*.wild.example.com": { ips: ["240.240.1.3"], registry: "External" },
  "four.example.com": { ips: ["10.0.0.4"], registry: "External" },
  "many.example.com": { ips: MANY, registry: "External" },
  "web.default.svc.cluster.local": { ips: ["10.96.0.1"], shortname: "web", namespace: "default", ...KUBERNETES },
  "far.shop.svc.cluster.local": { ips: ["10.96.0.2"], shortname: "far", namespace: "shop", ...KUBERNETES },
  "db-0.db.default.svc.cluster.local": { ips: ["10.1.0.1"], shortname: "db-0.db", namespace: "default", ...KUBERNETES },
};

describe("the DNS proxy", () => {
  const folder = tempDir();
  const metrics = createMetrics();
  const asked: string[] = [];
  let table: object | undefined = TABLE;
  let pilot: GrpcServer;
  let port = 0;
  let upstreamPort = 0;
  let upstream: DnsServer;
  let silent: DnsServer;
  const acknowledged: string[] = [];
  const streams = new Set<() => void>();

  const make = (name: string, own: number, more: object = {}) =>
    createDnsProxy({
      ...{
        addresses: [{ host: HOST, port: own }],
        resolvConf: folder.file("resolv.conf"),
        parallel: false,
        metrics,
        upstreamMs: 200,
      },
      viewpoint: { namespace: "default", domain: "default.svc.cluster.local" },
      stateFile: folder.file(name),
      pilot: { address: `127.0.0.1:${pilot.port}` },
      node: { id: "sidecar~10.0.0.9~app.default~default.svc.cluster.local", cluster: "app", metadata: { A: "b" } },
      ...more,
    });
  const resolver = (at = port): Resolver => {
    const made = new Resolver({ timeout: 5_000, tries: 1 });
    made.setServers([`${HOST}:${at}`]);
    return made;
  };
  const a = (name: string, at = port): Promise<string[]> => resolver(at).resolve4(name);
  const code = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "answered",
      (error: NodeJS.ErrnoException) => error.code ?? "",
    );
  let proxy: ReturnType<typeof make>;

  before(async () => {
    [port = 0, upstreamPort = 0] = await freePorts(2, HOST);
    const [silentPort = 0] = await freePorts(1, "127.0.97.2");
    upstream = new DnsServer({ host: HOST, port: upstreamPort }, (query) => {
      const { id = 0, questions = [] } = decode(query);
      const [{ name = "", type = "A" } = {}] = questions;
      asked.push(`${name} ${type}`);
      if (name === "nobody.example.com") return encode({ type: "response", id, flags: 3, questions });
      const data = type === "TXT" ? "hello" : "192.0.2.7";
      return encode({
        ...{ type: "response", id, questions },
        answers: [{ name, type: type as "A", ttl: 9, class: "IN", data }],
      });
    });
    await upstream.start();
    silent = new DnsServer({ host: "127.0.97.2", port: silentPort }, () => undefined);
    await silent.start();
    writeFileSync(
      folder.file("resolv.conf"),
      `# comment\nsearch default.svc.cluster.local svc.cluster.local\nnameserver ${HOST}:${port}\nnameserver 127.0.97.2:${silentPort}\nnameserver ${HOST}:${upstreamPort}\noptions ndots:5\n`,
    );
    pilot = createGrpcServer({
      name: "pilot",
      address: { host: "127.0.0.1", port: 0 },
      metrics,
      services: [
        service(AggregatedDiscoveryService, {
          streamAggregatedResources(stream) {
            stream.onMessage(({ typeUrl, responseNonce, errorDetail, node }) => {
              if (responseNonce !== "") return void acknowledged.push(errorDetail ? "no" : "yes");
              assert.deepEqual(node?.metadata, { A: "b" });
              const send = (): void => {
                if (!table) return;
                const value = toBinary(NameTableSchema, create(NameTableSchema, { table: table as typeof TABLE }));
                stream.write({ typeUrl, nonce: "1", versionInfo: "1", resources: [{ typeUrl, value }] });
              };
              streams.add(send);
              send();
            });
          },
        }),
      ],
    });
    await pilot.start(NEVER);
    proxy = make("table", port);
    await proxy.start?.(NEVER);
    await waitFor("there is a table", 5_000, () => proxy.missing?.().length === 0, 3);
  });
  after(async () => {
    await proxy.close?.();
    await upstream.close();
    await silent.close();
    await pilot.close?.();
    folder.remove();
  });

  for (const [name, expected] of [
    ["a.example.com", "240.240.1.2"],
    ["A.Example.COM", "240.240.1.2"],
    ["x.wild.example.com", "240.240.1.3"],
    ["y.x.wild.example.com", "240.240.1.3"],
    ["web", "10.96.0.1"],
    ["web.default", "10.96.0.1"],
    ["web.default.svc", "10.96.0.1"],
    ["web.default.svc.cluster.local", "10.96.0.1"],
    ["far.shop", "10.96.0.2"],
    ["db-0.db", "10.1.0.1"],
    ["a.example.com.default.svc.cluster.local", "240.240.1.2"],
    ["x.wild.example.com.default.svc.cluster.local", "240.240.1.3"],
  ] as const)
    it(`${name}: ${expected}`, async () => assert.deepEqual(await a(name), [expected]));

  it("AAAA; a family that the host does not have is empty, and nobody else is asked", async () => {
    assert.deepEqual(await resolver().resolve6("a.example.com"), ["2001:2::102"]);
    const before = asked.length;
    assert.equal(await code(resolver().resolve6("four.example.com")), "ENODATA");
    assert.equal(asked.length, before);
  });

  it("holds for half a minute", async () =>
    assert.deepEqual(await resolver().resolve4("four.example.com", { ttl: true }), [{ address: "10.0.0.4", ttl: 30 }]));

  it("many addresses: what does not fit into a datagram is asked for by TCP, and each client gets another order", async () => {
    const [first, second] = [await a("many.example.com"), await a("many.example.com")];
    assert.deepEqual([...first].sort(), [...MANY].sort());
    assert.notDeepEqual(first, second);
  });

  it("everything else is handed on: to the next server when one is silent, and never to itself", async () => {
    asked.length = 0;
    assert.deepEqual(await a("elsewhere.example.org"), ["192.0.2.7"]);
    assert.deepEqual(await resolver().resolveTxt("a.example.com"), [["hello"]]);
    assert.equal(await code(a("nobody.example.com")), "ENOTFOUND");
    // A short name of another namespace is none here.
    assert.deepEqual(await a("far"), ["192.0.2.7"]);
    assert.deepEqual(asked, ["elsewhere.example.org A", "a.example.com TXT", "nobody.example.com A", "far A"]);
    assert.match(await metrics.registry.metrics(), /istio_agent_dns_upstream_requests_total 4/);
  });

  it("a new table is in effect at once; one that cannot be read leaves the earlier one", async () => {
    table = { ...TABLE, "new.example.com": { ips: ["10.0.0.9"], registry: "External" } };
    for (const send of streams) send();
    await waitFor(
      "it is there",
      5_000,
      async () => (await a("new.example.com").catch(() => [""]))[0] === "10.0.0.9",
      20,
    );
    assert.ok(acknowledged.includes("yes"));
  });

  it("without a table nothing is answered; the table of an earlier process is", async () => {
    table = undefined;
    const [first = 0, second = 0] = await freePorts(2, HOST);
    const [fresh, kept] = [make("fresh", first), make("table", second)];
    await fresh.start?.(NEVER);
    await kept.start?.(NEVER);
    assert.match(fresh.missing?.()[0] ?? "", /the table of names has not come/);
    assert.equal(await code(a("a.example.com", first)), "ESERVFAIL");
    assert.equal(await code(a("elsewhere.example.org", first)), "ESERVFAIL");
    assert.deepEqual(await a("a.example.com", second), ["240.240.1.2"]);
    await fresh.close?.();
    await kept.close?.();
  });

  describe("what is no question", () => {
    const question = (type: RecordType = "A") =>
      encode({ type: "query", id: 7, flags: 0x100, questions: [{ type, name: "four.example.com", class: "IN" }] });
    const altered = (change: (bytes: Buffer) => void): Buffer => {
      const bytes = question();
      change(bytes);
      return bytes;
    };
    /** What comes back by TCP: the return code, `closed` or `nothing`. */
    const sent = (bytes: Buffer): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(port, HOST);
        socket.on("error", reject);
        socket.on("close", () => resolve("closed"));
        socket.on("data", (answer) => {
          resolve(String((answer[5] ?? 0) & 15));
          socket.destroy();
        });
        const length = Buffer.alloc(2);
        length.writeUInt16BE(bytes.length, 0);
        socket.write(Buffer.concat([length, bytes]));
      });
    for (const [what, bytes, expected] of [
      ["a question", question(), "0"],
      ["an answer", altered((b) => b.writeUInt8(0x80, 2)), "closed"],
      ["too few bytes for a header", Buffer.from([1, 2, 3]), "closed"],
      ["none at all", Buffer.alloc(0), "closed"],
      ["an update of a zone", altered((b) => b.writeUInt8(5 << 3, 2)), "4"],
      ["no question", altered((b) => b.writeUInt16BE(0, 4)), "1"],
      ["more questions than bytes", altered((b) => b.writeUInt16BE(60_000, 4)), "1"],
      ["a name that points at itself", altered((b) => b.writeUInt16BE(0xc00c, 12)), "1"],
      ["a label beyond the end", altered((b) => b.writeUInt8(60, 12)), "1"],
      ["far too long a one", Buffer.concat([question(), Buffer.alloc(5_000)]), "1"],
    ] as const)
      it(`${what}: ${expected}`, async () => assert.equal(await sent(bytes), expected));
    it("and the proxy goes on", async () => assert.deepEqual(await a("four.example.com"), ["10.0.0.4"]));
  });

  it("an upstream that is not there: the failure comes at once, by UDP and TCP", async () => {
    const [own = 0, nobody = 0] = await freePorts(2, HOST);
    writeFileSync(folder.file("gone.conf"), `nameserver ${HOST}:${nobody}\n`);
    const alone = make("table", own, { resolvConf: folder.file("gone.conf"), parallel: true });
    await alone.start?.(NEVER);
    assert.equal(await code(a("elsewhere.example.org", own)), "ESERVFAIL");
    await alone.close?.();
    rmSync(folder.file("gone.conf"));
    await assert.rejects(async () => make("table", own, { resolvConf: folder.file("gone.conf") }).start?.(NEVER), {
      code: "failed_precondition",
    });
  });

  it("an address that is taken: says so", () =>
    assert.rejects(async () => make("table", port).start?.(NEVER), {
      code: "failed_precondition",
      message: `the DNS proxy cannot listen at ${HOST}:${port}`,
    }));
});
