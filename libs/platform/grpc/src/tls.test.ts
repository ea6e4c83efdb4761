import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import { createTestCa } from "@xebec/testing-launch";
import {
  createGrpcChannel,
  createGrpcServer,
  createTlsSource,
  rawDuplex,
  rawUnary,
  refusing,
  spiffeIdentity,
  type TlsMaterial,
  type TlsSource,
} from "./index.ts";

const PILOT = "spiffe://cluster.local/ns/istio-system/sa/pilot";
const REVIEWS = "spiffe://cluster.local/ns/default/sa/reviews";
const ca = createTestCa();
const material = (pair: { cert: string; key: string }): TlsMaterial => ({ ...pair, ca: ca.cert });
const serverPair = material(ca.issue({ ips: ["127.0.0.1"], uris: [PILOT] }));
const clientPair = material(ca.issue({ uris: [REVIEWS] }));

const whoAmI = rawUnary("/t.T/WhoAmI", (_bytes, call) => Buffer.from(call.identity ?? "nobody"));
const talk = rawDuplex("/t.T/Talk", (stream, call) => {
  stream.onMessage(() => stream.write(Buffer.from(call.identity ?? "nobody")));
});

async function serving(tls: TlsSource, work: (port: number) => Promise<void>): Promise<void> {
  const server = createGrpcServer({
    name: "tls server",
    address: { host: "127.0.0.1", port: 0 },
    tls,
    services: [whoAmI, talk],
    metrics: createMetrics(),
  });
  await server.start(new AbortController().signal);
  try {
    await work(server.port);
  } finally {
    await server.close?.();
  }
}

async function ask(port: number, client: Partial<TlsMaterial>, serverIdentities?: string[]): Promise<string> {
  const tls = { current: () => client, onChange: () => () => {}, ...(serverIdentities ? { serverIdentities } : {}) };
  const channel = createGrpcChannel({ address: `127.0.0.1:${port}`, tls });
  try {
    return (await channel.unary("/t.T/WhoAmI", Uint8Array.of(), { timeoutMs: 5_000 })).toString();
  } finally {
    channel.close();
  }
}

test("a certificate that is not valid yet, or not any more, proves nothing, on either side", async () => {
  const hour = 3_600_000;
  const early = { notBefore: Date.now() + hour };
  const late = { notBefore: Date.now() - 2 * hour, validMs: hour };
  for (const when of [early, late]) {
    const client = material(ca.issue({ uris: [REVIEWS], ...when }));
    await serving(createTlsSource(serverPair, { requireClientCertificate: true }), async (port) => {
      await assert.rejects(ask(port, client), { code: "unavailable" });
    });
    await serving(createTlsSource(serverPair), async (port) => {
      const answer = await ask(port, client).catch((error: XebecError) => error.code);
      assert.ok(["nobody", "unavailable"].includes(answer), answer);
    });
    await serving(createTlsSource(material(ca.issue({ ips: ["127.0.0.1"], ...when }))), async (port) => {
      await assert.rejects(ask(port, clientPair), { code: "unavailable" });
    });
  }
});

test("the identity is that of the verified client certificate", async () => {
  await serving(createTlsSource(serverPair, { requireClientCertificate: true }), async (port) => {
    assert.equal(await ask(port, clientPair), REVIEWS);
    assert.equal(await ask(port, clientPair, [PILOT]), REVIEWS);
    await assert.rejects(ask(port, clientPair, [REVIEWS]));
    await assert.rejects(ask(port, { ca: ca.cert }), XebecError);
  });
  const elsewhere = material(ca.issue({ ips: ["127.0.0.9"], dns: ["localhost"] }));
  await serving(createTlsSource(elsewhere), async (port) => {
    await assert.rejects(ask(port, clientPair), "the certificate is for another address");
  });
});

