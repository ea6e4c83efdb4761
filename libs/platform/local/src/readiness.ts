import { request } from "node:http";
import { connect } from "node:net";
import type { ContainerSpec } from "./manifest-objects.ts";

const TIMEOUT_MS = 1_000;

/** True when an HTTP GET is answered with a status from 200 to 399. */
export function httpReady(host: string, port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ host, port, path, timeout: TIMEOUT_MS, agent: false }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) < 400);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(false));
    call.end();
  });
}

/** True when a TCP connection is accepted. */
export function tcpReady(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TIMEOUT_MS });
    const done = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.on("connect", () => done(true));
    socket.on("timeout", () => done(false));
    socket.on("error", () => done(false));
  });
}

/** Asks a container's readiness probe; without one, its first port has to be open. @param host where it listens */
export async function containerReady(container: ContainerSpec, host: string): Promise<boolean> {
  const portOf = (port: number | string): number =>
    typeof port === "number" ? port : (container.ports?.find((each) => each.name === port)?.containerPort ?? 0);
  const probe = container.readinessProbe;
  if (probe?.httpGet) return httpReady(host, portOf(probe.httpGet.port), probe.httpGet.path ?? "/");
  const port = probe?.tcpSocket ? portOf(probe.tcpSocket.port) : container.ports?.[0]?.containerPort;
  return port === undefined ? true : tcpReady(host, port);
}
