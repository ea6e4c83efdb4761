import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { connect, nkeyAuthenticator } from "@nats-io/transport-node";
import { waitFor } from "@xebec/core-async";
import { createTestCa, type NatsServer, startNatsServer, type TempDir, tempDir } from "@xebec/testing-launch";
import { never } from "./bus.testkit.ts";
import { tlsOptionsOf } from "./bus-tls.ts";
import {
  type Bus,
  type BusTls,
  busTlsOf,
  createNatsBus,
  createNatsHealth,
  makeSeed,
  publicKeyOf,
  reloadServers,
  renderSystemAccount,
} from "./index.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("bus tls", () => {
  const HOUR_MS = 3_600_000;
  const NAMES = { dns: ["bus.test"], ips: ["127.0.0.1"] };
  const [seed, health, control] = [makeSeed(), makeSeed(), makeSeed()];
  const [first, second] = [createTestCa("first"), createTestCa("second")];
  const buses: Bus[] = [];
  let folder: TempDir;
  let server: NatsServer;

  before(async () => {
    folder = tempDir();
    serve(first.issue(NAMES));
    trust(first.cert);
    const tls = `tls { cert_file: "${folder.file("cert.pem")}", key_file: "${folder.file("key.pem")}", timeout: 5 }\n`;
    const users = `authorization { users: [ { nkey: ${publicKeyOf(seed)} } ] }\n`;
    const system = renderSystemAccount({ health: publicKeyOf(health), control: publicKeyOf(control) });
    server = await startNatsServer({ config: tls + users + system });
  });
  after(async () => {
    for (const bus of buses) await bus.close?.();
    await server?.close();
    folder.remove();
  });

  function serve({ cert, key }: { cert: string; key: string }): void {
    writeFileSync(folder.file("cert.pem"), cert);
    writeFileSync(folder.file("key.pem"), key);
  }
  function trust(roots: string): void {
    writeFileSync(folder.file("roots.pem"), roots);
  }
  const url = (): string => `nats://${server.address}`;
  const tlsOf = (servers: readonly string[] = [url()]) => busTlsOf(servers, folder.file("roots.pem"));

  async function open(tls: BusTls | null | undefined = tlsOf(), servers: readonly string[] = [url()]): Promise<Bus> {
    const bus = createNatsBus({ servers, name: "test", seed, tls: tls ?? undefined, provision: true });
    buses.push(bus);
    await bus.start(never);
    return bus;
  }
  /** Why a client of the library itself cannot connect with our options. */
  async function refusal(servers: readonly string[], tls: object): Promise<string> {
    const authenticator = nkeyAuthenticator(new TextEncoder().encode(seed));
    try {
      await (await connect({ servers: [...servers], authenticator, reconnect: false, timeout: 2_000, tls })).close();
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  }

  test("a client in plaintext gets nowhere, and one with TLS does not speak to a server without", async () => {
    assert.match(await refusal([url()], {}), /verify|certificate/);
    const plain = await open(null);
    await using other = await startNatsServer();
    const strict = await open(tlsOf(), [`nats://${other.address}`]);
    const good = await open();
    await waitFor("the client with TLS", 5_000, () => good.connected);
    assert.deepEqual([plain.connected, strict.connected], [false, false]);
  });

  test("another authority's server is refused, and one that has another name", async () => {
    const options = (roots: string, host: string) => tlsOptionsOf({ ca: () => roots }, [host]);
    assert.equal(await refusal([url()], options(first.cert, "nats://bus.test:4222")), "");
    assert.match(await refusal([url()], options(second.cert, "nats://bus.test:4222")), /certificate/);
    assert.match(await refusal([url()], options(first.cert, "nats://other.test:4222")), /other\.test/);
  });

  test("its health is asked for over TLS", async () => {
    const asked = createNatsHealth({ server: url(), seed: health, tls: tlsOf() });
    await waitFor("a healthy server", 5_000, async () => (await asked.error()) === undefined);
    await asked.close();
  });

  test("a certificate and its root are replaced while messages go on, and none is lost", async () => {
    const [writer, reader] = [await open(), await open()];
    const seen = new Set<string>();
    reader.bucket("replicas").watch({
      entry: (key) => void seen.add(key),
      synced() {},
    });
    let sent = 0;
    const put = async (count: number): Promise<void> => {
      // A key of its own for each: of one key only the last value counts.
      for (let i = 0; i < count; i++) await writer.bucket("replicas").put(`key-${++sent}`, Buffer.from("x"));
    };
    await put(20);
    // As citadel does it: the new root is trusted before it signs.
    trust(first.cert + second.cert);
    const next = second.issue({ ...NAMES, validMs: HOUR_MS });
    serve(next);
    const ends = Date.parse(new X509Certificate(next.cert).validTo);
    const writing = put(200);
    assert.deepEqual(await reloadServers({ servers: [url()], seed: control, tls: tlsOf() }, ends), []);
    await writing;
    trust(second.cert);
    const late = await open();
    await waitFor("a client that trusts the new root only", 30_000, () => late.connected);
    await put(20);
    await waitFor("all values", 30_000, () => seen.size === sent);
    // Connections of before went on: nobody had to connect again.
    assert.deepEqual([writer.connected, reader.connected], [true, true]);
    await server.restart();
    await waitFor("everybody again, who knows the new root", 30_000, () => writer.connected && reader.connected);
  });
});
