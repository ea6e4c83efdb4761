import { waitFor } from "@xebec/core-async";
import { tempDir } from "@xebec/testing-launch";
import { connectClients, type PilotMesh, save, serviceEntry, startPilot } from "./pilot-mesh.ts";
import type { Figure } from "./table.ts";

const CLIENTS = 200;
const SIZES = [100, 500, 2_000, 5_000];
const REPEAT = 5;
/** Of the Sidecar's ten services one changes, and one that it does not cover. */
const INSIDE = 7;
const OUTSIDE = 57;

/** How the cost of Delta clients grows with the mesh, and what it is with a Sidecar of ten services. */
export async function scaleFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const services of SIZES) figures.push(...(await figuresOf(services)));
  const largest = SIZES.at(-1) ?? 0;
  figures.push(...(await figuresOf(largest, { "sidecar.yaml": sidecar() }, "a Sidecar of ten of ")));
  return figures;
}

async function figuresOf(services: number, more: Readonly<Record<string, string>> = {}, of = ""): Promise<Figure[]> {
  using folder = tempDir();
  await using mesh = await startPilot(folder, "config", services, more);
  const { server, address } = mesh;
  using first = connectClients(address, 1, () => ({ delta: true }));
  await first.complete;
  const before = { cpu: server.cpuMs, rss: server.rssKib };
  const seen = { text: "", count: 0 };
  const onMessage = (bytes: Buffer): void => {
    if (seen.text !== "" && bytes.includes(seen.text)) seen.count++;
  };
  using clients = connectClients(address, CLIENTS, () => ({ delta: true, onMessage }));
  await clients.complete;
  const bytes = clients.list.reduce((sum, client) => sum + client.bytes, 0) / CLIENTS;
  const what = `${of}${services} services, ${CLIENTS} clients`;
  const figures: Figure[] = [
    {
      what: `${what}: full configuration (${(bytes / 1024).toFixed(0)} KiB each)`,
      value: `${((server.rssKib - before.rss) / CLIENTS).toFixed(0)} KiB memory each`,
      cpu: `${((server.cpuMs - before.cpu) / CLIENTS).toFixed(2)} ms each`,
      goal: "",
    },
  ];
  figures.push(await change(mesh, INSIDE, seen, what));
  if (of !== "") figures.push(await change(mesh, OUTSIDE, undefined, `${what}, a service that none of them sees`));
  return figures;
}

/** @param seen counts the clients that got it; absent where nobody should */
async function change(
  { server, dir }: PilotMesh,
  service: number,
  seen: { text: string; count: number } | undefined,
  what: string,
): Promise<Figure> {
  let cpu = 0;
  for (let n = 1; n <= REPEAT; n++) {
    const address = `10.99.${service}.${n}`;
    if (seen) Object.assign(seen, { text: address, count: 0 });
    const start = server.cpuMs;
    save(dir, `se-${service}.yaml`, serviceEntry(service, address));
    if (seen) await waitFor("every client has the change", 60_000, () => seen.count >= CLIENTS);
    else await new Promise((resolve) => setTimeout(resolve, 500));
    cpu += server.cpuMs - start;
  }
  return { what: `${what}: an endpoint changes`, value: "", cpu: `${(cpu / REPEAT).toFixed(0)} ms in all`, goal: "" };
}

function sidecar(): string {
  const hosts = Array.from({ length: 10 }, (_, i) => `*/svc-${i}.example.com`);
  return `apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: default}
spec:
  egress:
  - hosts: ${JSON.stringify(hosts)}
`;
}
