import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { waitFor } from "@xebec/core-async";
import { setLogLevel } from "@xebec/core-log";
import { createMetrics } from "@xebec/core-metrics";
import type { KeySet, KeySetRef } from "@xebec/pilot-snapshot";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import { createTestCa, tempDir } from "@xebec/testing-launch";
import { createKeySets, type KeySetsOptions } from "./key-sets.ts";
import { ISTIO_SCHEDULE, pauseMs } from "./schedule.ts";

setLogLevel("silent", "jwks");

const jwks = (secret: string): string => JSON.stringify({ keys: [{ kty: "oct", k: secret }] });

async function server(context: TestContext, page: { text: string | undefined }) {
  let asked = 0;
  const http = createServer((_request, response) => {
    asked++;
    if (page.text === undefined) return; // never answers
    response.writeHead(page.text === "" ? 503 : 200).end(page.text);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const uri = `http://127.0.0.1:${(http.address() as AddressInfo).port}/keys`;
  const ref: KeySetRef = { id: uri, uri, issuer: "", timeoutMs: 5_000 };
  return { uri, ref, asked: () => asked };
}

async function started(context: TestContext, more: Partial<KeySetsOptions> = {}) {
  const known = new Map<string, KeySet | undefined>();
  const keySets = createKeySets({
    ...{ policy: createAddressPolicy(["127.0.0.1"]), metrics: createMetrics() },
    onChange: (change) => {
      for (const [id, each] of change) known.set(id, each);
    },
    ...more,
  });
  await keySets.start?.(new AbortController().signal);
  context.after(() => keySets.close?.());
  return { keySets, known };
}

describe("key sets", () => {
  it("are there when prepare resolves, and are asked for once", async (context) => {
    const { ref, uri, asked } = await server(context, { text: jwks("YQ") });
    const { keySets, known } = await started(context);
    await Promise.all([keySets.prepare([ref], 5_000), keySets.prepare([ref], 5_000)]);
    assert.deepEqual(known.get(uri), { jwks: jwks("YQ"), problem: "" });
    assert.equal(asked(), 1);
  });

  it("come by HTTPS from servers that the given roots verify, and from no others", async (context) => {
    const ca = createTestCa();
    const { cert, key } = ca.issue({ ips: ["127.0.0.1"] });
    const https = createTlsServer({ cert, key }, (_request, response) => response.end(jwks("YQ")));
    await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
    context.after(() => {
      https.closeAllConnections();
      https.close();
    });
    const uri = `https://127.0.0.1:${(https.address() as AddressInfo).port}/keys`;
    const ref: KeySetRef = { id: uri, uri, issuer: "", timeoutMs: 5_000 };
    const found = async (more: Partial<KeySetsOptions>): Promise<KeySet | undefined> => {
      const { keySets, known } = await started(context, more);
      await keySets.prepare([ref], 5_000);
      return known.get(uri);
    };
    assert.deepEqual(await found({ roots: ca.cert }), { jwks: jwks("YQ"), problem: "" });
    const refused = await found({});
    assert.equal(refused?.jwks, undefined);
    assert.match(refused?.problem ?? "", /certificate/);
  });

  it("hold nobody up for longer than the limit", async (context) => {
    const { ref, known } = { ...(await server(context, { text: undefined })), ...(await started(context)) };
    const { keySets } = await started(context);
    await keySets.prepare([ref], 50);
    assert.equal(known.size, 0);
  });

  it("are fetched again, and the last good one stays while that fails", async (context) => {
    const page: { text: string | undefined } = { text: jwks("YQ") };
    const { ref, uri } = await server(context, page);
    const { keySets, known } = await started(context, { schedule: { refreshMs: 5, retryMs: 5 } });
    await keySets.prepare([ref], 5_000);
    page.text = "";
    await waitFor("the failure is known", 5_000, () => known.get(uri)?.problem !== "");
    assert.equal(known.get(uri)?.jwks, jwks("YQ"));
    page.text = jwks("Yg");
    await waitFor("the new one is there", 5_000, () => known.get(uri)?.jwks === jwks("Yg"));
    assert.equal(known.get(uri)?.problem, "");
  });

  it("outlast a restart while their server is away", async (context) => {
    const folder = tempDir();
    context.after(() => folder.remove());
    const cacheFile = folder.file("key-sets.json");
    const page: { text: string | undefined } = { text: jwks("YQ") };
    const { ref, uri } = await server(context, page);
    const first = await started(context, { cacheFile });
    await first.keySets.prepare([ref], 5_000);
    await first.keySets.close?.();
    page.text = undefined;
    const { keySets, known } = await started(context, { cacheFile });
    await keySets.prepare([ref], 60_000);
    assert.equal(known.get(uri)?.jwks, jwks("YQ"));
  });

  it("are forgotten when nobody refers to them", async (context) => {
    const { ref, uri, asked } = await server(context, { text: jwks("YQ") });
    const { keySets, known } = await started(context, { schedule: { refreshMs: 1, retryMs: 1 } });
    await keySets.prepare([ref], 5_000);
    keySets.keepOnly([]);
    assert.equal(known.get(uri), undefined);
    const before = asked();
    await keySets.prepare([ref], 5_000);
    assert.ok(asked() > before);
  });

  for (const [what, text, problem] of [
    ["a large answer", "x".repeat(300_000), /more than 262144 bytes/],
    ["no key set", "<html>", /is not JSON/],
    ["an error", "", /status 503/],
  ] as const)
    it(`say what is wrong with ${what}`, async (context) => {
      const { ref, uri } = await server(context, { text });
      const { keySets, known } = await started(context);
      await keySets.prepare([ref], 5_000);
      assert.equal(known.get(uri)?.jwks, undefined);
      assert.match(known.get(uri)?.problem ?? "", problem);
    });

  it("come from no address of this machine unless it is allowed", async (context) => {
    const { ref, uri, asked } = await server(context, { text: jwks("YQ") });
    const { keySets, known } = await started(context, { policy: createAddressPolicy() });
    await keySets.prepare([ref], 5_000);
    assert.match(known.get(uri)?.problem ?? "", /may not be called: 127\.0\.0\.1 is a loopback address/);
    assert.equal(asked(), 0);
  });

  it("of an issuer that is not a URL cannot be found", async (context) => {
    const { keySets, known } = await started(context);
    await keySets.prepare([{ id: "issuer me@example.com", uri: "", issuer: "me@example.com", timeoutMs: 100 }], 5_000);
    assert.match(known.get("issuer me@example.com")?.problem ?? "", /not an http URL; write jwksUri or jwks/);
  });
});

describe("the schedule of key sets", () => {
  for (const [failures, ms] of [
    [0, 1_200_000],
    [1, 1_000],
    [7, 1_000],
    [8, 60_000],
    [9, 120_000],
    [13, 1_920_000],
    [14, 3_600_000],
    [50, 3_600_000],
  ] as const)
    it(`after ${failures} failures waits for ${ms} ms`, () => assert.equal(pauseMs(failures, ISTIO_SCHEDULE), ms));
});
