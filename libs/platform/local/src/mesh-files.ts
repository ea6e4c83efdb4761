import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type BusKeys, createBusKeys, renderNatsConfig } from "@xebec/platform-bus";
import { writeFileAtomic } from "@xebec/platform-files";
import type { AddressPlan } from "./address-plan.ts";
import { busCertificate } from "./bus-certificate.ts";
import { citadelDir, injectorValuesFile, NATS_PORT, rootFile } from "./services.ts";

/** Variables of the user's environment that reach the processes of the mesh. */
const KEPT = ["PATH", "HOME", "LANG", "TZ", "XEBEC_USE_BUNDLES", "XEBEC_VERSION"];

/** The keys to the bus, and how its server is verified. */
export interface BusAccess extends BusKeys {
  /** PEM file of the root that its certificate leads to; undefined: plaintext. */
  readonly caFile: string | undefined;
}

/**
 * Makes the files that the processes of a mesh need before they start.
 * @param busTls whether nats-server speaks TLS, and nothing else
 */
export async function prepareMeshFiles(runDir: string, plan: AddressPlan, busTls = false): Promise<BusAccess> {
  await closeToOthers(runDir);
  const keys = await createBusKeys(join(runDir, "bus"));
  await mkdir(citadelDir(runDir), { recursive: true, mode: 0o700 });
  const tls = busTls ? await busCertificate(join(runDir, "nats", "tls"), plan.nats) : undefined;
  await writeFileAtomic(
    join(runDir, "nats", "nats.conf"),
    renderNatsConfig({
      address: { host: plan.nats, port: NATS_PORT },
      healthKey: keys.health.publicKey,
      storeDir: join(runDir, "nats", "store"),
      publicKeys: keys.publicKeys,
      tls,
    }),
    { mode: 0o600 },
  );
  await writeFileAtomic(
    injectorValuesFile(runDir),
    JSON.stringify({
      global: {
        caAddress: `${plan.service("citadel")}:8060`,
        // Readiness is asked for often enough here.
        proxy: { startupProbe: { enabled: false } },
      },
      meshConfig: {
        defaultConfig: {
          interceptionMode: "NONE",
          concurrency: 1,
          discoveryAddress: `${plan.service("pilot")}:15012`,
        },
      },
    }),
  );
  return { ...keys, caFile: tls?.caFile };
}

/** What may be read by others, as its user set it. */
const OPEN = new Set(["config"]);

/** Everything in a run directory is its owner's alone, also what an earlier version made; the configuration is its user's matter. */
async function closeToOthers(runDir: string): Promise<void> {
  for (const name of ["nats", "nats/tls", "tokens", "state", "handlers", "injector", "compile-cache"])
    await mkdir(join(runDir, name), { recursive: true, mode: 0o700 });
  for (const each of await readdir(runDir, { withFileTypes: true }))
    if (!OPEN.has(each.name) && !each.isSymbolicLink() && (each.isDirectory() || each.isFile()))
      await chmod(join(runDir, each.name), each.isDirectory() ? 0o700 : 0o600);
}

/** The environment that every process of a mesh has. @param envoy the Envoy program */
export function baseEnvironment(runDir: string, envoy: string): Record<string, string> {
  const kept = KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] as string]]));
  return {
    ...Object.fromEntries(kept),
    XEBEC_ENVOY: envoy,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(runDir, "compile-cache"),
  };
}

/** Citadel's roots; undefined before it has made one. */
export function rootCertificate(runDir: string): string | undefined {
  const file = rootFile(runDir);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
