import assert from "node:assert/strict";
import dns from "node:dns";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { networkInterfaces } from "node:os";
import { after, describe, it, mock } from "node:test";
import { isXebecError } from "@xebec/core-errors";
import { createAddressPolicy, networkSyntaxError } from "./address-policy.ts";
import { type GuardedGetOptions, guardedGet } from "./guarded-get.ts";

describe("the policy for addresses that configuration names", () => {
  const policy = createAddressPolicy();
  for (const address of [
    ...[
      "127.0.0.1",
      "127.255.0.9",
      "0.0.0.0",
      "0.1.2.3",
      "169.254.169.254",
      "224.0.0.1",
      "255.255.255.255",
      "240.0.0.1",
    ],
    ...["::1", "::", "fe80::1", "fe80::1%eth0", "febf::1", "ff02::1", "fd00:ec2::254", "fec0::1"],
    ...["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:169.254.169.254", "::127.0.0.1", "0:0:0:0:0:ffff:7f00:0001"],
    ...["64:ff9b::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:1::1", "::ffff:0:127.0.0.1"],
    ...["localhost", "", "127.1"],
  ])
    it(`refuses ${address || "nothing"}`, () => assert.ok(policy.refusal(address)));

  for (const address of [
    "10.0.0.1",
    "192.0.2.1",
    "172.16.1.1",
    "2001:db8::1",
    "fd00::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
  ])
    it(`allows ${address}`, () => assert.equal(policy.refusal(address), undefined));

  it("refuses this machine's other addresses, too", () => {
    const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((each) => each.address));
    for (const each of own) assert.ok(policy.refusal(each), each);
  });

  it("allows what it is configured to allow, in every spelling", () => {
    const open = createAddressPolicy(["127.0.0.0/8", "fe80::/10", "169.254.1.1"]);
    for (const each of ["127.0.0.1", "::ffff:127.0.0.1", "fe80::1", "169.254.1.1"])
      assert.equal(open.refusal(each), undefined, each);
    for (const each of ["169.254.1.2", "::1"]) assert.ok(open.refusal(each), each);
    assert.deepEqual(
      ["10.0.0.0/8", "::1", "10.0.0.0/40", "x", "10.0.0.0/"].map((each) => networkSyntaxError(each) === undefined),
      [true, true, false, false, false],
    );
  });
});

