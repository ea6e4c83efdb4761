import { after, before, describe, it } from "node:test";
import { findKind } from "@xebec/model-resources";
import { type Answered, type HttpCall, type Lab, openLab } from "./lab.ts";
import { host, type LabProxy, type LabService } from "./mesh.ts";

/** The proxies of most files: a captured sidecar `client`, an explicit one, and a gateway. */
export const PROXIES: Readonly<Record<string, LabProxy>> = {
  client: { kind: "captured", ip: "10.1.0.9", labels: { app: "client", version: "v1" } },
  explicit: { kind: "explicit", ip: "127.20.1.9", app: "127.20.2.9", labels: { app: "explicit" } },
  gateway: { kind: "gateway", ip: "10.1.0.20", labels: { istio: "ingressgateway" } },
};

/** What a case has in hand. */
export interface InCase {
  readonly lab: Lab;
  /** The case's host. */
  readonly host: string;
  /** Calls the case's host, through `client` unless something else is said. */
  call(path?: string, more?: Partial<HttpCall>): Promise<Answered>;
}

/** One test with a host of its own. */
export interface Case {
  readonly name: string;
  /** The service behind the host, where the usual one (HTTP on port 80, versions v1 and v2) does not do. */
  readonly service?: Partial<LabService>;
  /** Objects for the host; all are there before the first case. */
  readonly objects: (host: string) => readonly object[];
  readonly check: (inCase: InCase) => Promise<void>;
}

/** An object of the namespace `default`. */
export function object(kind: string, name: string, spec: object, metadata: object = {}): object {
  const group = findKind(kind)?.group;
  return { apiVersion: `${group}/v1`, kind, metadata: { name, namespace: "default", ...metadata }, spec };
}

/** A VirtualService for one host. */
export const virtualService = (name: string, spec: object): object =>
  object("VirtualService", name, { hosts: [name], ...spec });

/** The rule that makes versions subsets of a host's service. */
export const versions = (name: string, more: object = {}): object =>
  object("DestinationRule", name, {
    host: name,
    subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
    ...more,
  });

/** The destination that is one version of a host's service. */
export const to = (name: string, version?: string): { destination: object } => ({
  destination: { host: name, ...(version ? { subset: version } : {}) },
});

/** Opens one lab for many cases, each with a host of its own, and makes a test of each. */
export function describeCases(
  title: string,
  prefix: string,
  list: readonly Case[],
  more: { readonly proxies?: Readonly<Record<string, LabProxy>>; readonly services?: readonly LabService[] } = {},
): void {
  describe(title, () => {
    let lab: Lab;
    const services = list.map(({ service }, i) => host(`${prefix}${i}`, service));
    before(async () => {
      lab = await openLab({
        proxies: { ...PROXIES, ...more.proxies },
        services: [...services, ...(more.services ?? [])],
        objects: list.flatMap((each, i) => each.objects(`${prefix}${i}`)),
      });
    });
    after(() => lab?.close());
    for (const [i, { name, check }] of list.entries())
      it(name, () =>
        check({
          lab,
          host: `${prefix}${i}`,
          call: (path = "/", call = {}) =>
            lab.http({
              // Short names mean nothing outside of the mesh.
              url: `http://${prefix}${i}${call.to === "gateway" ? ".default.svc.cluster.local" : ""}${path}`,
              ...(call.to || call.at ? {} : { through: "client" }),
              ...call,
            }),
        }),
      );
  });
}
