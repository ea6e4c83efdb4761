import { connect } from "node:tls";
import { XebecError } from "@xebec/core-errors";
import { type AddressPlan, SERVICES, type ServiceName } from "@xebec/platform-local";

const TLS_PORTS: Readonly<Record<ServiceName, number>> = {
  galley: 9443,
  pilot: 15012,
  citadel: 8060,
  "sidecar-injector": 15017,
  "mixer-policy": 15004,
  "mixer-telemetry": 15004,
};

/** Where each service shows a certificate. */
export function serviceOfTls(
  plan: AddressPlan,
): { readonly service: ServiceName; readonly host: string; readonly port: number }[] {
  return SERVICES.map((service) => ({ service, host: plan.service(service), port: TLS_PORTS[service] }));
}

/** The times between which a server's certificate is valid, in milliseconds since 1970. @throws XebecError unavailable */
export function certificateOf(host: string, port: number, timeoutMs: number): Promise<{ from: number; to: number }> {
  return new Promise((resolve, reject) => {
    // Only its dates are read; who it is does not matter here.
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: timeoutMs });
    const fail = (why: string): void => {
      socket.destroy();
      reject(new XebecError("unavailable", `no TLS at ${host}:${port}: ${why}`));
    };
    socket.once("secureConnect", () => {
      const { valid_from, valid_to } = socket.getPeerCertificate();
      socket.destroy();
      resolve({ from: Date.parse(valid_from), to: Date.parse(valid_to) });
    });
    socket.once("timeout", () => fail("no answer in time"));
    socket.once("error", (error) => fail(error.message));
  });
}
