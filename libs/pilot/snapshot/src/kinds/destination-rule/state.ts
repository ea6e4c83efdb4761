import type { DestinationRuleSpec } from "@xebec/model-resources";
import type { HostIndex } from "../../collections/host-index.ts";
import type { NamedObject } from "../kind.ts";

/** A DestinationRule with its host resolved. */
export interface DestinationRule extends NamedObject {
  /** Fully qualified; one. */
  readonly hosts: readonly string[];
  readonly exportTo: readonly string[];
  readonly spec: DestinationRuleSpec;
}

export interface DestinationRuleState {
  readonly destinationRules: HostIndex<DestinationRule>;
  /** How many rules prefer endpoints by labels. */
  readonly labelFailovers: number;
}

/** `*` stands for every wildcard host. */
export const destinationRuleKeys = {
  destinationRule: (host: string): string => `dr/${host.startsWith("*") ? "*" : host}`,
  labelFailover: "label-failover",
  /** Those that name a credential. */
  credentialRules: "dr-credentials",
} as const;
