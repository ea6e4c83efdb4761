import { isXebecError } from "@xebec/core-errors";
import { accepts, httpCall, httpStatus } from "@xebec/platform-http/call";
import type { ContainerSpec } from "./manifest-objects.ts";

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

/** Asks a container's readiness probe; without one, its first port has to be open. @param host where it listens */
export async function containerReady(container: ContainerSpec, host: string): Promise<boolean> {
  const portOf = (port: number | string): number =>
    typeof port === "number" ? port : (container.ports?.find((each) => each.name === port)?.containerPort ?? 0);
  const probe = container.readinessProbe;
  if (probe?.httpGet) return httpReady(host, portOf(probe.httpGet.port), probe.httpGet.path ?? "/");
  const port = probe?.tcpSocket ? portOf(probe.tcpSocket.port) : container.ports?.[0]?.containerPort;
  return port === undefined ? true : accepts(host, port, TIMEOUT_MS);
}
