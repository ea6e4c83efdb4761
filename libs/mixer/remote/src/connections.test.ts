import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { createMetrics } from "@xebec/core-metrics";
import { type HandlerLimits, handlerContext } from "@xebec/mixer-sdk";
import type { Connection } from "@xebec/model-resources";
import { type CallContext, createGrpcServer, createTlsSource, rawUnary } from "@xebec/platform-grpc";
import { createTestCa } from "@xebec/testing-launch";
import { openChannel } from "./channel.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("connections", () => {
  // Real servers: one that an adapter would be, with TLS, and one that gives tokens.
  const NAME = "spiffe://cluster.local/ns/istio-system/sa/adapter";
  const OWN = "spiffe://cluster.local/ns/istio-system/sa/mixer";
  const ca = createTestCa();
  const files = new Map<string, string>([
    ["/ca", ca.cert],
    ["/key", "an-api-key"],
    ["/secret", "hush&hush"],
  ]);
  const secrets = {
    read(path: string): string {
      const found = files.get(path);
      if (found === undefined) throw new Error(`${path} is not there`);
      return found;
    },
  };
  const context = handlerContext({ secrets });
  const ends: (() => unknown)[] = [];
  const seen: { authorization?: string | undefined; key?: string | undefined; identity?: string | undefined }[] = [];
  const asked: { authorization?: string | undefined; form: Record<string, string> }[] = [];
  let answer: [number, object] = [200, {}];
  let tokenUrl = "";
  let ports: { tls: number; mutual: number };

  before(async () => {
    const { cert, key } = ca.issue({ uris: [OWN] });
    files.set("/own-cert", cert).set("/own-key", key);
    const echo = rawUnary("/a.A/Do", (bytes, call: CallContext) => {
      const { identity } = call;
      seen.push({ authorization: call.metadata("authorization"), key: call.metadata("x-api-key"), identity });
      return bytes;
    });
    const never = rawUnary("/a.A/Never", () => new Promise(() => undefined));
    const material = { ...ca.issue({ ips: ["127.0.0.1"], uris: [NAME] }), ca: ca.cert };
    const serve = async (requireClientCertificate: boolean): Promise<number> => {
      const server = createGrpcServer({
        ...{
          name: "adapter",
          address: { host: "127.0.0.1", port: 0 },
          services: [echo, never],
          metrics: createMetrics(),
        },
        tls: createTlsSource(material, { requireClientCertificate }),
      });
      await server.start(new AbortController().signal);
      ends.push(() => server.close?.());
      return server.port;
    };
    ports = { tls: await serve(false), mutual: await serve(true) };
    const tokens = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const form = Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
        asked.push({ authorization: request.headers.authorization, form });
        response.writeHead(answer[0], { "content-type": "application/json" }).end(JSON.stringify(answer[1]));
      });
    });
    await new Promise<void>((resolve) => tokens.listen(0, "127.0.0.1", resolve));
    ends.push(() => tokens.close());
    tokenUrl = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`;
  });
  after(async () => {
    for (const end of ends) await end();
  });

  async function calls(
    authentication: Connection["authentication"],
    {
      port = ports.tls,
      count = 1,
      path = "/a.A/Do",
      timeout = "120s",
      limits = undefined as HandlerLimits | undefined,
    } = {},
  ): Promise<typeof seen> {
    seen.length = asked.length = 0;
    const channel = openChannel(`127.0.0.1:${port}`, { timeout, authentication }, context, limits);
    try {
      await channel.start();
      for (let i = 0; i < count; i++) assert.equal((await channel.call(path, Buffer.from("x"))).toString(), "x");
      return [...seen];
    } finally {
      await channel.close();
    }
  }

  describe("the connection of an adapter", () => {
    it("carries an API key in a header of its own, or as authorization", async () => {
      const key = { caCertificates: "/ca", tokenPath: "/key" };
      assert.deepEqual(await calls({ tls: { ...key, customHeader: "X-API-Key" } }), [
        { authorization: undefined, key: "an-api-key", identity: undefined },
      ]);
      const [plain] = await calls({ tls: { ...key, authHeader: "PLAIN" } });
      assert.equal(plain?.authorization, "an-api-key");
      const [bearer] = await calls({ tls: { ...key, authHeader: "BEARER" } });
      assert.equal(bearer?.authorization, "Bearer an-api-key");
      await assert.rejects(
        calls({ tls: { ...key, caCertificates: "/none", authHeader: "PLAIN" } }),
        /none is not there/,
      );
      files.set("/other-ca", createTestCa().cert);
      await assert.rejects(calls({ tls: { ...key, caCertificates: "/other-ca", authHeader: "PLAIN" } }), {
        code: "unavailable",
      });
    });

    it("gets a token by OAuth's client credentials, once while it holds", async () => {
      const oauth = { clientId: "me & you", clientSecret: "/secret", tokenUrl, scopes: ["read", "write"] };
      const tls = { caCertificates: "/ca", oauth, authHeader: "BEARER" as const };
      answer = [200, { access_token: "first", expires_in: 3600 }];
      const got = await calls({ tls }, { count: 3 });
      assert.deepEqual(
        got.map(({ authorization }) => authorization),
        Array(3).fill("Bearer first"),
      );
      const basic = Buffer.from("me%20%26%20you:hush%26hush").toString("base64");
      assert.deepEqual(asked, [
        { authorization: `Basic ${basic}`, form: { grant_type: "client_credentials", scope: "read write" } },
      ]);
      // One that ends at once is asked for again.
      answer = [200, { access_token: "short", expires_in: 1 }];
      await calls({ tls: { ...tls, oauth: { ...oauth, scopes: [] } } }, { count: 2 });
      assert.deepEqual(
        asked.map(({ form }) => form),
        Array(2).fill({ grant_type: "client_credentials" }),
      );
      for (const [wrong, why] of [
        [[500, {}], /gave no token: status 500/],
        [[200, {}], /gave no token: it holds no access_token/],
      ] as const) {
        answer = wrong as typeof answer;
        await assert.rejects(calls({ tls }), why);
      }
    });

    it("asks for tokens only where handlers may reach", async () => {
      const limits: HandlerLimits = {
        addressRefusal: (address) => (asking ? `${address} is not open to handlers` : undefined),
        fileRefusal: () => undefined,
        directories: [],
      };
      let asking = false;
      const oauth = { clientId: "me", clientSecret: "/secret", tokenUrl };
      const authentication = { tls: { caCertificates: "/ca", oauth, authHeader: "BEARER" as const } };
      answer = [200, { access_token: "a" }];
      await calls(authentication, { limits });
      const channel = openChannel(`127.0.0.1:${ports.tls}`, { timeout: "120s", authentication }, context, limits);
      await channel.start();
      asking = true;
      asked.length = 0;
      await assert.rejects(
        channel.call("/a.A/Do", new Uint8Array()),
        /not open to handlers; the flag --handlerNetworks/,
      );
      assert.equal(asked.length, 0);
      await channel.close();
    });

    it("shows its own certificate where the adapter asks for one, and checks the adapter's name", async () => {
      const { mutual: port } = ports;
      const mutual = { caCertificates: "/ca", clientCertificate: "/own-cert", privateKey: "/own-key" };
      const [call] = await calls({ mutual }, { port });
      assert.equal(call?.identity, OWN);
      assert.equal((await calls({ mutual: { ...mutual, serverName: NAME } }, { port })).length, 1);
      await assert.rejects(calls({ mutual: { ...mutual, serverName: `${NAME}s` } }, { port }), { code: "unavailable" });
      const key = { caCertificates: "/ca", tokenPath: "/key", authHeader: "PLAIN" as const };
      await assert.rejects(calls({ tls: key }, { port }), { code: "unavailable" });
    });

    it("fails a call that takes longer than its timeout", async () => {
      const tls = { caCertificates: "/ca", tokenPath: "/key", authHeader: "PLAIN" as const };
      await assert.rejects(calls({ tls }, { path: "/a.A/Never", timeout: "0.5s" }), { code: "deadline_exceeded" });
    });
  });
});
