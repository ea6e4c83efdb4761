// What workloads find by the agent's DNS: virtual addresses, and the table of names.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import { entry, object } from "./objects.ts";

const TCP = { number: 5000, name: "tcp", protocol: "TCP" };
const AUTO = { number: 5100, name: "any" };
const HTTP = { number: 80, name: "http", protocol: "HTTP" };
const at = (address: string) => ({ endpoints: [{ address }] });
const CAPTURE = { DNS_CAPTURE: "true" };

describe("hosts of ServiceEntries without addresses, through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: {
        client: { kind: "captured", ip: "10.1.0.1", metadata: CAPTURE },
        plain: { kind: "captured", ip: "10.1.0.2" },
      },
      upstreams: ["10.46.0.1", "10.46.0.2"].flatMap((ip) =>
        [80, 5000, 5100].map((port) => ({ name: `${ip}:${port}`, at: `${ip}:${port}` })),
      ),
      objects: [
        ...["a", "b"].map((name, i) =>
          entry(`${name}.example.com`, { ports: [TCP, AUTO, HTTP], ...at(`10.46.0.${i + 1}`) }),
        ),
        object(
          "ServiceEntry",
          "c",
          { hosts: ["c.example.com"], ports: [TCP], resolution: "STATIC", ...at("10.46.0.1") },
          { labels: { "networking.istio.io/enable-autoallocate-ip": "false" } },
        ),
      ],
    });
  });
  after(() => lab?.close());

  /** The virtual address of a host, as the status of its object has it. */
  const addressOf = (name: string): string => lab.addresses("ServiceEntry", name)[0]?.value ?? "";
  const HOSTS = ["a.example.com", "b.example.com"];

  it("TCP on one port: each host has what is for its address, the oldest what is for others", async () => {
    for (const [i, host] of HOSTS.entries())
      for (const port of [5000, 5100]) {
        const { by } = await lab.tcp({ through: "client", address: addressOf(host), port });
        assert.equal(by, `10.46.0.${i + 1}:${port}`, host);
      }
    // Proxies whose pods do not use the agent's DNS cannot be called by them.
    const { by } = await lab.tcp({ through: "plain", address: addressOf("b.example.com"), port: 5000 });
    assert.equal(by, "10.46.0.1:5000");
  });

  it("a port without protocol: HTTP to the address, too", async () => {
    const address = addressOf("b.example.com");
    const { by } = await lab.http({ through: "client", url: `http://${address}:5100/`, address });
    assert.equal(by, "10.46.0.2:5100");
  });

  it("HTTP to an address goes to its host", async () => {
    for (const [i, host] of HOSTS.entries()) {
      const address = addressOf(host);
      const { by } = await lab.http({ through: "client", url: `http://${address}/`, address });
      assert.equal(by, `10.46.0.${i + 1}:80`);
    }
  });

  it("the label says no: there is none", () => assert.deepEqual(lab.addresses("ServiceEntry", "c"), []));
});
