import { isXebecError } from "@xebec/core-errors";
import { httpCall, httpStatus } from "@xebec/platform-http/call";
import { type PortHolder, portOwner } from "@xebec/platform-process";
import type { ManagedProcess } from "./managed-process.ts";

const TIMEOUT_MS = 1_000;

/** True when an HTTP GET is answered with a status from 200 to 399. */
export async function httpReady(host: string, port: number, path: string): Promise<boolean> {
  try {
    return (await httpStatus({ host, port }, path, { timeoutMs: TIMEOUT_MS })) < 400;
  } catch (error) {
    if (isXebecError(error) && error.code === "unavailable") return false;
    throw error;
  }
}

/** What a service says that it waits for. @returns undefined when it does not answer; nothing when it is ready */
export async function serviceMissing(host: string, port: number): Promise<readonly string[] | undefined> {
  try {
    const { status, body } = await httpCall({ host, port }, "/readyz", { timeoutMs: TIMEOUT_MS });
    if (status === 200) return [];
    const { missing } = JSON.parse(body) as { missing?: readonly string[] };
    return missing?.length ? missing : ["it is not ready and does not say why"];
  } catch (error) {
    if (error instanceof SyntaxError || isXebecError(error)) return undefined;
    throw error;
  }
}

/** Whether who holds a port may be taken for its process: also when the machine does not show it. */
export function isOwn(holder: PortHolder | undefined): boolean {
  return holder === "own" || holder === "unknown";
}

/** Why a process is not ready although something answers at its address. @returns a clause; empty when it is its own process */
export function foreignHolder(managed: ManagedProcess, host: string, port: number): string {
  if (isOwn(managed.holder(host, port))) return "";
  const pid = portOwner(host, port);
  return `${host}:${port} is held by another process${pid === undefined ? "" : ` (${pid})`}; end it`;
}
