import { XebecError } from "@xebec/core-errors";

/** The services of a mesh on one machine, in the order of their addresses. */
export const SERVICES = ["galley", "pilot", "citadel", "sidecar-injector", "mixer-policy", "mixer-telemetry"] as const;
export type ServiceName = (typeof SERVICES)[number];

const NATS_HOST = 2;
const FIRST_SERVICE_HOST = 3;
const POD_NET = 1;
const APP_NET = 2;
const FIRST_POD_HOST = 10;
const LAST_POD_HOST = 250;

/** Loopback addresses of everything on the laptop: `127.B.0.x` services, `127.B.1.x` pods, `127.B.2.x` what is in them. */
export interface AddressPlan {
  readonly block: number;
  readonly nats: string;
  service(name: ServiceName): string;
  pod(slot: number): string;
  app(slot: number): string;
}

/** @throws XebecError invalid_argument for a block outside 1 to 254 */
export function addressPlan(block: number): AddressPlan {
  if (!Number.isInteger(block) || block < 1 || block > 254)
    throw new XebecError("invalid_argument", `address block ${block} is not a number from 1 to 254`);
  return {
    block,
    nats: `127.${block}.0.${NATS_HOST}`,
    service: (name) => `127.${block}.0.${FIRST_SERVICE_HOST + SERVICES.indexOf(name)}`,
    pod: (slot) => `127.${block}.${POD_NET}.${FIRST_POD_HOST + slot}`,
    app: (slot) => `127.${block}.${APP_NET}.${FIRST_POD_HOST + slot}`,
  };
}

/** The lowest slot that is free. @throws XebecError resource_exhausted when all are taken */
export function freeSlot(taken: ReadonlySet<number>): number {
  for (let slot = 0; slot <= LAST_POD_HOST - FIRST_POD_HOST; slot++) if (!taken.has(slot)) return slot;
  throw new XebecError(
    "resource_exhausted",
    `more than ${LAST_POD_HOST - FIRST_POD_HOST + 1} pods do not fit on one machine`,
  );
}
