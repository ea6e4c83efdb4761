import { XebecError } from "@xebec/core-errors";

/** The services of a mesh on one machine, in the order of their addresses. */
export const SERVICES = ["galley", "pilot", "citadel", "sidecar-injector", "mixer-policy", "mixer-telemetry"] as const;
export type ServiceName = (typeof SERVICES)[number];

const NATS_HOST = 2;
const FIRST_SERVICE_HOST = 3;
/** From the addresses of a service's copy to those of the next one. */
const REPLICA_STEP = 10;
const POD_NET = 1;
const APP_NET = 2;
const FIRST_POD_HOST = 10;
const LAST_POD_HOST = 250;

/** Loopback addresses of everything on the laptop: `127.B.0.x` services, `127.B.1.x` pods, `127.B.2.x` what is in them. */
export interface AddressPlan {
  /** The second number of all its addresses. */
  readonly addressBlock: number;
  readonly nats: string;
  /** @param replica from 1; the first one has the address at which the service is known */
  service(name: ServiceName, replica?: number): string;
  pod(hostNumber: number): string;
  app(hostNumber: number): string;
}

/** @throws XebecError invalid_argument for an address block outside 1 to 254 */
export function addressPlan(addressBlock: number): AddressPlan {
  if (!Number.isInteger(addressBlock) || addressBlock < 1 || addressBlock > 254)
    throw new XebecError("invalid_argument", `address block ${addressBlock} is not a number from 1 to 254`);
  return {
    addressBlock,
    nats: `127.${addressBlock}.0.${NATS_HOST}`,
    service: (name, replica = 1) =>
      `127.${addressBlock}.0.${FIRST_SERVICE_HOST + SERVICES.indexOf(name) + REPLICA_STEP * (replica - 1)}`,
    pod: (hostNumber) => `127.${addressBlock}.${POD_NET}.${FIRST_POD_HOST + hostNumber}`,
    app: (hostNumber) => `127.${addressBlock}.${APP_NET}.${FIRST_POD_HOST + hostNumber}`,
  };
}

/** The lowest host number that is free. @throws XebecError resource_exhausted when all are taken */
export function freeHostNumber(taken: ReadonlySet<number>): number {
  for (let number = 0; number <= LAST_POD_HOST - FIRST_POD_HOST; number++) if (!taken.has(number)) return number;
  throw new XebecError(
    "resource_exhausted",
    `more than ${LAST_POD_HOST - FIRST_POD_HOST + 1} pods do not fit on one machine`,
  );
}
