import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it, type TestContext } from "node:test";
import { waitFor } from "@xebec/core-async";
import type { HostAddresses } from "@xebec/pilot-snapshot";
import { freePort, startDns, tempDir } from "@xebec/testing-launch";
import { createGatewayHosts } from "./gateway-hosts.ts";

const HOST = "gateways.example.com";

describe("the hosts of gateways", () => {
  /** A process that looks hosts up, and what it knows. */
  async function started(context: TestContext, server: string, cacheFile: string) {
    const known = new Map<string, HostAddresses | undefined>();
    const hosts = createGatewayHosts({
      ...{ servers: [server], cacheFile, times: { minTtlMs: 20, maxTtlMs: 20, retryMs: 20, timeoutMs: 500 } },
      onChange: (change) => {
        for (const [host, each] of change) known.set(host, each);
      },
    });
    context.after(() => hosts.close?.());
    await hosts.start?.(new AbortController().signal);
    return { hosts, known };
  }

  it("keep their last addresses over a restart while DNS is away", async (context) => {
    const folder = tempDir();
    context.after(() => folder.remove());
    const file = folder.file("addresses.json");
    const server = `127.0.0.1:${await freePort()}`;
    const names = new Map([[HOST, ["10.0.0.1", "10.0.0.2"]]]);
    const endDns = await startDns(server, names);
    const first = await started(context, server, file);
    await first.hosts.keep([HOST], 5_000);
    await first.hosts.close?.();
    endDns();

    const { hosts, known } = await started(context, server, file);
    const lookedUp = hosts.keep([HOST, "other.example.com"], 20_000);
    assert.deepEqual(known.get(HOST), { addresses: ["10.0.0.1", "10.0.0.2"], problem: "" });
    await lookedUp;
    assert.deepEqual(known.get(HOST)?.addresses, ["10.0.0.1", "10.0.0.2"]);
    assert.match(known.get(HOST)?.problem ?? "", /^gateways\.example\.com: no DNS server/);
    assert.deepEqual(known.get("other.example.com")?.addresses, []);

    names.set(HOST, ["10.0.0.3"]);
    const endSecond = await startDns(server, names);
    context.after(endSecond);
    await waitFor("DNS counts again", 10_000, () => known.get(HOST)?.addresses.join() === "10.0.0.3");
  });

  it("are looked up when the file of before cannot be read", async (context) => {
    const folder = tempDir();
    context.after(() => folder.remove());
    await writeFile(folder.file("addresses.json"), `{"hosts":{"${HOST}":["10.0.0.9"]}}`);
    const server = `127.0.0.1:${await freePort()}`;
    const endDns = await startDns(server, new Map([[HOST, ["10.0.0.1"]]]));
    context.after(endDns);
    const { hosts, known } = await started(context, server, folder.file("addresses.json"));
    await hosts.keep([HOST], 5_000);
    assert.deepEqual(known.get(HOST), { addresses: ["10.0.0.1"], problem: "" });
  });
});
