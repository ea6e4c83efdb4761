import { type Static, Type } from "typebox";
import { closed, ExportTo, Labels, literals, Port, UInt } from "./common.ts";

const Endpoint = Type.Object(
  {
    /** Absent only for an endpoint behind the gateway of another network. */
    address: Type.Optional(Type.String()),
    ports: Type.Optional(Type.Record(Type.String(), Port)),
    labels: Type.Optional(Labels),
    network: Type.Optional(Type.String()),
    locality: Type.Optional(Type.String()),
    weight: Type.Optional(UInt),
    serviceAccount: Type.Optional(Type.String()),
  },
  closed,
);
const ServiceEntryPort = Type.Object(
  {
    number: Port,
    name: Type.String({ minLength: 1 }),
    protocol: Type.Optional(Type.String()),
    targetPort: Type.Optional(Port),
  },
  closed,
);

const resolution = Type.Unsafe<"NONE" | "STATIC" | "DNS" | "DNS_ROUND_ROBIN">({
  ...literals("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN"),
  notServed: { DYNAMIC_DNS: "" },
});

export const ServiceEntrySpec = Type.Object(
  {
    hosts: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    addresses: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    ports: Type.Optional(Type.Array(ServiceEntryPort)),
    location: Type.Optional(literals("MESH_EXTERNAL", "MESH_INTERNAL")),
    resolution: Type.Optional(resolution),
    endpoints: Type.Optional(Type.Array(Endpoint)),
    workloadSelector: Type.Optional(Type.Object({ labels: Type.Optional(Labels) }, closed)),
    subjectAltNames: Type.Optional(Type.Array(Type.String())),
    exportTo: Type.Optional(ExportTo),
  },
  closed,
);
export type ServiceEntrySpec = Static<typeof ServiceEntrySpec>;
