import { nodeOf } from "@xebec/model-schema";
import type { Kind } from "../kind.ts";
import { KINDS } from "../kinds.ts";
import { type StructuralSchema, structuralSchema } from "./structural.ts";

interface CrdVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly additionalPrinterColumns: readonly object[];
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
  readonly subresources: { readonly status: object };
}

/** A CustomResourceDefinition of apiextensions.k8s.io/v1. */
export interface Crd {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
      readonly categories: readonly string[];
    };
    readonly scope: "Namespaced" | "Cluster";
    readonly versions: readonly CrdVersion[];
  };
}

const AGE = {
  name: "Age",
  jsonPath: ".metadata.creationTimestamp",
  type: "date",
  description: "When the object was created",
};

/** The CustomResourceDefinition of a kind; objects are stored in its newest version. */
export function crdOf(kind: Kind): Crd {
  const schema: StructuralSchema = {
    type: "object",
    description: kind.description,
    properties: {
      spec: structuralSchema(nodeOf(kind.schema)),
      // Whoever writes conditions into it has a structure of its own.
      status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
  };
  const { group, kind: name, plural, shortNames, versions } = kind;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    // Uninstalling a chart must not delete all objects of the kind.
    metadata: { name: `${plural}.${group}`, annotations: { "helm.sh/resource-policy": "keep" } },
    spec: {
      group,
      names: {
        ...{ kind: name, listKind: `${name}List`, plural, singular: name.toLowerCase() },
        ...(shortNames.length > 0 ? { shortNames } : {}),
        categories: categoriesOf(group),
      },
      scope: kind.clusterScoped ? "Cluster" : "Namespaced",
      versions: versions.map((version) => ({
        name: version,
        served: true,
        storage: version === versions.at(-1),
        additionalPrinterColumns: [...kind.columns, AGE],
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
      })),
    },
  };
}

/** The CustomResourceDefinitions of all kinds that are supported. */
export function allCrds(): Crd[] {
  return KINDS.map(crdOf);
}

/** Groups of kinds for `kubectl get`, as Istio names them. */
function categoriesOf(group: string): string[] {
  if (!group.endsWith(".istio.io")) return ["xebec"];
  const [first] = group.split(".");
  return ["istio-io", `${first === "config" ? "policy" : first}-istio-io`];
}