test("without a required certificate, none or an untrusted one gives no identity", async () => {
  await serving(createTlsSource(serverPair), async (port) => {
    assert.equal(await ask(port, { ca: ca.cert }), "nobody");
    assert.equal(await ask(port, clientPair), REVIEWS);
    const stranger = createTestCa("other root").issue({ uris: [PILOT] });
    assert.equal(await ask(port, { ...stranger, ca: ca.cert }), "nobody");
  });
});

test("a certificate that the source does not accept is refused", async () => {
  const seen: string[] = [];
  const acceptsClient = (certificate: { serialNumber: string }): boolean => {
    seen.push(certificate.serialNumber);
    return false;
  };
  await serving(createTlsSource(serverPair, { requireClientCertificate: true, acceptsClient }), async (port) => {
    await assert.rejects(ask(port, clientPair), XebecError);
  });
  assert.match(seen[0] ?? "", /^01[0-9A-F]{16}$/);
});

test("a source may refuse some of the clients that it accepts otherwise", async () => {
  const source = createTlsSource(serverPair, { requireClientCertificate: true });
  let refused = false;
  const seen: string[] = [];
  const choosy = refusing(source, ({ identity = "" }) => {
    seen.push(identity);
    return refused;
  });
  await serving(choosy, async (port) => {
    assert.equal(await ask(port, clientPair), REVIEWS);
    refused = true;
    await assert.rejects(ask(port, clientPair), XebecError);
    await assert.rejects(ask(port, { ca: ca.cert }), "a certificate is still required");
  });
  assert.deepEqual(seen, [REVIEWS, REVIEWS]);
});

test("rotation: open streams go on, new connections get the new pair, an unusable pair changes nothing", async () => {
  const source = createTlsSource(serverPair, { requireClientCertificate: true });
  await serving(source, async (port) => {
    const tls = createTlsSource(clientPair);
    const channel = createGrpcChannel({ address: `127.0.0.1:${port}`, tls });
    const stream = channel.duplex("/t.T/Talk");
    const got: string[] = [];
    let end: XebecError | undefined;
    stream.onMessage((bytes) => got.push(bytes.toString()));
    stream.onEnd((error) => {
      end = error;
    });
    stream.write(Uint8Array.of());
    await waitFor("the first answer", 2_000, () => got.length === 1);

    const nextCa = createTestCa("next root");
    const both = `${ca.cert}\n${nextCa.cert}`;
    source.update({ ...nextCa.issue({ ips: ["127.0.0.1"] }), ca: both });
    await assert.rejects(ask(port, clientPair), "the old root does not vouch for the new certificate");
    assert.equal(await ask(port, { ...clientPair, ca: both }), REVIEWS);
    source.update({ cert: "nonsense", key: "nonsense", ca: "nonsense" });
    assert.equal(await ask(port, { ...clientPair, ca: both }), REVIEWS);

    stream.write(Uint8Array.of());
    await waitFor("the second answer on the old connection", 2_000, () => got.length === 2);
    assert.equal(end, undefined);
    channel.close();
    stream.cancel();

    // A client's source rotates too: the next connection proves the new certificate.
    const own = createTlsSource({ ...clientPair, ca: both });
    own.update({ ...nextCa.issue({ uris: [PILOT] }), ca: both });
    const next = createGrpcChannel({ address: `127.0.0.1:${port}`, tls: own });
    assert.equal((await next.unary("/t.T/WhoAmI", Uint8Array.of())).toString(), PILOT);
    next.close();
  });
});

test("a SPIFFE identity needs exactly one URI", () => {
  const of = (subjectaltname: string) => spiffeIdentity({ subjectaltname });
  assert.equal(of(`DNS:a.b, URI:${PILOT}`), PILOT);
  assert.equal(of(`URI:${PILOT}, URI:${REVIEWS}`), undefined);
  assert.equal(of(`URI:"x, URI:${PILOT}"`), undefined);
  assert.equal(of(`DNS:"x, URI:${PILOT}"`), undefined);
  assert.equal(of("URI:https://example.com"), undefined);
  assert.equal(of(""), undefined);
});