describe("a fetch of what configuration names", () => {
  const servers: { close(): unknown }[] = [];
  after(() => {
    for (const each of servers) each.close();
  });
  const listen = async (host: string, handler: RequestListener): Promise<number> => {
    const server: Server = createServer(handler);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return (server.address() as AddressInfo).port;
  };
  const allowed = createAddressPolicy(["127.0.0.1"]);
  const refusedBy = async (url: string, options: Partial<GuardedGetOptions> = {}): Promise<string> => {
    const error = await guardedGet(url, { policy: allowed, ...options }).then(
      (body) => assert.fail(`it answered ${body}`),
      (thrown: unknown) => thrown,
    );
    assert.ok(isXebecError(error), String(error));
    return `${error.code}: ${error.message}`;
  };

  it("gives the body, sends user and password of the URL to its origin alone, and shows them nowhere", async () => {
    const seen: IncomingMessage[] = [];
    const other = await listen("127.0.0.1", (request, response) => {
      seen.push(request);
      response.end("moved");
    });
    const first = await listen("127.0.0.1", (request, response) => {
      seen.push(request);
      if (request.url === "/list") response.end("one\ntwo\n");
      else if (request.url === "/away") response.writeHead(302, { location: `http://127.0.0.1:${other}/` }).end();
      else if (request.url === "/here") response.writeHead(301, { location: "/list" }).end();
      else response.writeHead(401).end();
    });
    const url = (path: string): string => `http://us%65r:hu%20sh@127.0.0.1:${first}${path}`;
    assert.equal(await guardedGet(url("/list"), { policy: allowed }), "one\ntwo\n");
    assert.equal(seen.at(-1)?.headers.authorization, `Basic ${Buffer.from("user:hu sh").toString("base64")}`);
    assert.equal(await guardedGet(url("/here"), { policy: allowed }), "one\ntwo\n");
    assert.notEqual(seen.at(-1)?.headers.authorization, undefined);
    assert.equal(await guardedGet(url("/away"), { policy: allowed }), "moved");
    assert.equal(seen.at(-1)?.headers.authorization, undefined);
    const message = await refusedBy(url("/no?token=hush"));
    assert.match(message, /^unavailable: http:\/\/127\.0\.0\.1:\d+\/no\?token=\[redacted\] answered with status 401$/);
    assert.doesNotMatch(message, /hu%20sh|hush/);
  });

  it("checks the address of every redirection, and follows few", async () => {
    let hits = 0;
    const inner = await listen("127.0.0.2", (_request, response) => {
      hits++;
      response.end("secret");
    });
    const outer = await listen("127.0.0.1", (request, response) => {
      const to = {
        "/loopback": `http://127.0.0.2:${inner}/`,
        "/decimal": `http://2130706434:${inner}/`,
        "/mapped": `http://[::ffff:127.0.0.2]:${inner}/`,
        "/file": "file:///etc/passwd",
      }[request.url ?? ""];
      response.writeHead(302, { location: to ?? "/again" }).end();
    });
    for (const path of ["/loopback", "/decimal", "/mapped"])
      assert.match(
        await refusedBy(`http://127.0.0.1:${outer}${path}`),
        /^permission_denied: .* is a loopback address$/,
      );
    assert.match(await refusedBy(`http://127.0.0.1:${outer}/file`), /redirects to something that is not an http URL/);
    assert.match(await refusedBy(`http://127.0.0.1:${outer}/ring`), /redirects more than 3 times/);
    assert.equal(hits, 0);
  });

  it("connects to no address that a name has besides, or gets later", async () => {
    let hits = 0;
    const port = await listen("127.0.0.2", (_request, response) => {
      hits++;
      response.end("secret");
    });
    assert.match(
      await refusedBy(`http://localhost:${port}/`, { policy: createAddressPolicy() }),
      /^permission_denied: /,
    );
    // A name server that gives a good address when it is asked first, and a bad one when it is asked again.
    const answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2", "127.0.0.1"]];
    const asked = mock.method(
      dns,
      "lookup",
      (_host: string, _options: object, callback: (...all: unknown[]) => void) => {
        callback(
          null,
          (answers.shift() ?? ["127.0.0.2"]).map((address) => ({ address, family: 4 })),
        );
      },
    );
    try {
      assert.match(await refusedBy(`http://rebinding.test:${port}/`), /^unavailable: /, "nobody listens at 127.0.0.1");
      assert.match(await refusedBy(`http://rebinding.test:${port}/`), /^permission_denied: .*127\.0\.0\.2/);
      assert.match(await refusedBy(`http://rebinding.test:${port}/`), /^unavailable: /);
      assert.equal(asked.mock.callCount(), 3, "once for each connection");
    } finally {
      asked.mock.restore();
    }
    assert.equal(hits, 0);
  });

  it("has limits for size, headers and time, and takes no compressed answer", async () => {
    const port = await listen("127.0.0.1", (request, response) => {
      if (request.url === "/large") response.end("x".repeat(2_000));
      else if (request.url === "/endless") {
        const timer = setInterval(() => response.write("x"), 5);
        response.on("close", () => clearInterval(timer));
      } else if (request.url === "/gzip") response.writeHead(200, { "content-encoding": "gzip" }).end("x");
      else if (request.url === "/headers") response.writeHead(200, { x: "y".repeat(20_000) }).end();
      else response.write("begun");
    });
    const at = `http://127.0.0.1:${port}`;
    assert.match(await refusedBy(`${at}/large`, { maxBytes: 1_000 }), /more than 1000 bytes/);
    assert.match(await refusedBy(`${at}/endless`, { timeoutMs: 100 }), /did not answer within 100 ms/);
    assert.match(await refusedBy(`${at}/never`, { timeoutMs: 100 }), /did not answer within 100 ms/);
    assert.match(await refusedBy(`${at}/gzip`), /encoding gzip/);
    assert.match(await refusedBy(`${at}/headers`), /^unavailable: /);
    const silent = createTcpServer(() => {});
    servers.push(silent);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const silentPort = (silent.address() as AddressInfo).port;
    assert.match(
      await refusedBy(`http://127.0.0.1:${silentPort}/`, { timeoutMs: 100 }),
      /did not answer within 100 ms/,
    );
  });
});
