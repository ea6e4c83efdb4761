import type { Violation } from "@xebec/model-schema";
import type { TSchema } from "typebox";
import type { Checker } from "./rules/checker.ts";

/** A column of `kubectl get`, besides the name. */
export interface PrinterColumn {
  readonly name: string;
  /** Where the value is: `.spec.host`. */
  readonly jsonPath: string;
  readonly type: "string" | "date";
  readonly description: string;
}

/** What every kind has, whether it is supported or not. */
export interface KindNames {
  /** `networking.istio.io`. */
  readonly group: string;
  /** `VirtualService`. */
  readonly kind: string;
  /** Lower-case plural, as in a CRD's name. */
  readonly plural: string;
  /** Versions that are accepted, the newest last. All share the schema. */
  readonly versions: readonly string[];
  readonly shortNames: readonly string[];
}

/** One configuration kind: everything that is known of it in one place. */
export interface Kind extends KindNames {
  /** Its objects have no namespace. */
  readonly clusterScoped?: true;
  /** What the kind is for, in a sentence. */
  readonly description: string;
  /** Structure of `spec`, with what each field means. */
  readonly schema: TSchema;
  /** Columns of `kubectl get` besides name and age. */
  readonly columns: readonly PrinterColumn[];
  /** Rules that the schema cannot hold. They run only on a spec that fits the schema. */
  readonly check?: (spec: never, check: Checker) => void;
  /** What of a valid spec has no effect because of the rest of it; the schema says `noEffect` of fields that never have one. */
  readonly ineffective?: (spec: never) => Iterable<Violation>;
  /**
   * Rules for the name and the namespace.
   * @param systemNamespace that of the control plane
   */
  readonly checkIdentity?: (
    identity: { readonly namespace: string; readonly name: string },
    check: Checker,
    systemNamespace: string,
  ) => void;
}

/** A kind that Istio has and this version does not support: its objects are refused. */
export interface UnsupportedKind extends KindNames {
  /** What to do instead; empty when there is nothing. */
  readonly advice: string;
}

/** Versions of Istio's networking and security groups. */
export const NETWORKING_VERSIONS: readonly string[] = ["v1alpha3", "v1beta1", "v1"];
export const SECURITY_VERSIONS: readonly string[] = ["v1beta1", "v1"];
