import { type Static, Type } from "typebox";
import { closed, literals, WorkloadSelector } from "./common.ts";

const Mtls = Type.Object(
  {
    mode: Type.Optional(literals("UNSET", "DISABLE", "PERMISSIVE", "STRICT")),
  },
  closed,
);

export const PeerAuthenticationSpec = Type.Object(
  {
    selector: Type.Optional(WorkloadSelector),
    mtls: Type.Optional(Mtls),
    portLevelMtls: Type.Optional(Type.Record(Type.String({ pattern: "^[1-9][0-9]{0,4}$" }), Mtls)),
  },
  closed,
);
export type PeerAuthenticationSpec = Static<typeof PeerAuthenticationSpec>;
export type MtlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";
