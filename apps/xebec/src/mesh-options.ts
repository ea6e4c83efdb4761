import { join } from "node:path";
import { writeFileAtomic } from "@xebec/platform-files";
import type { Component, ReplicaCounts } from "@xebec/platform-local";
import { readJson } from "./read-json.ts";

/** How a mesh was started; kept in its run directory, so that a restarted supervisor starts it the same way. */
export interface MeshOptions {
  readonly configDir: string;
  /** The mesh uses the addresses 127.N.x.x. */
  readonly addressBlock: number;
  readonly ingressPort: number;
  /** Absent in what an earlier release wrote. */
  readonly ingressHttpsPort?: number;
  readonly monolith: boolean;
  /** NATS speaks TLS. */
  readonly busTls?: boolean;
  /** Mixer's adapters from outside: folders with their paths, and names of packages. Absent in what an earlier release wrote. */
  readonly adapters?: readonly string[];
  /** Copies of components. Absent in what an earlier release wrote. */
  readonly replicas?: ReplicaCounts;
  /** Where components find the bus, HOST:PORT, that do not go to nats-server itself. */
  readonly busAddresses?: Readonly<Partial<Record<Component, string>>>;
}

/** The addresses of a mesh for which no other block is chosen: 127.20.x.x. */
export const DEFAULT_ADDRESS_BLOCK = 20;
const FILE = "options.json";
/** From 8080 to 8443. */
const TO_HTTPS = 363;

/** The port for HTTPS when the user names none: two meshes with two ingress ports have two of these as well. */
export function defaultHttpsPort(ingressPort: number): number {
  return ingressPort + TO_HTTPS <= 65_535 ? ingressPort + TO_HTTPS : ingressPort - TO_HTTPS;
}

export async function saveOptions(runDir: string, options: MeshOptions): Promise<void> {
  await writeFileAtomic(join(runDir, FILE), `${JSON.stringify(options, null, 2)}\n`);
}

/**
 * @returns undefined when no mesh was started with this run directory
 * @throws XebecError failed_precondition when the file is damaged
 */
export function loadOptions(runDir: string): MeshOptions | undefined {
  // An earlier version wrote `block`.
  const found = readJson<MeshOptions & { readonly block?: number }>(
    join(runDir, FILE),
    'end the mesh with "xebec down", then "xebec up" writes it anew',
  );
  return found && { ...found, addressBlock: found.addressBlock ?? found.block ?? DEFAULT_ADDRESS_BLOCK };
}
